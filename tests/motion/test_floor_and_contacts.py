import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.motion.contacts import detect_contacts, support_height
from choreoscope.motion.floor import (
    Floor,
    FloorEvidence,
    fit_floor,
    resting_weights,
    speeds_across,
)
from choreoscope.motion.grounding import settle_path, slide_speeds

NO_UPRIGHT = {"uprights": np.zeros((0, 3)), "upright_weights": np.zeros(0)}
CAMERA = np.array([0.0, 1.5, 0.0])
UP = np.array([0.0, 1.0, 0.0])
SEEN = np.ones((150, 4))


def tilted(pitch: float, roll: float = 0.0, height: float = 1.6) -> Floor:
    return Floor(pitch=np.radians(pitch), roll=np.radians(roll), camera_height=height, sources=())


def in_camera(floor: Floor, world: np.ndarray) -> np.ndarray:
    matrix = np.linalg.inv(floor.world_from_camera)
    return world @ matrix[:3, :3].T + matrix[:3, 3]


def standing_at(rng: np.random.Generator, x: float, z: float, y: float = 0.0) -> np.ndarray:
    return np.array([x, y, z]) + rng.normal(0, [0.05, 0.012, 0.05], (150, 3))


@given(pitch=st.floats(-30, 30), roll=st.floats(-20, 20), height=st.floats(0.1, 9))
def test_the_world_is_rigid_and_says_what_its_numbers_say(
    pitch: float, roll: float, height: float
) -> None:
    matrix = tilted(pitch, roll, height).world_from_camera
    np.testing.assert_allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3), atol=1e-12)
    assert np.linalg.det(matrix[:3, :3]) == pytest.approx(1.0)
    assert matrix[1, 3] == height
    ahead, right = matrix[:3, 2], matrix[:3, 0]
    assert np.degrees(np.arcsin(-ahead[1])) == pytest.approx(pitch, abs=35)
    assert np.sign(round(-right[1], 6)) == np.sign(round(roll, 4)) or abs(roll) < 1e-3
    if abs(roll) < 1e-9:
        assert np.degrees(np.arcsin(-ahead[1])) == pytest.approx(pitch)


@pytest.mark.parametrize("pitch", [-12.0, 0.0, 8.0, 20.0])
def test_feet_at_different_depths_show_the_pitch(rng: np.random.Generator, pitch: float) -> None:
    world = np.concatenate([standing_at(rng, -1.0, -4.0), standing_at(rng, 0.8, -7.5)])
    points = in_camera(tilted(pitch), world)
    floor = fit_floor(FloorEvidence(points=points, weights=np.full(300, 1 / 30), **NO_UPRIGHT))
    assert np.degrees(floor.pitch) == pytest.approx(pitch, abs=2.0)
    assert "pitch" in floor.sources
    seen = points @ floor.world_from_camera[1, :3] + floor.world_from_camera[1, 3]
    assert abs(np.median(seen)) < 0.03


def test_feet_close_together_do_not_tilt_the_floor(rng: np.random.Generator) -> None:
    points = in_camera(tilted(18.0), standing_at(rng, 0.3, -4.0))
    floor = fit_floor(FloorEvidence(points=points, weights=np.full(150, 1 / 30), **NO_UPRIGHT))
    assert (floor.pitch, floor.roll, floor.sources) == (0.0, 0.0, ("height",))


def test_somebody_who_stands_still_shows_which_way_is_up(rng: np.random.Generator) -> None:
    truth = tilted(18.0)
    points = in_camera(truth, standing_at(rng, 0.3, -4.0))
    up = truth.world_from_camera[1, :3] + rng.normal(0, 0.02, (150, 3))
    floor = fit_floor(
        FloorEvidence(
            points=points,
            weights=np.full(150, 1 / 30),
            uprights=up / np.linalg.norm(up, axis=-1, keepdims=True),
            upright_weights=np.full(150, 1 / 30),
        )
    )
    assert 10.0 < np.degrees(floor.pitch) < 18.5
    assert "balance" in floor.sources


def test_the_floor_is_below_a_man_on_a_roof(rng: np.random.Generator) -> None:
    roof = np.tile(standing_at(rng, 1.0, -11.0, 3.2), (3, 1))
    world = np.concatenate([roof, standing_at(rng, -2.0, -9.0), standing_at(rng, 2.0, -12.0)])
    points = in_camera(tilted(0.0), world)
    weights = np.full(len(points), 1 / 30)
    floor = fit_floor(FloorEvidence(points=points, weights=weights, **NO_UPRIGHT))
    assert floor.camera_height == pytest.approx(1.6, abs=0.1)
    assert abs(np.degrees(floor.pitch)) < 2.0


def test_no_feet_give_a_guess_that_says_so() -> None:
    none = FloorEvidence(points=np.zeros((0, 3)), weights=np.zeros(0), **NO_UPRIGHT)
    assert fit_floor(none) == Floor(pitch=0.0, roll=0.0, camera_height=1.5, sources=())


def test_rest_is_measured_across_the_view() -> None:
    times = np.arange(60) / 30
    toward = np.stack([np.zeros(60), np.full(60, 1.0), 5 + 2.0 * times], axis=-1)[:, None]
    aside = np.stack([2.0 * times, np.full(60, 1.0), np.full(60, 5.0)], axis=-1)[:, None]
    ones = np.ones((60, 1))
    assert speeds_across(times, toward).max() < 0.45
    assert speeds_across(times, aside).min() > 1.5
    assert resting_weights(times, aside, ones).max() == 0.0
    still = np.tile(toward[:1], (60, 1, 1))
    assert resting_weights(times, still, ones).sum() == pytest.approx(2.0)
    assert speeds_across(times[:1], still[:1]).shape == (1, 1)


@pytest.mark.parametrize("rate", [15, 30, 120])
def test_steps_are_contacts_whatever_the_rate(rate: float) -> None:
    times = np.arange(0, 4, 1 / rate)
    swing = np.maximum(0.0, np.sin(2 * np.pi * times))
    lift = np.stack([0.15 * swing**2, 0.15 * np.roll(swing, len(swing) // 8) ** 2], axis=-1)
    speeds = 1.5 * (lift > 0.01)
    contacts = detect_contacts(times, lift, speeds, np.zeros(len(times))) >= 0.5
    truth = lift <= 0.01
    assert np.mean(contacts == truth) > 0.9
    changes = np.abs(np.diff(contacts.astype(int), axis=0)).sum(axis=0)
    assert np.all(changes <= 9)


def test_flicker_is_no_contact_and_no_gap() -> None:
    times = np.arange(60) / 60
    heights = np.zeros((60, 1))
    heights[30:32] = 0.5
    assert np.all(detect_contacts(times, heights, np.zeros((60, 1)), np.zeros(60)) >= 0.5)
    heights = np.full((60, 1), 0.5)
    heights[30:32] = 0.0
    assert np.all(detect_contacts(times, heights, np.zeros((60, 1)), np.zeros(60)) < 0.5)


def test_in_the_air_there_is_no_support() -> None:
    times = np.arange(120) / 30
    heights = np.stack([np.where(times < 1, 3.0, 3.0 - 2 * (times - 1)), np.full(120, 3.2)], -1)
    resting = np.where(times < 1, 1 / 30, 0.0)[:, None] * np.array([1.0, 0.0])
    support = support_height(times, heights, resting)
    np.testing.assert_allclose(support[:30], 3.0)
    assert np.isnan(support[60:]).all()
    speeds = np.where(times < 1, 0.0, 2.0)[:, None] * np.ones(2)
    falling = detect_contacts(times, heights, speeds, support)
    assert np.all(falling[35:] < 0.5)
    assert np.all(falling[:28, 0] >= 0.5)
    assert np.all(falling[:28, 1] < 0.5)


def drifting_feet(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Feet that stand still on the floor, seen with a slowly wandering distance."""
    times = np.arange(150) / 30
    root = np.tile([0.3, 0.9, -5.0], (150, 1))
    feet = np.tile([[0.2, 0, -5], [0.2, 0, -4.9], [0.4, 0, -5], [0.4, 0, -4.9]], (150, 1, 1))
    ray = (root - CAMERA) / np.linalg.norm(root - CAMERA, axis=-1, keepdims=True)
    wander = 0.12 * np.sin(2 * np.pi * 0.4 * times)[:, None] * ray
    shake = rng.normal(0, 0.004, (150, 1)) * ray
    return times, root + wander + shake, feet + (wander + shake)[:, None]


def test_standing_feet_stop_sliding_and_sinking(rng: np.random.Generator) -> None:
    times, root, feet = drifting_feet(rng)
    contacts = np.full((150, 4), 0.95)
    shift = settle_path(times, root, CAMERA, feet, contacts, SEEN)
    settled = feet + shift[:, None]
    before, after = (slide_speeds(times, each, contacts) for each in (feet, settled))
    assert after < 0.25 * before
    assert np.abs(settled[..., 1]).max() < 0.012
    ray = (root - CAMERA) / np.linalg.norm(root - CAMERA, axis=-1, keepdims=True)
    across = shift - np.sum(shift * ray, axis=-1, keepdims=True) * ray
    assert np.abs(across).max() < 0.015


def test_without_contacts_nothing_is_moved(rng: np.random.Generator) -> None:
    times, root, feet = drifting_feet(rng)
    np.testing.assert_array_equal(
        settle_path(times, root, CAMERA, feet + 0.2 * UP, np.full((150, 4), 0.3), SEEN), 0.0
    )
    assert np.isnan(slide_speeds(times, feet, np.zeros((150, 4))))
    assert np.isnan(slide_speeds(times, feet, None))
    assert np.all(
        settle_path(times[:2], root[:2], CAMERA, feet[:2], np.ones((2, 4)), SEEN[:2]) == 0.0
    )


def test_a_roof_is_not_pulled_down(rng: np.random.Generator) -> None:
    times, root, feet = drifting_feet(rng)
    up = 3.0 * UP
    shift = settle_path(times, root + up, CAMERA, feet + up, np.full((150, 4), 0.95), SEEN)
    assert np.abs((feet + shift[:, None])[..., 1]).max() < 0.2


def test_a_false_contact_does_not_nail_the_path(rng: np.random.Generator) -> None:
    times, root, feet = drifting_feet(rng)
    feet[:, 2:, 0] += np.linspace(0, 4, 150)[:, None]
    contacts = np.full((150, 4), 0.95)
    shift = settle_path(times, root, CAMERA, feet, contacts, SEEN)
    settled = feet + shift[:, None]
    standing = np.linalg.norm(np.diff(settled[:, :2, [0, 2]], axis=0), axis=-1) * 30
    assert np.median(standing) < 0.1


def test_running_feet_do_not_sink_either(rng: np.random.Generator) -> None:
    times, root, feet = drifting_feet(rng)
    dip = -0.15 * np.exp(-(((times - 2.5) / 0.15) ** 2))[:, None] * UP
    nothing = np.full((150, 4), 0.1)
    sunk = feet + 0.02 * UP + dip[:, None]
    shift = settle_path(times, root, CAMERA, sunk, nothing, SEEN)
    assert (sunk + shift[:, None])[..., 1].min() > -0.03
    assert np.abs(shift[times < 1.0]).max() < 0.15 * np.abs(shift).max()
    unseen = settle_path(times, root, CAMERA, sunk, nothing, 0 * SEEN)
    np.testing.assert_array_equal(unseen, 0.0)
