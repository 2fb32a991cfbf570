"""What the engine tells while it works: small frozen records handed to a callback.

Only the command line prints; everything below hands events upward. Each event has a name that
does not change and becomes a JSON-ready record with `record_of`; ``docs/events.md`` lists them.
"""

import dataclasses
import math
import numbers
import threading
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import ClassVar

from choreoscope.datatypes.frames import FrameRange, FrameSet

JsonValue = str | int | float | bool | None | list["JsonValue"] | dict[str, "JsonValue"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events.

    Attributes
    ----------
    event_name : str
        Name of the class of events in records; never changes.
    film : str
        Name of the film; empty where only one is worked on, or none.
    clip : str
        Id of the clip; empty where an event belongs to none.
    stage : str
        Name of the stage, or of what is being fetched; empty where an event belongs to none.
    """

    event_name: ClassVar[str] = "event"

    film: str = ""
    clip: str = ""
    stage: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FilmStarted(Event):
    """Work on a film begins.

    Attributes
    ----------
    clips : tuple of str
        Ids of its clips.
    stages : tuple of str
        Stages each clip goes through.
    frames : int
        Source frames of all clips together.
    """

    event_name: ClassVar[str] = "film-started"

    clips: tuple[str, ...]
    stages: tuple[str, ...]
    frames: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FilmFinished(Event):
    """Every clip of a film has been gone through.

    Attributes
    ----------
    seconds : float
        Wall time since the film was started.
    clips : tuple of str
        Ids of its clips.
    incomplete : tuple of str
        Ids of the clips that lack a result or a frame.
    """

    event_name: ClassVar[str] = "film-finished"

    seconds: float
    clips: tuple[str, ...]
    incomplete: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClipStarted(Event):
    """A clip is looked at; most of it, or all, may be there already.

    Attributes
    ----------
    stages : tuple of str
        Stages it goes through, in order.
    frames : int
        Its source frames.
    backends : tuple of str
        Back ends chosen for it, each with its version.
    """

    event_name: ClassVar[str] = "clip-started"

    stages: tuple[str, ...]
    frames: int = 0
    backends: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClipFinished(Event):
    """Every stage of a clip has been gone through.

    Attributes
    ----------
    seconds : float
        Wall time of this run alone.
    complete : bool
        Whether every stage has a result for every frame.
    failed_stages : tuple of str
        Stages without a result.
    """

    event_name: ClassVar[str] = "clip-finished"

    seconds: float
    complete: bool
    failed_stages: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StagePlanned(Event):
    """What a plan found out about a stage; `missing` counts source frames."""

    event_name: ClassVar[str] = "stage-planned"

    state: str
    missing: int
    why: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StageStarted(Event):
    """A stage begins to make `missing` source frames; `why` says what made that necessary."""

    event_name: ClassVar[str] = "stage-started"

    missing: int
    why: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Progress(Event):
    """How far something is, in `unit` (frames, files, bytes); a `total` of 0 is unknown."""

    event_name: ClassVar[str] = "progress"

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
    notes : tuple of str
        Sentences the stage left in the result's record.
    """

    event_name: ClassVar[str] = "stage-finished"

    seconds: float
    frames: int
    failed: int
    files: int
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StageSkipped(Event):
    """A stage was not run: its result is there, or what it needs is not (`blocked`)."""

    event_name: ClassVar[str] = "stage-skipped"

    why: str
    blocked: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StageFailed(Event):
    """A stage made no result; `cause` is one line, `trace` where it was raised, if known."""

    event_name: ClassVar[str] = "stage-failed"

    cause: str
    trace: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLost(Event):
    """A worker process ended by itself, was killed, or was ended because it took too long.

    Attributes
    ----------
    why : str
        One line: how it ended.
    attempt : int
        Which attempt at the work this was, counted from 1.
    frames : str
        Source frames it had in hand; empty where unknown.
    """

    event_name: ClassVar[str] = "worker-lost"

    why: str
    attempt: int
    frames: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Retried(Event):
    """Work that was lost is done again.

    Attributes
    ----------
    attempt : int
        The attempt that now begins; the first one was 1.
    batch : int
        Frames taken at once from now on; 0 where it stays as it was.
    frames : str
        Source frames that are made again; empty where unknown.
    """

    event_name: ClassVar[str] = "retried"

    attempt: int
    batch: int = 0
    frames: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Note(Event):
    """Something worth knowing that stops nothing."""

    event_name: ClassVar[str] = "note"

    text: str


Events = Callable[[Event], None]
"""Receiver of events.

It is called in whichever thread has something to tell; hand out `serialised` where there are
several.
"""


def ignore(event: Event) -> None:
    """Receive an event and do nothing with it."""
    del event


def serialised(events: Events) -> Events:
    """Let one event through at a time, whichever threads they come from."""
    # A receiver may itself tell something, so the thread that holds the lock may take it again.
    lock = threading.RLock()

    def receive(event: Event) -> None:
        with lock:
            events(event)

    return receive


def of_film(film: str, events: Events) -> Events:
    """Put a film's name on every event, so that clips of two films differ.

    Whoever stands further out knows better which films there are: its name replaces another.
    """

    def receive(event: Event) -> None:
        events(dataclasses.replace(event, film=film))

    return receive


def record_of(event: Event) -> dict[str, JsonValue]:
    """Turn an event into what JSON can hold.

    Returns
    -------
    dict
        ``event`` (the name), then ``film``, ``clip`` and ``stage``, then the fields of the class
        in the order in which they are declared; every field is always there. A number that is
        not finite becomes None.
    """
    record: dict[str, JsonValue] = {"event": event.event_name}
    for field in dataclasses.fields(event):
        record[field.name] = json_value(getattr(event, field.name))
    return record


def json_value(value: object) -> JsonValue:
    """Turn a value into what JSON can hold; what it has no word for becomes its text."""
    if isinstance(value, numbers.Real):
        return _json_number(value)
    if isinstance(value, Mapping):
        return {str(key): json_value(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(part) for part in value]
    if isinstance(value, FrameRange | FrameSet):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: json_value(getattr(value, field.name)) for field in fields}
    text = value.as_posix() if isinstance(value, PurePath) else str(value)
    return None if value is None else text


def _json_number(value: numbers.Real) -> JsonValue:
    if isinstance(value, bool):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    return float(value) if math.isfinite(value) else None
