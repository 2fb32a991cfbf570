"""Worker threads that always take the most urgent task.

The networks let go of the interpreter lock while they run, so threads add up. What a task
returns must depend on its arguments only; then results do not depend on the number of workers.
"""

import itertools
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from enum import IntEnum
from types import TracebackType
from typing import Any, Generic, TypeVar

Tools = TypeVar("Tools")
Result = TypeVar("Result")


class Urgency(IntEnum):
    """What goes first: everything waits for bodies, frames ahead wait for the detector."""

    STOP = 0
    BODY = 1
    DETECTION = 2
    DETAIL = 3


class WorkQueue(Generic[Tools]):
    """Threads, one for each set of tools, used as a context manager.

    Parameters
    ----------
    tools : sequence
        One set for each thread; handed to every task that runs there.
    """

    def __init__(self, tools: Sequence[Tools]) -> None:
        self._waiting: queue.PriorityQueue[tuple[Urgency, int, Any]] = queue.PriorityQueue()
        self._order = itertools.count()
        self._lock = threading.Lock()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, args=(own,), name=f"people-{index}", daemon=True)
            for index, own in enumerate(tools)
        ]

    def __enter__(self) -> "WorkQueue[Tools]":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop: running tasks end, waiting ones are cancelled."""
        with self._lock:
            self._closed = True
        for _ in self._threads:
            self._waiting.put((Urgency.STOP, next(self._order), None))
        for thread in self._threads:
            thread.join()
        while not self._waiting.empty():
            self._waiting.get()[2][0].cancel()

    def submit(self, urgency: Urgency, task: Callable[[Tools], Result]) -> "Future[Result]":
        """Queue a task; within one urgency first come is first served.

        After the end of the context the task is cancelled at once.
        """
        future: Future[Result] = Future()
        with self._lock:
            if self._closed:
                future.cancel()
            else:
                self._waiting.put((urgency, next(self._order), (future, task)))
        return future

    def _work(self, own: Tools) -> None:
        while True:
            urgency, _, item = self._waiting.get()
            if urgency is Urgency.STOP:
                return
            future, task = item
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(task(own))
            except BaseException as error:  # noqa: BLE001 - raised again where the result is read
                future.set_exception(error)
