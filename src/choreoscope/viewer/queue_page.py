"""The status page of a watch folder: what is worked on, what comes next, what became of the rest.

One file without anything else; it loads itself anew while something is going on.
"""

import datetime as dt
import os
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote

from choreoscope.pipeline.watch.live import Running
from choreoscope.pipeline.watch.queue import write_whole
from choreoscope.pipeline.watch.records import FilmRecord
from choreoscope.pipeline.watch.view import FilmView, QueueView
from choreoscope.viewer.report import embedded_json, render
from choreoscope.viewer.timecode import duration_text

PAGE = "status.html"
BUSY_REFRESH_SECONDS = 2
IDLE_REFRESH_SECONDS = 30
OLD_AFTER_SECONDS = 120
"""An age of the page at which its watcher has probably ended; it writes far more often."""

WORDS = {
    "working": "being worked on",
    "ready": "in the queue",
    "waiting": "still arriving",
    "failed": "failed",
    "gaps": "finished with gaps",
    "finished": "finished",
    "skipped": "left aside",
}
_MINUTE = 60.0


def write_queue_page(view: QueueView, *, made_with: str) -> Path:
    """Write the page beside the results.

    Parameters
    ----------
    view : QueueView
        What to show.
    made_with : str
        Name and version of the program.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    OutputError, OSError
        If the page cannot be written.
    """
    page = view.out / PAGE
    now = dt.datetime.now(dt.UTC)
    write_whole(page, queue_page(view, made_with=made_with, written=now), lasting=False)
    return page


def queue_page(view: QueueView, *, made_with: str, written: dt.datetime) -> str:
    """Return the whole page as text.

    Parameters
    ----------
    written : datetime
        Shown, and compared with the reader's clock to notice a watcher that has ended.
    """
    films = [_film_text(film, view.out) for film in view.films]
    source = view.source
    return render(
        "queue.html.j2",
        made_with=made_with,
        title=shown(source.name or str(source)) if source else "Watch folder",
        facts=_facts(view),
        refresh=_refresh(view),
        verdict=_verdict(view),
        trouble=shown(view.trouble),
        sections=_sections(films),
        skipped=[film for film in films if film["state"] == "skipped"],
        is_empty=not any(film["state"] != "skipped" for film in films),
        log=quote("queue/log.txt"),
        written=written.isoformat(timespec="seconds"),
        age_json=embedded_json(
            {
                "written": written.isoformat(timespec="seconds"),
                "watching": view.is_watching,
                "oldAfter": OLD_AFTER_SECONDS,
            }
        ),
    )


def shown(text: str) -> str:
    """Make text of a name; bytes that are no text become a replacement sign."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def counts_text(view: QueueView) -> str:
    """Say in one line how many films are in which state."""
    counts = view.counts()
    said = [
        f"{counts[state]} {words}"
        for state, words in WORDS.items()
        if state in counts and state != "skipped"
    ]
    return ", ".join(said) or "no film yet"


def left_text(seconds: float | None) -> str:
    """Write a time left in words as coarse as it is known; empty for None."""
    if seconds is None:
        return ""
    if seconds < _MINUTE:
        return f"{max(1, round(seconds)):d} s left"
    minutes = round(seconds / _MINUTE)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min left" if hours else f"{minutes} min left"


def _refresh(view: QueueView) -> int:
    """Seconds after which the page loads itself anew; 0 for never."""
    if not view.is_watching:
        return 0
    return BUSY_REFRESH_SECONDS if view.is_busy else IDLE_REFRESH_SECONDS


def _facts(view: QueueView) -> list[str]:
    facts = [shown(str(view.source))] if view.source else []
    facts.append(f"results in {shown(str(view.out))}")
    return facts


def _verdict(view: QueueView) -> dict[str, str]:
    states = view.counts()
    level = "some" if "gaps" in states or view.trouble else "ok"
    if "failed" in states:
        level = "bad"
    if not view.is_watching:
        watching = "The watcher has stopped; the same command goes on from here."
    elif view.is_busy:
        watching = ""
    else:
        watching = "Watching."
    return {"level": level, "headline": counts_text(view), "detail": watching}


def _sections(films: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Films in the groups in which they are shown, empty groups left out."""
    groups = (
        ("now", "Now", ("working",)),
        ("failed", "Needs a look", ("failed",)),
        ("next", "Next", ("ready", "waiting")),
        ("done", "Done", ("gaps", "finished")),
    )
    listed = []
    for name, title, states in groups:
        own = [film for film in films if film["state"] in states]
        if name == "done":
            # What was finished last is what one looks for.
            own.sort(key=lambda film: film["ended"], reverse=True)
        listed.append({"id": name, "title": title, "films": own})
    return [section for section in listed if section["films"]]


def _film_text(film: FilmView, out: Path) -> dict[str, Any]:
    record = film.record
    folder, _, name = record.film.rpartition("/")
    progress = film.progress
    return {
        "name": shown(name),
        "folder": shown(f"{folder}/") if folder else "",
        "state": record.state,
        "words": _state_words(record),
        "reason": shown(record.reason),
        "notes": [shown(note) for note in record.notes if note != record.reason],
        "hook": "" if record.hook in ("", "due", "done") else shown(record.hook),
        "facts": [shown(f"{text}") for key, text in record.facts.items() if key in _OF_FILM],
        "people": record.facts.get("people", ""),
        "gaps": record.facts.get("gaps", ""),
        "took": "" if record.seconds is None else duration_text(record.seconds),
        "ended": record.ended,
        "elapsed": "" if progress is None else duration_text(progress.seconds),
        "running": [] if progress is None else list(map(_running_text, progress.running)),
        "worker": shown(record.worker.partition(", begun")[0]),
        "report": _href(record.report),
        "log": _href(record.log),
        "result": _href(record.result) if _is_folder(out / record.result) else "",
        "is_here": film.is_here,
        "attempts": record.attempts,
    }


_OF_FILM = ("length", "frames", "size", "clips")


def _state_words(record: FilmRecord) -> str:
    empty = 6
    if record.state == "finished" and record.exit_code == empty:
        return "finished, nobody found"
    return WORDS[record.state]


def _running_text(running: Running) -> dict[str, Any]:
    known = running.total > 0
    share = min(1.0, running.done / running.total) if known else 0.0
    rate = f"{running.rate:.1f} {running.unit}/s" if running.rate else ""
    count = f"{running.done} of {running.total} {running.unit}" if known else ""
    return {
        "clip": running.clip,
        "stage": running.stage,
        "percent": f"{100 * share:.1f}" if known else "",
        "words": _joined((count, rate, left_text(running.left_seconds))),
    }


def _joined(parts: Iterable[str]) -> str:
    return " · ".join(part for part in parts if part)


def _href(path: str) -> str:
    """Write a path below the results as a link."""
    return quote(PurePath(path).as_posix().encode("utf-8", "surrogateescape")) if path else ""


def _is_folder(path: Path) -> bool:
    try:
        return os.path.isdir(path)  # noqa: PTH112 - takes names that are no valid text
    except ValueError:
        return False
