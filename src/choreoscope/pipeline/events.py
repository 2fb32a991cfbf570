"""What the engine tells while it works: small frozen records handed to a callback.

Only the command line prints; everything below hands events upward.
"""

import dataclasses
from collections.abc import Callable


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events.

    Attributes
    ----------
    clip : str
        Id of the clip; empty where an event belongs to none.
    stage : str
        Name of the stage, or of what is being fetched; empty where an event belongs to none.
    """

    clip: str = ""
    stage: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StagePlanned(Event):
    """What a plan found out about a stage; `missing` counts source frames."""

    state: str
    missing: int
    why: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StageStarted(Event):
    """A stage begins to make `missing` source frames; `why` says what made that necessary."""

    missing: int
    why: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Progress(Event):
    """How far something is, in `unit` (frames, files, bytes); a `total` of 0 is unknown."""

    done: int
    total: int
    unit: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StageFinished(Event):
    """A stage's result is in place.

    Attributes
    ----------
    seconds : float
        Wall time of this run alone.
    frames, failed : int
        Source frames the result holds, and those that could not be made.
    files : int
        Files the result consists of.
    """

    seconds: float
    frames: int
    failed: int
    files: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StageSkipped(Event):
    """A stage was not run: its result is there, or what it needs is not (`blocked`)."""

    why: str
    blocked: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StageFailed(Event):
    """A stage made no result; `cause` is one line."""

    cause: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Note(Event):
    """Something worth knowing that stops nothing."""

    text: str


Events = Callable[[Event], None]
"""Receiver of events; called in the thread that runs the engine."""


def ignore(event: Event) -> None:
    """Receive an event and do nothing with it."""
    del event
