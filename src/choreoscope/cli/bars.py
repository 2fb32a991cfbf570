"""Bars, the table of a clip, and lines in place of bars, made of what has been counted."""

import dataclasses

from rich.cells import cell_len
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from choreoscope.cli import wording
from choreoscope.cli.tally import ClipTally, FilmTally, Pace, StageTally, Tally

NARROW = 64
"""Cells below which a bar has no rate beside it."""

VERY_NARROW = 44
"""Cells below which a bar has a percentage in place of a count."""

SMALLEST_NAME = 10


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar: what it is of, how far that is, and the facts beside it; empty where unknown."""

    name: str
    done: int
    total: int
    count: str
    speed: str
    left: str
    is_film: bool = False

    @property
    def percent(self) -> str:
        """How much is done; empty where the total is unknown."""
        return f"{min(100, 100 * self.done // self.total)} %" if self.total > 0 else ""


def bars(tally: Tally, now: float) -> list[Bar]:
    """Return a bar for everything that runs and for each film, films last."""
    several = len(tally.film_names) > 1
    found = [
        bar_of(f"{name_of(clip, with_film=several)} {name}", stage.pace, now)
        for clip, name, stage in tally.running
    ]
    downloads = tally.downloads.items()
    found += [bar_of(wording.short_name(name), pace, now) for name, pace in downloads]
    return found + [_film_bar(tally.film(name, now)) for name in tally.film_names]


def bar_of(name: str, pace: Pace, now: float) -> Bar:
    """Return the bar of something that tells how far it is."""
    left = pace.left(now)
    return Bar(
        name=wording.printable(name),
        done=pace.done,
        total=pace.total,
        count=wording.count_text(pace.done, pace.total, pace.unit) if pace.unit else "",
        speed=wording.rate_text(pace.rate(now), pace.unit),
        left="" if left is None else f"{wording.duration(left)} left",
    )


def _film_bar(film: FilmTally) -> Bar:
    left = ""
    if film.seconds_left is not None:
        more = ">" if film.takes_longer else ""
        left = f"{more}{wording.duration(film.seconds_left)} left"
    return Bar(
        name=wording.printable(film.name),
        done=film.frames_done,
        total=film.frames,
        count=wording.count_text(film.frames_done, film.frames, "frame"),
        speed=f"{film.stages_done}/{film.stages} stages",
        left=left,
        is_film=True,
    )


def that_fit(found: list[Bar], rows: int) -> list[Bar]:
    """Leave out bars of stages where there are more than rows on the screen; films stay."""
    films = sum(bar.is_film for bar in found)
    too_many = min(len(found) - films, max(0, len(found) - rows))
    stages = found[: len(found) - films]
    return stages[: len(stages) - too_many] + found[len(found) - films :]


def drawn(found: list[Bar], width: int, *, is_ascii: bool = False) -> Table:
    """Lay bars out for a screen so many cells wide."""
    grid = Table.grid(padding=(0, 1, 0, 0), expand=True)
    longest = max((cell_len(bar.name) for bar in found), default=0)
    cells = min(longest, max(SMALLEST_NAME, width // 3))
    grid.add_column(width=cells, no_wrap=True)
    grid.add_column(ratio=1, min_width=4)
    facts = _facts_that_fit(width)
    for _ in facts:
        grid.add_column(justify="right", no_wrap=True)
    for bar in found:
        name = wording.shortened(bar.name, cells, "~" if is_ascii else "…")
        grid.add_row(
            Text(name, style="bold" if bar.is_film else ""),
            ProgressBar(total=bar.total or None, completed=bar.done),
            *(Text(getattr(bar, fact), style=style) for fact, style in facts),
        )
    return grid


def _facts_that_fit(width: int) -> list[tuple[str, str]]:
    if width < VERY_NARROW:
        return [("percent", ""), ("left", "cyan")]
    if width < NARROW:
        return [("count", ""), ("left", "cyan")]
    return [("count", ""), ("speed", "cyan"), ("left", "cyan")]


def as_line(bar: Bar) -> str:
    """Write a bar as a line: name, percentage, count, rate and time left."""
    facts = [fact for fact in (bar.percent, bar.count, bar.speed, bar.left) if fact]
    return f"{wording.padded(bar.name, wording.NAME_CELLS)} {'  '.join(facts)}"


def name_of(clip: ClipTally, *, with_film: bool = False) -> str:
    """Name a clip; with its film where several are worked on."""
    named = (clip.film, clip.clip) if with_film else (clip.clip,)
    return wording.printable(" ".join(part for part in named if part))


def table_of(clip: ClipTally) -> Table:
    """Lay a clip's stages out: what became of each, its frames, its time."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("  stage")
    table.add_column("state")
    table.add_column("frames", justify="right")
    table.add_column("time", justify="right")
    for name, stage in clip.stages.items():
        table.add_row(
            Text(f"  {wording.printable(name)}"),
            Text(_state_text(stage), style=_STYLES.get(stage.state, "")),
            str(stage.frames) if stage.state == "made" else "",
            wording.seconds_text(stage.seconds) if stage.seconds else "",
        )
    return table


_STYLES = {"failed": "red", "not made": "yellow", "done before": "dim", "waiting": "dim"}


def _state_text(stage: StageTally) -> str:
    if stage.state == "made" and stage.gaps:
        return f"made, {wording.count_text(stage.gaps, 0, 'frame')} missing"
    return {"waiting": "not begun", "running": "stopped"}.get(stage.state, stage.state)
