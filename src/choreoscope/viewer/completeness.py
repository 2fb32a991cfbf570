"""Which frames are there and which are not, for every stage and every person."""

import dataclasses
from collections.abc import Iterable
from typing import Literal

import numpy as np

from choreoscope.datatypes.artifacts import Manifest
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.viewer.report_data import PersonEntry, ReportData

State = Literal["done", "bridged", "missing", "absent"]

NO_RESULT = "this stage has no result"
NOT_MADE = "not made"
NOT_SEEN = "not seen, and not filled in"
FILLED_IN = "not seen; filled in between the frames around it"
NO_MOTION = "seen, but no motion was made"
OUT_OF_PICTURE = "not in the picture"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Consecutive frames in the same state for the same reason."""

    frames: FrameRange
    state: State
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One stage's or one person's frames; the runs cover the clip without overlap."""

    label: str
    kind: Literal["stage", "person"]
    runs: tuple[Run, ...]

    def frames_that_are(self, state: State) -> FrameSet:
        """All frames of the row in one state."""
        return FrameSet.of(run.frames for run in self.runs if run.state == state)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The clip in one line.

    Attributes
    ----------
    complete : int
        Frames that no stage and no person lacks; filled-in frames count as complete.
    total : int
        Frames of the clip.
    missing, bridged : FrameSet
        Frames that some row lacks, and frames filled in for somebody.
    """

    people: int
    complete: int
    total: int
    missing: FrameSet
    bridged: FrameSet


def rows_of(data: ReportData) -> tuple[Row, ...]:
    """One row for each stage, then one for each person."""
    names = (*data.stages, *(name for name in data.manifests if name not in data.stages))
    stages = (stage_row(name, data.manifests.get(name), data.frames) for name in names)
    people = (person_row(entry, data.frames) for entry in data.people)
    return (*stages, *people)


def verdict_of(data: ReportData, rows: Iterable[Row]) -> Verdict:
    """Sum the rows up."""
    missing, bridged = FrameSet(), FrameSet()
    for row in rows:
        missing |= row.frames_that_are("missing")
        bridged |= row.frames_that_are("bridged")
    total = len(data.frames)
    return Verdict(
        people=len(data.people),
        complete=total - len(missing),
        total=total,
        missing=missing,
        bridged=bridged,
    )


def stage_row(name: str, manifest: Manifest | None, frames: FrameRange) -> Row:
    """Frames of a stage: done as its manifest says, everything else missing with its reason.

    Parameters
    ----------
    name : str
        The stage.
    manifest : Manifest or None
        None where the stage left no record: every frame is missing then.
    frames : FrameRange
        The clip.
    """
    count = len(frames)
    if manifest is None:
        return _row(name, "stage", frames, ["missing"] * count, [NO_RESULT] * count)
    states: list[State] = ["missing"] * count
    reasons = [NOT_MADE] * count
    for part in (manifest.done & FrameSet.of([frames])).ranges:
        for frame in part:
            states[frame - frames.start] = "done"
            reasons[frame - frames.start] = ""
    for text, why in manifest.failed.items():
        for frame in _failed_frames(text):
            if frame in frames:
                states[frame - frames.start] = "missing"
                reasons[frame - frames.start] = why
    return _row(name, "stage", frames, states, reasons)


def person_row(entry: PersonEntry, frames: FrameRange) -> Row:
    """Frames of a person, from the first to the last in which he or she is seen or moves."""
    numbers = np.arange(frames.start, frames.stop)
    seen = np.isin(numbers, entry.sequence.frames)
    motion = entry.motion
    moving = np.zeros(len(frames), dtype=bool)
    measured = np.zeros(len(frames), dtype=bool)
    if motion is not None:
        rows = numbers - motion.first_frame
        moving = (rows >= 0) & (rows < motion.frame_count)
        measured[moving] = np.any(motion.confidence[rows[moving]] > 0, axis=1)
    present = np.flatnonzero(seen | moving)
    states: list[State] = ["absent"] * len(frames)
    reasons = [OUT_OF_PICTURE] * len(frames)
    for place in range(present[0], present[-1] + 1) if len(present) else ():
        states[place], reasons[place] = _person_state(
            seen=bool(seen[place]), moving=bool(moving[place]), measured=bool(measured[place])
        )
    return _row(entry.person, "person", frames, states, reasons)


def _person_state(*, seen: bool, moving: bool, measured: bool) -> tuple[State, str]:
    if measured:
        return "done", ""
    if moving:
        return "bridged", FILLED_IN
    return "missing", NO_MOTION if seen else NOT_SEEN


def _failed_frames(text: str) -> FrameRange:
    start, _, stop = text.partition(":")
    return FrameRange(int(start), int(stop))


def _row(
    label: str,
    kind: Literal["stage", "person"],
    frames: FrameRange,
    states: list[State],
    reasons: list[str],
) -> Row:
    runs: list[Run] = []
    start = 0
    for place in range(1, len(states) + 1):
        same = place < len(states) and (states[place], reasons[place]) == (
            states[start],
            reasons[start],
        )
        if not same:
            part = FrameRange(frames.start + start, frames.start + place)
            runs.append(Run(frames=part, state=states[start], reason=reasons[start]))
            start = place
    return Row(label=label, kind=kind, runs=tuple(runs))
