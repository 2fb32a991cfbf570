"""How far the work on a film is, kept on disk once a second for everybody who looks."""

import dataclasses
import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from choreoscope.pipeline.events import (
    Event,
    Events,
    Progress,
    StageFailed,
    StageFinished,
    StageSkipped,
    StageStarted,
)
from choreoscope.pipeline.watch.queue import write_whole

RATE_SECONDS = 15.0
"""The rate is that of so many last seconds."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A stage at work.

    Attributes
    ----------
    done, total : int
        In `unit`; a `total` of 0 is unknown.
    rate : float
        Units per second; 0 while unknown.
    left_seconds : float or None
        None while unknown.
    """

    clip: str
    stage: str
    done: int = 0
    total: int = 0
    unit: str = ""
    rate: float = 0.0
    left_seconds: float | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FilmProgress:
    """How far a film is.

    Attributes
    ----------
    seconds : float
        Since the work on it began.
    running : tuple of Running
        Stages at work.
    """

    seconds: float
    running: tuple[Running, ...] = ()


class Live:
    """Hears the events of one film, hands them on, and keeps the progress file up to date.

    Parameters
    ----------
    path : Path
        The progress file.
    events : callable
        Told everything as well.
    clock : callable
        Seconds of a monotonic clock.
    """

    def __init__(self, path: Path, events: Events, clock: Callable[[], float]) -> None:
        self._path = path
        self._events = events
        self._clock = clock
        self._began = clock()
        self._guard = threading.Lock()
        self._running: dict[tuple[str, str], Running] = {}
        self._past: dict[tuple[str, str], deque[tuple[float, int]]] = {}

    def __call__(self, event: Event) -> None:
        """Receive an event, from any thread."""
        place = (event.clip, event.stage)
        with self._guard:
            if isinstance(event, StageStarted):
                self._running[place] = Running(clip=event.clip, stage=event.stage)
            elif isinstance(event, Progress):
                self._advance(place, event)
            elif isinstance(event, StageFinished | StageFailed | StageSkipped):
                self._running.pop(place, None)
                self._past.pop(place, None)
        self._events(event)

    def _advance(self, place: tuple[str, str], event: Progress) -> None:
        now = self._clock()
        past = self._past.setdefault(place, deque(maxlen=512))
        past.append((now, event.done))
        while now - past[0][0] > RATE_SECONDS:
            past.popleft()
        first, then = past[0]
        rate = (event.done - then) / (now - first) if now > first else 0.0
        left = (event.total - event.done) / rate if rate > 0 and event.total else None
        self._running[place] = Running(
            clip=event.clip,
            stage=event.stage,
            done=event.done,
            total=event.total,
            unit=event.unit,
            rate=max(0.0, rate),
            left_seconds=left,
        )

    def keep(self) -> None:
        """Write the progress file: what runs, and a sign of life.

        Raises
        ------
        OutputError, OSError
            If it cannot be written.
        """
        with self._guard:
            running = [dataclasses.asdict(one) for one in self._running.values()]
        fields = {"seconds": round(self._clock() - self._began, 1), "running": running}
        write_whole(self._path, json.dumps(fields, ensure_ascii=False) + "\n", lasting=False)


def read_progress(path: Path) -> FilmProgress | None:
    """Read a progress file; None if there is none that can be read."""
    try:
        fields: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
        running = tuple(Running(**one) for one in fields["running"])
        return FilmProgress(seconds=float(fields["seconds"]), running=running)
    except (OSError, ValueError, KeyError, TypeError):
        return None
