"""The classic recipe's own fit: sizes come out as they went in."""

import numpy as np

from choreoscope.geometry import rotation
from choreoscope.motion.bodies.house import house_body
from choreoscope.motion.bodies.points import place_points, points_of_regressor, pose_body
from choreoscope.motion.classic.fitter import fit_track

FRAMES = 12


def made() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    model = house_body("adult", "low")
    points = points_of_regressor(model, model.points["blazepose33"])
    rng = np.random.default_rng(0)
    rotations = rotation.identity(FRAMES, len(model.joints))
    bends = rng.normal(0, 0.15, (FRAMES, 10, 3))
    rotations[:, 1:11] = rotation.from_rotation_vector(bends)
    root = np.array([0.0, 1.0, -4.0]) + np.arange(FRAMES)[:, None] * 0.02
    shape = np.array([0.8, -0.5, 0, 0, 0, 0, 0, 0, 0, 0])
    places = place_points(points, shape, pose_body(model, shape, root, rotations))
    sizes = np.exp(rng.normal(0, 0.06, FRAMES))
    jumpy = root[:, None] + sizes[:, None, None] * (places - root[:, None])
    return places, jumpy, sizes


def test_a_free_size_finds_each_frames_own_and_a_held_one_is_1() -> None:
    model = house_body("adult", "low")
    points = points_of_regressor(model, model.points["blazepose33"])
    exact, jumpy, sizes = made()
    weights = np.ones(jumpy.shape[:2])
    free = fit_track(model, points, jumpy, weights, free_size=True)
    found = free.scales / np.median(free.scales)
    assert np.abs(found / (sizes / np.median(sizes)) - 1).max() < 0.01
    held = fit_track(model, points, exact, weights, free_size=False)
    assert np.all(held.scales == 1)


def test_what_weighs_nothing_does_not_pull() -> None:
    model = house_body("adult", "low")
    points = points_of_regressor(model, model.points["blazepose33"])
    exact, _, _ = made()
    weights = np.ones(exact.shape[:2])
    plain = fit_track(model, points, exact, weights, free_size=False)
    spoiled = exact.copy()
    spoiled[:, 5] += 3.0
    weights[:, 5] = 0
    blind = fit_track(model, points, spoiled, weights, free_size=False)
    assert np.linalg.norm(blind.root - plain.root, axis=1).max() < 0.01
    weights[:, 5] = 1
    pulled = fit_track(model, points, spoiled, weights, free_size=False)
    assert np.linalg.norm(pulled.root - plain.root, axis=1).max() > 0.03
