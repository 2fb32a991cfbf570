"""What the watcher tells: as events, and line by line in the queue's log."""

from choreoscope.pipeline.events import Events
from choreoscope.pipeline.watch.events import FilmChanged, QueueTold
from choreoscope.pipeline.watch.queue import QueueFolder
from choreoscope.pipeline.watch.records import FilmRecord


class Telling:
    """Tells changes of films, and everything else once until it changes.

    Parameters
    ----------
    queue : QueueFolder
        Whose log is kept.
    events : callable
        Told everything.
    """

    def __init__(self, queue: QueueFolder, events: Events) -> None:
        self._queue = queue
        self._events = events
        self._told: dict[str, str] = {}

    def film(self, record: FilmRecord) -> None:
        """Tell that a film has another state."""
        reason = f": {record.reason}" if record.reason else ""
        self._queue.keep_in_log(f"{record.film} {record.state}{reason}")
        self._events(
            FilmChanged(
                film=record.film,
                state=record.state,
                reason=record.reason,
                result=record.result,
                report=record.report,
                exit_code=record.exit_code,
            )
        )

    def text(self, text: str, *, film: str = "") -> None:
        """Tell something."""
        self._queue.keep_in_log(f"{film} {text}".strip())
        self._events(QueueTold(film=film, text=text))

    def once(self, topic: str, text: str) -> None:
        """Tell something about a topic unless it is what was told last."""
        if self._told.get(topic) != text:
            self._told[topic] = text
            self.text(text)

    def over(self, topic: str, text: str = "") -> None:
        """Tell that a topic is over, if it was told at all."""
        if self._told.pop(topic, None) is not None and text:
            self.text(text)
