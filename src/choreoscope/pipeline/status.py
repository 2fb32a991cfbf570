"""How a result stands by its records alone: frames x stages. No file of the result is opened."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Literal

import numpy as np

from choreoscope.datatypes.artifacts import Manifest
from choreoscope.datatypes.errors import WITH_GAPS, InputError, StageFailedError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.pipeline.folder import ClipFolder
from choreoscope.pipeline.lock import living_holder
from choreoscope.pipeline.manifest import failed_frames, read_manifest
from choreoscope.pipeline.stage import Stage

State = Literal["done", "gaps", "begun", "failed", "not made", "unreadable"]
Cell = Literal["done", "gap", "part", "none"]

FAILED = StageFailedError.exit_code
"""Exit codes."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A folder with the results of some stages: a clip's, or the film's own.

    Attributes
    ----------
    name : str
        Id of the clip, or "film".
    stages : tuple of Stage
        In order.
    frames : FrameRange or None
        Source frames; None where only the records say.
    size : (int, int) or None
        Width and height of the film, pixels.
    film : str
        Digest of the film; empty where unknown.
    beside : tuple of str
        What else may lie in the folder, relative to it; ``/`` at the end stands for a folder.
    """

    name: str
    folder: ClipFolder
    stages: tuple[Stage, ...]
    frames: FrameRange | None = None
    size: tuple[int, int] | None = None
    film: str = ""
    beside: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StageStatus:
    """How one stage stands.

    Attributes
    ----------
    wanted, done : FrameSet
        Source frames there should be, and those that are recorded as made.
    failed : dict
        Frame set that could not be made, as text, to the reason.
    manifest : Manifest or None
        The record.
    why : str
        Why there is no result, or no readable record of it; empty where unknown.
    is_unreadable : bool
        Whether there is a record that does not read.
    is_failed : bool
        Whether the last run of the stage failed.
    """

    stage: str
    wanted: FrameSet
    done: FrameSet = dataclasses.field(default_factory=FrameSet)
    failed: Mapping[str, str] = dataclasses.field(default_factory=dict)
    manifest: Manifest | None = None
    why: str = ""
    is_unreadable: bool = False
    is_failed: bool = False

    @property
    def not_made(self) -> FrameSet:
        """Frames that are neither made nor given up."""
        given_up = FrameSet.of(part for text in self.failed for part in FrameSet.parse(text).ranges)
        return self.wanted - self.done - given_up

    @property
    def state(self) -> State:
        """The stage in a word."""
        if self.is_unreadable:
            return "unreadable"
        if self.is_failed:
            return "failed"
        if self.manifest is None:
            return "not made"
        if self.not_made:
            return "begun"
        return "gaps" if self.failed else "done"

    def strip(self, cells: int) -> tuple[Cell, ...]:
        """Shrink the frames to a row of cells that shows where gaps lie.

        A single frame that could not be made marks its whole cell.
        """
        if not self.wanted:
            return ()
        first, total = self.wanted.ranges[0].start, len(self.wanted)
        last = first + total
        edges = np.linspace(0, total, min(cells, total) + 1).astype(np.int64)
        made = _per_cell(self.done, first, last, edges)
        gaps = FrameSet.of(part for text in self.failed for part in FrameSet.parse(text).ranges)
        lost = _per_cell(gaps, first, last, edges)
        sizes = np.diff(edges)
        return tuple(
            "gap" if gap else "done" if count == size else "part" if count else "none"
            for count, gap, size in zip(made, lost, sizes, strict=True)
        )


def _per_cell(frames: FrameSet, first: int, last: int, edges: np.ndarray) -> np.ndarray:
    held = np.zeros(last - first + 1, dtype=np.int64)
    for part in (frames & FrameSet.of([FrameRange(first, last)])).ranges:
        held[part.start - first + 1 : part.stop - first + 1] = 1
    return np.diff(np.cumsum(held)[edges])


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UnitStatus:
    """How a folder stands.

    Attributes
    ----------
    frames : FrameRange or None
        Source frames; None where nothing says.
    worked_on_by : str
        Who works on it just now; empty for nobody.
    """

    name: str
    folder: ClipFolder
    frames: FrameRange | None
    stages: tuple[StageStatus, ...]
    worked_on_by: str = ""

    @property
    def lacking(self) -> FrameSet:
        """Frames that at least one stage lacks."""
        return FrameSet.of(
            part for stage in self.stages for part in (stage.wanted - stage.done).ranges
        )

    @property
    def complete(self) -> int:
        """Number of frames that no stage lacks."""
        return 0 if self.frames is None else len(self.frames) - len(self.lacking)

    @property
    def exit_code(self) -> int:
        """0 complete, 5 a stage failed, 7 something is missing."""
        states = {stage.state for stage in self.stages}
        if "failed" in states:
            return FAILED
        return 0 if states <= {"done"} and self.frames is not None else WITH_GAPS


def unit_status(unit: Unit) -> UnitStatus:
    """Read the records of a folder."""
    frames = unit.frames or _recorded_frames(unit)
    wanted = FrameSet() if frames is None else FrameSet.of([frames])
    holder = living_holder(unit.folder.lock)
    return UnitStatus(
        name=unit.name,
        folder=unit.folder,
        frames=frames,
        stages=tuple(stage_status(unit.folder, stage.name, wanted) for stage in unit.stages),
        worked_on_by=f"process {holder.pid} on {holder.host}" if holder else "",
    )


def stage_status(folder: ClipFolder, stage: str, wanted: FrameSet) -> StageStatus:
    """Read the record of one stage, and that of its last failure."""
    try:
        manifest = read_manifest(folder, stage)
    except InputError as error:
        return StageStatus(stage=stage, wanted=wanted, why=str(error), is_unreadable=True)
    cause = _failure(folder, stage)
    if manifest is None:
        return StageStatus(stage=stage, wanted=wanted, why=cause or "", is_failed=cause is not None)
    return StageStatus(
        stage=stage,
        wanted=wanted,
        done=manifest.done - failed_frames(manifest),
        failed=manifest.failed,
        manifest=manifest,
        why=cause or "",
        is_failed=cause is not None,
    )


def _recorded_frames(unit: Unit) -> FrameRange | None:
    for stage in unit.stages:
        try:
            manifest = read_manifest(unit.folder, stage.name)
            if manifest is not None:
                parts = FrameSet.parse(manifest.inputs["frames"]).ranges
                return parts[0] if parts else None
        except (InputError, KeyError):
            continue
    return None


def _failure(folder: ClipFolder, stage: str) -> str | None:
    try:
        record = json.loads(folder.failure(stage).read_text("utf-8"))
        return str(record["cause"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return "for a reason that was not recorded"
