"""The log of a clip, ``work/log.txt``: what each run did, when, with what, and why it failed.

For people who look a night later; nothing reads it back. A run that makes nothing adds nothing.
"""

import datetime as dt
import functools
import importlib.metadata
import os
import platform
import threading
from pathlib import Path

from choreoscope import __version__
from choreoscope.pipeline.events import (
    ClipFinished,
    ClipStarted,
    Event,
    Events,
    Note,
    Retried,
    StageFailed,
    StageFinished,
    StageSkipped,
    StageStarted,
    WorkerLost,
)
from choreoscope.pipeline.folder import ClipFolder
from choreoscope.pipeline.weights.events import WeightsEvent

MAX_BYTES = 5_000_000
"""Size at which the log becomes ``log.old.txt``, in place of the one before."""

LIBRARIES = ("numpy", "scipy", "opencv-python-headless", "av", "ai-edge-litert", "OpenEXR")
"""Whose versions may show in a result."""

BEGINNINGS = (StageStarted, StageFailed, WorkerLost, Retried)
"""Events that show that a run does something."""


def logged(folder: ClipFolder, events: Events) -> Events:
    """Write what happens to a clip into its log, and hand it on.

    Parameters
    ----------
    folder : ClipFolder
        The clip's folder; nothing is written before a stage begins to work.
    events : callable
        Told everything, and once by a `Note` if the log cannot be written: that never stops
        a run.

    Returns
    -------
    callable
        May be called from several threads.
    """
    log = _ClipLog(folder, events)

    def receive(event: Event) -> None:
        log.keep(event)
        events(event)

    return receive


def old_log(folder: ClipFolder) -> Path:
    """Return where the log goes when it has grown too large."""
    return folder.log.with_name("log.old.txt")


class _ClipLog:
    """Appends to the log, beginning with what led to the first thing that was done."""

    def __init__(self, folder: ClipFolder, events: Events) -> None:
        self._folder = folder
        self._events = events
        self._lock = threading.Lock()
        self._is_open = False
        self._before: list[str] = []
        self._backends: tuple[str, ...] = ()
        self._is_trouble_told = False

    def keep(self, event: Event) -> None:
        """Write the event's lines, now or once something is done."""
        text = text_of(event)
        if text is None and not isinstance(event, ClipStarted):
            return
        trouble = None
        with self._lock:
            if isinstance(event, ClipStarted):
                self._backends = event.backends
            elif text is not None:
                trouble = self._keep(event, f"{_now()} {text}\n")
        if trouble is not None:
            self._events(Note(film=event.film, clip=event.clip, text=trouble))

    def _keep(self, event: Event, lines: str) -> str | None:
        if not self._is_open and not isinstance(event, BEGINNINGS):
            if not isinstance(event, ClipFinished):
                self._before.append(lines)
            return None
        if not self._is_open:
            lines = f"{_now()} {_start_line(self._backends)}\n{''.join(self._before)}{lines}"
            self._before = []
        self._is_open = not isinstance(event, ClipFinished)
        return self._append(lines)

    def _append(self, lines: str) -> str | None:
        """Add lines; return what stands in the way, the first time that something does."""
        path = self._folder.log
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() and path.stat().st_size > MAX_BYTES:
                path.replace(old_log(self._folder))
            with path.open("a", encoding="utf-8", errors="backslashreplace", newline="\n") as log:
                log.write(lines)
        except OSError as error:
            if not self._is_trouble_told:
                self._is_trouble_told = True
                return f"the log {path} cannot be written ({error.strerror}); the run goes on"
        return None


def text_of(event: Event) -> str | None:
    """Return the lines of text for an event, without a time; None for one that leaves none."""
    where = f"stage '{event.stage}'" if event.stage else "clip"
    text = None
    match event:
        case StageStarted():
            text = f"{where} started: {event.why}; {event.missing} frames to make"
        case StageFinished():
            text = _finished(where, event)
        case StageFailed():
            text = f"{where} failed: {event.cause}\n{event.trace}".rstrip()
        case StageSkipped(blocked=True):
            text = f"{where} not made: {event.why}"
        case WorkerLost():
            text = f"{where} lost its worker{_named(event.frames, event.attempt)}: {event.why}"
        case Retried():
            batch = f", {event.batch} frames at once" if event.batch else ""
            text = f"{where} tried again{_named(event.frames, event.attempt)}{batch}"
        case Note():
            text = f"{where} note: {event.text}"
        case ClipFinished():
            text = _ended(event)
        case WeightsEvent(kind="note" | "done"):
            text = f"weights {event.name}: {event.text or 'fetched and checked'}"
    return text


def _finished(where: str, event: StageFinished) -> str:
    gaps = f", {event.failed} frames could not be made" if event.failed else ""
    notes = "".join(f"\n  {note}" for note in event.notes)
    made = f"{event.frames} frames, {event.files} file{'s' if event.files != 1 else ''}{gaps}"
    return f"{where} finished in {event.seconds:.1f} s: {made}{notes}"


def _named(frames: str, attempt: int) -> str:
    return f" at frames {frames}, attempt {attempt}" if frames else f", attempt {attempt}"


def _ended(event: ClipFinished) -> str:
    if event.complete:
        state = "complete"
    elif event.failed_stages:
        state = f"no result of {', '.join(event.failed_stages)}"
    else:
        state = "some frames could not be made"
    return f"run ended after {event.seconds:.1f} s: {state}"


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def _start_line(backends: tuple[str, ...]) -> str:
    chosen = f"; back ends: {', '.join(backends)}" if backends else ""
    return f"run started: {_versions()}; process {os.getpid()} on {platform.node()}{chosen}"


@functools.cache
def _versions() -> str:
    found = [f"choreoscope {__version__}", f"Python {platform.python_version()}"]
    for name in LIBRARIES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return ", ".join([*found, platform.platform()])
