"""A bar for work that goes frame by frame: how many, how fast, how long still."""

from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import TaskID


class FrameProgress:
    """Shows one bar per name on the error stream, while the block lasts; callable.

    Parameters
    ----------
    quiet : bool
        Show nothing.
    """

    def __init__(self, *, quiet: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TextColumn("{task.fields[left]}"),
            console=Console(stderr=True, quiet=quiet),
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def __call__(self, name: str, done: int, total: int) -> None:
        """Be told how far something is."""
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=total, speed="", left="")
        task = self._progress.tasks[self._progress.task_ids.index(self._tasks[name])]
        seconds = task.elapsed or 0.0
        rate = done / seconds if seconds > 0 else 0.0
        left = (total - done) / rate if rate else 0.0
        self._progress.update(
            self._tasks[name],
            completed=done,
            speed=f"{rate:.1f} frames/s" if rate else "",
            left=f"{left // 60:.0f}:{left % 60:02.0f} left" if rate and done < total else "",
        )
