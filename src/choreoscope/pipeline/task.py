"""A piece of work as it travels to whoever does it, and what travels back.

The worker runs the stage and re-reads what it wrote; the process that holds the clip's lock
alone moves files and writes manifests. So the same code makes the same bytes wherever it runs,
and a worker may die at any moment.
"""

import bisect
import dataclasses
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, Self

from choreoscope.datatypes import errors
from choreoscope.datatypes.artifacts import WrittenFile
from choreoscope.datatypes.errors import ChoreoscopeError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.models import RunSettings
from choreoscope.pipeline.events import Event
from choreoscope.pipeline.plan import Scope, Standing


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One stage of one clip, or some of its windows.

    Attributes
    ----------
    standing : Standing
        How the stage stands; `missing` are the frames to be made here, `manifest` what is kept.
    earlier : dict
        Stage name to standing, of the stages before.
    windows : tuple of FrameRange
        Windows to make, in order; empty for stages that work on whole clips.
    temporary : Path
        Folder of this task's unfinished files; nobody else writes there.
    """

    scope: Scope
    standing: Standing
    earlier: Mapping[str, Standing]
    settings: RunSettings
    windows: tuple[FrameRange, ...]
    temporary: Path

    @property
    def stage_name(self) -> str:
        """Name of the stage."""
        return self.standing.stage.name


@dataclasses.dataclass(frozen=True, slots=True)
class Spent:
    """Wall, processor and model seconds."""

    seconds: float = 0.0
    cpu: float = 0.0
    model_cpu: float = 0.0

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            self.seconds + other.seconds,
            self.cpu + other.cpu,
            self.model_cpu + other.model_cpu,
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something finished, re-read and hashed, ready to be put into place.

    Attributes
    ----------
    frames : FrameRange or None
        Source frames of a window; None for a whole result, or for words alone.
    files : tuple of (WrittenFile, Path)
        Record and unfinished file.
    failed : dict
        Frames that could not be made, and why, as told since the part before.
    notes : tuple of str
        Sentences, as told since the part before.
    spent : Spent
        Since the part before.
    is_whole : bool
        Whether this is the whole result of a stage without windows.
    """

    frames: FrameRange | None
    files: tuple[tuple[WrittenFile, Path], ...]
    failed: Mapping[FrameRange, str]
    notes: tuple[str, ...]
    spent: Spent
    is_whole: bool = False


class Channel(Protocol):
    """How a worker speaks to the process that holds the clip's lock."""

    def tell(self, event: Event) -> None:
        """Hand an event up."""
        ...

    def place(self, part: Part) -> None:
        """Have a part put into place; returns when it is there.

        Raises
        ------
        OutputError
            If the disk refuses.
        """
        ...


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What a stage raised, in a form that travels.

    Attributes
    ----------
    line : str
        One line for people.
    kind : str
        Name of the error's class.
    trace : str
        The traceback.
    error : Exception or None
        The error itself; only where it was raised in this process.
    """

    line: str
    kind: str
    trace: str
    error: Exception | None = None

    @classmethod
    def of(cls, error: Exception, line: str | None = None) -> Self:
        """Describe an error; its own text is the line unless another is given."""
        named = isinstance(error, ChoreoscopeError)
        text = str(error) if named else f"{type(error).__name__}: {error}".rstrip(": ")
        return cls(
            line=" ".join((line or text).split()),
            kind=type(error).__name__,
            trace="".join(traceback.format_exception(error)),
            error=error,
        )

    @property
    def without_error(self) -> "Failure":
        """The same without the error object, which may not travel."""
        return dataclasses.replace(self, error=None)

    @property
    def cause(self) -> Exception:
        """The error, or one like it: errors of the house keep their class, and so exit code."""
        if self.error is not None:
            return self.error
        known = getattr(errors, self.kind, None)
        # This one alone is not made of a line.
        if isinstance(known, type) and known is not errors.StageFailedError:
            made = known(self.line)
            if isinstance(made, ChoreoscopeError):
                return made
        return RuntimeError(self.line)


def windows_to_make(
    frames: FrameRange, length: int, missing: FrameSet, kept: tuple[WrittenFile, ...]
) -> tuple[FrameRange, ...]:
    """Work out which windows have to be made.

    The clip is cut every `length` frames. A window that is there but lacks frames is made again
    as a whole, exactly as long as it was; what no kept window covers is made in one piece.

    Parameters
    ----------
    frames : FrameRange
        Of the clip.
    length : int
        Frames per window.
    missing : FrameSet
        Frames to be made.
    kept : tuple of WrittenFile
        Files of the windows that are there.
    """
    there = _largest({file.frames for file in kept if file.frames is not None})
    starts = [part.start for part in there]
    found: set[FrameRange] = set()
    for window in frames.windows(length):
        wanted = missing & FrameSet.of([window])
        if not wanted:
            continue
        near = there[bisect.bisect_left(starts, window.start) : bisect.bisect(starts, window.stop)]
        again = {part for part in near if FrameSet.of([part]) & wanted}
        found |= again | set((wanted - FrameSet.of(again)).ranges)
    return tuple(sorted(found, key=lambda window: window.start))


def _largest(parts: set[FrameRange]) -> list[FrameRange]:
    """Leave out what lies inside another: files of single frames beside those of windows."""
    largest: list[FrameRange] = []
    for part in sorted(parts, key=lambda part: (part.start, -part.stop)):
        if not largest or part.stop > largest[-1].stop:
            largest.append(part)
    return largest
