"""Seeing a stage through: several workers at once, and again when one of them dies.

A worker that dies is given the same window once more, with half the batch. If that fails, the
window is halved, and so on, until the frames that kill it are alone; those are recorded as
failed, and the stage goes on.
"""

import concurrent.futures
import dataclasses
import secrets
from collections.abc import Iterator

from choreoscope.datatypes.errors import WorkerLostError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.models import RunSettings
from choreoscope.pipeline.events import Event, Events, Progress, Retried, WorkerLost
from choreoscope.pipeline.executors.interface import Executor
from choreoscope.pipeline.ledger import Ledger
from choreoscope.pipeline.plan import Scope, Standing
from choreoscope.pipeline.stage import Stage
from choreoscope.pipeline.task import Failure, Task, windows_to_make

LOSSES_PER_WINDOW = 12
"""Enough to halve a window of 64 frames down to one; then what is left of it is given up."""
LOST_WINDOWS_IN_A_ROW = 3
"""So many windows given up one after the other: the worker dies of something else."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Undertaking:
    """A stage of a clip that is to be made.

    Attributes
    ----------
    earlier : dict
        Stage name to standing, of the stages before.
    events : callable
        Lets one event through at a time: several workers may tell something at once.
    deadline : float
        On `time.monotonic`.
    """

    scope: Scope
    standing: Standing
    earlier: dict[str, Standing]
    settings: RunSettings
    executor: Executor
    ledger: Ledger
    events: Events
    deadline: float

    @property
    def stage(self) -> Stage:
        """The stage."""
        return self.standing.stage

    @property
    def windows(self) -> tuple[FrameRange, ...]:
        """Windows that are still to be made."""
        if self.stage.granularity != "window":
            return ()
        now = self.ledger.standing
        kept = now.manifest.files if now.manifest else ()
        return windows_to_make(
            self.scope.clip.frames, window_length(self.standing), now.missing, kept
        )

    def task(self, windows: tuple[FrameRange, ...], batch: int) -> Task:
        """Describe a piece of the work as it stands now."""
        standing = self.standing
        if self.stage.granularity == "window":
            now = self.ledger.standing
            standing = dataclasses.replace(now, missing=now.missing & FrameSet.of(windows))
        token = secrets.token_hex(4)
        return Task(
            scope=self.scope,
            standing=standing,
            earlier=self.earlier,
            settings=dataclasses.replace(self.settings, batch=batch),
            windows=windows,
            temporary=self.scope.folder.temporary / f"{self.stage.name}-{token}",
        )


def window_length(standing: Standing) -> int:
    """Frames per window: the stage's option of that name, else the stage's own."""
    return int(getattr(standing.options, "window_frames", standing.stage.window_frames))


def see_through(work: Undertaking) -> Failure | None:
    """Make everything the ledger lacks, on as many workers as there are.

    Returns
    -------
    Failure or None
        What the stage raised.

    Raises
    ------
    TimedOutError
        When the deadline has passed.
    WorkerLostError
        When workers die of something that is not in single frames.
    """
    windows = work.windows
    slots = work.executor.slots
    if work.stage.windows == "chained" or slots < 2 or len(windows) < 2:  # noqa: PLR2004
        return _persist(work, windows)
    return _in_parallel(work, windows, slots)


def _in_parallel(work: Undertaking, windows: tuple[FrameRange, ...], slots: int) -> Failure | None:
    """Deal the windows out; every worker takes a few neighbours at a time, in order."""
    threads = max(1, work.settings.workers // slots)
    settings = dataclasses.replace(work.settings, workers=threads)
    told = dataclasses.replace(work, events=_Overall(work), settings=settings)
    size = max(1, -(-len(windows) // (slots * 4)))
    pieces = [windows[start : start + size] for start in range(0, len(windows), size)]
    with concurrent.futures.ThreadPoolExecutor(slots, thread_name_prefix="windows") as pool:
        waiting = [pool.submit(_persist, told, piece) for piece in pieces]
        try:
            failures = [one.result() for one in waiting]
        except BaseException as error:
            pool.shutdown(wait=False, cancel_futures=True)
            if isinstance(error, KeyboardInterrupt):
                work.executor.close()
            raise
    return next((failure for failure in failures if failure), None)


class _Overall:
    """Tells the progress of the whole stage in the place of each worker's own."""

    def __init__(self, work: Undertaking) -> None:
        self._work = work

    def __call__(self, event: Event) -> None:
        """Pass an event on; a worker's progress becomes the stage's."""
        if isinstance(event, Progress):
            total = len(self._work.scope.wanted)
            done = total - len(self._work.ledger.missing)
            event = dataclasses.replace(event, done=done, total=total)
        self._work.events(event)


def _persist(work: Undertaking, windows: tuple[FrameRange, ...]) -> Failure | None:
    """Do a piece of the work, again and again while workers die on the way."""
    batch = work.settings.batch
    hunt = _Hunt(work, windows)
    while True:
        try:
            return work.executor.run(
                work.task(hunt.todo, batch), work.ledger.place, work.events, work.deadline
            )
        except WorkerLostError as lost:
            work.events(
                WorkerLost(
                    clip=work.scope.clip.id,
                    stage=work.stage.name,
                    why=str(lost),
                    attempt=hunt.losses + 1,
                    frames=hunt.in_hand,
                )
            )
            batch = max(1, batch // 2)
            again = hunt.after(lost)
            if not again:
                return None
            work.events(
                Retried(
                    clip=work.scope.clip.id,
                    stage=work.stage.name,
                    attempt=hunt.losses + 1,
                    batch=batch,
                    frames=again,
                )
            )


class _Hunt:
    """Finds the frames that kill a worker.

    Parameters
    ----------
    windows : tuple of FrameRange
        What is to be made, in order; empty for a stage that works on whole clips.
    """

    def __init__(self, work: Undertaking, windows: tuple[FrameRange, ...]) -> None:
        self._work = work
        self._grid = windows
        self.todo = windows
        self.losses = 0
        self._tried: set[FrameRange] = set()
        self._spent_on: dict[FrameRange, int] = {}
        self._given_up = 0

    @property
    def in_hand(self) -> str:
        """The frames that were being made when the worker died, for people."""
        missing = self._work.ledger.missing
        lost = (window for window in self.todo if missing & FrameSet.of([window]))
        return str(next(lost, self._work.scope.clip.frames))

    def after(self, lost: WorkerLostError) -> str:
        """Decide how to go on after a loss.

        Returns
        -------
        str
            The frames that are tried next, for people; empty when nothing is left.

        Raises
        ------
        WorkerLostError
            When going on makes no sense.
        """
        self.losses += 1
        if not self._grid:
            if self.losses > 1:
                raise lost
            return str(self._work.scope.clip.frames)
        missing = self._work.ledger.missing
        left = tuple(window for window in self.todo if missing & FrameSet.of([window]))
        if len(left) < len(self.todo):
            self._given_up = 0
        self.todo = tuple(self._next(left, missing, lost)) if left else ()
        return str(self.todo[0]) if self.todo else ""

    def _next(
        self, left: tuple[FrameRange, ...], missing: FrameSet, lost: WorkerLostError
    ) -> Iterator[FrameRange]:
        first, rest = left[0], left[1:]
        home = next(one for one in self._grid if one.start <= first.start < one.stop)
        self._spent_on[home] = self._spent_on.get(home, 0) + 1
        if self._spent_on[home] > LOSSES_PER_WINDOW:
            self._given_up += 1
            if self._given_up >= LOST_WINDOWS_IN_A_ROW:
                raise lost
            self._work.ledger.fail(missing & FrameSet.of([home]), str(lost))
            rest = tuple(window for window in rest if window.start >= home.stop)
        elif first not in self._tried and first == home:
            self._tried.add(first)
            yield first
        elif len(first) > 1:
            middle = first.start + len(first) // 2
            yield FrameRange(first.start, middle)
            yield FrameRange(middle, first.stop)
        else:
            self._work.ledger.fail(FrameSet.of([first]), str(lost))
        yield from rest
