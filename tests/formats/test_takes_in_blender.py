"""Real Blender opens takes: changing counts, places, colours, camera, reliefs, scale by hand.

Run with ``pytest -m blender``; see ``blender_runner``.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blender_runner import ask_blender
from test_usd_takes import COUNTS, HEIGHT, WIDTH, moving_camera, relief, take_of, written

from choreoscope.formats.usd_points import PointsReader
from choreoscope.formats.usd_relief import ReliefWriter, read_relief
from choreoscope.formats.usd_take import linear_colours

pytestmark = pytest.mark.blender

TENTH_OF_A_MILLIMETRE = 1e-4
CODES = [1001, 1002, 1003, 1004]


def asked(path: Path, **more: Any) -> Any:
    asking = {"file": str(path), "frames": CODES, "size": [WIDTH, HEIGHT], **more}
    return ask_blender("blender_read_take.py", asking, path.parent)


def test_a_cloud_plays_with_changing_counts(tmp_path: Path) -> None:
    clouds = written(tmp_path / "a.usdc")
    found = asked(tmp_path / "a.usdc")
    assert found["range"] == [1001, 1004]
    truth = PointsReader(tmp_path / "a.usdc")
    for frame, shown in enumerate(found["frames"]):
        places = np.array(shown["P01"]["places"]).reshape(-1, 3)
        assert len(places) == COUNTS[frame]
        assert np.abs(places - truth.read(frame)["P01"].points).max(initial=0) < (
            TENTH_OF_A_MILLIMETRE
        )
        if len(places):
            expected = linear_colours(clouds[frame].colours)[0]
            assert shown["P01"]["colour"] == pytest.approx(expected, abs=1e-3)
            assert_pixels(shown["P01"]["pixels"], frame, clouds[frame].points)
    assert len(found["frames"][3]["the_scene"]["places"]) == COUNTS[3]


def assert_pixels(pixels: list[list[float]], frame: int, points: np.ndarray) -> None:
    """Blender's own camera sees the points at the pixels they were lifted from."""
    matrix = moving_camera().intrinsics[frame]
    expected = ((points @ matrix.T)[:, :2] / points[:, 2:])[: len(pixels)]
    # Blender has square pixels: only the width's focal length is its own.
    assert np.array(pixels)[:, 0] == pytest.approx(expected[:, 0], abs=0.05)
    if np.isclose(matrix[0, 0], matrix[1, 1]):
        assert np.array(pixels)[:, 1] == pytest.approx(expected[:, 1], abs=0.05)


def test_another_frame_is_noticed(tmp_path: Path) -> None:
    """Control: places and pixels of the wrong frame do not pass."""
    clouds = written(tmp_path / "a.usdc")
    shown = asked(tmp_path / "a.usdc")["frames"][1]["P01"]
    with pytest.raises(AssertionError):
        assert_pixels(shown["pixels"], 0, clouds[1].points)
    pose = moving_camera().camera_from_world[0]
    local = np.array(shown["places"]) @ pose[:3, :3].T + pose[:3, 3]
    assert np.abs(local - clouds[1].points).max() > 100 * TENTH_OF_A_MILLIMETRE


def test_depth_is_scaled_by_hand_about_the_eye(tmp_path: Path) -> None:
    clouds = written(tmp_path / "a.usdc")
    found = asked(tmp_path / "a.usdc", depth_scale=1.25)
    for frame in (0, 1, 3):
        pose = moving_camera().camera_from_world[frame]
        places = np.array(found["frames"][frame]["P01"]["places"])
        local = places @ pose[:3, :3].T + pose[:3, 3]
        assert local == pytest.approx(1.25 * clouds[frame].points, abs=TENTH_OF_A_MILLIMETRE)
        assert_pixels(found["frames"][frame]["P01"]["pixels"], frame, clouds[frame].points)


def test_a_relief_moves(tmp_path: Path) -> None:
    sides = (3, 5, 0, 2)
    with ReliefWriter(tmp_path / "r.usdc", ("Cloud",), take_of()) as writer:
        for frame, side in enumerate(sides):
            writer.write(frame, {"Cloud": relief(side)} if side else {})
    found = asked(tmp_path / "r.usdc")
    for frame, side in enumerate(sides):
        shown = found["frames"][frame]["Cloud"]
        points, faces, uv = read_relief(tmp_path / "r.usdc", frame)["Cloud"]
        pose = moving_camera().camera_from_world[frame]
        expected = (points * [1, -1, -1] - pose[:3, 3]) @ pose[:3, :3]
        places = np.array(shown["places"]).reshape(-1, 3)
        assert places.shape == points.shape
        assert np.abs(places - expected).max(initial=0) < TENTH_OF_A_MILLIMETRE
        assert shown["faces"] == len(faces) == max(side - 1, 0) ** 2
        corners = np.array(shown["uv"]).reshape(-1, 2)
        assert corners == pytest.approx(uv[faces.ravel()].reshape(-1, 2), abs=1e-5)
