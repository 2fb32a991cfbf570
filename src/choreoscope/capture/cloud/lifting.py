"""Depth into space: frame after frame read, lifted and written, with memory that stays flat."""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from choreoscope.capture.cloud.curves import DepthCurve
from choreoscope.capture.cloud.owners import SCENE
from choreoscope.capture.cloud.points import (
    NOBODY,
    WHOLE,
    DepthLaw,
    Picked,
    Points,
    Sampling,
    lifted_points,
)
from choreoscope.capture.cloud.relief import LARGEST_JUMP, Relief, lifted_relief
from choreoscope.capture.cloud.sources import LiftSource, SourceFrame
from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.formats.ply import write_ply
from choreoscope.formats.read_ahead import read_ahead
from choreoscope.formats.usd_points import CloudFrame, PointsWriter, check_usd_points
from choreoscope.formats.usd_relief import ReliefFrame, ReliefWriter, check_usd_relief
from choreoscope.formats.usd_take import FIRST_CODE, OPENCV_TO_USD, TakeFrames
from choreoscope.geometry.unprojection import in_world, rays_of_lens

Progress = Callable[[int, int], None]
"""Told how many frames are done, of how many."""
PlyForm = Literal["ascii", "binary"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LiftOptions:
    """How depth is lifted.

    Attributes
    ----------
    law : DepthLaw
        How stored depth becomes metres, in every frame.
    curve : DepthCurve or None
        Scale and offset by source frame, on top of that.
    sampling : Sampling
        Which pixels.
    only : tuple of str
        Performers to keep; empty keeps everything.
    in_world : bool
        World axes; else the camera's own, y up, looking along -z.
    largest_jump : float
        Of relief meshes: see `relief.lifted_relief`.
    frames : FrameRange or None
        Source frames; None takes all.
    first_code : int
        Time code, and number in file names, of the first frame lifted.
    """

    law: DepthLaw = dataclasses.field(default_factory=DepthLaw)
    curve: DepthCurve | None = None
    sampling: Sampling = dataclasses.field(default_factory=Sampling)
    only: tuple[str, ...] = ()
    in_world: bool = True
    largest_jump: float = LARGEST_JUMP
    frames: FrameRange | None = None
    first_code: int = FIRST_CODE

    def law_at(self, frame: int) -> DepthLaw:
        """Scale and offset of one frame, the curve's among them."""
        if self.curve is None:
            return self.law
        scale, offset = self.curve.at(frame)
        return dataclasses.replace(
            self.law, scale=scale * self.law.scale, offset=scale * self.law.offset + offset
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LiftFiles:
    """Files to write; None leaves one out.

    Attributes
    ----------
    points, relief : Path or None
        USD, .usdc.
    ply : Path or None
        Folder of one PLY per frame; made if absent. With a relief they hold its triangles.
    ply_form : {"ascii", "binary"}
        openFrameworks reads only ASCII.
    """

    points: Path | None = None
    relief: Path | None = None
    ply: Path | None = None
    ply_form: PlyForm = "ascii"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Lifted:
    """What was made.

    Attributes
    ----------
    files : LiftFiles
        What was written.
    frames : FrameRange
        Source frames.
    groups : tuple of str
        Performers, scene.
    points, triangles : int
        Over all frames.
    empty : int
        Frames without a single point.
    seconds : float
        Time it took.
    notes : tuple of str
        What a person should know.
    """

    files: LiftFiles
    frames: FrameRange
    groups: tuple[str, ...]
    points: int
    triangles: int
    empty: int
    seconds: float
    notes: tuple[str, ...]


def lift(
    source: LiftSource,
    files: LiftFiles,
    options: LiftOptions | None = None,
    progress: Progress | None = None,
) -> Lifted:
    """Lift a source and check what was written by reading it back.

    Parameters
    ----------
    source : LiftSource
        Where depth comes from.
    files : LiftFiles
        What to write; folders of USD files exist.

    Raises
    ------
    InputError
        If the source cannot be read, a performer is not known, or no frame is left.
    OutputError
        If a file cannot be written or does not read back.
    """
    options = options or LiftOptions()
    began = time.perf_counter()
    frames = _wanted(source, options)
    groups = _groups(source.persons, options.only)
    rows = slice(frames.start - source.frames.start, frames.stop - source.frames.start)
    camera = _rows_of(source.camera, rows)
    work = _Work(options=options, groups=groups, persons=source.persons, camera=camera)
    take = TakeFrames(
        rate=source.rate,
        count=len(frames),
        camera=camera,
        first_code=options.first_code,
        in_world=options.in_world,
        depth_keys=work.depth_keys(frames),
    )
    if files.ply is not None:
        _make_folder(files.ply)
    with contextlib.ExitStack() as stack:
        writers = _Writers(
            points=stack.enter_context(PointsWriter(files.points, groups, take))
            if files.points
            else None,
            relief=stack.enter_context(ReliefWriter(files.relief, groups, take))
            if files.relief
            else None,
            files=files,
        )
        reading = stack.enter_context(contextlib.closing(read_ahead(lambda: source.read(frames))))
        for index, frame in enumerate(reading):
            writers.write(index, work, frame)
            if progress is not None:
                progress(index + 1, len(frames))
    if files.points is not None:
        check_usd_points(files.points, len(frames))
    if files.relief is not None:
        check_usd_relief(files.relief, len(frames))
    return Lifted(
        files=files,
        frames=frames,
        groups=groups,
        points=writers.point_count,
        triangles=writers.triangle_count,
        empty=writers.empty,
        seconds=time.perf_counter() - began,
        notes=source.notes,
    )


def _wanted(source: LiftSource, options: LiftOptions) -> FrameRange:
    if options.frames is None:
        return source.frames
    start = max(options.frames.start, source.frames.start)
    stop = min(options.frames.stop, source.frames.stop)
    if start >= stop:
        raise InputError(f"{source.name} has frames {source.frames}, not {options.frames}")
    return FrameRange(start, stop)


def _groups(persons: tuple[str, ...], only: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [name for name in only if name not in persons]
    if unknown:
        known = ", ".join(persons) or "nobody is told apart in this depth"
        raise InputError(f"no performer '{unknown[0]}'; known: {known}")
    if not persons:
        return (WHOLE,)
    return only or (*persons, SCENE)


def _rows_of(camera: CameraTrack, rows: slice) -> CameraTrack:
    return dataclasses.replace(
        camera,
        intrinsics=camera.intrinsics[rows],
        camera_from_world=camera.camera_from_world[rows],
    )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made ({error.strerror})") from error


class _Work:
    """Lifts frames of one take; rays are kept as long as the lens does not change."""

    def __init__(
        self,
        *,
        options: LiftOptions,
        groups: tuple[str, ...],
        persons: tuple[str, ...],
        camera: CameraTrack,
    ) -> None:
        self.options, self.groups, self.camera = options, groups, camera
        self._place = np.full(NOBODY + 1, NOBODY, dtype=np.uint8)
        for at, person in enumerate(persons):
            if person in groups:
                self._place[at] = groups.index(person)
        if SCENE in groups:
            self._place[NOBODY] = groups.index(SCENE)
        self._of: np.ndarray | None = None
        self._rays = np.zeros((0, 0, 2), dtype=np.float32)

    def depth_keys(self, frames: FrameRange) -> np.ndarray | None:
        """Scale and offset of every frame as the curve has them."""
        if self.options.curve is None:
            return None
        return np.array([self.options.curve.at(frame) for frame in frames])

    def picked(self, index: int, frame: SourceFrame) -> Picked:
        """Gather what of a frame is lifted."""
        matrix = self.camera.intrinsics[index]
        if self._of is None or not np.array_equal(matrix, self._of):
            size = (self.camera.width, self.camera.height)
            self._rays = rays_of_lens(matrix, self.camera.distortion, size)
            self._of = matrix
        owner = None if frame.owner is None else self._place[frame.owner]
        return Picked(
            depth=frame.depth,
            rays=self._rays,
            colour=frame.colour,
            alpha=frame.alpha,
            owner=owner,
            groups=self.groups,
        )

    def points(self, index: int, frame: SourceFrame) -> Mapping[str, Points]:
        """Lift one frame as points."""
        law, focal = self.options.law_at(frame.frame), float(self.camera.intrinsics[index, 0, 0])
        return lifted_points(self.picked(index, frame), law, self.options.sampling, focal)

    def relief(self, index: int, frame: SourceFrame) -> Mapping[str, Relief]:
        """Lift one frame as surfaces."""
        law = self.options.law_at(frame.frame)
        picked = self.picked(index, frame)
        return lifted_relief(picked, law, self.options.sampling, self.options.largest_jump)

    def placed(self, index: int, points: np.ndarray) -> np.ndarray:
        """Bring points from the camera's OpenCV axes to those asked for."""
        if self.options.in_world:
            return in_world(points, self.camera.camera_from_world[index])
        return np.asarray(points * OPENCV_TO_USD)


class _Writers:
    """The open files."""

    def __init__(
        self, *, points: PointsWriter | None, relief: ReliefWriter | None, files: LiftFiles
    ) -> None:
        self._points, self._relief, self._files = points, relief, files
        self.point_count = self.triangle_count = self.empty = 0

    def write(self, index: int, work: _Work, frame: SourceFrame) -> None:
        """Lift and write one frame."""
        wants_points = self._points is not None or self._relief is None
        clouds = work.points(index, frame) if wants_points else {}
        reliefs = work.relief(index, frame) if self._relief is not None else {}
        if self._points is not None:
            self._points.write(
                index,
                {
                    name: CloudFrame(points=one.points, colours=one.colours, widths=one.widths)
                    for name, one in clouds.items()
                },
            )
        if self._relief is not None:
            self._relief.write(
                index,
                {
                    name: ReliefFrame(
                        points=one.points, colours=one.colours, uv=one.uv, faces=one.faces
                    )
                    for name, one in reliefs.items()
                },
            )
        if self._files.ply is not None:
            self._ply(index, work, clouds, reliefs)
        seen: list[Points | Relief] = [*clouds.values(), *reliefs.values()]
        self.point_count += sum(len(one.points) for one in clouds.values())
        self.triangle_count += sum(len(one.faces) for one in reliefs.values())
        self.empty += not any(len(one.points) for one in seen)

    def _ply(
        self,
        index: int,
        work: _Work,
        clouds: Mapping[str, Points],
        reliefs: Mapping[str, Relief],
    ) -> None:
        if self._files.ply is None:
            return
        number = work.options.first_code + index
        stem = "relief" if reliefs else "cloud"
        path = self._files.ply / f"{stem}.{number:04d}.ply"
        parts: list[Points | Relief] = [*(reliefs or clouds).values()]
        starts = np.cumsum([0, *(len(part.points) for part in parts)])
        faces = [
            part.faces + start for part, start in zip(reliefs.values(), starts[:-1], strict=False)
        ]
        write_ply(
            path,
            work.placed(index, np.concatenate([part.points for part in parts])),
            np.concatenate([part.colours for part in parts]),
            np.concatenate(faces) if reliefs else None,
            binary=self._files.ply_form == "binary",
        )
