"""Engine events as progress bars with rate and time left."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from choreoscope.cli.weights_teller import line_of, short_name
from choreoscope.pipeline import events
from choreoscope.pipeline.weights.events import WeightsEvent

SECONDS_BETWEEN_UPDATES = 0.1


class _Rate(ProgressColumn):
    """Frames (or other units) per second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        unit = task.fields.get("unit", "")
        return Text(f"{speed:6.1f} {unit}/s" if speed else "", style="cyan")


class Teller:
    """Prints what the engine tells: one bar per running stage, one line per finished one."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description:<12}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            _Rate(),
            TextColumn("left"),
            TimeRemainingColumn(compact=True),
            console=self._console,
            transient=True,
            disable=quiet,
        )
        self._bar: TaskID | None = None
        self._downloads: dict[str, TaskID] = {}
        self._drawn = 0.0

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def line(self, text: str) -> None:
        """Print a line above the bars."""
        if not self._quiet:
            self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def __call__(self, event: events.Event) -> None:
        """Receive one event."""
        match event:
            case WeightsEvent():
                self._weights(event)
            case events.StageStarted():
                self._bar = self._bars.add_task(event.stage, total=None, unit="")
            case events.Progress():
                self._advance(event)
            case events.StageFinished():
                self._end(f"{event.clip} {event.stage:<12} {event.seconds:7.1f} s  {_made(event)}")
            case events.StageFailed():
                self._end(f"{event.clip} {event.stage:<12} failed: {event.cause}")
            case events.Note():
                self.line(f"{event.clip} {event.stage:<12} note: {event.text}")

    def _weights(self, event: WeightsEvent) -> None:
        line = line_of(event)
        if line is not None:
            self.line(line)
        elif event.total and not self._quiet:
            if event.name not in self._downloads:
                self._downloads[event.name] = self._bars.add_task(
                    short_name(event.name), total=None, unit="MB"
                )
            bar, megabyte = self._downloads[event.name], 1_000_000
            self._bars.update(bar, completed=event.done // megabyte, total=event.total // megabyte)

    def _advance(self, event: events.Progress) -> None:
        now = time.monotonic()
        if now - self._drawn < SECONDS_BETWEEN_UPDATES and event.done != event.total:
            return
        self._drawn = now
        if self._bar is None:
            self._bar = self._bars.add_task(event.stage, total=None, unit="")
        total = event.total or None
        self._bars.update(self._bar, completed=event.done, total=total, unit=event.unit)

    def _end(self, text: str) -> None:
        if self._bar is not None:
            self._bars.remove_task(self._bar)
            self._bar = None
        self.line(text)


def _made(event: events.StageFinished) -> str:
    missing = f", {event.failed} frames could not be made" if event.failed else ""
    return f"{event.frames} frames, {event.files} files{missing}"
