"""Lifted points against the truth: millimetres at every pixel, bodies, moving camera, bent lens."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from lift_scenes import HEIGHT, WIDTH, MadeSource, bent, rendered, shot_of_two, true_places

from choreoscope.capture.cloud.lifting import LiftFiles, LiftOptions, lift
from choreoscope.capture.cloud.points import NOBODY, Sampling
from choreoscope.capture.cloud.sources import SourceFrame
from choreoscope.datatypes.camera import CameraTrack
from choreoscope.formats.usd_points import PointsReader
from choreoscope.geometry.projection import project
from choreoscope.rendering.scene import view_of
from choreoscope.synthetic.shot import Shot

MILLIMETRE = 1e-3
EVERY = LiftOptions(sampling=Sampling(step=1, threads=1))


@pytest.fixture(scope="module")
def shot() -> Shot:
    return shot_of_two()


def lifted(shot: Shot, path: Path, *, bends: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """World points of frame 2 as the USD file has them, true places, rows of the pixels."""
    camera = bent(shot.camera) if bends else shot.camera
    frames = []
    for frame in range(3):
        depth, whose = rendered(shot, frame, camera)
        owner = np.where(whose > 0, whose - 1, NOBODY).astype(np.uint8)
        colour = np.full((HEIGHT, WIDTH, 3), 90 + 40 * frame, dtype=np.uint8)
        frames.append(SourceFrame(frame=frame, depth=depth, colour=colour, owner=owner))
    source = MadeSource(frames, rows(camera, 3), persons=("P01", "P02"))
    lift(source, LiftFiles(points=path), EVERY)
    clouds = PointsReader(path).read(2)
    parts, pixels = [], []
    for name, cloud in clouds.items():
        own = {"P01": 0, "P02": 1, "Scene": NOBODY}[name]
        there = (frames[2].owner == own) & np.isfinite(frames[2].depth)
        parts.append(cloud.points)
        pixels.append(np.flatnonzero(there))
        assert len(pixels[-1]) == len(cloud.points) > 20
    truth = true_places(shot, 2, camera).reshape(-1, 3)
    at = np.concatenate(pixels)
    return np.concatenate(parts), truth[at], at


def rows(camera: CameraTrack, count: int) -> CameraTrack:
    return dataclasses.replace(
        camera,
        intrinsics=camera.intrinsics[:count],
        camera_from_world=camera.camera_from_world[:count],
    )


@pytest.mark.parametrize("bends", [False, True], ids=["pinhole", "distorted"])
def test_every_pixel_lies_where_it_is(shot: Shot, tmp_path: Path, *, bends: bool) -> None:
    points, truth, at = lifted(shot, tmp_path / "cloud.usdc", bends=bends)
    error = np.linalg.norm(points - truth, axis=1)
    assert len(at) > 0.8 * WIDTH * HEIGHT
    # A sample on a silhouette may fall to either side in two programs.
    agreed = error < 0.05
    assert agreed.mean() > 0.999
    assert error[agreed].max() < MILLIMETRE
    camera = bent(shot.camera) if bends else shot.camera
    eye = view_of(camera, 2)
    seen = points @ eye.camera_from_world[:3, :3].T + eye.camera_from_world[:3, 3]
    centres = np.column_stack([at % WIDTH + 0.5, at // WIDTH + 0.5])
    assert np.abs(project(seen, eye.lens) - centres).max() < 0.01


def test_displacing_a_plane_is_far_off(shot: Shot, tmp_path: Path) -> None:
    points, truth, _ = lifted(shot, tmp_path / "cloud.usdc", bends=False)
    pose = shot.camera.camera_from_world[2]
    seen = points @ pose[:3, :3].T + pose[:3, 3]
    # What a displacement modifier does: a picture plane at the middle depth, pushed along z.
    middle = np.median(seen[:, 2])
    displaced = np.column_stack([seen[:, :2] / seen[:, 2:] * middle, seen[:, 2]])
    back = (displaced - pose[:3, 3]) @ pose[:3, :3]
    error = np.linalg.norm(back - truth, axis=1)
    assert np.median(error) > 100 * MILLIMETRE
    assert np.percentile(error, 90) > 500 * MILLIMETRE


def test_ignoring_the_lens_is_noticed(shot: Shot, tmp_path: Path) -> None:
    """Control: a bent picture lifted as if the lens were straight is centimetres off."""
    camera = bent(shot.camera)
    depth, _ = rendered(shot, 2, camera)
    colour = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    straight = rows(shot.camera, 3)
    frames = [SourceFrame(frame=at, depth=depth, colour=colour) for at in range(3)]
    lift(MadeSource(frames, straight), LiftFiles(points=tmp_path / "c.usdc"), EVERY)
    points = PointsReader(tmp_path / "c.usdc").read(2)["Cloud"].points
    truth = true_places(shot, 2, camera).reshape(-1, 3)[np.isfinite(depth).ravel()]
    error = np.linalg.norm(points - truth, axis=1)
    assert np.nanpercentile(error, 90) > 20 * MILLIMETRE
