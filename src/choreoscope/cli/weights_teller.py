"""What fetching weights looks like on the screen: licences first, then bars with rate and time."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from choreoscope.pipeline.weights.events import WeightsEvent


def line_of(event: WeightsEvent) -> str | None:
    """Return the line of text for an event; None for progress, which is a bar."""
    match event.kind:
        case "licence" if event.licence:
            terms = f"{event.licence.name}, tier '{event.licence.tier}'"
            size = f"{event.total / 1e6:.1f} MB"
            return f"{event.name}: {size}, {terms}, {event.licence.notice}; from {event.text}"
        case "note":
            return f"{event.name}: {event.text}"
        case "done":
            return f"{event.name}: fetched and checked"
        case _:
            return None


def short_name(name: str) -> str:
    """Cut the tags off a wheel's name, so that a bar finds room beside it."""
    return "-".join(name.split("-")[:2]) if name.endswith(".whl") else name


class WeightsTeller:
    """Prints `WeightsEvent`s to the error stream while the block lasts."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            DownloadColumn(),
            TransferSpeedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(compact=True),
            console=self._console,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def __call__(self, event: WeightsEvent) -> None:
        """Receive one event."""
        line = line_of(event)
        if line:
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)
        if event.kind == "progress":
            self._bars.start()
            if event.name not in self._tasks:
                label = short_name(event.name)
                self._tasks[event.name] = self._bars.add_task(label, total=event.total)
            self._bars.update(self._tasks[event.name], completed=event.done, total=event.total)
