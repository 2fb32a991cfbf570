"""``--json``: one JSON object per line on the output stream, and which teller a command uses.

``docs/events.md`` describes the objects. Lines are pure ASCII, so no stream refuses one.
"""

import contextlib
import datetime as dt
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TextIO

import typer

from choreoscope.datatypes.errors import (
    INTERRUPTED,
    NOBODY_FOUND,
    WITH_GAPS,
    ChoreoscopeError,
    StageFailedError,
)
from choreoscope.pipeline import events
from choreoscope.pipeline.events import JsonValue, json_value
from choreoscope.pipeline.weights.events import WeightsEvent

if TYPE_CHECKING:
    from choreoscope.pipeline.run import RunResult

SECONDS_BETWEEN_PROGRESS = 0.2

STATES = {
    0: "finished",
    StageFailedError.exit_code: "failed",
    NOBODY_FOUND: "nobody",
    WITH_GAPS: "gaps",
    INTERRUPTED: "stopped",
}
"""Exit code to the state told in the summary; all others are errors."""


class Telling(Protocol):
    """What a command tells through; both tellers are one."""

    def __enter__(self) -> Self:
        """Begin to tell."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End, also after an error, which goes on its way."""
        ...

    def __call__(self, event: events.Event) -> None:
        """Receive an event, from any thread."""
        ...

    def line(self, text: str) -> None:
        """Tell people something that is no event."""
        ...

    def result(self, text: str) -> None:
        """Tell what the command has made: a line of the output stream for people."""
        ...

    def problem(self, text: str, exit_code: int) -> None:
        """Tell what went wrong where no exception is raised."""
        ...

    def ended(
        self,
        exit_code: int,
        results: "Sequence[RunResult]" = (),
        reports: Sequence[Path] = (),
        undecodable: str = "",
    ) -> None:
        """Tell how the command ends and what there is now."""
        ...


def teller(*, quiet: bool, as_json: bool) -> Telling:
    """Return what a command tells through, by the options it was given."""
    if as_json:
        return JsonTeller(quiet=quiet)
    from choreoscope.cli.progress import Teller

    return Teller(quiet=quiet)


class JsonTeller:
    """Prints events as JSON while the block lasts, and a summary as its last line.

    Meanwhile whatever else is printed on the output stream, by a library or a worker process,
    goes to the error stream. A reader that goes away does not stop the work.

    Parameters
    ----------
    quiet : bool
        Print errors and the summary only.
    clock : callable
        Seconds that only rise.
    """

    def __init__(self, *, quiet: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._quiet = quiet
        self._clock = clock
        self._receive = events.serialised(self._show)
        self._told: dict[tuple[str, ...], tuple[float, int]] = {}
        self._streams = contextlib.ExitStack()
        self._stream: TextIO | None = None
        self._ending: dict[str, JsonValue] = _ending(1)

    def __enter__(self) -> Self:
        self._stream = self._streams.enter_context(_own_output())
        self._ending = _ending(0)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if value is not None:
            code = exit_code_of(value)
            if code and not isinstance(value, SystemExit | typer.Exit):
                self._write(_error(_text_of(value), code))
            self._ending |= {"state": state_of(code), "exit_code": code}
        self._write(self._ending)
        self._stream = None
        self._streams.close()

    def __call__(self, event: events.Event) -> None:
        """Receive one event."""
        if not self._quiet:
            self._receive(event)

    def line(self, text: str) -> None:
        """Do nothing: what programs need to know is told by events."""

    def result(self, text: str) -> None:
        """Do nothing: the summary lists what was made."""

    def problem(self, text: str, exit_code: int) -> None:
        """Print an error object, and a line for people on the error stream."""
        self._write(_error(text, exit_code))
        print(f"choreoscope: {text}", file=sys.stderr)

    def ended(
        self,
        exit_code: int,
        results: "Sequence[RunResult]" = (),
        reports: Sequence[Path] = (),
        undecodable: str = "",
    ) -> None:
        """Keep the summary; it is printed when the block ends."""
        self._ending = _ending(exit_code, results, reports, undecodable)

    def _show(self, event: events.Event) -> None:
        if self._is_due(event):
            self._write(events.record_of(event))

    def _is_due(self, event: events.Event) -> bool:
        """Let progress through a few times a second; its end always."""
        of: tuple[str, ...]
        match event:
            case events.Progress():
                of = (event.film, event.clip, event.stage)
            case WeightsEvent(kind="progress"):
                of = ("weights", event.name)
            case _:
                # Of a stage that is over nothing needs to be remembered.
                self._told.pop((event.film, event.clip, event.stage), None)
                return True
        now = self._clock()
        told, done = self._told.get(of, (float("-inf"), -1))
        is_end = event.done >= event.total > 0 and event.done != done
        if not is_end and now - told < SECONDS_BETWEEN_PROGRESS:
            return False
        self._told[of] = (now, event.done)
        return True

    def _write(self, record: dict[str, JsonValue]) -> None:
        now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
        if self._stream is None:
            return
        try:
            self._stream.write(json.dumps({"time": now} | record) + "\n")
            self._stream.flush()
        except OSError:
            # Nobody reads any more; the results are what counts.
            self._stream = None


def state_of(exit_code: int) -> str:
    """Name the way in which a command ends."""
    return STATES.get(exit_code, "error")


def exit_code_of(error: BaseException) -> int:
    """Return the exit code that an exception ends the command line with."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    code = error.code if isinstance(error, SystemExit) else getattr(error, "exit_code", 1)
    return code if isinstance(code, int) else int(code is not None)


def refused(text: str, exit_code: int) -> None:
    """Print an error and a summary where a command did not even begin."""
    with JsonTeller(quiet=True) as tell:
        tell.problem(text, exit_code)
        tell.ended(exit_code)


def _text_of(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "stopped; the same command continues from here"
    if isinstance(error, ChoreoscopeError):
        return str(error)
    return f"{type(error).__name__}: {error}".rstrip(": ")


def _error(text: str, exit_code: int) -> dict[str, JsonValue]:
    return {"event": "error", "text": text, "exit_code": exit_code}


def _ending(
    exit_code: int,
    results: "Sequence[RunResult]" = (),
    reports: Sequence[Path] = (),
    undecodable: str = "",
) -> dict[str, JsonValue]:
    return {
        "event": "summary",
        "state": state_of(exit_code),
        "exit_code": exit_code,
        "clips": [_clip(result) for result in results],
        "reports": json_value(list(reports)),
        "gaps": [
            {
                "clip": one.clip,
                "folder": one.folder.root.as_posix(),
                "stage": stage,
                "frames": str(gaps),
            }
            for one in results
            for stage, gaps in one.gaps.items()
        ],
        "undecodable": undecodable,
    }


def _clip(result: "RunResult") -> dict[str, JsonValue]:
    return {
        "clip": result.clip,
        "folder": result.folder.root.as_posix(),
        "complete": result.is_complete,
        "stages": {one.stage: one.state for one in result.outcomes},
        "failures": {one.stage: one.why for one in result.failures},
    }


@contextlib.contextmanager
def _own_output() -> Iterator[TextIO]:
    """Keep the output stream to ourselves: whoever prints on it reaches the error stream."""
    ours, others = sys.stdout, sys.stderr
    try:
        number, elsewhere = ours.fileno(), others.fileno()
    except OSError:
        # A stream in memory: no library and no other process can reach it.
        with contextlib.redirect_stdout(others):
            yield ours
        return
    ours.flush()
    stream = os.fdopen(os.dup(number), "w", encoding="ascii")
    os.dup2(elsewhere, number)
    try:
        yield stream
    finally:
        ours.flush()
        os.dup2(stream.fileno(), number)
        with contextlib.suppress(OSError):
            # Closing tries once more what a reader that went away did not take.
            stream.close()
