"""The fit against truth on a body of bars, each claim with the control that must fail."""

import dataclasses
import functools

import numpy as np
import pytest
from toy_body import toy_body

from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.errors import InputError
from choreoscope.geometry import rotation
from choreoscope.motion.bodies.model import BodyModel
from choreoscope.motion.bodies.points import (
    BodyPoints,
    joined,
    points_of_joints,
    points_of_regressor,
    points_of_vertices,
)
from choreoscope.motion.fit.body import fit_body, place_fit, spread_vertices
from choreoscope.motion.fit.targets import (
    BodyFit,
    FitOptions,
    FitTargets,
    RayTargets,
    rays_of_pixels,
)

FRAMES, SIGMA = 14, 0.005


@functools.cache
def body() -> BodyModel:
    return toy_body()


@functools.cache
def points() -> BodyPoints:
    vertices = points_of_vertices(body(), spread_vertices(body(), 160))
    return joined(vertices, points_of_joints(body(), body().joints))


@functools.cache
def truth() -> BodyFit:
    rng = np.random.default_rng(3)
    joints, times = len(body().joints), np.linspace(0, 1, FRAMES)[:, None, None]
    bends = 0.35 * rng.normal(size=(1, joints, 3))
    bends = bends + 0.3 * np.sin(4 * times + rng.uniform(0, 6, (joints, 3)))
    return BodyFit(
        shape=rng.normal(size=body().shape_count),
        scale=np.ones(FRAMES),
        root=np.cumsum(rng.normal(size=(FRAMES, 3)) * 0.03, axis=0) + np.array([0.5, 1.0, 0.2]),
        rotations=rotation.from_rotation_vector(bends),
        rms=np.zeros(FRAMES),
        observed=np.ones(FRAMES, dtype=bool),
        rounds=np.zeros(FRAMES, dtype=np.int64),
        loss=0.0,
    )


def seen(noise: float = 0.0, seed: int = 0, of: BodyFit | None = None) -> np.ndarray:
    places = place_fit(body(), points(), of or truth())
    return places + noise * np.random.default_rng(seed).normal(size=places.shape)


def targets(places: np.ndarray, sigma: float | np.ndarray = SIGMA) -> FitTargets:
    return FitTargets(
        points=points(), places=places, sigma=np.broadcast_to(sigma, places.shape[:2])
    )


def error_mm(fit: BodyFit, of: BodyFit | None = None) -> np.ndarray:
    """Distance of every vertex and joint from the truth, ``(T, P)``."""
    return 1e3 * np.linalg.norm(place_fit(body(), points(), fit) - seen(of=of), axis=-1)


def fitted(places: np.ndarray, sigma: float | np.ndarray = SIGMA, **options: object) -> BodyFit:
    return fit_body(body(), targets(places, sigma), options=FitOptions(**options))  # type: ignore[arg-type]


def camera() -> CameraTrack:
    """See the toy body from 4 m in front, upright."""
    intrinsics = np.array([[1500.0, 0, 960], [0, 1500.0, 540], [0, 0, 1]])
    pose = np.eye(4)
    pose[:3, :3] = np.diag([1.0, -1.0, -1.0])
    pose[:3, 3] = [0.0, 1.0, 4.0]
    return CameraTrack(
        width=1920,
        height=1080,
        intrinsics=np.tile(intrinsics, (FRAMES, 1, 1)),
        camera_from_world=np.tile(pose, (FRAMES, 1, 1)),
        distortion=np.array([0.05, -0.02, 0.0, 0.0]),
        source="given",
        metric=True,
    )


def projected(fit: BodyFit, rays: RayTargets) -> np.ndarray:
    """Rays of a fitted body's points, ``(T, P, 2)``."""
    inside = np.einsum(
        "tab,tpb->tpa", rays.camera_from_world[:, :3, :3], place_fit(body(), rays.points, fit)
    )
    inside += rays.camera_from_world[:, None, :3, 3]
    return np.asarray(inside[..., :2] / inside[..., 2:])


def test_exact_places_give_back_the_body() -> None:
    fit = fitted(seen(), 1e-4)
    assert error_mm(fit).max() < 0.1
    assert rotation.angle_between(fit.rotations, truth().rotations).max() < 1e-3
    assert np.abs(fit.shape - truth().shape).max() < 1e-3
    assert fit.rms.max() < 1e-4
    assert np.all(fit.scale == 1.0)


@pytest.mark.parametrize("which", ["joints", "vertices", "keypoints"])
def test_every_kind_of_point_serves(which: str) -> None:
    kinds = {
        "joints": points_of_joints(body(), body().joints),
        "vertices": points_of_vertices(body(), spread_vertices(body(), 160)),
        "keypoints": points_of_regressor(body(), body().points["middles"]),
    }
    chosen = kinds[which]
    places = place_fit(body(), chosen, truth())
    given = FitTargets(points=chosen, places=places, sigma=np.full(places.shape[:2], 1e-4))
    fit = fit_body(body(), given)
    apart = np.linalg.norm(place_fit(body(), chosen, fit) - places, axis=-1)
    assert 1e3 * apart.mean() < 0.5


def test_noise_averages_out_over_points() -> None:
    fit = fitted(seen(0.01), 0.01)
    noise = 1e3 * np.linalg.norm(seen(0.01) - seen(), axis=-1)
    assert error_mm(fit).mean() < 0.45 * noise.mean()


def test_no_pose_is_too_far_from_rest() -> None:
    rng = np.random.default_rng(8)
    turns = 0.6 * rng.normal(size=(*truth().rotations.shape[:2], 3))
    turns[:, 0] = 2.0 * rng.normal(size=(FRAMES, 3))
    wild = dataclasses.replace(truth(), rotations=rotation.from_rotation_vector(turns))
    places = place_fit(body(), points(), wild) + 0.005 * rng.normal(size=(FRAMES, len(points()), 3))
    assert error_mm(fitted(places), wild).mean(axis=1).max() < 5.0


def test_one_shape_for_the_track_from_all_its_frames() -> None:
    fit = fitted(seen(0.02), 0.02)
    alone = [
        fit_body(body(), targets(seen(0.02)[frame : frame + 1], 0.02)).shape for frame in range(4)
    ]
    of_all = np.linalg.norm(fit.shape - truth().shape)
    assert fit.shape.shape == (body().shape_count,)
    assert of_all < np.mean([np.linalg.norm(shape - truth().shape) for shape in alone])


def test_turning_and_moving_everything_turns_and_moves_the_fit() -> None:
    turn = rotation.from_rotation_vector([0.4, 2.6, -0.3])
    places, away = seen(0.01), np.array([3.0, -1.0, 7.0])
    there = rotation.rotate(turn, places) + away
    here, moved = fitted(places, 0.01), fitted(there, 0.01)
    expected = rotation.rotate(turn, place_fit(body(), points(), here)) + away
    assert np.abs(place_fit(body(), points(), moved) - expected).max() < 1e-3
    assert np.abs(here.shape - moved.shape).max() < 2e-3


def test_missing_points_and_frames() -> None:
    places, sigma = seen(0.003), np.full((FRAMES, len(points())), 0.003)
    places[:, ::3] = np.nan
    sigma[5:8] = np.inf
    fit = fitted(places, sigma)
    assert fit.observed.tolist() == [not 5 <= frame < 8 for frame in range(FRAMES)]
    assert np.all(np.isfinite(fit.root))
    assert np.all(np.isfinite(fit.rotations))
    assert np.isnan(fit.rms[6])
    assert error_mm(fit)[fit.observed].mean() < 3.0
    # Bridged frames lie between their neighbours; without a bridge they would be at the origin.
    assert error_mm(fit)[5:8].max() < 150.0


def test_a_limb_never_seen_rests() -> None:
    sigma = np.full((FRAMES, len(points())), SIGMA)
    owner = points().joints[np.arange(len(points())), np.argmax(points().mass, axis=1)]
    lost = [body().joints.index(name) for name in ("left_forearm", "left_hand")]
    sigma[:, np.isin(owner, lost)] = np.inf
    fit = fitted(seen(), sigma)
    assert rotation.angle_between(fit.rotations[:, lost[1]], rotation.identity()).max() < 0.05
    assert error_mm(fit)[:, ~np.isin(owner, lost)].max() < 2.0


def test_outliers_hurt_only_plain_least_squares() -> None:
    rng = np.random.default_rng(5)
    bad = rng.random((FRAMES, len(points()), 1)) < 0.2
    places = seen(0.005) + bad * rng.normal(size=(FRAMES, len(points()), 3)) * 0.3
    believed = error_mm(fitted(places, loss="squares")).mean()
    assert believed > 20.0
    assert error_mm(fitted(places)).mean() < 6.0
    assert error_mm(fitted(places, loss="cauchy")).mean() < 8.0


def test_weights_by_uncertainty_matter() -> None:
    rng = np.random.default_rng(6)
    sigma = np.where(rng.random((FRAMES, len(points()))) < 0.5, 0.002, 0.04)
    places = seen() + sigma[..., None] * rng.normal(size=(*sigma.shape, 3))
    knowing = error_mm(fitted(places, sigma)).mean()
    alike = error_mm(fitted(places, 0.03)).mean()
    assert knowing < 0.5 * alike


def test_scale_of_every_frame() -> None:
    scale = np.exp(0.03 * np.random.default_rng(7).normal(size=FRAMES))
    scaled = dataclasses.replace(truth(), scale=scale / np.exp(np.log(scale).mean()))
    free = fitted(seen(of=scaled), 0.001, frame_scale_sigma=0.03)
    assert error_mm(free, scaled).max() < 1.0
    assert np.ptp(free.scale / scaled.scale) < 0.005
    assert (
        error_mm(fitted(seen(of=scaled), 0.001), scaled).mean() > 3 * error_mm(free, scaled).mean()
    )


def test_scale_of_the_track_beyond_any_shape() -> None:
    twice = dataclasses.replace(truth(), scale=np.full(FRAMES, 2.0))
    fit = fitted(seen(of=twice), 0.001, track_scale_sigma=1.0)
    assert error_mm(fit, twice).max() < 2.0
    assert fit.scale == pytest.approx(2.0, rel=0.1)
    assert np.ptp(fit.scale) == 0.0
    # Without it the shape must do it: nobody is twenty standard deviations tall.
    assert np.linalg.norm(fit.shape) < 4.0
    assert np.linalg.norm(fitted(seen(of=twice), 0.001).shape) > 15.0


def test_only_chosen_joints_turn() -> None:
    legs = tuple(name for name in body().joints if "thigh" in name or "shin" in name)
    fit = fitted(seen(), joints=("pelvis", *legs))
    turned = rotation.angle_between(fit.rotations, rotation.identity()).max(axis=0) > 1e-9
    assert {name for name, moved in zip(body().joints, turned, strict=True) if moved} == {
        "pelvis",
        *legs,
    }


def test_rays_refine_what_places_leave_open() -> None:
    rough = fitted(seen(0.03), 0.03)
    joints = points_of_joints(body(), body().joints)
    pinhole = dataclasses.replace(camera(), distortion=np.zeros(0))
    unit = RayTargets(
        points=joints,
        rays=np.zeros((FRAMES, len(joints), 2)),
        sigma=np.ones((FRAMES, len(joints))),
        camera_from_world=pinhole.camera_from_world,
    )
    pixels = 1500.0 * projected(truth(), unit) + [960.0, 540.0]
    rays = rays_of_pixels(joints, pixels, np.full(pixels.shape[:2], 1.0), pinhole)
    assert np.abs(rays.rays - projected(truth(), unit)).max() < 1e-9

    def off(fit: BodyFit) -> float:
        return float(1500.0 * np.linalg.norm(projected(fit, rays) - rays.rays, axis=-1).mean())

    alone = fit_body(body(), None, rays=rays, start=rough, options=FitOptions(shape_sigma=0.0))
    both = fit_body(body(), targets(seen(0.03), 0.03), rays=rays)
    assert off(rough) > 4.0
    assert off(alone) < 1.0
    assert off(both) < 1.0
    assert error_mm(both).mean() < error_mm(rough).mean()
    assert np.array_equal(alone.shape, rough.shape)


def test_rays_undo_the_lens() -> None:
    joints = points_of_joints(body(), body().joints[:1])
    pixels = np.full((FRAMES, 1, 2), (1500.0, 800.0))
    bent = rays_of_pixels(joints, pixels, np.ones((FRAMES, 1)), camera())
    x, y = bent.rays[0, 0]
    square = x * x + y * y
    radial = 1 + 0.05 * square - 0.02 * square**2
    assert 1500.0 * np.array([x, y]) * radial + [960.0, 540.0] == pytest.approx(pixels[0, 0])
    assert bent.sigma[0, 0] == pytest.approx(1 / 1500)


def test_frames_with_rays_alone_start_from_their_neighbours() -> None:
    sigma = np.full((FRAMES, len(points())), SIGMA)
    sigma[6:8] = np.inf
    joints = points_of_joints(body(), body().joints)
    there = RayTargets(
        points=joints,
        rays=np.zeros((FRAMES, len(joints), 2)),
        sigma=np.full((FRAMES, len(joints)), 1e-3),
        camera_from_world=camera().camera_from_world,
    )
    there = dataclasses.replace(there, rays=projected(truth(), there))
    with_rays = fit_body(body(), targets(seen(), sigma), rays=there)
    without = fitted(seen(), sigma)
    assert with_rays.observed.all()
    assert not without.observed.all()
    off = [np.abs(projected(fit, there) - there.rays)[6:8].mean() for fit in (with_rays, without)]
    assert off[0] < 0.2 * off[1]


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_do_not_change_the_result(threads: int) -> None:
    fit = fitted(seen(0.01), 0.01, threads=threads)
    assert np.array_equal(fit.rotations, fitted(seen(0.01), 0.01).rotations)


def test_a_single_frame() -> None:
    fit = fit_body(body(), targets(seen(0.002)[:1], 0.002))
    assert (
        error_mm(
            fit,
            dataclasses.replace(
                truth(),
                **{
                    name: getattr(truth(), name)[:1]
                    for name in ("scale", "root", "rotations", "rms", "observed", "rounds")
                },
            ),
        ).mean()
        < 3.0
    )


def test_starting_at_the_answer_stays_there() -> None:
    fit = fit_body(body(), targets(seen(), 0.01), start=truth())
    assert error_mm(fit).max() < 0.05
    assert fit.rounds.max() <= 3


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: targets(seen()[:0]), "at least one frame"),
        (lambda: targets(seen() * np.nan), "three points"),
        (lambda: None, "places or rays"),
    ],
)
def test_nothing_to_fit_is_said_clearly(make: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        fit_body(body(), make())  # type: ignore[operator]


def test_wrong_requests_are_said_clearly() -> None:
    with pytest.raises(InputError, match="no joint 'tail'"):
        fitted(seen(), joints=("tail",))
    with pytest.raises(InputError, match="sigma above 0"):
        targets(seen(), 0.0)
    with pytest.raises(InputError, match="points, but places"):
        FitTargets(points=points(), places=seen()[:, 1:], sigma=np.ones((FRAMES, 159 + 20)))
    with pytest.raises(InputError, match="as many frames"):
        fit_body(body(), targets(seen()[:3]), start=truth())
    with pytest.raises(InputError, match="at least 1 round"):
        FitOptions(rounds=0)


def test_spread_vertices_are_spread() -> None:
    chosen = spread_vertices(body(), 40)
    places = body().template[chosen]
    apart = np.linalg.norm(places[:, None] - places, axis=-1) + 9 * np.eye(40)
    anyhow = body().template[:40]
    crowded = np.linalg.norm(anyhow[:, None] - anyhow, axis=-1) + 9 * np.eye(40)
    assert len(set(chosen.tolist())) == 40
    assert apart.min() > 2 * crowded.min()
    assert len(spread_vertices(body(), 10**6)) == len(body().template)
