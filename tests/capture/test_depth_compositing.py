"""Performers laid into the scene: clean steps, everything else untouched."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from choreoscope.capture.depth.applying import MetricDepth, keyed
from choreoscope.capture.depth.compositing import Layer, composite
from choreoscope.capture.depth.densifying import spread
from choreoscope.capture.depth.sampling import range_of, raw_at
from choreoscope.datatypes.errors import InputError, OutputError, ShapeError
from choreoscope.formats.depth_fit_json import (
    DepthFitFile,
    check_depth_fit,
    read_depth_fit,
    write_depth_fit,
)

SHAPE = (60, 80)


def disc(x: float = 40.0, y: float = 30.0, radius: float = 15.0) -> np.ndarray:
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return (columns + 0.5 - x) ** 2 + (rows + 0.5 - y) ** 2 < radius**2


def smeared(inside: np.ndarray) -> np.ndarray:
    """A body at 3 m before a wall at 8 m, blurred across its edge as networks do."""
    sharp = np.where(inside, 3.0, 8.0).astype(np.float32)
    return cv2.GaussianBlur(sharp, (0, 0), 1.5)


def test_nothing_hangs_between_body_and_wall() -> None:
    inside = disc()
    depth = smeared(inside)
    assert ((depth > 3.3) & (depth < 7.5)).sum() > 100
    clean = composite(depth, (Layer(inside=inside, depth=depth),), band_px=4)
    np.testing.assert_allclose(clean[inside], 3.0, atol=0.07)
    np.testing.assert_allclose(clean[~inside], 8.0, atol=0.17)
    assert clean.dtype == np.float32


def test_a_swapped_matte_does_not_help() -> None:
    """Control: with inside and outside exchanged the step is not cleaned."""
    inside = disc()
    depth = smeared(inside)
    wrong = composite(depth, (Layer(inside=~inside, depth=depth),), band_px=4)
    assert ((wrong > 3.3) & (wrong < 7.5)).sum() > 50


def test_where_depths_meet_nothing_changes() -> None:
    """Feet stand on the floor: the same depth on both sides of the edge stays as it is."""
    floor = np.linspace(9.0, 2.0, SHAPE[0])[:, None] * np.ones(SHAPE[1])
    same = composite(floor, (Layer(inside=disc(), depth=floor),), band_px=2)
    np.testing.assert_allclose(same, floor, rtol=0.2)
    assert np.mean(same != floor) < 0.1


def test_the_nearer_of_two_has_the_pixel() -> None:
    one, two = disc(35), disc(45)
    scene = np.full(SHAPE, 8.0)
    layers = (
        Layer(inside=one, depth=np.full(SHAPE, 4.0)),
        Layer(inside=two, depth=np.full(SHAPE, 3.0)),
    )
    for order in (layers, layers[::-1]):
        found = composite(scene, order)
        assert (found[two] == 3.0).all()
        assert (found[one & ~two] == 4.0).all()
        assert (found[~one & ~two] == 8.0).all()


def test_nobody_and_nothing_known() -> None:
    scene = np.full(SHAPE, 8.0)
    assert composite(scene, ()) is scene
    empty = Layer(inside=np.zeros(SHAPE, dtype=bool), depth=scene)
    np.testing.assert_array_equal(composite(scene, (empty,)), scene)
    unknown = Layer(inside=disc(), depth=np.full(SHAPE, np.nan))
    np.testing.assert_array_equal(composite(scene, (unknown,)), scene)
    everywhere = Layer(inside=np.ones(SHAPE, dtype=bool), depth=np.full(SHAPE, 3.0))
    np.testing.assert_array_equal(composite(scene, (everywhere,)), np.full(SHAPE, 3.0))
    with pytest.raises(ShapeError, match="differ in size"):
        composite(scene, (Layer(inside=disc()[1:], depth=scene[1:]),))


def test_raw_depth_is_looked_up_away_from_edges() -> None:
    raw = np.where(disc(), 3.0, 8.0).astype(np.float32)
    raw[0:6, 0:6] = np.nan
    places = np.array([[40.5, 30.5], [70.5, 50.5], [25.2, 30.5], [3.5, 3.5], [-4.0, 5.0]])
    found = raw_at(raw, places)
    np.testing.assert_array_equal(found[:2], [3.0, 8.0])
    assert np.isnan(found[2:]).all()
    assert range_of(raw) == (3.0, 8.0)
    assert range_of(np.full(SHAPE, np.nan)) is None
    np.testing.assert_array_equal(raw_at(np.full(SHAPE, 5.0), places[:1]), [5.0])


def test_values_spread_up_to_edges_of_the_picture() -> None:
    picture = np.zeros(SHAPE)
    picture[:, 40:] = 1.0
    values, weights = np.zeros(SHAPE), np.zeros(SHAPE)
    values[30, 10], values[30, 70] = 2.0, 5.0
    weights[30, [10, 70]] = 1.0
    found, sure = spread(values, weights, picture, reach=12.0)
    np.testing.assert_allclose(found[:, :38], 2.0, atol=0.02)
    np.testing.assert_allclose(found[:, 42:], 5.0, atol=0.02)
    assert sure[30, 10] > sure[30, 38] > 0
    flat, _ = spread(values, weights, np.zeros(SHAPE), reach=12.0)
    assert 2.5 < flat[30, 40] < 4.5
    nothing, _ = spread(values, np.zeros(SHAPE), picture, reach=12.0)
    assert np.isnan(nothing).all()


def a_fit(space: str = "affine_inverse", **changes: object) -> DepthFitFile:
    fields: dict[str, object] = {
        "space": space,
        "backend": "made",
        "fitted": True,
        "scale": 0.5,
        "offset": 0.1,
        "nearest": 0.1,
        "farthest": 50.0,
        "covariance": np.diag([1e-6, 1e-6]),
        "first_frame": 10,
        "gain": np.log(np.array([1.0, 1.1, 1.2])),
        "gain_sigma": np.full(3, 0.01),
        "noise": 0.02,
        "offsets_m": {"P01": np.array([0.0, 0.5, -9.0])},
        "residuals": ({"kind": "body", "samples": 9, "bias": float("nan")},),
        "notes": ("a note",),
        **changes,
    }
    return DepthFitFile(**fields)  # type: ignore[arg-type]


def test_a_frame_becomes_metres() -> None:
    metric = MetricDepth(a_fit())
    raw = np.array([[0.2, np.nan], [-0.2, 5.0]], dtype=np.float32)
    metres = metric.metres(raw, 11)
    assert metres.dtype == np.float32
    np.testing.assert_allclose(metres[0, 0], 1.1 / 0.2, rtol=1e-6)
    assert np.isnan(metres[0, 1])
    # On the end of the line there is nothing but the farthest.
    np.testing.assert_allclose(metres[1, 0], 1.1 * 50.0, rtol=1e-6)
    sigma = metric.sigma(raw, metres, 11)
    assert sigma[0, 0] > 0.02 * metres[0, 0]
    assert sigma[1, 0] / metres[1, 0] > sigma[0, 0] / metres[0, 0]
    assert np.isnan(sigma[0, 1])


def test_a_performer_is_moved_and_stays_before_the_camera() -> None:
    fit = a_fit("metric", scale=1.0, offset=0.0, gain=np.zeros(3), farthest=float("inf"))
    metric = MetricDepth(fit)
    inside = disc()
    depth = np.where(inside, np.float32(3.0), np.float32(8.0))
    moved = metric.with_performers(depth, {"P01": inside, "P02": disc(5, 5, 3)}, 11)
    assert (moved[inside] == 3.5).all()
    assert (moved[~inside] == 8.0).all()
    held = metric.with_performers(depth, {"P01": inside}, 12)
    assert (held[inside] > 0).all()


def test_keys_by_hand() -> None:
    metres = np.array([[2.0, 4.0, np.nan]])
    same, factor = keyed(metres, (), 5)
    assert same is metres
    assert factor == 1.0
    moved, factor = keyed(metres, ((0, 1.0, 0.0), (10, 2.0, -5.0)), 5)
    assert factor == 1.5
    np.testing.assert_array_equal(moved, [[0.5, 3.5, np.nan]])
    gone, _ = keyed(metres, ((0, 1.0, -3.0),), 5)
    np.testing.assert_array_equal(gone, [[np.nan, 1.0, np.nan]])


def test_a_fit_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "depth_fit.json"
    written = a_fit(farthest=float("inf"))
    write_depth_fit(path, written)
    back = check_depth_fit(path)
    assert back.farthest == float("inf")
    np.testing.assert_array_equal(back.gain, written.gain)
    np.testing.assert_array_equal(back.offsets_m["P01"], written.offsets_m["P01"])
    assert back.residuals[0]["bias"] is None
    assert (back.space, back.notes, back.first_frame) == ("affine_inverse", ("a note",), 10)
    path.write_text(path.read_text().replace("choreoscope.depth_fit", "else"))
    with pytest.raises(InputError, match="expected version 1"):
        read_depth_fit(path)
    with pytest.raises(OutputError, match="does not read back"):
        check_depth_fit(path)
    for broken in (
        {"scale": 0.0},
        {"gain": np.array([0.0, np.nan, 0.0])},
        {"offsets_m": {"P": np.zeros(2)}},
    ):
        with pytest.raises(ShapeError):
            a_fit(**broken)
