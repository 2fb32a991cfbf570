"""The queue of a watch folder as text, and what is told while it goes on."""

import sys
from collections.abc import Iterator
from pathlib import Path

from choreoscope.cli.json_events import Telling
from choreoscope.datatypes.errors import InputError
from choreoscope.pipeline.events import Event, Events
from choreoscope.pipeline.watch.events import FilmChanged, QueueTold
from choreoscope.pipeline.watch.records import SETTLED
from choreoscope.pipeline.watch.verdict import worst
from choreoscope.pipeline.watch.view import FilmView, QueueView, read_queue
from choreoscope.viewer.queue_page import PAGE, WORDS, counts_text, left_text, shown
from choreoscope.viewer.timecode import duration_text

LONGEST_NAME = 48


def is_queue(out: Path) -> bool:
    """Whether a folder is that of the results of a watch folder."""
    return (out / "queue" / "locks").is_dir()


def queue_lines(out: Path) -> list[str]:
    """Return the queue as lines: a head, a line per film and reason, where to look further.

    Raises
    ------
    InputError
        If there is no queue, or a newer Choreoscope wrote it.
    """
    return list(_lines(_read(out)))


def queue_exit_code(out: Path) -> int:
    """Return the most serious exit code of the films that lie in the watched folder.

    Raises
    ------
    InputError
        If there is no queue, or a newer Choreoscope wrote it.
    """
    films = [film for film in _read(out).films if film.is_here]
    return worst([film.record.exit_code for film in films if film.record.state in SETTLED])


def _read(out: Path) -> QueueView:
    if not is_queue(out):
        raise InputError(f"{out} holds no queue; give the folder of results of 'choreoscope watch'")
    try:
        return read_queue(out)
    except OSError as error:
        raise InputError(f"the queue in {out} cannot be read ({error.strerror})") from error


def _lines(view: QueueView) -> Iterator[str]:
    if view.source is not None:
        yield f"watched: {shown(str(view.source))}"
    yield f"results: {shown(str(view.out))}"
    yield counts_text(view)
    films = [film for film in view.films if film.record.state != "skipped"]
    width = max((len(_name(film)) for film in films), default=0)
    for film in films:
        yield f"  {_name(film):<{width}}  {_state(film)}".rstrip()
        if film.record.reason:
            yield f"  {'':<{width}}  {shown(film.record.reason)}"
    skipped = [film for film in view.films if film.record.state == "skipped"]
    for film in skipped:
        yield f"  {_name(film)}: left aside, {shown(film.record.reason)}"
    if (view.out / PAGE).exists():
        yield f"page: {shown(str(view.out / PAGE))}"


def _name(film: FilmView) -> str:
    name = shown(film.record.film)
    return name if len(name) <= LONGEST_NAME else f"...{name[3 - LONGEST_NAME :]}"


def _state(film: FilmView) -> str:
    record, progress = film.record, film.progress
    words = WORDS[record.state]
    if progress is not None:
        stages = "; ".join(
            " ".join(
                part
                for part in (
                    one.stage,
                    f"{100 * one.done / one.total:.0f} %" if one.total else "",
                    f"{one.rate:.1f} {one.unit}/s" if one.rate else "",
                    left_text(one.left_seconds),
                )
                if part
            )
            for one in progress.running
        )
        return f"{words} for {duration_text(progress.seconds)}  {stages}".rstrip()
    parts = [words]
    if record.facts.get("people"):
        parts.append(f"people: {record.facts['people']}")
    if record.seconds is not None and record.state in SETTLED:
        parts.append(f"took {duration_text(record.seconds)}")
    if not film.is_here:
        parts.append("no longer in the folder")
    return ", ".join(parts)


def telling(tell: Telling, *, quiet: bool) -> Events:
    """Let a teller hear everything, and tell people in a line what the queue tells.

    With `quiet` only what is wrong is told.
    """

    def receive(event: Event) -> None:
        tell(event)
        if isinstance(event, FilmChanged):
            reason = f": {shown(event.reason)}" if event.reason else ""
            line, is_wrong = (
                f"{shown(event.film)} {WORDS[event.state]}{reason}",
                event.exit_code > 0,
            )
        elif isinstance(event, QueueTold):
            line, is_wrong = f"{shown(event.film)} {shown(event.text)}".strip(), True
        else:
            return
        if quiet and is_wrong:
            print(f"choreoscope: {line}", file=sys.stderr)
        else:
            tell.line(line)

    return receive
