"""What fetching tells its caller; the library itself prints nothing."""

import dataclasses
from collections.abc import Callable
from typing import ClassVar, Literal

from choreoscope.datatypes.models import Licence
from choreoscope.pipeline.events import Event


class SourceFailedError(Exception):
    """One source did not give the file; the text is one line, and the next source is tried."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WeightsEvent(Event):
    """One thing that happened while weights are fetched.

    Attributes
    ----------
    kind : {"licence", "progress", "note", "done"}
        ``licence`` comes for every absent file before the first byte is asked for. ``note`` says
        that something unexpected was dealt with (a source that failed, a corrupt file replaced,
        waiting for another process).
    name : str
        Name of the `ModelRef`; in ``progress`` the file under way, which may be a whole wheel.
    text : str
        One line for people: where the file comes from, or the note itself.
    done, total : int
        Bytes so far and in all; in ``licence`` the ``total`` is the file's own size.
    licence : Licence or None
        Only in ``licence``.
    """

    event_name: ClassVar[str] = "weights"

    kind: Literal["licence", "progress", "note", "done"]
    name: str
    text: str = ""
    done: int = 0
    total: int = 0
    licence: Licence | None = None


Events = Callable[[WeightsEvent], None]
"""Receiver of events; a receiver of all the engine's events is one too."""
