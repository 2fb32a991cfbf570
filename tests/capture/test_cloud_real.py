"""A real depth camera carried round a room: lifted frames agree with one another in the world."""

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.spatial import cKDTree

from choreoscope import lift_depth
from choreoscope.capture.cloud.command import LiftInput
from choreoscope.capture.cloud.lifting import LiftOptions
from choreoscope.capture.cloud.points import Sampling
from choreoscope.capture.external.options import PassSource
from choreoscope.datatypes.camera import CameraTrack
from choreoscope.formats.camera_json import write_camera
from choreoscope.formats.usd_points import PointsReader
from choreoscope.geometry import rotation

pytestmark = pytest.mark.data
COUNT = 5
LENS = np.array([[518.0, 0, 325.5], [0, 519.0, 253.5], [0, 0, 1]])
"""As the makers of the recording give it; depth is in millimetres."""


def walked_camera(path: Path) -> CameraTrack:
    """Poses are lines of place and quaternion (x y z w), world from camera."""
    rows = np.loadtxt(path)
    pose = np.tile(np.eye(4), (COUNT, 1, 1))
    turn = rotation.to_matrix(rows[:, [6, 3, 4, 5]])
    pose[:, :3, :3] = np.swapaxes(turn, 1, 2)
    pose[:, :3, 3] = -np.einsum("tji,tj->ti", turn, rows[:, :3])
    return CameraTrack(
        width=640,
        height=480,
        intrinsics=np.tile(LENS, (COUNT, 1, 1)),
        camera_from_world=pose,
        distortion=np.zeros(0),
        source="given",
        metric=True,
    )


def test_frames_of_a_depth_camera_fall_together(shared_data: Path, tmp_path: Path) -> None:
    recording = shared_data / "camera" / "slambook_rgbd"
    (tmp_path / "depth").mkdir()
    for number in range(1, COUNT + 1):
        picture = cv2.imread(str(recording / "depth" / f"{number}.pgm"), cv2.IMREAD_UNCHANGED)
        cv2.imwrite(str(tmp_path / "depth" / f"d.{number:04d}.png"), picture)
    write_camera(tmp_path / "camera.json", walked_camera(recording / "pose.txt"))
    said = PassSource(unit="millimetres")
    given = LiftInput(depth=said, camera=tmp_path / "camera.json")
    apart = {}
    for in_world in (True, False):
        out = tmp_path / f"world-{in_world}"
        options = LiftOptions(sampling=Sampling(step=2), in_world=in_world)
        (made,) = lift_depth(tmp_path / "depth", out, options=options, given=given)
        assert made.empty == 0
        reader = PointsReader(out / "cloud.usdc")
        clouds = [reader.read(index)["Cloud"].points for index in range(COUNT)]
        distances = [
            np.median(cKDTree(one).query(other)[0]) for one, other in itertools.pairwise(clouds)
        ]
        apart[in_world] = float(np.median(distances))
    # Half a metre lies between the frames, and what is seen changes.
    assert apart[True] < 0.035
    # Control: without the camera's path they do not.
    assert apart[False] > 4 * apart[True]
