"""Frames in, people out, with the networks of several frames at work at once.

Three kinds of threads: the caller reads frames and takes results; one thread follows people from
frame to frame, which must go in order; the workers run the networks. While bodies of one frame
are read, hands, faces and masks of the frames before and the detector for a frame ahead fill the
other workers. What is computed depends on the frames alone, so results do not depend on timing.
"""

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, wait
from functools import partial
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from choreoscope.backends.people.blaze.details import observe
from choreoscope.backends.people.blaze.follow import Detections, Follower, Limits
from choreoscope.backends.people.blaze.nets import Nets
from choreoscope.backends.people.blaze.state import Memory
from choreoscope.backends.people.blaze.work_queue import Urgency, WorkQueue
from choreoscope.capture.interfaces import PeopleInFrame, PeopleState

if TYPE_CHECKING:
    from choreoscope.datatypes.people import PersonObservation

IN_FLIGHT = 4
"""Frames whose details may still be at work while the next ones are followed."""
TICK = 0.2
"""Seconds between two looks whether the user wants to stop: on Windows a wait cannot be
interrupted."""


class _Followed(NamedTuple):
    people: "list[Future[PersonObservation]]"
    state: PeopleState


class _Waiting(NamedTuple):
    frame: int
    picture: np.ndarray
    slot: "Future[_Followed]"


def stream(
    frames: Iterable[tuple[int, np.ndarray]],
    memory: Memory | None,
    nets: Sequence[Nets],
    limits: Limits,
) -> Iterator[PeopleInFrame]:
    """Go through consecutive frames.

    At most ``limits.detect_every + IN_FLIGHT`` frames are read ahead of the result.

    Parameters
    ----------
    frames : iterable of (int, (H, W, 3) uint8)
        Frame numbers and RGB pictures.
    memory : Memory or None
        None at the start of a shot.
    nets : sequence of Nets
        One set for each worker thread.
    limits : Limits
        Thresholds.
    """
    source = iter(frames)
    ahead = limits.detect_every + IN_FLIGHT
    pending: deque[tuple[int, Future[_Followed]]] = deque()
    with _Chain(limits, memory) as chain, WorkQueue(nets) as work:
        chain.start_with(work)
        more = True
        while more or pending:
            while more and len(pending) < ahead:
                item = next(source, None)
                more = item is not None
                if item is not None:
                    pending.append((item[0], chain.add(*item)))
            if pending:
                yield _result(*pending.popleft())


def _result(frame: int, slot: "Future[_Followed]") -> PeopleInFrame:
    followed = _finished([slot])[0]
    return PeopleInFrame(
        frame=frame, people=tuple(_finished(followed.people)), state=followed.state
    )


def _finished(futures: "Sequence[Future[Any]]") -> list[Any]:
    while wait(futures, timeout=TICK).not_done:
        continue
    return [future.result() for future in futures]


class _Chain:
    """The thread that follows people; a context manager that ends it."""

    def __init__(self, limits: Limits, memory: Memory | None) -> None:
        self._limits = limits
        self._memory = memory
        self._inbox: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._inbox.put(None)
        for thread in self._threads:
            thread.join()

    def start_with(self, work: WorkQueue[Nets]) -> None:
        """Begin."""
        thread = threading.Thread(target=self._run, args=(work,), name="people", daemon=True)
        self._threads.append(thread)
        thread.start()

    def add(self, frame: int, picture: np.ndarray) -> "Future[_Followed]":
        """Hand over the next frame."""
        slot: Future[_Followed] = Future()
        self._inbox.put(_Waiting(frame, picture, slot))
        return slot

    def _run(self, work: WorkQueue[Nets]) -> None:
        follower = Follower(work, self._limits, self._memory)
        waiting: deque[_Waiting] = deque()
        started: dict[int, Detections] = {}
        while self._take(waiting):
            now = waiting[0]
            try:
                _look_ahead(follower, waiting, started)
                followed = _step(follower, work, now, started.pop(now.frame, None))
            except BaseException as error:  # noqa: BLE001 - raised again where the result is read
                now.slot.set_exception(error)
                return
            waiting.popleft()
            now.slot.set_result(followed)

    def _take(self, waiting: deque[_Waiting]) -> bool:
        """Move what has come to `waiting`, at least one; False when nothing more will come."""
        while True:
            try:
                item = self._inbox.get(block=not waiting)
            except Empty:
                return True
            if item is None:
                self._inbox.put(None)
                return bool(waiting)
            waiting.append(item)


def _look_ahead(
    follower: Follower, waiting: deque[_Waiting], started: dict[int, Detections]
) -> None:
    """Start the detector for the next frame it is due in, if that has come and is not started."""
    due = next((item for item in waiting if follower.looks_at(item.frame)), None)
    if due is not None and due.frame not in started:
        started[due.frame] = follower.start_detection(due.picture)


def _step(
    follower: Follower, work: WorkQueue[Nets], now: _Waiting, detections: Detections | None
) -> _Followed:
    poses = follower.step(now.frame, now.picture, detections)
    people = [
        work.submit(
            Urgency.DETAIL, partial(observe, picture=now.picture, tracklet=number, pose=pose)
        )
        for number, pose in poses
    ]
    return _Followed(people, follower.memory.arrays())
