"""USD takes: points and reliefs written frame by frame, re-read with usd-core itself."""

import dataclasses
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from pxr import Usd, UsdGeom

from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.formats.usd_camera import usd_matrices, write_usd_camera
from choreoscope.formats.usd_points import (
    CloudFrame,
    PointsReader,
    PointsWriter,
    check_usd_points,
)
from choreoscope.formats.usd_relief import ReliefFrame, ReliefWriter, check_usd_relief, read_relief
from choreoscope.formats.usd_take import TakeFrames, UsdTake, linear_colours

RATE = Fraction(30000, 1001)
WIDTH, HEIGHT = 1280, 720


def moving_camera(count: int = 4) -> CameraTrack:
    """A camera that travels, pans and zooms, its principal point off the middle."""
    intrinsics, poses = [], []
    for frame in range(count):
        focal = 900.0 + 40 * frame
        intrinsics.append([[focal, 0, 655.0], [0, 1.02 * focal, 348.0], [0, 0, 1]])
        angle = 0.1 * frame
        turn = np.array(
            [
                [np.cos(angle), 0, np.sin(angle)],
                [0, -1, 0],
                [np.sin(angle), 0, -np.cos(angle)],
            ]
        )
        pose = np.eye(4)
        pose[:3, :3] = turn
        pose[:3, 3] = -turn @ np.array([0.3 * frame, 1.5, 4.0])
        poses.append(pose)
    return CameraTrack(
        width=WIDTH,
        height=HEIGHT,
        intrinsics=np.array(intrinsics),
        camera_from_world=np.array(poses),
        distortion=np.zeros(0),
        source="given",
        metric=True,
    )


def take_of(count: int = 4, *, in_world: bool = True) -> TakeFrames:
    return TakeFrames(rate=RATE, count=count, camera=moving_camera(count), in_world=in_world)


def cloud(frame: int, count: int) -> CloudFrame:
    draw = np.random.default_rng(frame)
    return CloudFrame(
        points=draw.uniform([-1, -1, 2], [1, 1, 5], (count, 3)).astype(np.float32),
        colours=draw.integers(0, 256, (count, 3), dtype=np.uint8),
        widths=draw.uniform(0.001, 0.01, count).astype(np.float32),
    )


COUNTS = (7, 12, 0, 3)


def written(path: Path, **how: bool) -> list[CloudFrame]:
    clouds = [cloud(frame, count) for frame, count in enumerate(COUNTS)]
    with PointsWriter(path, ("P01", "the scene"), take_of(**how)) as writer:
        for frame, one in enumerate(clouds):
            writer.write(frame, {"P01": one} if frame != 3 else {"P01": one, "the scene": one})
    return clouds


def test_any_program_reads_the_take(tmp_path: Path) -> None:
    clouds = written(tmp_path / "a.usdc")
    stage = Usd.Stage.Open(str(tmp_path / "a.usdc"))
    assert UsdGeom.GetStageUpAxis(stage) == "Y"
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1.0
    assert stage.GetTimeCodesPerSecond() == pytest.approx(30000 / 1001)
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (1001, 1004)
    assert stage.GetDefaultPrim().GetPath() == "/World"
    points = UsdGeom.Points(stage.GetPrimAtPath("/World/Eye/Depth/P01"))
    assert points.GetPointsAttr().GetTimeSamples() == [1001, 1002, 1003, 1004]
    assert points.GetDisplayColorPrimvar().GetInterpolation() == "vertex"
    assert points.GetWidthsInterpolation() == "vertex"
    placed = UsdGeom.Xformable(points)
    for frame, one in enumerate(clouds):
        code = 1001.0 + frame
        local = np.array(points.GetPointsAttr().Get(code)).reshape(-1, 3)
        assert local == pytest.approx(one.points * [1, -1, -1])
        matrix = np.array(placed.ComputeLocalToWorldTransform(code))
        world = local @ matrix[:3, :3] + matrix[3, :3]
        pose = moving_camera().camera_from_world[frame]
        assert world @ pose[:3, :3].T + pose[:3, 3] == pytest.approx(one.points, abs=1e-5)
        colours = np.array(points.GetDisplayColorAttr().Get(code)).reshape(-1, 3)
        assert colours == pytest.approx(linear_colours(one.colours))
        low, high = np.array(points.GetExtentAttr().Get(code))
        assert (local >= low).all()
        assert (local <= high).all()
    assert stage.GetPrimAtPath("/World/Eye/Depth/the_scene")


def test_the_reader_gives_back_what_was_written(tmp_path: Path) -> None:
    clouds = written(tmp_path / "a.usdc")
    reader = check_usd_points(tmp_path / "a.usdc", 4)
    assert reader.groups == ("P01", "the_scene")
    for frame, one in enumerate(clouds):
        read = reader.read(frame, in_world=False)
        assert (read["P01"].points == one.points * np.float32([1, -1, -1])).all()
        assert (read["P01"].widths == one.widths).all()
        assert len(read["the_scene"].points) == (3 if frame == 3 else 0)


def test_the_camera_sees_the_points_at_their_pixels(tmp_path: Path) -> None:
    clouds = written(tmp_path / "a.usdc")
    stage = Usd.Stage.Open(str(tmp_path / "a.usdc"))
    camera = UsdGeom.Camera(stage.GetPrimAtPath("/World/Eye/Camera"))
    reader = PointsReader(tmp_path / "a.usdc")
    for frame, one in enumerate(clouds):
        seen = camera.GetCamera(1001.0 + frame)
        window = seen.frustum.GetWindow()
        # usd-core gives apertures in tenths of a unit; the frustum's window is at distance 1.
        world = np.column_stack([reader.read(frame)["P01"].points, np.ones(COUNTS[frame])])
        local = world @ np.array(seen.frustum.ComputeViewMatrix())
        flat = local[:, :2] / -local[:, 2:3]
        low, high = np.array(window.GetMin()), np.array(window.GetMax())
        share = (flat - low) / (high - low)
        pixels = np.column_stack([share[:, 0] * WIDTH, (1 - share[:, 1]) * HEIGHT])
        matrix = moving_camera().intrinsics[frame]
        expected = (one.points @ matrix.T)[:, :2] / one.points[:, 2:]
        assert pixels == pytest.approx(expected, abs=0.01)
    # 35 mm equivalent of the first frame: 900 px of 1280 across 36 mm.
    assert camera.GetFocalLengthAttr().Get(1001.0) == pytest.approx(0.36 * 900 / 1280)
    assert camera.GetHorizontalApertureAttr().Get() == pytest.approx(0.36)


def test_camera_axes_leave_the_eye_at_the_origin(tmp_path: Path) -> None:
    clouds = written(tmp_path / "a.usdc", in_world=False)
    read = PointsReader(tmp_path / "a.usdc").read(1)
    assert read["P01"].points == pytest.approx(clouds[1].points * [1, -1, -1])


def test_scale_below_the_eye_keeps_points_on_their_rays(tmp_path: Path) -> None:
    """What a user does in Blender or Unreal: key the scale of Depth."""
    clouds = written(tmp_path / "a.usdc")
    stage = Usd.Stage.Open(str(tmp_path / "a.usdc"))
    stage.SetEditTarget(stage.GetSessionLayer())
    depth = UsdGeom.Xformable(stage.GetPrimAtPath("/World/Eye/Depth"))
    depth.GetOrderedXformOps()[0].Set((1.5, 1.5, 1.5))
    points = UsdGeom.Xformable(stage.GetPrimAtPath("/World/Eye/Depth/P01"))
    matrix = np.array(points.ComputeLocalToWorldTransform(1002.0))
    world = (clouds[1].points * [1, -1, -1]) @ matrix[:3, :3] + matrix[3, :3]
    pose = moving_camera().camera_from_world[1]
    assert world @ pose[:3, :3].T + pose[:3, 3] == pytest.approx(1.5 * clouds[1].points, abs=1e-5)


def test_the_same_take_gives_the_same_bytes(tmp_path: Path) -> None:
    written(tmp_path / "a.usdc")
    written(tmp_path / "b.usdc")
    assert (tmp_path / "a.usdc").read_bytes() == (tmp_path / "b.usdc").read_bytes()


def test_saving_on_the_way_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = written(tmp_path / "a.usdc")
    monkeypatch.setattr("choreoscope.formats.usd_take.MOST_WAITING", 1)
    written(tmp_path / "b.usdc")
    reader = PointsReader(tmp_path / "b.usdc")
    for frame, one in enumerate(whole):
        read = reader.read(frame, in_world=False)["P01"]
        assert (read.points == one.points * np.float32([1, -1, -1])).all()


def test_curves_go_along_as_attributes(tmp_path: Path) -> None:
    keys = np.array([[1.0, 0.0], [1.1, 0.0], [1.2, 0.0], [1.3, 0.0]])
    with UsdTake(tmp_path / "a.usdc", dataclasses.replace(take_of(), depth_keys=keys)):
        pass
    stage = Usd.Stage.Open(str(tmp_path / "a.usdc"))
    depth = stage.GetPrimAtPath("/World/Eye/Depth")
    scale = depth.GetAttribute("userProperties:depth_scale")
    assert [scale.Get(1001.0 + frame) for frame in range(4)] == pytest.approx(keys[:, 0])
    assert depth.GetAttribute("userProperties:depth_offset").Get() == 0.0


def test_nothing_is_left_of_a_take_that_fails(tmp_path: Path) -> None:
    def fail() -> None:
        with PointsWriter(tmp_path / "a.usdc", ("P01",), take_of()) as writer:
            writer.write(0, {"P01": cloud(0, 5)})
            raise InputError("half-way")

    with pytest.raises(InputError, match="half-way"):
        fail()
    assert list(tmp_path.iterdir()) == []
    written(tmp_path / "a.usdc")
    assert [path.name for path in tmp_path.iterdir()] == ["a.usdc"]


def test_faults_are_found(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does not read back: no such file"):
        check_usd_points(tmp_path / "none.usdc")
    (tmp_path / "text.usdc").write_text("no USD at all")
    with pytest.raises(InputError, match="no USD file"):
        PointsReader(tmp_path / "text.usdc")
    with PointsWriter(tmp_path / "short.usdc", ("P01",), take_of()) as writer:
        writer.write(0, {"P01": cloud(0, 5)})
    with pytest.raises(OutputError, match="expected 4 frames"):
        check_usd_points(tmp_path / "short.usdc", 4)
    with pytest.raises(InputError, match=r"ends in \.usdc"):
        UsdTake(tmp_path / "a.abc", take_of())
    with pytest.raises(InputError, match="as many cameras"):
        dataclasses.replace(take_of(), count=5)


def relief(side: int) -> ReliefFrame:
    rows, columns = np.mgrid[:side, :side]
    place = np.arange(side * side).reshape(side, side)
    corners = [place[:-1, :-1], place[1:, :-1], place[1:, 1:]]
    return ReliefFrame(
        points=np.column_stack([columns.ravel(), rows.ravel(), np.full(side * side, 3.0)]).astype(
            np.float32
        ),
        colours=np.full((side * side, 3), 200, dtype=np.uint8),
        uv=np.column_stack([columns.ravel(), rows.ravel()]).astype(np.float32) / side,
        faces=np.stack([one.ravel() for one in corners], axis=1).astype(np.int32),
    )


def test_reliefs_change_their_triangles(tmp_path: Path) -> None:
    sides = (3, 5, 0, 2)
    with ReliefWriter(tmp_path / "r.usdc", ("Cloud",), take_of()) as writer:
        for frame, side in enumerate(sides):
            writer.write(frame, {"Cloud": relief(side)} if side else {})
    check_usd_relief(tmp_path / "r.usdc", 4)
    for frame, side in enumerate(sides):
        points, faces, uv = read_relief(tmp_path / "r.usdc", frame)["Cloud"]
        assert len(points) == len(uv) == side**2
        assert len(faces) == max(side - 1, 0) ** 2
    stage = Usd.Stage.Open(str(tmp_path / "r.usdc"))
    mesh = UsdGeom.Mesh(stage.GetPrimAtPath("/World/Eye/Depth/Cloud"))
    assert mesh.GetSubdivisionSchemeAttr().Get() == "none"
    assert UsdGeom.PrimvarsAPI(mesh).GetPrimvar("st").GetInterpolation() == "vertex"
    with pytest.raises(InputError, match="no points"):
        PointsReader(tmp_path / "r.usdc")
    written(tmp_path / "p.usdc")
    with pytest.raises(OutputError, match="no meshes"):
        check_usd_relief(tmp_path / "p.usdc", 4)


def test_damaged_reliefs_are_found(tmp_path: Path) -> None:
    one = relief(3)
    wrong = dataclasses.replace(one, faces=one.faces + 100)
    with ReliefWriter(tmp_path / "r.usdc", ("Cloud",), take_of(1)) as writer:
        writer.write(0, {"Cloud": wrong})
    with pytest.raises(OutputError, match="damaged"):
        check_usd_relief(tmp_path / "r.usdc", 1)


def test_a_camera_alone(tmp_path: Path) -> None:
    camera = moving_camera()
    write_usd_camera(tmp_path / "camera.usda", camera, RATE, first_code=1)
    stage = Usd.Stage.Open(str(tmp_path / "camera.usda"))
    prim = UsdGeom.Camera(stage.GetPrimAtPath("/World/Camera"))
    for frame in range(4):
        matrix = np.array(UsdGeom.Xformable(prim).ComputeLocalToWorldTransform(1.0 + frame))
        assert matrix == pytest.approx(usd_matrices(camera)[frame])
        seen = prim.GetCamera(1.0 + frame)
        wide = 2 * np.arctan(WIDTH / 2 / camera.intrinsics[frame, 0, 0])
        assert np.radians(seen.GetFieldOfView(seen.FOVHorizontal)) == pytest.approx(wide)
    assert matrix[3, :3] == pytest.approx([0.9, 1.5, 4.0])
