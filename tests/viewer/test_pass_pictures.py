"""Passes as colours: what is near is warm, what is nothing is dark, who is who keeps a colour."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from choreoscope.formats.cryptomatte import write_cryptomatte
from choreoscope.formats.passes import write_pass
from choreoscope.viewer.palette import colours_for
from choreoscope.viewer.pass_pictures import NOTHING, range_of, shown

RATE = Fraction(25)


def written(folder: Path, name: str, values: np.ndarray) -> Path:
    path = folder / f"{name}{'.png' if name == 'alpha' else '.exr'}"
    write_pass(name, path, values.astype(np.float32), rate=RATE)
    return path


def test_near_is_warm_far_is_blue_nothing_is_dark(tmp_path: Path) -> None:
    depth = np.full((8, 9, 1), 10.0)
    depth[:, :3] = 2.0
    depth[:, 8] = 0.0
    path = written(tmp_path, "depth", depth)
    low, high = range_of("depth", [path])
    assert (low, high) == pytest.approx((2.0, 10.0), rel=0.01)
    picture = shown("depth", path, (low, high), {}).astype(int)
    near, far = picture[4, 1], picture[4, 5]
    assert near[0] > near[2]
    assert far[2] > far[0]
    assert tuple(picture[4, 8]) == NOTHING


def test_one_range_for_all_frames_so_that_brightness_does_not_jump(tmp_path: Path) -> None:
    first = written(tmp_path, "depth", np.full((6, 6, 1), 2.0))
    second = tmp_path / "second.exr"
    first.rename(second)
    far = written(tmp_path, "depth", np.full((6, 6, 1), 8.0))
    span = range_of("depth", [second, far])
    assert not np.array_equal(shown("depth", second, span, {}), shown("depth", far, span, {}))


@pytest.mark.parametrize(
    ("normal", "expected"),
    [((1, 0, 0), (255, 128, 128)), ((0, 1, 0), (128, 255, 128)), ((0, 0, 1), (128, 128, 255))],
)
def test_normals_have_their_usual_colours(
    tmp_path: Path, normal: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    path = written(tmp_path, "normals", np.tile(np.array(normal, float), (4, 4, 1)))
    assert np.abs(shown("normals", path, (0, 1), {})[0, 0].astype(int) - expected).max() <= 1


def test_opposite_ways_have_opposite_hues(tmp_path: Path) -> None:
    flow = np.zeros((4, 4, 2))
    flow[:2, :, 0], flow[2:, :, 0] = 5.0, -5.0
    path = written(tmp_path, "flow", flow)
    picture = shown("flow", path, range_of("flow", [path]), {}).astype(int)
    assert picture[0, 0, 0] > picture[0, 0, 2]
    assert picture[3, 0, 2] > picture[3, 0, 0]


def test_people_have_their_colours_mixed_at_soft_edges(tmp_path: Path) -> None:
    path = tmp_path / "people.exr"
    first, second = np.zeros((2, 3), np.float32), np.zeros((2, 3), np.float32)
    first[:, 0], second[:, 1], second[:, 2] = 1.0, 1.0, 0.5
    write_cryptomatte(path, "CryptoPerson", {"P01": first, "P02": second}, rate=RATE)
    colours = colours_for(("P01", "P02"))
    picture = shown("people", path, (0, 1), colours)
    assert tuple(picture[0, 0]) == colours["P01"].rgb
    assert tuple(picture[0, 1]) == colours["P02"].rgb
    halved = (np.array(colours["P02"].rgb) + NOTHING) / 2
    assert np.abs(picture[0, 2] - halved).max() <= 1


def test_nobody_is_dark_and_of_the_right_size(tmp_path: Path) -> None:
    path = tmp_path / "people.exr"
    nobody = np.zeros((3, 5), np.float32)
    write_cryptomatte(path, "CryptoPerson", {"P01": nobody}, rate=RATE)
    picture = shown("people", path, (0, 1), {})
    assert picture.shape == (3, 5, 3)
    assert (picture == NOTHING).all()
