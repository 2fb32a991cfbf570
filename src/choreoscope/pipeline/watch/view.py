"""The whole queue at one moment, read from disk alone: for the status page and the command."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from choreoscope.pipeline.watch.live import FilmProgress, read_progress
from choreoscope.pipeline.watch.names import natural_key
from choreoscope.pipeline.watch.queue import QueueFolder
from choreoscope.pipeline.watch.records import SETTLED, FilmRecord
from choreoscope.pipeline.watch.sights import PICTURES

STATES = ("working", "ready", "waiting", "failed", "gaps", "finished", "skipped")
"""In the order in which they are shown."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FilmView:
    """One film of the queue.

    Attributes
    ----------
    progress : FilmProgress or None
        Of a film that is worked on.
    is_here : bool
        Whether it still lies in the watched folder.
    """

    record: FilmRecord
    progress: FilmProgress | None = None
    is_here: bool = True


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """The queue at one moment.

    Attributes
    ----------
    out : Path
        Folder of all results.
    source : Path or None
        Folder that is watched; None where that is not known.
    films : tuple of FilmView
        By state, then as they are taken.
    trouble : str
        What keeps the watcher from working; empty where nothing does.
    is_watching : bool
        Whether a watcher tells this; False for one that only reads the disk, or has stopped.
    """

    out: Path
    source: Path | None
    films: tuple[FilmView, ...]
    trouble: str = ""
    is_watching: bool = False

    @property
    def is_busy(self) -> bool:
        """Whether something is going on that changes by itself."""
        return any(film.record.state in ("waiting", "ready", "working") for film in self.films)

    def counts(self) -> Mapping[str, int]:
        """Films by state, states without a film left out."""
        states = [film.record.state for film in self.films]
        return {state: states.count(state) for state in STATES if state in states}


def in_line(record: FilmRecord) -> tuple[object, ...]:
    """Sort key of the queue: broken-off work first, repeated attempts last, then by arrival."""
    return (not record.interrupted, record.attempts, record.order, natural_key(record.film))


def read_queue(out: Path, *, trouble: str = "", is_watching: bool = False) -> QueueView:
    """Read the queue of a folder of results.

    A film that has been taken away before anything was made of it is left out.

    Raises
    ------
    InputError
        If a newer Choreoscope wrote it.
    OSError
        If there is no queue, or it cannot be reached.
    """
    queue = QueueFolder(out)
    records, _ = queue.read_all()
    return view_of(queue, records, trouble=trouble, is_watching=is_watching)


def view_of(
    queue: QueueFolder,
    records: Mapping[str, FilmRecord],
    *,
    trouble: str = "",
    is_watching: bool = False,
) -> QueueView:
    """Put records that have been read in order, with the progress of those worked on."""
    source = queue.source()
    reachable = source is not None and source.is_dir()
    films = []
    for key, record in records.items():
        is_here = source is None or not reachable or _lies_in(source, record)
        if is_here or record.state in (*SETTLED, "working"):
            progress = read_progress(queue.progress(key)) if record.state == "working" else None
            films.append(FilmView(record=record, progress=progress, is_here=is_here))
    films.sort(key=lambda film: (STATES.index(film.record.state), in_line(film.record)))
    return QueueView(
        out=queue.out,
        source=source,
        films=tuple(films),
        trouble=trouble,
        is_watching=is_watching,
    )


def _lies_in(source: Path, record: FilmRecord) -> bool:
    try:
        place = source / record.film
        # What stands for several pictures has no file of its own.
        return place.exists() or place.name == PICTURES
    except OSError:
        return True
