"""A few processes that read, convert and write files while the caller goes on.

Processes, because the library that reads EXR files holds Python's lock all the while: in threads
its work would take turns, and the caller would stand still with it.
"""

import contextlib
import dataclasses
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

import numpy as np

from choreoscope.datatypes.errors import (
    ChoreoscopeError,
    InputError,
    OutputError,
    ShapeError,
    WorkerLostError,
)
from choreoscope.formats.pool_worker import work_of
from choreoscope.formats.shared_planes import SharedPlanes

PATIENCE = 0.2
"""Seconds between two looks whether the pool is being given up."""
ENDING = 5.0
"""Seconds a worker is given to end by itself."""
SAID_AS_THEY_ARE: dict[str, type[ChoreoscopeError]] = {
    kind.__name__: kind for kind in (InputError, OutputError, ShapeError)
}
"""Errors that a worker hands on; all others become an `OutputError`."""

_KEPT = str(1 << 30)
WORKERS_ENVIRONMENT = {
    # One core each: libraries that thread by themselves would only get into each other's way.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # Pictures are all of one size. Without this, glibc gives their memory back to the system and
    # asks for it again with every file, which costs 7 % of the time.
    "MALLOC_MMAP_THRESHOLD_": _KEPT,
    "MALLOC_TRIM_THRESHOLD_": _KEPT,
}


@dataclasses.dataclass(frozen=True, slots=True)
class _Order:
    number: int
    call: str
    arguments: Mapping[str, Any]
    planes: Mapping[str, np.ndarray]


def cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class WorkPool:
    """Workers that take orders; a context manager.

    At most two orders per worker wait or run, so memory stays flat: `order` blocks meanwhile.
    Results come in the order of the orders.

    Parameters
    ----------
    workers : int or None
        Processes; None takes one per core, 0 works in the caller's own thread.
    done : callable or None
        Called with the result of each order, in their order, in the caller's thread.
    more : callable or None
        Called with what long work reports as it goes, in any thread.

    Raises
    ------
    ChoreoscopeError
        From `order` and at the end of the block: what went wrong in a worker.
    """

    def __init__(
        self,
        workers: int | None = None,
        *,
        done: Callable[[dict[str, Any]], None] | None = None,
        more: Callable[[int], None] | None = None,
    ) -> None:
        self._done = done or _ignored
        self._more = more or _ignored
        count = cores() if workers is None else workers
        self._orders: queue.Queue[_Order | None] = queue.Queue()
        self._changed = threading.Condition()
        self._results: dict[int, dict[str, Any] | ChoreoscopeError] = {}
        self._next, self._told = 0, 0
        self._most = 2 * count
        self._given_up = threading.Event()
        self._workers: set[_Worker] = set()
        self._threads = [
            threading.Thread(target=self._run, name=f"pool {at}", daemon=True)
            for at in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        finished = False
        try:
            if kind is None:
                self._wait(0)
                finished = True
        finally:
            self._given_up.set()
            if not finished:
                for worker in tuple(self._workers):
                    worker.kill()
            for _ in self._threads:
                self._orders.put(None)
            for thread in self._threads:
                thread.join()

    def order(
        self,
        call: str,
        arguments: Mapping[str, Any],
        planes: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        """Have something done.

        Parameters
        ----------
        call : str
            ``module:function`` of the house, a `Work`.
        arguments : dict
            What JSON can hold.
        planes : dict of str to array
            Sent along; they must not be changed until the result is told.

        Raises
        ------
        ChoreoscopeError
            What went wrong with an earlier order.
        """
        if not self._threads:
            self._done(work_of(call)(arguments, planes or {}, self._more))
            return
        self._wait(self._most - 1)
        self._orders.put(_Order(self._next, call, arguments, planes or {}))
        self._next += 1

    def _wait(self, allowed: int) -> None:
        """Tell results in order until at most so many orders are under way."""
        while self._told < self._next:
            with self._changed:
                while self._told not in self._results:
                    if self._next - self._told <= allowed:
                        return
                    self._changed.wait(PATIENCE)
                result = self._results.pop(self._told)
            self._told += 1
            if isinstance(result, ChoreoscopeError):
                raise result
            self._done(result)

    def _run(self) -> None:
        worker: _Worker | None = None
        try:
            while (order := self._orders.get()) is not None:
                if self._given_up.is_set():
                    continue
                result: dict[str, Any] | ChoreoscopeError
                try:
                    if worker is None:
                        worker = _Worker()
                        self._workers.add(worker)
                    result = worker.do(order, self._more)
                except ChoreoscopeError as error:
                    result = error
                    if isinstance(error, WorkerLostError):
                        worker = None
                with self._changed:
                    self._results[order.number] = result
                    self._changed.notify_all()
        finally:
            if worker is not None:
                worker.end()


def _ignored(_: object) -> None:
    """Tell nobody."""


class _Worker:
    """One process and the pipes to it."""

    def __init__(self) -> None:
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "choreoscope.formats.pool_worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=os.environ | WORKERS_ENVIRONMENT,
            )
        except OSError as error:
            raise WorkerLostError(f"a process that writes files cannot start ({error})") from error
        self._shared = SharedPlanes()

    def do(self, order: _Order, more: Callable[[int], None]) -> dict[str, Any]:
        """Send an order and wait for its answer."""
        orders, answers = self._process.stdin, self._process.stdout
        assert orders is not None  # noqa: S101 - both are pipes
        assert answers is not None  # noqa: S101
        planes = self._shared.fill(order.planes)
        line = {"call": order.call, "arguments": order.arguments, "planes": planes}
        try:
            orders.write(json.dumps(line).encode() + b"\n")
            orders.flush()
            while answer := answers.readline():
                said = json.loads(answer)
                self._shared.hide()
                if "result" in said:
                    result: dict[str, Any] = said["result"]
                    return result
                if "error" in said:
                    raise _error_of(said)
                more(said["more"])
        except (BrokenPipeError, ValueError) as error:
            self.end()
            raise WorkerLostError(f"a process that writes files ended ({error})") from error
        self.end()
        raise WorkerLostError(
            "a process that writes files ended before it was done; is there memory left?"
        )

    def kill(self) -> None:
        """End the process at once, whatever it is doing."""
        self._process.kill()

    def end(self) -> None:
        """End the process; it holds nothing that is not on disk."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            self._process.wait(ENDING)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._shared.close()


def _error_of(said: Mapping[str, Any]) -> ChoreoscopeError:
    if said["type"] in SAID_AS_THEY_ARE:
        return SAID_AS_THEY_ARE[said["type"]](said["error"])
    return OutputError(f"{said['type']}: {said['error']}")
