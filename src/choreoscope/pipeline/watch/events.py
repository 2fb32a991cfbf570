"""What the watch folder tells while it works."""

import dataclasses
from typing import ClassVar

from choreoscope.pipeline.events import Event


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FilmChanged(Event):
    """A film of the queue has another state than before.

    Attributes
    ----------
    state : str
        As in the film's record.
    reason : str
        One line; empty where there is nothing to say.
    result, report : str
        Folder of its result and page to look at, relative to the folder of all results.
    exit_code : int
        As ``choreoscope capture`` would have ended; 0 while nothing is settled.
    """

    event_name: ClassVar[str] = "film-changed"

    state: str
    reason: str = ""
    result: str = ""
    report: str = ""
    exit_code: int = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class QueueTold(Event):
    """Something about the queue itself that somebody ought to know."""

    event_name: ClassVar[str] = "queue-told"

    text: str
