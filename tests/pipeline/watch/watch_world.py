"""A watched folder in a world of its own: a clock that is turned by hand, made-up films."""

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path

from choreoscope.datatypes.errors import InputError
from choreoscope.pipeline.events import Event, Events
from choreoscope.pipeline.watch.names import places
from choreoscope.pipeline.watch.options import WatchOptions
from choreoscope.pipeline.watch.queue import QueueFolder
from choreoscope.pipeline.watch.records import FilmRecord
from choreoscope.pipeline.watch.verdict import Verdict
from choreoscope.pipeline.watch.watcher import Watcher

STILL = 10.0


def probe(film: Path) -> dict[str, str]:
    """A film can be decoded when it says so."""
    if film.is_dir():
        return {"frames": str(len(list(film.iterdir())))}
    if b"FILM" not in film.read_bytes():
        raise InputError(f"{film} is not a film that can be read")
    return {"length": "1 s"}


@dataclasses.dataclass
class World:
    """Folders, clock and one watcher at a time.

    `does` is called in place of the real work, after the call was noted.
    """

    root: Path
    options: WatchOptions = dataclasses.field(
        default_factory=lambda: WatchOptions(
            still_seconds=STILL, series_still_seconds=STILL, poll_seconds=1.0, free_megabytes=0
        )
    )
    does: Callable[[Path, Path, Events], Verdict] = lambda _film, _out, _events: Verdict(
        state="finished"
    )
    now: float = 0.0

    def __post_init__(self) -> None:
        self.source = self.root / "in"
        self.out = self.root / "out"
        self.source.mkdir(parents=True)
        self.worked: list[tuple[str, float]] = []
        self.events: list[Event] = []
        self.while_asleep: list[tuple[float, Callable[[], object]]] = []
        self.watcher = self.new_watcher()

    def new_watcher(self, **changes: object) -> Watcher:
        arguments = {
            "process": self._process,
            "probe": probe,
            "events": self.events.append,
            "clock": lambda: self.now,
            "sleep": self.sleep,
        }
        return Watcher(self.source, self.out, self.options, **{**arguments, **changes})

    def set(self, **options: object) -> None:
        self.options = self.options.model_copy(update=options)
        self.watcher = self.new_watcher()

    def _process(self, film: Path, out: Path, events: Events) -> Verdict:
        self.worked.append((film.relative_to(self.source).as_posix(), self.now))
        return self.does(film, out, events)

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        due = [what for when, what in self.while_asleep if when <= self.now]
        self.while_asleep = [one for one in self.while_asleep if one[0] > self.now]
        for what in due:
            what()

    def at(self, when: float, what: Callable[[], object]) -> None:
        self.while_asleep.append((when, what))

    def film(self, name: str, content: bytes = b"FILM", age: float | None = None) -> Path:
        path = self.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if age is not None:
            os.utime(path, (age, age))
        return path

    def run(self, seconds: float) -> None:
        """Let the watcher go round for so long."""
        end = self.now + seconds
        while self.now < end:
            if not self.watcher.round():
                self.sleep(1.0)

    def once(self) -> int:
        return self.watcher.run(once=True)

    @property
    def queue(self) -> QueueFolder:
        return QueueFolder(self.out)

    def key(self, film: str) -> str:
        return places(film)[0].key

    def record(self, film: str) -> FilmRecord:
        records, _ = self.queue.read_all()
        return next(record for record in records.values() if record.film == film)

    def states(self) -> dict[str, str]:
        records, _ = self.queue.read_all()
        return {record.film: record.state for record in records.values()}

    def films(self) -> list[str]:
        """Films worked on, in order."""
        return [film for film, _ in self.worked]

    def change_record(self, name: str, **fields: object) -> None:
        path = self.queue.record(self.key(name))
        path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))

    def told(self) -> str:
        return self.queue.log.read_text()
