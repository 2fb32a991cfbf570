"""Depth as other programs deliver it, result folders, the stage: straight into space."""

import dataclasses
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from deliveries import COLUMNS, HEIGHT, ROWS, WIDTH, Delivery, matte, metres, stored_depth
from lift_scenes import MadeSource

from choreoscope import lift_depth
from choreoscope.capture.cloud.command import LiftInput, LiftWanted
from choreoscope.capture.cloud.curves import CurveKey, DepthCurve, read_curve
from choreoscope.capture.cloud.delivered import camera_standing
from choreoscope.capture.cloud.lifting import LiftFiles, LiftOptions, lift
from choreoscope.capture.cloud.points import DepthLaw, Sampling
from choreoscope.capture.cloud.sources import SourceFrame
from choreoscope.capture.external.options import PassSource
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.formats.camera_json import write_camera
from choreoscope.formats.exr import write_exr
from choreoscope.formats.usd_points import PointsReader
from choreoscope.formats.usd_relief import read_relief
from choreoscope.geometry.projection import lens_from_fov

FOV = 50.0
LENS = lens_from_fov(FOV, WIDTH, HEIGHT)
EVERY = LiftOptions(sampling=Sampling(step=1, threads=1))
MILLIMETRE = 1e-3


def expected(frame: int, fy: float = LENS.fx) -> np.ndarray:
    """Places of the dancer of `deliveries`, USD camera axes."""
    inside, z = matte(frame), metres(frame)
    x = (COLUMNS + 0.5 - WIDTH / 2) / LENS.fx * z
    y = (ROWS + 0.5 - HEIGHT / 2) / fy * z
    return np.stack([x, -y, -z], axis=-1)[inside]


def of_usd(path: Path, frame: int) -> np.ndarray:
    clouds = PointsReader(path / "cloud.usdc").read(frame)
    return np.concatenate([one.points for one in clouds.values()])


@pytest.mark.parametrize("unit", ["metres", "centimetres", "normalised"])
def test_a_switchlight_folder_is_taken_straight_in(tmp_path: Path, unit: str) -> None:
    delivery = Delivery(tmp_path / "sl", first=1001, depth=unit)
    delivery.alpha(range(5))
    delivery.depths(range(5))
    delivery.colours(5)
    said = {"near": 4.0, "far": 6.0} if unit == "normalised" else {}
    given = LiftInput(depth=PassSource.model_validate(said), fov_degrees=FOV, rate=Fraction(25))
    (made,) = lift_depth(tmp_path / "sl", tmp_path / "out", options=EVERY, given=given)
    assert made.frames == FrameRange(0, 5)
    assert not [note for note in made.notes if "grey" in note]
    for frame in (0, 4):
        points = of_usd(tmp_path / "out", frame)
        assert points.shape == expected(frame).shape
        assert np.abs(points - expected(frame)).max() < MILLIMETRE
    colours = PointsReader(tmp_path / "out" / "cloud.usdc").read(0)["Cloud"].colours
    # The dancer of the delivery is blue above and brown below.
    assert colours[0, 2] > 2 * colours[0, 0]
    assert colours[-1, 0] > 2 * colours[-1, 2]
    assert made.points == sum(int(matte(frame).sum()) for frame in range(5))


def test_relative_depth_asks_for_metres(tmp_path: Path) -> None:
    delivery = Delivery(tmp_path / "sl", depth="normalised")
    delivery.alpha(range(2))
    delivery.depths(range(2))
    with pytest.raises(InputError, match="with --near and --far"):
        lift_depth(tmp_path / "sl", tmp_path / "out")
    # Scale and offset say it as well.
    options = dataclasses.replace(EVERY, law=DepthLaw(scale=2.0, offset=4.0))
    given = LiftInput(fov_degrees=FOV)
    lift_depth(tmp_path / "sl", tmp_path / "out", options=options, given=given)
    assert np.abs(of_usd(tmp_path / "out", 1) - expected(1)).max() < MILLIMETRE


def depth_files(folder: Path, values: Any, frames: int = 2) -> Path:
    folder.mkdir(parents=True)
    for frame in range(frames):
        plane = np.where(matte(frame), values(frame), 0.0).astype(np.float32)
        write_exr(folder / f"whatever.{frame + 7:04d}.exr", {"Z": plane})
    return folder


def test_inverse_depth_is_turned_round_and_control(tmp_path: Path) -> None:
    folder = depth_files(tmp_path / "inv", lambda frame: (1 / metres(frame) - 0.02) / 0.5)
    given = LiftInput(fov_degrees=FOV)
    law = DepthLaw(scale=0.5, offset=0.02, inverse=True)
    options = dataclasses.replace(EVERY, law=law)
    lift_depth(folder, tmp_path / "out", options=options, given=given)
    assert np.abs(of_usd(tmp_path / "out", 1) - expected(1)).max() < MILLIMETRE
    # Control: the same numbers taken for depth.
    wrong = dataclasses.replace(EVERY, law=dataclasses.replace(law, inverse=False))
    lift_depth(folder, tmp_path / "out", options=wrong, given=given)
    assert np.abs(of_usd(tmp_path / "out", 1) - expected(1)).max() > 1.0


def test_range_is_made_planar(tmp_path: Path) -> None:
    x = (COLUMNS + 0.5 - WIDTH / 2) / LENS.fx
    y = (ROWS + 0.5 - HEIGHT / 2) / LENS.fx
    folder = depth_files(tmp_path / "r", lambda frame: metres(frame) * np.sqrt(1 + x**2 + y**2))
    options = dataclasses.replace(EVERY, law=DepthLaw(measure="range"))
    lift_depth(folder, tmp_path / "out", options=options, given=LiftInput(fov_degrees=FOV))
    assert np.abs(of_usd(tmp_path / "out", 0) - expected(0)).max() < MILLIMETRE


def test_a_squeezed_picture_needs_the_aspect(tmp_path: Path) -> None:
    """64x48 pixels of a 16:9 film: the angle down is smaller than the picture says."""
    folder = depth_files(tmp_path / "z", metres)
    given = LiftInput(fov_degrees=FOV, aspect=16 / 9)
    lift_depth(folder, tmp_path / "out", options=EVERY, given=given)
    fy = LENS.fx * (16 / 9) / (WIDTH / HEIGHT)
    assert np.abs(of_usd(tmp_path / "out", 0) - expected(0, fy)).max() < MILLIMETRE


def test_a_curve_is_keyed_and_written_beside(tmp_path: Path) -> None:
    folder = depth_files(tmp_path / "z", metres, frames=5)
    curve = DepthCurve(
        keys=(CurveKey(frame=0), CurveKey(frame=4, scale=1.4, offset=-0.2)), interpolation="smooth"
    )
    options = dataclasses.replace(EVERY, curve=curve)
    given = LiftInput(fov_degrees=FOV)
    lift_depth(folder, tmp_path / "out", options=options, given=given)
    for frame in range(5):
        scale, offset = curve.at(frame)
        z = metres(frame)[matte(frame)]
        moved = expected(frame) * ((scale * z + offset) / z)[:, None]
        assert np.abs(of_usd(tmp_path / "out", frame) - moved).max() < MILLIMETRE
    assert read_curve(tmp_path / "out" / "depth_curve.yaml") == curve


def test_ply_and_mesh_hold_the_same_places(tmp_path: Path) -> None:
    folder = depth_files(tmp_path / "z", metres)
    camera = camera_standing(LENS.intrinsics, (WIDTH, HEIGHT), 1, "given")
    pose = camera.camera_from_world.copy()
    pose[:, :3, 3] = [0.5, 1.2, 3.0]
    write_camera(tmp_path / "camera.json", dataclasses.replace(camera, camera_from_world=pose))
    given = LiftInput(camera=tmp_path / "camera.json")
    lift_depth(
        folder,
        tmp_path / "out",
        options=dataclasses.replace(EVERY, first_code=1),
        wanted=LiftWanted(mesh=True, ply="binary"),
        given=given,
    )
    names = sorted(path.name for path in (tmp_path / "out" / "ply").iterdir())
    assert names == ["relief.0001.ply", "relief.0002.ply"]
    mesh = trimesh.load(tmp_path / "out" / "ply" / names[1], process=False)
    points, faces, _ = read_relief(tmp_path / "out" / "relief.usdc", 1)["Cloud"]
    assert (mesh.faces == faces).all()
    back = points * [1, -1, -1] - pose[0, :3, 3]
    assert mesh.vertices == pytest.approx(back @ pose[0, :3, :3], abs=1e-5)


def test_frames_without_depth_are_empty(tmp_path: Path) -> None:
    folder = depth_files(tmp_path / "z", metres, frames=4)
    (folder / "whatever.0008.exr").unlink()
    (made,) = lift_depth(folder, tmp_path / "out", options=EVERY, given=LiftInput(fov_degrees=FOV))
    assert made.empty == 1
    assert any("1 of 4 frames have no depth" in note for note in made.notes)
    assert [len(of_usd(tmp_path / "out", frame)) > 0 for frame in range(4)] == [1, 0, 1, 1]


def test_faults_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        lift_depth(tmp_path / "none", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no depth in it"):
        lift_depth(tmp_path / "empty", tmp_path / "out")
    folder = depth_files(tmp_path / "z", metres)
    (folder / "whatever.0008.exr").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"whatever\.0008\.exr"):
        lift_depth(folder, tmp_path / "out", options=EVERY)
    assert not (tmp_path / "out" / "cloud.usdc").exists()


def made_source(persons: tuple[str, ...] = ()) -> MadeSource:
    camera = camera_standing(LENS.intrinsics, (WIDTH, HEIGHT), 3, "given")
    owner = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    owner[:, 30:], owner[:5] = 1, 255
    frames = [
        SourceFrame(
            frame=frame,
            depth=stored_depth("metres")(frame),
            colour=np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8),
            owner=owner if persons else None,
        )
        for frame in range(10, 13)
    ]
    return MadeSource(frames, camera, persons)


def test_one_performer_alone(tmp_path: Path) -> None:
    source = made_source(("P01", "P02"))
    only = dataclasses.replace(EVERY, only=("P02",), frames=FrameRange(11, 40))
    made = lift(source, LiftFiles(points=tmp_path / "a.usdc"), only)
    assert made.groups == ("P02",)
    assert made.frames == FrameRange(11, 13)
    inside = matte(11).copy()
    inside[:, :30], inside[:5] = False, False
    reader = PointsReader(tmp_path / "a.usdc")
    assert len(reader.read(0)["P02"].points) == inside.sum()
    with pytest.raises(InputError, match="no performer 'P09'; known: P01, P02"):
        lift(source, LiftFiles(), dataclasses.replace(EVERY, only=("P09",)))
    with pytest.raises(InputError, match="has frames 10:13, not 50:60"):
        lift(source, LiftFiles(), dataclasses.replace(EVERY, frames=FrameRange(50, 60)))
