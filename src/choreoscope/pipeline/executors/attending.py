"""Attending to a worker, on the side of the one who owns the folder: the same for all workers."""

import dataclasses
import time
from collections.abc import Callable
from typing import Any, Self

from choreoscope.datatypes.errors import ChoreoscopeError, TimedOutError, WorkerLostError
from choreoscope.pipeline.events import Events
from choreoscope.pipeline.executors.interface import Place
from choreoscope.pipeline.task import Failure, Part, Task
from choreoscope.pipeline.work import refused_by_disk

Message = tuple[str, Any]
"""A word ("event", "place", "done") and what goes with it."""


def attend(
    task: Task,
    place: Place,
    events: Events,
    receive: Callable[[], Message],
    answer: Callable[[str | None], None],
) -> Failure | None:
    """Do what a worker asks for until its task is done.

    Parameters
    ----------
    receive : callable
        Waits for the worker's next message.
    answer : callable
        Tells it that a part is in place, or why it is not.
    """
    refused: Failure | None = None
    while True:
        word, what = receive()
        if word == "done":
            return refused or what
        if word == "event":
            events(what)
        elif word == "place":
            refused = _placed(task, place, what)
            answer(refused.line if refused else None)


def _placed(task: Task, place: Place, part: Part) -> Failure | None:
    """Put a part into place; a refusal becomes a record, which the worker is told of."""
    try:
        place(part)
    except OSError as error:
        return Failure.of(refused_by_disk(task.scope.folder.root, error) or error)
    except ChoreoscopeError as error:
        return Failure.of(error)
    return None


@dataclasses.dataclass(frozen=True, slots=True)
class Patience:
    """How long a worker's next message is waited for.

    Attributes
    ----------
    deadline : float
        On `time.monotonic`; infinite for none.
    silence : float
        Seconds without a sign of life; infinite for as long as it likes.
    """

    deadline: float
    silence: float

    @classmethod
    def with_task(cls, task: Task, deadline: float) -> Self:
        """Return the patience with a task: only making windows gives signs of life."""
        silent = task.settings.limits.of_silence if task.windows else float("inf")
        return cls(deadline, silent)

    @property
    def seconds(self) -> float | None:
        """Seconds left for the next message; None for no end."""
        allowed = min(self.deadline - time.monotonic(), self.silence)
        return None if allowed == float("inf") else max(0.0, allowed)

    @property
    def ended(self) -> TimedOutError | WorkerLostError:
        """What to raise when nothing has come in time."""
        if time.monotonic() >= self.deadline:
            return TimedOutError("took longer than allowed")
        return WorkerLostError(f"the worker process showed no sign of life for {self.silence:g} s")
