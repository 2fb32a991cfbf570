"""Masks, depth and reprojection."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import binary_dilation

from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.errors import ShapeError
from choreoscope.datatypes.people import MaskTrack
from choreoscope.geometry.masks import encode
from choreoscope.motion.metrics import depth, image, masks


def block(*, left: int = 20, width: int = 40) -> np.ndarray:
    picture = np.zeros((100, 120), dtype=bool)
    picture[30:70, left : left + width] = True
    return picture


def test_j_in_closed_form() -> None:
    assert masks.region_similarity(block(), block()) == 1
    assert masks.region_similarity(block(left=40), block()) == pytest.approx(1 / 3)
    assert masks.region_similarity(block(left=80), block()) == 0
    nothing = np.zeros_like(block())
    assert masks.region_similarity(nothing, nothing) == 1
    assert masks.region_similarity(nothing, block()) == 0


def test_f_forgives_what_lies_within_the_tolerance_and_no_more() -> None:
    # 0.008 of the diagonal of 100 x 120 is 1.25: two pixels.
    assert masks.boundary_measure(block(left=22), block()) == 1
    moved = masks.boundary_measure(block(left=23), block())
    assert 0.4 < moved < 1
    assert masks.boundary_measure(block(left=23), block(), tolerance=3) == 1
    nothing = np.zeros_like(block())
    assert masks.boundary_measure(nothing, nothing) == 1
    assert masks.boundary_measure(nothing, block()) == 0
    assert masks.boundary_measure(block(), nothing) == 0


def by_dilation(result: np.ndarray, truth: np.ndarray, reach: int) -> float:
    """F as DAVIS computes it: outlines dilated by a disk."""
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disk = rows**2 + columns**2 <= reach**2
    first, second = masks.outline(result), masks.outline(truth)
    precision = (first & binary_dilation(second, disk)).sum() / first.sum()
    recall = (second & binary_dilation(first, disk)).sum() / second.sum()
    return float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0


@given(seed=st.integers(0, 2**31), reach=st.integers(1, 5))
def test_f_is_that_of_dilated_outlines(seed: int, reach: int) -> None:
    rng = np.random.default_rng(seed)
    pictures = [
        binary_dilation(rng.random((40, 50)) < 0.01, iterations=4) | np.eye(40, 50, dtype=bool)
        for _ in range(2)
    ]
    found = masks.boundary_measure(*pictures, tolerance=reach)
    assert found == pytest.approx(by_dilation(*pictures, reach))


def test_the_edge_of_the_picture_is_no_outline() -> None:
    assert not masks.outline(np.ones((5, 6), dtype=bool)).any()
    half = np.zeros((5, 6), dtype=bool)
    half[:, :3] = True
    expected = np.zeros((5, 6), dtype=bool)
    expected[:, 2] = True
    assert np.array_equal(masks.outline(half), expected)


def test_a_track_is_scored_where_the_truth_is() -> None:
    truth = MaskTrack(frames=np.array([3, 4, 5]), masks=(encode(block()),) * 3)
    result = MaskTrack(frames=np.array([3, 5, 6]), masks=(encode(block()),) * 3)
    j, f = masks.track_scores(result, truth)
    assert j.tolist() == f.tolist() == [1, 0, 1]
    assert masks.j_and_f(j, f) == pytest.approx(2 / 3)
    assert masks.track_scores(None, truth)[0].tolist() == [0, 0, 0]
    with pytest.raises(ShapeError, match="one size"):
        masks.region_similarity(block(), block()[1:])


def test_depth_in_closed_form() -> None:
    truth = np.array([[1.0, 2.0], [4.0, 0.0]])
    result = np.array([[1.2, 2.8], [np.nan, 3.0]])
    found = depth.depth_scores(result, truth)
    assert found.pixels == 2
    assert found.abs_rel == pytest.approx((0.2 + 0.4) / 2)
    assert found.rmse == pytest.approx(np.sqrt((0.04 + 0.64) / 2))
    assert found.delta == (0.5, 1, 1)
    assert np.isnan(depth.depth_scores(np.zeros(3), truth[0, :1].repeat(3)).abs_rel)
    with pytest.raises(ShapeError, match="one shape"):
        depth.depth_scores(truth, truth[:1])


@given(scale=st.floats(0.2, 5), shift=st.floats(0.1, 2), seed=st.integers(0, 2**31))
def test_which_freedom_takes_out_what(scale: float, shift: float, seed: int) -> None:
    truth = np.random.default_rng(seed).uniform(1, 8, size=(20, 30))
    larger, moved = truth / scale, (truth + shift) / scale
    inverse = 1 / ((1 / truth + shift) / scale)
    assert depth.depth_scores(larger, truth, freedom="scale").abs_rel < 1e-9
    assert depth.depth_scores(moved, truth, freedom="affine").abs_rel < 1e-8
    assert depth.depth_scores(inverse, truth, freedom="affine_inverse").abs_rel < 1e-6
    # Controls: less freedom than was taken.
    assert depth.depth_scores(moved, truth, freedom="scale").abs_rel > 1e-3
    assert depth.depth_scores(inverse, truth, freedom="affine").abs_rel > 1e-3
    if abs(scale - 1) > 0.05:
        assert depth.depth_scores(larger, truth).abs_rel > 0.04


def test_a_few_wild_pixels_do_not_move_the_scale() -> None:
    truth = np.full(21, 4.0)
    result = np.full(21, 2.0)
    result[:5] = 90.0
    assert depth.depth_scores(result, truth, freedom="scale").scale == pytest.approx(2)


def test_a_depth_turned_negative_is_wrong_and_finite() -> None:
    truth = np.array([1.0, 1.0, 5.0, 5.0])
    result = np.array([1.0, 3.0, 2.0, 100.0])
    for freedom in ("affine", "affine_inverse"):
        found = depth.depth_scores(result, truth, freedom=freedom)
        assert np.isfinite([found.abs_rel, found.rmse, *found.delta]).all()


def camera(distortion: np.ndarray) -> CameraTrack:
    pose = np.tile(np.eye(4), (3, 1, 1))
    pose[:, 2, 3] = [4.0, 5.0, 6.0]
    inner = np.array([[800.0, 0, 320], [0, 820.0, 240], [0, 0, 1]])
    return CameraTrack(
        width=640,
        height=480,
        intrinsics=np.tile(inner, (3, 1, 1)),
        camera_from_world=pose,
        distortion=distortion,
        source="given",
        metric=True,
    )


def test_reprojection_in_pixels() -> None:
    points = np.zeros((3, 2, 3))
    points[:, 1] = [0.4, -0.2, 0]
    pixels = image.shown(points, camera(np.zeros(0)))
    assert np.allclose(pixels[:, 0], [320, 240])
    assert np.allclose(pixels[0, 1], [320 + 80, 240 - 41])
    assert np.allclose(image.reprojection_px(points, camera(np.zeros(0)), pixels), 0)
    off = pixels + np.array([3, 4])
    off[1, 1] = np.nan
    errors = image.reprojection_px(points, camera(np.zeros(0)), off)
    assert np.allclose(errors[[0, 2]], 5)
    assert np.isnan(errors[1, 1])
    behind = points - np.array([0, 0, 10.0])
    assert np.isnan(image.reprojection_px(behind, camera(np.zeros(0)), pixels)).all()
    bent = image.shown(points, camera(np.array([0.1, 0, 0, 0])))
    assert np.allclose(bent[:, 0], [320, 240])
    squared = 0.1**2 + 0.05**2
    assert bent[0, 1, 0] == pytest.approx(320 + 80 * (1 + 0.1 * squared))
    with pytest.raises(ShapeError, match="2 frames of points and 3"):
        image.shown(points[:2], camera(np.zeros(0)))
