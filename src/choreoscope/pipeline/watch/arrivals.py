"""The door: what lies in the folder becomes records, and records follow what lies there."""

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from choreoscope.datatypes.errors import ChoreoscopeError, InputError
from choreoscope.pipeline.lock import Holder, own_holder
from choreoscope.pipeline.watch.names import places
from choreoscope.pipeline.watch.options import WatchOptions
from choreoscope.pipeline.watch.queue import DamagedRecordError, QueueFolder
from choreoscope.pipeline.watch.records import SETTLED, FilmRecord
from choreoscope.pipeline.watch.sights import Sight, Stamp, look_around, stamp_of
from choreoscope.pipeline.watch.stillness import Stillness
from choreoscope.pipeline.watch.strangers import Strangers
from choreoscope.pipeline.watch.telling import Telling
from choreoscope.pipeline.watch.verdict import Outdated, Probe

Step = Literal["leave", "skip", "wait", "probe"]
LOST_CODE = 5
BUG_CODE = 1


def next_step(record: FilmRecord, sight: Sight, still: float, options: WatchOptions) -> Step:
    """Decide what a look at a film means for its record.

    Parameters
    ----------
    still : float
        Seconds for which it has been seen to be as it is.

    Returns
    -------
    str
        Nothing; it is no film; it has to be still anew, because it is another film than the one
        judged; it is to be probed.
    """
    if record.state == "working":
        return "leave"
    if sight.stamp is None:
        known = record.state in SETTLED or (record.state, record.reason) == ("skipped", sight.why)
        return "leave" if known else "skip"
    if record.state == "waiting":
        return "probe" if still >= options.still_for(sight.kind) else "leave"
    return "leave" if record.stamp == sight.stamp else "wait"


def now_text() -> str:
    """Return the time of day, for people; nothing is decided by it."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def worker_name(holder: Holder | None = None) -> str:
    """Return how a process is named in records; this one by default."""
    one = holder or own_holder()
    return f"process {one.pid} on {one.host}" + (f", begun at {one.started}" if one.started else "")


def judged(record: FilmRecord, options: WatchOptions) -> FilmRecord:
    """Return a record that is settled, with the user's command due if there is one."""
    line = options.on_failure if record.state == "failed" else options.on_finish
    return dataclasses.replace(record, hook="due" if line else "", ended=now_text())


def stamp_or_none(path: Path, kind: Literal["film", "series", "other"]) -> Stamp | None:
    """Stamp of a film; None if it is gone or cannot be reached."""
    try:
        return stamp_of(path, kind)
    except OSError:
        return None


class Arrivals:
    """Looks at the folder, and keeps the records true to it.

    Parameters
    ----------
    source : Path
        Watched folder.
    probe : callable
        Tells whether a film can be decoded.
    clock : callable
        Seconds of a monotonic clock.
    """

    def __init__(  # noqa: PLR0913 - the parts of a watcher
        self,
        source: Path,
        queue: QueueFolder,
        options: WatchOptions,
        *,
        probe: Probe,
        clock: Callable[[], float],
        telling: Telling,
        strangers: Strangers,
    ) -> None:
        self._source = source
        self._queue = queue
        self._options = options
        self._probe = probe
        self._clock = clock
        self._telling = telling
        self._strangers = strangers
        self._stillness = Stillness()
        self._device: int | None = None
        self._next_order = 1
        self.here: frozenset[str] = frozenset()
        """Films that lie in the folder."""

    def look(self) -> None:
        """Look once.

        Raises
        ------
        InputError
            If a newer Choreoscope wrote the queue.
        OutputError, OSError
            If one of the folders cannot be reached or written.
        """
        began = self._clock()
        sights = look_around(self._source, self._options, self._queue.out.resolve())
        self._check_drive(sights)
        self._stillness.observe(sights, began, self._clock())
        self.here = frozenset(sight.film for sight in sights)
        records, damaged = self._queue.read_all()
        for key in damaged:
            self._set_aside(key)
        self._next_order = 1 + max((record.order for record in records.values()), default=0)
        keys = {record.film: key for key, record in records.items()}
        for sight in sights:
            if sight.film in keys:
                self._follow(keys[sight.film], records[keys[sight.film]], sight)
            else:
                self._admit(sight)
        self._mend(records)

    def renew(self, outdated: Outdated) -> None:
        """Put films that are done with into the queue again where there is a reason."""
        records, _ = self._queue.read_all()
        for key, record in records.items():
            if record.state not in SETTLED or record.stamp is None or record.film not in self.here:
                continue
            film, out = self._source / record.film, self._queue.out / record.result
            why = outdated(film, out, record.state)
            if not why:
                continue
            with self._strangers.turn(key) as mine:
                fresh = self._queue.read(key) if mine else None
                if fresh is not None and fresh.state in SETTLED:
                    again = dataclasses.replace(fresh, state="ready", hook="", reason=why)
                    self._write(key, again.with_note(why))

    def _check_drive(self, sights: list[Sight]) -> None:
        """Tell an emptied folder from the bare mount point of a drive that has gone."""
        device = self._source.stat().st_dev
        if sights:
            self._device = device
        elif self._device not in (None, device):
            raise OSError(f"the drive of {self._source} is not mounted")

    def _set_aside(self, key: str) -> None:
        with self._strangers.turn(key) as mine:
            if not mine:
                return
            try:
                self._queue.read(key)
            except DamagedRecordError as error:
                aside = self._queue.set_aside(key)
                self._telling.text(f"{error}; it was moved to {aside} and is made anew")

    def _admit(self, sight: Sight) -> None:
        """Make the record of something new."""
        for place in places(sight.film):
            with self._strangers.turn(place.key) as mine:
                if not mine:
                    return
                try:
                    known = self._queue.read(place.key)
                except DamagedRecordError:
                    return
                if known is None:
                    self._write(place.key, self._new_record(sight, place.result))
                    return
                if known.film == sight.film:
                    return

    def _new_record(self, sight: Sight, result: str) -> FilmRecord:
        order = self._next_order
        self._next_order += 1
        return FilmRecord(
            film=sight.film,
            kind=sight.kind,
            state="waiting" if sight.stamp else "skipped",
            order=order,
            result=result,
            reason=sight.why,
            first_seen=now_text(),
        )

    def _follow(self, key: str, record: FilmRecord, sight: Sight) -> None:
        """Bring a record up to what was seen."""
        still = self._stillness.seconds(sight)
        if next_step(record, sight, still, self._options) == "leave":
            return
        with self._strangers.turn(key) as mine:
            fresh = self._queue.read(key) if mine else None
            if fresh is None:
                return
            match next_step(fresh, sight, still, self._options):
                case "skip":
                    self._write(
                        key,
                        dataclasses.replace(fresh, kind="other", state="skipped", reason=sight.why),
                    )
                case "wait":
                    self._write(key, self._renewed(fresh, sight))
                case "probe":
                    self._judge(key, fresh, sight)
                case "leave":
                    pass

    def _renewed(self, record: FilmRecord, sight: Sight) -> FilmRecord:
        """Begin anew with a film that is another than the one judged."""
        if record.state in ("ready", "skipped"):
            order, notes = record.order, record.notes
        else:
            order, notes = self._next_order, (f"changed after it was {record.state}: a new film",)
            self._next_order += 1
        return FilmRecord(
            film=record.film,
            kind=sight.kind,
            state="waiting",
            order=order,
            result=record.result,
            reason="it has changed" if record.state != "skipped" else "",
            first_seen=now_text(),
            notes=notes,
        )

    def _judge(self, key: str, record: FilmRecord, sight: Sight) -> None:
        """Probe a film that has been still."""
        path = self._source / sight.film
        outcome = self._probed(path, sight)
        if stamp_or_none(path, sight.kind) != sight.stamp:
            # It moved while it was probed; the next look sees it.
            return
        judged_by = dataclasses.replace(record, kind=sight.kind, stamp=sight.stamp)
        if isinstance(outcome, tuple):
            code, why = outcome
            failed = dataclasses.replace(
                judged_by, state="failed", reason=why, exit_code=code, attempts=1
            )
            self._write(key, judged(failed, self._options))
        else:
            self._write(
                key, dataclasses.replace(judged_by, state="ready", reason="", facts=outcome)
            )

    def _probed(self, path: Path, sight: Sight) -> Mapping[str, str] | tuple[int, str]:
        """Return facts of a film, or the exit code and the reason why there are none."""
        try:
            return dict(self._probe(path))
        except ChoreoscopeError as error:
            code, text = error.exit_code, str(error)
        except OSError as error:
            code, text = InputError.exit_code, error.strerror or str(error)
        except Exception as error:  # noqa: BLE001 - one odd file must not stop all the others
            code, text = BUG_CODE, f"{type(error).__name__}: {error}"
        what = "a film that can be decoded" if sight.kind == "film" else "a series that can be used"
        short = " ".join(text.replace(str(path), sight.film).split())
        return code, f"not {what}: {short}"

    def _mend(self, records: Mapping[str, FilmRecord]) -> None:
        """Take up again what nobody works on any more, and forget what was never a film."""
        for key, record in records.items():
            if record.state == "working":
                self._rescue(key)
            elif record.state == "skipped" and record.film not in self.here:
                with self._strangers.turn(key) as mine:
                    if mine:
                        self._queue.record(key).unlink(missing_ok=True)

    def _rescue(self, key: str) -> None:
        with self._strangers.turn(key) as mine:
            fresh = self._queue.read(key) if mine else None
            if fresh is None or fresh.state != "working":
                return
            self._queue.progress(key).unlink(missing_ok=True)
            # Our own verdict that could not be written is not a death.
            losses = fresh.losses + (fresh.worker != worker_name())
            lost = dataclasses.replace(fresh, losses=losses)
            if losses > self._options.loss_limit:
                why = f"the process working on it ended without a word {losses} times"
                failed = dataclasses.replace(lost, state="failed", reason=why, exit_code=LOST_CODE)
                self._write(key, judged(failed, self._options))
                return
            why = "the process working on it ended without a word; it is taken up again"
            again = dataclasses.replace(lost, state="ready", interrupted=True, reason=why)
            self._write(key, again.with_note(f"{worker_name_of(fresh)} ended without a word"))

    def _write(self, key: str, record: FilmRecord) -> None:
        self._queue.write(key, record)
        self._telling.film(record)


def worker_name_of(record: FilmRecord) -> str:
    """Return who worked on a film, for a sentence."""
    return record.worker.partition(", begun")[0] or "the process"
