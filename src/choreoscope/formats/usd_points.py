"""Point clouds over time as one USD file: as many points in each frame as there are.

Positions, colours (scene-linear) and widths are time samples of one ``Points`` prim per group.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.formats.usd_take import (
    DEPTH,
    EYE,
    GroupWriter,
    TakeFrames,
    linear_colours,
    opened_take,
    prim_name,
    usd_axes,
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CloudFrame:
    """Points of one group in one frame.

    Attributes
    ----------
    points : (N, 3) float32
        Metres, camera axes (OpenCV).
    colours : (N, 3) uint8
        sRGB.
    widths : (N,) float32
        Diameters, metres.
    """

    points: np.ndarray
    colours: np.ndarray
    widths: np.ndarray


class PointsWriter(GroupWriter):
    """Writes one frame after the other; a context manager.

    Parameters
    ----------
    path : Path
        Ends in .usdc.
    groups : tuple of str
        Each becomes a prim of its own below ``/World/Eye/Depth``.
    frames : TakeFrames
        When it plays, and the camera.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """

    def __init__(self, path: Path, groups: tuple[str, ...], frames: TakeFrames) -> None:
        from pxr import UsdGeom

        super().__init__(path, frames)
        for group in groups:
            prim = UsdGeom.Points.Define(self._take.stage, f"{DEPTH}/{prim_name(group)}")
            prim.CreateDisplayColorPrimvar(UsdGeom.Tokens.vertex)
            prim.CreateWidthsAttr()
            prim.SetWidthsInterpolation(UsdGeom.Tokens.vertex)
            self._prims[group] = prim

    def write(self, index: int, clouds: Mapping[str, CloudFrame]) -> None:
        """Add a frame; a group that is not named has no points in it.

        Parameters
        ----------
        index : int
            Frame of the take, from 0.
        """
        nothing = CloudFrame(
            points=np.zeros((0, 3), dtype=np.float32),
            colours=np.zeros((0, 3), dtype=np.uint8),
            widths=np.zeros(0, dtype=np.float32),
        )
        for group in self._prims:
            self._set(group, index, clouds.get(group, nothing))

    def _set(self, group: str, index: int, cloud: CloudFrame) -> None:
        from pxr import Vt

        prim, code = self._prims[group], self._take.frames.code_of(index)
        points = usd_axes(cloud.points)
        arrays = (
            (prim.GetPointsAttr(), Vt.Vec3fArray, points),
            (prim.GetDisplayColorAttr(), Vt.Vec3fArray, linear_colours(cloud.colours)),
            (prim.GetWidthsAttr(), Vt.FloatArray, np.ascontiguousarray(cloud.widths, np.float32)),
            (prim.CreateExtentAttr(), Vt.Vec3fArray, _extent(points, cloud.widths)),
        )
        self._sample(arrays, code)


def _extent(points: np.ndarray, widths: np.ndarray) -> np.ndarray:
    if not len(points):
        return np.zeros((2, 3), dtype=np.float32)
    half = np.float32(widths.max() / 2)
    return np.stack([points.min(axis=0) - half, points.max(axis=0) + half])


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReadCloud:
    """One frame of one group as a file has it.

    Attributes
    ----------
    points : (N, 3) float32
        Metres, in the axes asked for.
    colours : (N, 3) float32
        Scene-linear.
    widths : (N,) float32
        Metres.
    """

    points: np.ndarray
    colours: np.ndarray
    widths: np.ndarray


class PointsReader:
    """Reads what `PointsWriter` wrote, a frame at a time.

    Raises
    ------
    InputError
        If the file is absent, damaged, or no take with points.
    """

    def __init__(self, path: Path) -> None:
        from pxr import UsdGeom

        self._stage = opened_take(path)
        found = self._stage.GetPrimAtPath(DEPTH).GetChildren()
        self._prims = {p.GetName(): UsdGeom.Points(p) for p in found if p.IsA(UsdGeom.Points)}
        if not self._prims:
            raise InputError(f"{path} holds no points")
        self.first_code = int(self._stage.GetStartTimeCode())
        self.count = int(self._stage.GetEndTimeCode()) - self.first_code + 1

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups."""
        return tuple(self._prims)

    def sample_counts(self) -> dict[str, int]:
        """Frames each group has positions for."""
        return {name: one.GetPointsAttr().GetNumTimeSamples() for name, one in self._prims.items()}

    def eye_of(self, index: int) -> np.ndarray:
        """Where the camera stands, ``(3,)`` metres, world."""
        from pxr import UsdGeom

        eye = UsdGeom.Xformable(self._stage.GetPrimAtPath(EYE))
        placed = eye.ComputeLocalToWorldTransform(float(self.first_code + index))
        return np.array(placed)[3, :3]

    def read(self, index: int, *, in_world: bool = True) -> dict[str, ReadCloud]:
        """Read one frame.

        Parameters
        ----------
        index : int
            From 0.
        in_world : bool
            World axes, else the camera's (USD: y up, looking along -z).
        """
        from pxr import UsdGeom

        code = float(self.first_code + index)
        clouds = {}
        for name, prim in self._prims.items():
            points = _array(prim.GetPointsAttr(), code, 3)
            if in_world:
                placed = np.array(UsdGeom.Xformable(prim).ComputeLocalToWorldTransform(code))
                points = (points @ placed[:3, :3] + placed[3, :3]).astype(np.float32)
            clouds[name] = ReadCloud(
                points=points,
                colours=_array(prim.GetDisplayColorAttr(), code, 3),
                widths=_array(prim.GetWidthsAttr(), code, 0),
            )
        return clouds


def _array(attribute: Any, code: float, columns: int) -> np.ndarray:  # noqa: ANN401
    shape = (-1, columns) if columns else (-1,)
    value = attribute.Get(code)
    return np.array(value if value is not None else [], dtype=np.float32).reshape(shape)


def check_usd_points(path: Path, count: int | None = None) -> PointsReader:
    """Re-read a file: every group has every frame, and first and last are finite numbers.

    Parameters
    ----------
    count : int or None
        Frames expected; None trusts the file.

    Raises
    ------
    OutputError
        If it does not read back or lacks frames.
    """
    try:
        reader = PointsReader(path)
    except InputError as error:
        raise OutputError(f"{path.name} does not read back: {error}") from error
    wanted = reader.count if count is None else count
    short = {name: have for name, have in reader.sample_counts().items() if have != wanted}
    if reader.count != wanted or short:
        raise OutputError(f"{path.name}: expected {wanted} frames, got {reader.count}, {short}")
    for index in {0, wanted // 2, wanted - 1}:
        for name, cloud in reader.read(index).items():
            lengths = {len(cloud.points), len(cloud.colours), len(cloud.widths)}
            if len(lengths) != 1 or not np.isfinite(cloud.points).all():
                raise OutputError(f"{path.name}: frame {index} of {name} is damaged")
    return reader
