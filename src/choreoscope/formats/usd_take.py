"""A USD file that grows frame by frame: times, the eye it is seen with, and flat memory.

::

    /World                the take; metres, Y up
    /World/Eye            stands and turns as the film's camera does
    /World/Eye/Camera     the film's lens
    /World/Eye/Depth      scale 1: what is below is pushed away or drawn near by it
    /World/Eye/Depth/Centre  marks the point about which it scales
    /World/Eye/Depth/...  points or surfaces, in the camera's axes

Everything lifted hangs below ``Depth`` in the camera's own axes. Its scale, animated in whatever
program the file is opened with, multiplies depth about the camera's centre: each point stays on
its ray, so the picture through the camera does not change.
"""

import dataclasses
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.formats.usd_camera import define_camera, usd_matrices

ROOT, EYE, DEPTH = "/World", "/World/Eye", "/World/Eye/Depth"
FIRST_CODE = 1001
"""Time code of the first frame, as film people number theirs."""
MOST_WAITING = 48 << 20
"""Bytes kept in memory before they are written; usd-core lets go of what it has saved."""
PART = ".part.usdc"
OPENCV_TO_USD = np.array([1.0, -1.0, -1.0], dtype=np.float32)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TakeFrames:
    """When a take plays, and through what it is seen.

    Attributes
    ----------
    rate : Fraction
        Frames per second.
    count : int
        How many frames.
    camera : CameraTrack
        One row per frame of the take.
    first_code : int
        Time code of the first frame.
    in_world : bool
        False leaves the eye at the origin: what is lifted stays in the camera's axes.
    depth_keys : (T, 2) float or None
        Scale and offset that the depth was given in each frame, for the record.
    """

    rate: Fraction
    count: int
    camera: CameraTrack
    first_code: int = FIRST_CODE
    in_world: bool = True
    depth_keys: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.count < 1 or len(self.camera.intrinsics) != self.count:
            raise InputError(
                f"a take of {self.count} frames needs as many cameras, "
                f"got {len(self.camera.intrinsics)}"
            )
        if self.depth_keys is not None and self.depth_keys.shape != (self.count, 2):
            raise InputError(f"expected depth keys ({self.count}, 2), got {self.depth_keys.shape}")

    def code_of(self, index: int) -> float:
        """Time code of a frame of the take, counted from 0."""
        return float(self.first_code + index)


class UsdTake:
    """An open take; a context manager. The file appears under its name when all is well.

    Parameters
    ----------
    path : Path
        Ends in .usdc; its folder exists.
    frames : TakeFrames
        When and through what.

    Raises
    ------
    InputError
        If the path does not end in .usdc.
    OutputError
        If the file cannot be written.
    """

    def __init__(self, path: Path, frames: TakeFrames) -> None:
        from pxr import Tf, Usd

        if path.suffix != ".usdc":
            raise InputError(f"{path}: expected a name that ends in .usdc")
        self.frames = frames
        self._path = path
        self._part = path.with_name(path.stem + PART)
        self._part.unlink(missing_ok=True)
        self._waiting = 0
        try:
            self._stage: Any = Usd.Stage.CreateNew(str(self._part))
        except Tf.ErrorException as error:
            raise OutputError(f"{path} cannot be written ({_first_line(error)})") from error
        self._lay_out()

    @property
    def stage(self) -> Any:  # noqa: ANN401 - usd-core brings no types
        """The ``Usd.Stage``."""
        return self._stage

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._save()
        # The layer keeps its file open and its name taken.
        self._stage = None
        if kind is None:
            self._part.replace(self._path)
        else:
            self._part.unlink(missing_ok=True)

    def wrote(self, size: int) -> None:
        """Be told of bytes handed over; saves them now and then, which frees them."""
        self._waiting += size
        if self._waiting >= MOST_WAITING:
            self._save()

    def _save(self) -> None:
        from pxr import Tf

        try:
            saved = self._stage.GetRootLayer().Save()
        except Tf.ErrorException as error:
            raise OutputError(f"{self._path} cannot be written ({_first_line(error)})") from error
        if not saved:
            raise OutputError(f"{self._path} cannot be written; is the disk full?")
        self._waiting = 0

    def _lay_out(self) -> None:
        from pxr import Gf, Sdf, UsdGeom

        stage, frames = self._stage, self.frames
        UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
        UsdGeom.SetStageMetersPerUnit(stage, 1.0)
        stage.SetTimeCodesPerSecond(float(frames.rate))
        stage.SetFramesPerSecond(float(frames.rate))
        stage.SetStartTimeCode(frames.code_of(0))
        stage.SetEndTimeCode(frames.code_of(frames.count - 1))
        root = UsdGeom.Xform.Define(stage, ROOT)
        stage.SetDefaultPrim(root.GetPrim())
        placed = UsdGeom.Xform.Define(stage, EYE).AddTransformOp()
        matrices = usd_matrices(frames.camera) if frames.in_world else np.eye(4)[None]
        still = bool(np.all(matrices == matrices[0]))
        for index, matrix in enumerate(matrices[:1] if still else matrices):
            when = () if still else (frames.code_of(index),)
            placed.Set(Gf.Matrix4d(matrix.tolist()), *when)
        define_camera(stage, f"{EYE}/Camera", frames.camera, frames.first_code)
        depth = UsdGeom.Xform.Define(stage, DEPTH)
        depth.AddScaleOp().Set(Gf.Vec3f(1.0, 1.0, 1.0))
        # Blender merges a parent with its only child; the name Depth would be gone.
        UsdGeom.Xform.Define(stage, f"{DEPTH}/Centre")
        if frames.depth_keys is not None:
            for column, name in enumerate(("depth_scale", "depth_offset")):
                record = depth.GetPrim().CreateAttribute(
                    f"userProperties:{name}", Sdf.ValueTypeNames.Double, custom=True
                )
                _keyed(record, frames.depth_keys[:, column], frames)


def usd_axes(points: np.ndarray) -> np.ndarray:
    """Turn OpenCV camera axes into USD's: x right, y up, looking along -z; ``(N, 3)`` float32."""
    return np.asarray(points * OPENCV_TO_USD, dtype=np.float32)


def linear_colours(srgb: np.ndarray) -> np.ndarray:
    """Turn 8-bit sRGB into scene-linear light, which USD's displayColor is; float32."""
    levels = np.arange(256) / 255.0
    curve = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004
    return np.asarray(curve.astype(np.float32)[srgb])


def prim_name(name: str) -> str:
    """Make any name one that USD takes."""
    from pxr import Tf

    return str(Tf.MakeValidIdentifier(name))


def opened_take(path: Path) -> Any:  # noqa: ANN401
    """Open a take for reading, as a ``Usd.Stage``.

    Raises
    ------
    InputError
        If it is absent, damaged or lacks its hierarchy.
    """
    from pxr import Tf, Usd

    if not path.is_file():
        raise InputError(f"no such file: {path}")
    try:
        stage = Usd.Stage.Open(str(path))
    except Tf.ErrorException as error:
        raise InputError(
            f"{path} is no USD file that can be read ({_first_line(error)})"
        ) from error
    if not stage.GetPrimAtPath(DEPTH):
        raise InputError(f"{path} is no take of ours: it has no {DEPTH}")
    return stage


def _keyed(attribute: Any, values: np.ndarray, frames: TakeFrames) -> None:  # noqa: ANN401
    if np.all(values == values[0]):
        attribute.Set(float(values[0]))
        return
    for index, value in enumerate(values):
        attribute.Set(float(value), frames.code_of(index))


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1].strip()


class GroupWriter:
    """Base of what writes one prim per group into a take; a context manager."""

    def __init__(self, path: Path, frames: TakeFrames) -> None:
        self._take = UsdTake(path, frames)
        self._prims: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._take.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # usd-core keeps a stage open for as long as anybody holds one of its prims.
        self._prims.clear()
        self._take.__exit__(kind, value, trace)

    def _sample(self, arrays: Iterable[tuple[Any, Any, np.ndarray]], code: float) -> None:
        """Set attributes at a time code, each to an array of its own type."""
        for attribute, kind, values in arrays:
            # An array of no elements has no shape that FromNumpy takes.
            attribute.Set(kind.FromNumpy(values) if len(values) else kind(), code)
            self._take.wrote(values.nbytes)
