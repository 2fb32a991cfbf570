"""Events, counts, rates and times as short text for the screen."""

import math

from rich.cells import cell_len, set_cell_size

from choreoscope.pipeline import events
from choreoscope.pipeline.weights.events import WeightsEvent

MINUTE = 60
HOUR = 3600
DAY = 86400
MEGABYTE = 1_000_000

PLURALS = {"frame": "frames", "person": "people", "file": "files", "window": "windows"}
"""Units as stages name them, and more than one of them."""

NAME_CELLS = 22
"""Room for clip and stage at the start of a line; longer names move the rest to the right."""


def printable(text: str) -> str:
    """Put text on one line; what a terminal would take for a command becomes a question mark."""
    line = "".join(" " if letter.isspace() else letter for letter in text.strip())
    return "".join(letter if letter.isprintable() else "?" for letter in line)


def shortened(text: str, cells: int, mark: str = "…") -> str:
    """Cut the middle out of a text that takes more than so many cells of the terminal."""
    if cell_len(text) <= cells:
        return text
    room = cells - cell_len(mark)
    if room < 2:  # noqa: PLR2004 - a letter on either side
        return set_cell_size(text, max(cells, 0))
    end = text
    while cell_len(end) > room // 2:
        end = end[1:]
    return set_cell_size(text, room - cell_len(end)).rstrip() + mark + end


def padded(text: str, cells: int) -> str:
    """Fill a text up with blanks; a longer one stays whole."""
    return text + " " * (cells - cell_len(text))


def duration(seconds: float) -> str:
    """Write a time as ``0:07``, ``12:34``, ``1:02:03`` or ``2 d 3 h``."""
    whole = max(0, round(seconds))
    if whole >= DAY:
        return f"{whole // DAY} d {whole % DAY // HOUR} h"
    if whole >= HOUR:
        return f"{whole // HOUR}:{whole % HOUR // MINUTE:02d}:{whole % MINUTE:02d}"
    return f"{whole // MINUTE}:{whole % MINUTE:02d}"


def rate_text(rate: float, unit: str) -> str:
    """Write how many units are made in a second, or, where it is slow, how long one takes."""
    if rate <= 0 or not math.isfinite(rate):
        return ""
    if unit == "byte":
        return f"{rate / MEGABYTE:.1f} MB/s"
    if rate < 1 / 2:
        return f"{1 / rate:.1f} s each" if rate > 1 / MINUTE else f"{duration(1 / rate)} each"
    digits = 0 if rate >= 100 else 1 if rate >= 10 else 2  # noqa: PLR2004 - three digits in all
    return f"{rate:.{digits}f}/s"


def count_text(done: int, total: int, unit: str) -> str:
    """Write how far something is; a total of 0 is unknown."""
    if unit == "byte":
        made, of = f"{done / MEGABYTE:.1f}", f"/{total / MEGABYTE:.1f}" if total else ""
        return f"{made}{of} MB"
    plural = PLURALS.get(unit, unit)
    named = plural if (total or done) != 1 else unit
    return f"{done}/{total} {named}" if total else f"{done} {named}"


def short_name(name: str) -> str:
    """Cut the tags off a wheel's name, so that a bar finds room beside it."""
    return "-".join(name.split("-")[:2]) if name.endswith(".whl") else name


def place_of(event: events.Event, *, with_film: bool = False) -> str:
    """Name the film (where there are several), clip and stage that an event belongs to."""
    named = (event.film if with_film else "", event.clip, event.stage)
    return printable(" ".join(part for part in named if part))


def line_of(event: events.Event, *, with_film: bool = False) -> str | None:
    """Return the line that is printed for an event; None for one that has none."""
    text = _text_of(event)
    if text is None:
        return None
    if isinstance(event, WeightsEvent) or not event.clip + event.stage:
        return printable(text)
    return f"{padded(place_of(event, with_film=with_film), NAME_CELLS)} {printable(text)}"


def _text_of(event: events.Event) -> str | None:
    text = None
    match event:
        case WeightsEvent():
            text = _weights(event)
        case events.StageFinished():
            text = f"{seconds_text(event.seconds):>8}  {made_text(event)}"
        case events.StageFailed():
            text = f"failed: {event.cause}"
        case events.StageSkipped(blocked=True):
            text = f"not made: {event.why}"
        case events.WorkerLost():
            text = f"lost its worker (attempt {event.attempt}{_at(event.frames)}): {event.why}"
        case events.Retried():
            batch = f", {event.batch} frames at once" if event.batch else ""
            text = f"tried again (attempt {event.attempt}{_at(event.frames)}{batch})"
        case events.Note():
            text = f"note: {event.text}"
    return text


def made_text(event: events.StageFinished) -> str:
    """Say what a stage has made and what it could not make."""
    gaps = f", {event.failed} frames could not be made" if event.failed else ""
    files = f"{event.files} file{'s' if event.files != 1 else ''}"
    return f"{count_text(event.frames, 0, 'frame')}, {files}{gaps}"


def seconds_text(seconds: float) -> str:
    """Write how long something took, to a tenth of a second if it was below an hour."""
    return f"{seconds:.1f} s" if seconds < HOUR else duration(seconds)


def _at(frames: str) -> str:
    return f", frames {frames}" if frames else ""


def _weights(event: WeightsEvent) -> str | None:
    match event.kind:
        case "licence" if event.licence:
            terms = f"{event.licence.name}, tier '{event.licence.tier}'"
            size = f"{event.total / MEGABYTE:.1f} MB"
            return f"{event.name}: {size}, {terms}, {event.licence.notice}; from {event.text}"
        case "note":
            return f"{event.name}: {event.text}"
        case "done":
            return f"{event.name}: fetched and checked"
        case _:
            return None
