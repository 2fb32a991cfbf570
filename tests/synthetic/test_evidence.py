"""Noise is what was asked for; without noise evidence is the truth."""

import dataclasses
from functools import cache

import numpy as np
import pytest

from choreoscope.datatypes.errors import InputError
from choreoscope.motion.landmarks import HIPS
from choreoscope.synthetic.evidence import (
    POINT_SETS,
    NoiseSpec,
    Observed,
    chosen_points,
    drifting,
    limbs_of,
    mirrored_points,
    observe,
)
from choreoscope.synthetic.sequences import person_sequences
from choreoscope.synthetic.shot import Shot, ShotSpec, make_shot
from choreoscope.synthetic.shot_evidence import shot_evidence
from choreoscope.synthetic.visibility import in_camera, in_pixels


@cache
def shot(camera: str = "static") -> Shot:
    return make_shot(ShotSpec(seed=1, people=2, seconds=5, camera=camera))


@cache
def alone() -> Shot:
    return make_shot(ShotSpec(seed=1, seconds=2))


def only(**noise: float) -> NoiseSpec:
    """Nothing but this noise."""
    return dataclasses.replace(NoiseSpec.none("blazepose33"), **noise)


def seen(noise: NoiseSpec, seed: int = 3) -> Observed:
    return observe(shot(), noise, np.random.default_rng(seed))[0]


def seen_alone(noise: NoiseSpec, seed: int) -> Observed:
    return observe(alone(), noise, np.random.default_rng(seed))[0]


@pytest.mark.parametrize("points", POINT_SETS)
def test_without_noise_evidence_is_exact(points: str) -> None:
    for number, one in enumerate(observe(shot(), NoiseSpec.none(points), np.random.default_rng(0))):
        person = shot().people[number]
        exact = in_camera(person.points(one.points), shot().camera)
        np.testing.assert_array_equal(one.frames, np.arange(len(exact)))
        np.testing.assert_allclose(one.places, exact, atol=1e-12)
        np.testing.assert_allclose(one.pixels, in_pixels(exact, shot().camera), atol=1e-9)


def test_pixels_scatter_as_asked_and_as_stated() -> None:
    one = seen(only(pixel=3.0, hidden_factor=2.0))
    clean = in_pixels(one.exact, shot().camera)
    error = one.pixels - clean
    plain = one.visibility == 1
    assert error[plain].std() == pytest.approx(3.0, rel=0.05)
    assert error[one.visibility == 0.3].std() == pytest.approx(6.0, rel=0.15)
    np.testing.assert_allclose(one.pixel_sigma[plain], 3.0)


def test_places_scatter_as_asked_and_more_along_the_view() -> None:
    one = seen(only(place=0.02, depth_ratio=3.0))
    error = one.places - one.exact
    ray = one.exact / np.linalg.norm(one.exact, axis=-1, keepdims=True)
    along = np.sum(error * ray, axis=-1)
    across = error - along[..., None] * ray
    assert along.std() == pytest.approx(0.06, rel=0.1)
    assert np.sqrt((across**2).sum(axis=-1).mean() / 2) == pytest.approx(0.02, rel=0.1)


def test_stated_sigmas_are_right_on_the_whole_but_not_one_by_one() -> None:
    one = seen(only(place=0.02, misjudged=0.4))
    logs = np.log(one.place_sigma / 0.02)
    assert abs(logs.mean()) < 0.03
    assert logs.std() == pytest.approx(0.4, rel=0.05)


def test_sizes_jitter_slowly() -> None:
    rows = [
        np.log(np.linalg.norm(one.places[:, 11] - one.places[:, 24], axis=-1))
        - np.log(np.linalg.norm(one.exact[:, 11] - one.exact[:, 24], axis=-1))
        for one in (seen_alone(only(scale_jitter=0.05), seed) for seed in range(25))
    ]
    sizes = np.array(rows)
    assert sizes.std() == pytest.approx(0.05, rel=0.25)
    assert np.diff(sizes, axis=1).std() < 0.5 * sizes.std()


def test_depth_is_biased_over_the_whole_shot() -> None:
    def ratio(seed: int) -> np.ndarray:
        one = seen_alone(only(depth_bias=0.05), seed)
        return np.linalg.norm(one.places.mean(axis=1), axis=-1) / np.linalg.norm(
            one.exact.mean(axis=1), axis=-1
        )

    ratios = np.array([ratio(seed) for seed in range(20)])
    assert ratios.std(axis=1).max() < 1e-9
    assert 0.02 < np.log(ratios[:, 0]).std() < 0.09


def test_limbs_are_lost_and_exchanged_now_and_then() -> None:
    lost = seen(only(drops=1.0))
    assert 0.01 < np.isinf(lost.pixel_sigma).mean() < 0.3
    assert (np.isinf(lost.place_sigma) == np.isinf(lost.pixel_sigma)).all()
    swapped = seen(only(swaps=1.0))
    far = np.linalg.norm(swapped.places - swapped.exact, axis=-1) > 1e-9
    assert 0.005 < far.mean() < 0.3
    row, point = np.argwhere(far)[0]
    other = mirrored_points(swapped.points)[point]
    np.testing.assert_allclose(swapped.places[row, point], swapped.exact[row, other])
    assert not np.any(np.linalg.norm(seen(only()).places - seen(only()).exact, axis=-1) > 1e-9)


def test_gaps_leave_rows_out() -> None:
    one = seen(only(gaps=0.5))
    assert 90 < len(one.frames) < 150
    assert (np.diff(one.frames) > 0).all()


def test_points_outside_the_picture_have_no_pixels() -> None:
    tight = make_shot(ShotSpec(seed=1, seconds=2, fill=2.5))
    one = observe(tight, NoiseSpec.none("blazepose33"), np.random.default_rng(0))[0]
    outside = one.visibility < 0.1
    assert outside.any()
    assert np.isinf(one.pixel_sigma[outside]).all()
    assert np.isfinite(one.place_sigma[outside]).all()


@pytest.mark.parametrize("points", POINT_SETS)
def test_points_have_mirrors_and_limbs(points: str) -> None:
    model = shot().people[0].model
    chosen = chosen_points(model, points)
    mirror = mirrored_points(chosen)
    np.testing.assert_array_equal(mirror[mirror], np.arange(len(chosen)))
    limbs = limbs_of(chosen, model)
    assert all(2 < members.sum() < len(chosen) / 2 for members in limbs.values())
    np.testing.assert_array_equal(limbs["left_leg"][mirror], limbs["right_leg"])


def test_drifting_noise_has_unit_variance_and_its_memory() -> None:
    times = np.arange(0, 400, 0.04)
    noise = drifting(np.random.default_rng(0), times, 0.5)
    assert noise.std() == pytest.approx(1.0, rel=0.1)
    kept = np.corrcoef(noise[:-25], noise[25:])[0, 1]
    assert kept == pytest.approx(np.exp(-2.0), abs=0.06)


@pytest.mark.parametrize("camera", ["static", "pan", "walking"])
def test_the_solve_gets_finite_evidence_and_a_camera_of_its_kind(camera: str) -> None:
    filmed = shot(camera)
    noise = NoiseSpec()
    told = shot_evidence(filmed, noise, np.random.default_rng(2), heights=True)
    assert [one.person for one in told.people] == ["P01", "P02"]
    assert told.people[0].height == pytest.approx(filmed.people[0].stature)
    assert told.camera.metric == (camera != "walking")
    np.testing.assert_allclose(told.camera.camera_from_world[0], np.eye(4), atol=1e-9)
    # The up direction leads to the true one through the first camera.
    up = filmed.camera.camera_from_world[0, :3, :3] @ [0.0, 1.0, 0.0]
    assert np.degrees(np.arccos(np.clip(told.floor.up @ up, -1, 1))) < 8
    again = shot_evidence(filmed, noise, np.random.default_rng(2), heights=True)
    np.testing.assert_array_equal(told.people[1].pixels, again.people[1].pixels)


def test_without_noise_a_travelling_camera_is_known_up_to_scale() -> None:
    filmed = shot("walking")
    told = shot_evidence(filmed, NoiseSpec.none(), np.random.default_rng(2)).camera
    true = filmed.camera.camera_from_world @ np.linalg.inv(filmed.camera.camera_from_world[0])
    np.testing.assert_allclose(told.camera_from_world[:, :3, :3], true[:, :3, :3], atol=1e-9)
    moves = told.camera_from_world[1:, :3, 3] / true[1:, :3, 3]
    scale = np.median(moves)
    assert abs(scale - 1) > 0.01
    np.testing.assert_allclose(told.camera_from_world[:, :3, 3], scale * true[:, :3, 3], atol=1e-9)


def test_sequences_are_what_the_default_back_end_would_say() -> None:
    noise = NoiseSpec.none("blazepose33")
    for hands in (False, True):
        first, second = person_sequences(shot(), noise, np.random.default_rng(1), hands=hands)
        assert (first.person, second.person) == ("P01", "P02")
        assert np.abs(first.points_m[:, list(HIPS)].mean(axis=1)).max() < 1e-9
        assert np.isfinite(first.hands_px).any() == hands
        assert (first.hands_score > 0).any() == hands
        inside = first.visibility > 0.9
        low, high = first.boxes_xyxy[:, None, :2], first.boxes_xyxy[:, None, 2:]
        within = ((first.points_px >= low) & (first.points_px <= high)).all(axis=-1)
        assert within[inside].all()


def test_nonsense_is_refused() -> None:
    with pytest.raises(InputError, match="blazepose33"):
        NoiseSpec(points="coco")
    with pytest.raises(InputError, match="below 0"):
        NoiseSpec(pixel=-1.0)


def test_stated_sigmas_go_with_the_errors_made() -> None:
    one = seen(dataclasses.replace(NoiseSpec(points="blazepose33"), swaps=0.0, turn=0.0))
    error = np.linalg.norm(one.pixels - in_pixels(one.exact, shot().camera), axis=-1)
    known = np.isfinite(one.pixel_sigma)
    sure = one.pixel_sigma[known] < np.median(one.pixel_sigma[known])
    assert error[known][sure].mean() < 0.9 * error[known][~sure].mean()
    scaled = error[known] / one.pixel_sigma[known] / np.sqrt(np.pi / 2)
    assert 0.8 < scaled.mean() < 1.3
