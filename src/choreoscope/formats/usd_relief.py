"""Relief meshes over time as one USD file: points, triangles and texture coordinates per frame."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.formats.usd_take import (
    DEPTH,
    GroupWriter,
    TakeFrames,
    linear_colours,
    opened_take,
    prim_name,
    usd_axes,
)

CORNERS = 3


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReliefFrame:
    """A surface of one group in one frame.

    Attributes
    ----------
    points : (V, 3) float32
        Metres, camera axes (OpenCV).
    colours : (V, 3) uint8
        sRGB.
    uv : (V, 2) float32
        0 to 1, v up.
    faces : (F, 3) int32
        Counter-clockwise seen from the camera.
    """

    points: np.ndarray
    colours: np.ndarray
    uv: np.ndarray
    faces: np.ndarray


class ReliefWriter(GroupWriter):
    """Writes one frame after the other; a context manager.

    Parameters
    ----------
    path : Path
        Ends in .usdc.
    groups : tuple of str
        Each becomes a mesh of its own below ``/World/Eye/Depth``.
    frames : TakeFrames
        When it plays, and the camera.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """

    def __init__(self, path: Path, groups: tuple[str, ...], frames: TakeFrames) -> None:
        from pxr import Sdf, UsdGeom

        super().__init__(path, frames)
        for group in groups:
            mesh = UsdGeom.Mesh.Define(self._take.stage, f"{DEPTH}/{prim_name(group)}")
            mesh.CreateSubdivisionSchemeAttr().Set(UsdGeom.Tokens.none)
            mesh.CreateDoubleSidedAttr().Set(True)  # noqa: FBT003 - usd-core takes no names
            mesh.CreateDisplayColorPrimvar(UsdGeom.Tokens.vertex)
            kind = Sdf.ValueTypeNames.TexCoord2fArray
            uv = UsdGeom.PrimvarsAPI(mesh).CreatePrimvar("st", kind, UsdGeom.Tokens.vertex)
            self._prims[group] = (mesh, uv)

    def write(self, index: int, reliefs: Mapping[str, ReliefFrame]) -> None:
        """Add a frame; a group that is not named has no surface in it."""
        nothing = ReliefFrame(
            points=np.zeros((0, 3), dtype=np.float32),
            colours=np.zeros((0, 3), dtype=np.uint8),
            uv=np.zeros((0, 2), dtype=np.float32),
            faces=np.zeros((0, 3), dtype=np.int32),
        )
        for group in self._prims:
            self._set(group, index, reliefs.get(group, nothing))

    def _set(self, group: str, index: int, relief: ReliefFrame) -> None:
        from pxr import Vt

        (mesh, uv), code = self._prims[group], self._take.frames.code_of(index)
        points = usd_axes(relief.points)
        extent = np.zeros((2, 3), dtype=np.float32)
        if len(points):
            extent = np.stack([points.min(axis=0), points.max(axis=0)])
        arrays = (
            (mesh.GetPointsAttr(), Vt.Vec3fArray, points),
            (
                mesh.CreateFaceVertexCountsAttr(),
                Vt.IntArray,
                np.full(len(relief.faces), CORNERS, dtype=np.int32),
            ),
            (mesh.CreateFaceVertexIndicesAttr(), Vt.IntArray, relief.faces.ravel()),
            (mesh.GetDisplayColorAttr(), Vt.Vec3fArray, linear_colours(relief.colours)),
            (uv, Vt.Vec2fArray, np.ascontiguousarray(relief.uv, dtype=np.float32)),
            (mesh.CreateExtentAttr(), Vt.Vec3fArray, extent),
        )
        self._sample(arrays, code)


def read_relief(path: Path, index: int) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Read one frame of a relief back: points (USD's camera axes), faces, uv of each group.

    Raises
    ------
    InputError
        If the file is absent, damaged, or no take with meshes.
    """
    from pxr import UsdGeom

    stage = opened_take(path)
    code = stage.GetStartTimeCode() + index
    meshes = {}
    for prim in stage.GetPrimAtPath(DEPTH).GetChildren():
        if not prim.IsA(UsdGeom.Mesh):
            continue
        mesh, uv = UsdGeom.Mesh(prim), UsdGeom.PrimvarsAPI(prim).GetPrimvar("st")
        meshes[prim.GetName()] = (
            np.array(mesh.GetPointsAttr().Get(code), dtype=np.float32).reshape(-1, 3),
            np.array(mesh.GetFaceVertexIndicesAttr().Get(code), dtype=np.int32).reshape(-1, 3),
            np.array(uv.Get(code), dtype=np.float32).reshape(-1, 2),
        )
    if not meshes:
        raise InputError(f"{path} holds no meshes")
    return meshes


def check_usd_relief(path: Path, count: int) -> None:
    """Re-read a file: every group has every frame, and faces name points that are there.

    Raises
    ------
    OutputError
        If it does not read back or lacks frames.
    """
    from pxr import UsdGeom

    try:
        stage = opened_take(path)
        for prim in stage.GetPrimAtPath(DEPTH).GetChildren():
            if prim.IsA(UsdGeom.Mesh):
                have = UsdGeom.Mesh(prim).GetPointsAttr().GetNumTimeSamples()
                if have != count:
                    raise OutputError(f"{path.name}: {prim.GetName()} has {have} frames")
        for index in {0, count // 2, count - 1}:
            for name, (points, faces, uv) in read_relief(path, index).items():
                inside = not faces.size or 0 <= faces.min() <= faces.max() < len(points)
                if len(points) != len(uv) or not inside or not np.isfinite(points).all():
                    raise OutputError(f"{path.name}: frame {index} of {name} is damaged")
    except InputError as error:
        raise OutputError(f"{path.name} does not read back: {error}") from error
