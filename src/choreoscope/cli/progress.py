"""Engine events on the screen: a bar per running stage, a line per finished one, a table per clip.

Everything goes to the error stream; where that is no terminal there are lines instead of bars.
"""

import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from choreoscope.cli import bars, wording
from choreoscope.cli.tally import ClipTally, Pace, Tally
from choreoscope.pipeline import events
from choreoscope.pipeline.weights.events import WeightsEvent

if TYPE_CHECKING:
    from choreoscope.pipeline.run import RunResult

REFRESHES_PER_SECOND = 8

SECONDS_BETWEEN_LINES = 5.0

SHARE_BETWEEN_LINES = 0.05
"""Of the time it has run: after an hour a stage tells every three minutes how far it is."""


class Teller:
    """Shows what the engine tells, while the block lasts; may be told from several threads.

    Parameters
    ----------
    quiet : bool
        Show nothing but problems.
    console : rich.console.Console or None
        Where to; the error stream if None.
    clock : callable
        Seconds that only rise.
    """

    def __init__(
        self,
        *,
        quiet: bool,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._quiet = quiet
        self._console = console or Console(stderr=True)
        self._clock = clock
        self._tally = Tally()
        # The thread that refreshes the screen counts, too. It waits for this lock while it holds
        # the console's, so nothing may be printed by whoever holds this one.
        self._counting = threading.Lock()
        self._telling = threading.RLock()
        self._told: dict[str, tuple[float, float]] = {}
        self._live: Live | None = None
        self._has_bars = self._console.is_terminal and not self._console.is_dumb_terminal
        self._is_cleared = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop_bars()
        for clip in self._tally.clips:
            self._tell_clip(clip, ": stopped")

    def __call__(self, event: events.Event) -> None:
        """Receive one event."""
        if not self._quiet:
            with self._telling:
                self._show(event)

    def line(self, text: str) -> None:
        """Print a line above the bars, unless all is to be quiet."""
        if not self._quiet:
            self._print(Text(text))

    def result(self, text: str) -> None:
        """Print on the output stream what a command has made, unless all is to be quiet."""
        if not self._quiet:
            self._print_aside(text, sys.stdout)

    def problem(self, text: str, exit_code: int) -> None:
        """Print on the error stream what went wrong, in any case."""
        del exit_code
        self._print_aside(f"choreoscope: {text}", sys.stderr)

    def ended(
        self,
        exit_code: int,
        results: "Sequence[RunResult]" = (),
        reports: Sequence[Path] = (),
        undecodable: str = "",
    ) -> None:
        """Do nothing: on the screen the end is told by what came before."""

    def _print_aside(self, text: str, stream: TextIO) -> None:
        """Print what the console does not print; the bars come back with the next event."""
        with self._telling:
            self._stop_bars()
            print(text, file=stream)

    def _print(self, shown: RenderableType) -> None:
        # In a file a line stays one line, to be searched; on a screen it is wrapped between words.
        is_whole = isinstance(shown, Text) and not self._has_bars
        self._console.print(shown, highlight=False, soft_wrap=is_whole)

    def _show(self, event: events.Event) -> None:
        now = self._clock()
        with self._counting:
            self._tally.add(event, now)
            several = len(self._tally.film_names) > 1
            is_anything_drawn = bool(self._tally.running or self._tally.downloads)
        line = wording.line_of(event, with_film=several)
        if line is not None:
            self._print(Text(line, style=_STYLES.get(type(event), "")))
        match event:
            case events.Progress():
                self._tell_now_and_then(event, self._tally.stage(event).pace, now)
            case WeightsEvent(kind="progress"):
                self._tell_now_and_then(event, self._tally.download(event), now)
            case events.FilmStarted():
                clips = f"{len(event.clips)} clip{'s' if len(event.clips) != 1 else ''}"
                frames = wording.count_text(event.frames, 0, "frame")
                self.line(f"{wording.printable(event.film)}: {clips}, {frames}")
            case events.ClipFinished():
                state = "complete" if event.complete else "not complete"
                ending = f": {state} after {wording.duration(event.seconds)}"
                self._tell_clip(self._tally.clip(event), ending)
            case events.FilmFinished():
                self._tell_film(event)
        if self._has_bars and self._live is None and is_anything_drawn:
            self._start_bars()

    def _tell_film(self, event: events.FilmFinished) -> None:
        with self._counting:
            self._tally.close(event.film)
        self._told.clear()
        if len(event.clips) > 1:
            state = "all complete"
            if event.incomplete:
                names = ", ".join(event.incomplete)
                state = f"{len(event.incomplete)} not complete ({names})"
            after = wording.duration(event.seconds)
            film = wording.printable(event.film)
            self.line(f"{film}: {len(event.clips)} clips after {after}, {state}")

    def _tell_clip(self, clip: ClipTally, ending: str) -> None:
        """Print the table of a clip, once."""
        if clip.is_told or self._quiet:
            return
        clip.is_told = True
        name = bars.name_of(clip, with_film=len(self._tally.film_names) > 1)
        if len(clip.stages) > 1 and clip.has_worked:
            self.line(name + ending)
            self._print(bars.table_of(clip))
        elif len(clip.stages) > 1 and all(one.is_over for one in clip.stages.values()):
            self.line(f"{name}: all {len(clip.stages)} stages were done before")
        with self._counting:
            self._tally.forget(clip)

    def _tell_now_and_then(self, event: events.Event, pace: Pace, now: float) -> None:
        """Where there are no bars: say how far something is, seldom."""
        if self._has_bars or pace.done >= pace.total > 0:
            return
        place = wording.place_of(event, with_film=len(self._tally.film_names) > 1)
        if isinstance(event, WeightsEvent):
            place = wording.short_name(event.name)
        began, told = self._told.get(place, (pace.began, pace.began))
        if began < pace.began:
            began = told = pace.began
        if now - told >= max(SECONDS_BETWEEN_LINES, SHARE_BETWEEN_LINES * (now - began)):
            told = now
            self.line(bars.as_line(bars.bar_of(place, pace, now)))
        self._told[place] = (began, told)

    def _start_bars(self) -> None:
        # What a command prints on the output stream goes there, even while bars are shown.
        self._live = Live(
            get_renderable=self._drawn,
            console=self._console,
            refresh_per_second=REFRESHES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
        )
        self._live.start()

    def _stop_bars(self) -> None:
        if self._live is not None:
            self._is_cleared = True
            self._live.stop()
            self._live, self._is_cleared = None, False

    def _drawn(self) -> RenderableType:
        """Draw all bars; called by the thread that refreshes the screen."""
        if self._is_cleared:
            return Text("")
        with self._counting:
            found = bars.bars(self._tally, self._clock())
        width, height = self._console.size
        is_ascii = not self._console.encoding.startswith("utf")
        return bars.drawn(bars.that_fit(found, height - 1), width, is_ascii=is_ascii)


_STYLES: dict[type[events.Event], str] = {
    events.StageFailed: "red",
    events.StageSkipped: "yellow",
    events.WorkerLost: "yellow",
    events.Retried: "yellow",
}
