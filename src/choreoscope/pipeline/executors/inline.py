"""Stages in this process: nothing to start, nothing to survive a crash."""

import dataclasses

from choreoscope.pipeline.events import Event, Events
from choreoscope.pipeline.executors.interface import Place
from choreoscope.pipeline.loading import LoadedModels
from choreoscope.pipeline.task import Failure, Part, Task
from choreoscope.pipeline.work import TimedChannel, work


@dataclasses.dataclass(frozen=True, slots=True)
class _Direct:
    """A channel between two functions of one process."""

    putting: Place
    telling: Events

    def tell(self, event: Event) -> None:
        """Hand an event up."""
        self.telling(event)

    def place(self, part: Part) -> None:
        """Put a part into place."""
        self.putting(part)


class InlineExecutor:
    """Runs every task in the thread that asks.

    A deadline is looked at whenever the stage tells its progress or commits: a stage that hangs
    hangs the program.

    Parameters
    ----------
    models : LoadedModels
        Back ends, kept from task to task.
    """

    slots = 1

    def __init__(self, models: LoadedModels) -> None:
        self._models = models

    def run(self, task: Task, place: Place, events: Events, deadline: float) -> Failure | None:
        """Do one task.

        Raises
        ------
        TimedOutError
            When the deadline has passed.
        """
        return work(task, self._models, TimedChannel(_Direct(place, events), deadline))

    def close(self) -> None:
        """Do nothing: there are no workers."""
