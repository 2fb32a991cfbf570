"""Watching a folder: look, work, look again, until told to stop; safe to stop at any moment."""

import contextlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.pipeline.events import Events, ignore, serialised
from choreoscope.pipeline.watch.arrivals import Arrivals
from choreoscope.pipeline.watch.live import Live
from choreoscope.pipeline.watch.options import WatchOptions
from choreoscope.pipeline.watch.queue import QueueFolder
from choreoscope.pipeline.watch.records import SETTLED
from choreoscope.pipeline.watch.strangers import Strangers
from choreoscope.pipeline.watch.telling import Telling
from choreoscope.pipeline.watch.verdict import Outdated, Probe, Process, never_outdated, worst
from choreoscope.pipeline.watch.view import QueueView, view_of
from choreoscope.pipeline.watch.working import Desk

TICK_SECONDS = 1.0
"""How often the progress is kept and the page published at most."""
SIGN_SECONDS = 20.0
"""The page is published so often even if nothing changes, so that one can see its age."""
TOLERANCE_SECONDS = 0.001
LOOKING_SHARE = 9.0
"""A look that took long is followed by a rest so many times as long."""

Publish = Callable[[QueueView], None]


def keep_to_yourself(view: QueueView) -> None:
    """Publish nothing."""
    del view


class Watcher:
    """Makes everything of every film that lies in a folder, or is dropped into it.

    Parameters
    ----------
    source : Path
        Watched folder, which may lie on a network drive.
    out : Path
        Folder of all results; made if absent, but none above it.
    process : callable
        Makes everything of a film (`verdict.Process`).
    probe : callable
        Tells whether a film can be decoded (`verdict.Probe`).
    events : callable
        Told everything; one call at a time.
    outdated : callable
        Asked once, at the first look, about every film that is done with (`verdict.Outdated`).
    publish : callable
        Shown the queue at most once a second; what it raises as `OSError` or `OutputError` stops
        nothing.
    clock, sleep : callable
        Seconds of a monotonic clock; ``sleep(seconds)``.

    Raises
    ------
    InputError
        If one of the folders is the other, or the results would lie around the films.
    """

    def __init__(  # noqa: PLR0913 - what it works with
        self,
        source: Path,
        out: Path,
        options: WatchOptions,
        *,
        process: Process,
        probe: Probe,
        events: Events = ignore,
        outdated: Outdated = never_outdated,
        publish: Publish = keep_to_yourself,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._source = source.absolute()
        self._queue = QueueFolder(out.absolute())
        if self._source.resolve().is_relative_to(self._queue.out.resolve()):
            raise InputError(
                f"the results ({out}) would lie around the films ({source}); "
                f"choose another folder with --out"
            )
        self._options = options
        self._outdated = outdated
        self._publish = publish
        self._clock = clock
        self._sleep = sleep
        self._guard = threading.RLock()
        self._trouble = ""
        self._looked = float("-inf")
        self._rest = 0.0
        self._shown: tuple[QueueView, float] | None = None
        told = serialised(events)
        self._telling = Telling(self._queue, told)
        strangers = Strangers(self._queue, self._telling, clock)
        self._arrivals = Arrivals(
            self._source,
            self._queue,
            options,
            probe=probe,
            clock=clock,
            telling=self._telling,
            strangers=strangers,
        )
        self._desk = Desk(
            self._source,
            self._queue,
            options,
            process=process,
            events=told,
            clock=clock,
            beside=self._go_on_looking,
            telling=self._telling,
            strangers=strangers,
        )

    def run(self, *, once: bool = False) -> int:
        """Watch until Ctrl-C, or once until nothing is left to do.

        Parameters
        ----------
        once : bool
            End when no film is ready and those that still wait have had the time to become so.

        Returns
        -------
        int
            The most serious exit code of the films that lie in the folder.

        Raises
        ------
        InputError
            If a newer Choreoscope wrote the queue; with `once`, if the folder cannot be reached.
        OutputError
            With `once`, if the results cannot be written.
        KeyboardInterrupt
            On Ctrl-C, after the film at work was put back.
        """
        idle_since = self._clock()
        self._rest = 0.0
        try:
            while True:
                if self.round(patient=not once):
                    idle_since = self._clock()
                elif once and self._is_through(self._clock() - idle_since):
                    return self.exit_code()
                else:
                    self._pause()
        finally:
            self._show(is_watching=False)

    def round(self, *, patient: bool = True) -> bool:
        """Look if it is time, work on at most one film; return whether one was worked on.

        Parameters
        ----------
        patient : bool
            Whether an unreachable folder is told and waited for.
        """
        try:
            if self._is_look_due():
                self.look()
            worked = self._desk.take()
        except (OSError, OutputError) as error:
            if not patient:
                raise _refused(error) from error
            self._in_trouble(error)
            return False
        self._out_of_trouble()
        self._show()
        return worked

    def look(self) -> None:
        """Look at the folder once, without working on anything.

        Raises
        ------
        InputError
            If a newer Choreoscope wrote the queue.
        OutputError, OSError
            If one of the folders cannot be reached or written.
        """
        with self._guard:
            began = self._clock()
            is_first = self._looked == float("-inf")
            if is_first:
                self._queue.make()
                self._queue.note_source(self._source)
            elif not self._queue.folder.is_dir():
                raise OSError(f"{self._queue.folder} is not there")
            self._arrivals.look()
            if is_first:
                self._arrivals.renew(self._outdated)
            self._looked = self._clock()
            self._rest = max(self._options.poll_seconds, LOOKING_SHARE * (self._looked - began))

    def _is_look_due(self) -> bool:
        # A sleep may end a little early.
        return self._clock() - self._looked >= self._rest - TOLERANCE_SECONDS

    def exit_code(self) -> int:
        """Return the most serious exit code of the films that lie in the folder."""
        records, _ = self._queue.read_all()
        here = self._arrivals.here
        return worst(
            [
                record.exit_code
                for record in records.values()
                if record.film in here and record.state in SETTLED
            ]
        )

    def _pause(self) -> None:
        """Rest until the next look, with a sign of life on the page now and then."""
        left = self._rest
        while left > 0:
            part = min(left, SIGN_SECONDS)
            self._sleep(part)
            left -= part
            self._show()

    def _is_through(self, idle: float) -> bool:
        """Whether nothing is ready, and what waits has had the time to become so."""
        with self._guard:
            records, _ = self._queue.read_all()
        here = self._arrivals.here
        left = [
            record
            for record in records.values()
            if record.film in here and record.state in ("waiting", "ready")
        ]
        if any(record.state == "ready" for record in left):
            self._check_room()
        # Two looks may be needed to see that something is still.
        longest = max((self._options.still_for(record.kind) for record in left), default=0.0)
        if left and idle <= longest + 2 * self._rest:
            return False
        for record in left:
            why = "still changes" if record.state == "waiting" else "is in somebody else's hands"
            self._telling.text(f"{why}; left for the next time", film=record.film)
        return True

    def _check_room(self) -> None:
        free = shutil.disk_usage(self._queue.out).free / 1_000_000
        if free < self._options.free_megabytes:
            raise OutputError(
                f"the disk of {self._queue.out} has less than "
                f"{self._options.free_megabytes:g} MB left; free some space"
            )

    @contextlib.contextmanager
    def _go_on_looking(self, live: Live) -> Iterator[None]:
        """Keep looking, publishing and giving signs of life in a thread beside the work."""
        stop = threading.Event()

        def tick() -> None:
            while not stop.wait(TICK_SECONDS):
                try:
                    live.keep()
                    if self._is_look_due():
                        self.look()
                    self._out_of_trouble()
                except (OSError, OutputError, InputError) as error:
                    self._in_trouble(error)
                self._show()

        thread = threading.Thread(target=tick, name="watching", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _in_trouble(self, error: Exception) -> None:
        with self._guard:
            self._trouble = f"{_words(error)}; waiting for it"
            self._rest = self._options.poll_seconds
            self._telling.once("trouble", self._trouble)
        self._show()

    def _out_of_trouble(self) -> None:
        with self._guard:
            self._trouble = ""
            self._telling.over("trouble", "everything can be reached again; going on")

    def _show(self, *, is_watching: bool = True) -> None:
        """Publish the queue if it has changed; at most once a second."""
        with self._guard:
            now = self._clock()
            if is_watching and self._shown and now - self._shown[1] < TICK_SECONDS:
                return
            with contextlib.suppress(OSError, OutputError, InputError):
                records, _ = self._queue.read_all()
                view = view_of(self._queue, records, trouble=self._trouble, is_watching=is_watching)
                if not self._is_shown(view, now):
                    self._publish(view)
                    self._shown = (view, now)

    def _is_shown(self, view: QueueView, now: float) -> bool:
        return (
            self._shown is not None
            and view == self._shown[0]
            and now - self._shown[1] < SIGN_SECONDS
        )


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename} cannot be reached ({error.strerror})"
    return str(error)


def _refused(error: OSError | OutputError) -> OutputError | InputError:
    if isinstance(error, OutputError):
        return error
    return InputError(_words(error))
