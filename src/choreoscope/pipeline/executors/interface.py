"""What the engine asks of a place where stages run."""

from collections.abc import Callable
from typing import Protocol

from choreoscope.pipeline.events import Events
from choreoscope.pipeline.task import Failure, Part, Task

Place = Callable[[Part], None]
"""Puts a finished part into place; called in the thread that called `Executor.run`."""


class Executor(Protocol):
    """Runs tasks, several at a time where it can; each `run` is called from a thread of its own."""

    @property
    def slots(self) -> int:
        """How many tasks can be worked on at the same time."""
        ...

    def run(self, task: Task, place: Place, events: Events, deadline: float) -> Failure | None:
        """Do one task, and return when it has ended.

        Parameters
        ----------
        place : callable
            Called for each part as soon as it is finished.
        events : callable
            Told what the worker tells.
        deadline : float
            On `time.monotonic`; infinite for none.

        Returns
        -------
        Failure or None
            What the stage raised.

        Raises
        ------
        TimedOutError
            When the deadline has passed; the worker is then stopped.
        WorkerLostError
            When the worker died or showed no sign of life for too long.
        BackendUnavailableError
            When there is no worker of the kind that was asked for.
        """
        ...

    def close(self) -> None:
        """Stop all workers; tasks under way end with `KeyboardInterrupt` in their threads."""
        ...
