"""The desk: one film at a time is taken from the queue, worked on, and its record settled."""

import contextlib
import dataclasses
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from choreoscope.datatypes.errors import ChoreoscopeError, OutputError
from choreoscope.pipeline.events import Events, of_film
from choreoscope.pipeline.lock import HeldError
from choreoscope.pipeline.watch.arrivals import (
    BUG_CODE,
    judged,
    now_text,
    stamp_or_none,
    worker_name,
)
from choreoscope.pipeline.watch.hooks import environment_of, run_hook
from choreoscope.pipeline.watch.live import Live
from choreoscope.pipeline.watch.options import WatchOptions
from choreoscope.pipeline.watch.queue import QueueFolder
from choreoscope.pipeline.watch.records import FilmRecord, State
from choreoscope.pipeline.watch.sights import Stamp
from choreoscope.pipeline.watch.strangers import Strangers
from choreoscope.pipeline.watch.telling import Telling
from choreoscope.pipeline.watch.verdict import Process, Verdict
from choreoscope.pipeline.watch.view import in_line

STATES: dict[str, State] = {
    "finished": "finished",
    "empty": "finished",
    "gaps": "gaps",
    "failed": "failed",
}
MEGABYTE = 1_000_000

Beside = Callable[[Live], contextlib.AbstractContextManager[None]]


class Desk:
    """Works on films.

    Parameters
    ----------
    source : Path
        Watched folder.
    process : callable
        Makes everything of a film.
    clock : callable
        Seconds of a monotonic clock.
    beside : callable
        ``beside(live)``: what goes on beside the work, as a context manager.
    """

    def __init__(  # noqa: PLR0913 - the parts of a watcher
        self,
        source: Path,
        queue: QueueFolder,
        options: WatchOptions,
        *,
        process: Process,
        events: Events,
        clock: Callable[[], float],
        beside: Beside,
        telling: Telling,
        strangers: Strangers,
    ) -> None:
        self._source = source
        self._queue = queue
        self._options = options
        self._process = process
        self._events = events
        self._clock = clock
        self._beside = beside
        self._telling = telling
        self._strangers = strangers

    def take(self) -> bool:
        """Work on the first film of the queue that nobody else has; False if there is none.

        Raises
        ------
        InputError
            If a newer Choreoscope wrote the queue.
        OutputError, OSError
            If the folder of the results cannot be reached or written.
        """
        records, _ = self._queue.read_all()
        for key, record in records.items():
            if record.hook == "due":
                with self._strangers.turn(key) as mine:
                    if mine:
                        self._call_hook(key)
        line = [key for key, record in records.items() if record.state == "ready"]
        line.sort(key=lambda key: in_line(records[key]))
        return bool(line) and self._has_room() and any(map(self._try, line))

    def _has_room(self) -> bool:
        free = shutil.disk_usage(self._queue.out).free / MEGABYTE
        if free >= self._options.free_megabytes:
            self._telling.over("room", "there is room on the disk again; going on")
            return True
        self._telling.once(
            "room",
            f"the disk of {self._queue.out} has less than {self._options.free_megabytes:g} MB "
            f"left; films wait until there is room",
        )
        return False

    def _try(self, key: str) -> bool:
        """Work on a film unless somebody else does, or it has changed."""
        with self._strangers.turn(key) as mine:
            record = self._queue.read(key) if mine else None
            if record is None or record.state != "ready":
                return False
            stamp = stamp_or_none(self._source / record.film, record.kind)
            if stamp is None:
                return False
            if stamp != record.stamp:
                self._write(key, _sent_back(record, "it has changed"))
                return False
            return self._work(key, record, stamp)

    def _work(self, key: str, record: FilmRecord, stamp: Stamp) -> bool:
        """Work on a film; False if somebody else works on its result."""
        working = dataclasses.replace(
            record,
            state="working",
            reason="",
            interrupted=False,
            started=now_text(),
            ended="",
            seconds=None,
            exit_code=0,
            report="",
            log="",
            worker=worker_name(),
        )
        self._write(key, working)
        began = self._clock()
        live = Live(self._queue.progress(key), of_film(record.film, self._events), self._clock)
        try:
            with self._signs_of_life(key, live):
                verdict = self._verdict(working, live)
        except HeldError as error:
            self._write(key, _put_back(working, str(error)))
            return False
        except KeyboardInterrupt:
            with contextlib.suppress(OSError, OutputError):
                self._write(key, _put_back(working, "stopped; it is taken up again first"))
            raise
        seconds = round(self._clock() - began, 3)
        done = dataclasses.replace(
            self._with_verdict(working, verdict), seconds=seconds, ended=now_text()
        )
        self._write(key, self._checked(done, verdict, stamp))
        self._call_hook(key)
        return True

    @contextlib.contextmanager
    def _signs_of_life(self, key: str, live: Live) -> Iterator[None]:
        live.keep()
        try:
            with self._beside(live):
                yield
        finally:
            with contextlib.suppress(OSError):
                self._queue.progress(key).unlink(missing_ok=True)

    def _verdict(self, record: FilmRecord, live: Live) -> Verdict:
        film = self._source / record.film
        result = self._queue.out / record.result
        try:
            result.parent.mkdir(parents=True, exist_ok=True)
            return self._process(film, result, live)
        except HeldError:
            raise
        except ChoreoscopeError as error:
            return Verdict(state="failed", exit_code=error.exit_code, reason=str(error))
        except Exception as error:  # noqa: BLE001 - whatever one film raises, the queue goes on
            reason = f"{type(error).__name__}: {error}".rstrip(": ")
            return Verdict(state="failed", exit_code=BUG_CODE, reason=reason)

    def _with_verdict(self, record: FilmRecord, verdict: Verdict) -> FilmRecord:
        return dataclasses.replace(
            record,
            state=STATES[verdict.state],
            exit_code=verdict.exit_code,
            reason=" ".join(verdict.reason.split()),
            report=self._relative(verdict.report),
            log=self._relative(verdict.log),
            facts={**record.facts, **verdict.facts},
            attempts=record.attempts + 1,
        )

    def _relative(self, path: Path | None) -> str:
        if path is None:
            return ""
        try:
            return PurePosixPath(os.path.relpath(path, self._queue.out)).as_posix()
        except ValueError:
            # Another drive letter.
            return path.as_posix()

    def _checked(self, done: FilmRecord, verdict: Verdict, stamp: Stamp) -> FilmRecord:
        """Judge whether the verdict counts: for this film, for good, and not for a full disk."""
        path = self._source / done.film
        now = stamp_or_none(path, done.kind)
        if now is None:
            if done.state == "failed":
                return _sent_back(done, f"it was taken away during the work ({done.reason})")
            done = done.with_note("it was taken away during the work")
        elif now != stamp:
            return _sent_back(done, "replaced while it was worked on; that result does not count")
        if done.state != "failed":
            return judged(done, self._options)
        if verdict.exit_code == OutputError.exit_code and not self._has_room():
            return dataclasses.replace(done, state="ready", interrupted=True, attempts=0)
        if done.attempts <= self._options.retry:
            again = dataclasses.replace(done, state="ready")
            return again.with_note(f"attempt {done.attempts} failed: {done.reason}")
        return judged(done, self._options)

    def _call_hook(self, key: str) -> None:
        """Run the user's command for a settled film if it is due; its lock is held."""
        record = self._queue.read(key)
        if record is None or record.hook != "due":
            return
        line = self._options.on_failure if record.state == "failed" else self._options.on_finish
        told = environment_of(record, self._source, self._queue.out)
        said = run_hook(line, told, self._options.hook_seconds) if line else ""
        if said not in ("", "done"):
            self._telling.text(f"the command {said}", film=record.film)
        self._queue.write(key, dataclasses.replace(record, hook=said))

    def _write(self, key: str, record: FilmRecord) -> None:
        self._queue.write(key, record)
        self._telling.film(record)


def _put_back(record: FilmRecord, why: str) -> FilmRecord:
    """Put a film whose work was broken off at the front of the queue."""
    return dataclasses.replace(record, state="ready", interrupted=True, reason=why)


def _sent_back(record: FilmRecord, why: str) -> FilmRecord:
    """Let a film wait anew until it is still."""
    return dataclasses.replace(
        record, state="waiting", stamp=None, reason=why, exit_code=0, report="", attempts=0
    ).with_note(why)
