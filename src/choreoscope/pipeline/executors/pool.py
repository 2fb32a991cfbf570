"""Stages in worker processes of this machine: a crash there is a record here.

Each worker is a fresh interpreter that talks over a local connection, so that the caller's main
module is never imported again, and a back end may bring its own environment.
"""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import IO

from choreoscope import __version__
from choreoscope.datatypes.errors import BackendUnavailableError, WorkerLostError
from choreoscope.datatypes.models import RunSettings
from choreoscope.pipeline.events import Events
from choreoscope.pipeline.executors.attending import Message, Patience, attend
from choreoscope.pipeline.executors.interface import Place
from choreoscope.pipeline.task import Failure, Task
from choreoscope.pipeline.worker import ADDRESS, KEY, PATHS

SECONDS_TO_START = 120.0
SECONDS_TO_END = 5.0
LONGEST_LAST_WORDS = 300


class PoolExecutor:
    """Runs tasks in worker processes, each of which keeps its back ends loaded.

    Parameters
    ----------
    settings : RunSettings
        `processes` workers; each task brings its own number of threads. `interpreters` name
        other Pythons by task.
    """

    def __init__(self, settings: RunSettings) -> None:
        self._settings = settings
        self._free: dict[Path, list[_Worker]] = {}
        self._all: set[_Worker] = set()
        self._closed = False
        self._lock = threading.Lock()
        self._slot = threading.BoundedSemaphore(settings.processes)

    @property
    def slots(self) -> int:
        """How many tasks can be worked on at the same time."""
        return self._settings.processes

    def run(self, task: Task, place: Place, events: Events, deadline: float) -> Failure | None:
        """Do one task in a free worker.

        Raises
        ------
        TimedOutError
            When the deadline has passed; the worker is killed.
        WorkerLostError
            When the worker died, or a window stage showed no sign of life for too long.
        BackendUnavailableError
            When the interpreter of a back end's own environment cannot be started.
        """
        with self._slot:
            self._ensure_open()
            worker = self._take(self._interpreter(task))
            kept = False
            try:
                failure = worker.do(task, place, events, deadline)
                kept = True
            except (WorkerLostError, OSError):
                self._ensure_open()
                raise
            finally:
                if kept:
                    self._give_back(worker)
                else:
                    self._end(worker)
        return failure

    def close(self) -> None:
        """Stop all workers; tasks under way end with `KeyboardInterrupt` in their threads."""
        with self._lock:
            self._closed = True
            idle = [worker for group in self._free.values() for worker in group]
            busy = self._all.difference(idle)
            self._free = {}
        for worker in busy:
            # Its own thread sees it die, and clears up after it.
            worker.kill()
        for worker in idle:
            self._end(worker)

    def _ensure_open(self) -> None:
        if self._closed:
            # Not an error of the stage, so nothing may record it as one.
            raise KeyboardInterrupt

    def _interpreter(self, task: Task) -> Path:
        needed = task.standing.stage.task
        return self._settings.interpreters.get(needed or "", Path(sys.executable))

    def _take(self, interpreter: Path) -> "_Worker":
        with self._lock:
            free = self._free.get(interpreter, [])
            if free:
                return free.pop()
            idle = next((group for group in self._free.values() if group), None)
            leaving = idle.pop() if idle and len(self._all) >= self.slots else None
        if leaving is not None:
            self._end(leaving)
        worker = _Worker(interpreter)
        with self._lock:
            self._all.add(worker)
        return worker

    def _give_back(self, worker: "_Worker") -> None:
        with self._lock:
            self._free.setdefault(worker.interpreter, []).append(worker)

    def _end(self, worker: "_Worker") -> None:
        with self._lock:
            self._all.discard(worker)
        worker.end()


class _Worker:
    """One worker process and the connection to it."""

    def __init__(self, interpreter: Path) -> None:
        self.interpreter = interpreter
        self._connection: Connection | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._last_words: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by end()
        try:
            self._start()
        except BaseException:
            self.end()
            raise

    def _start(self) -> None:
        key = secrets.token_bytes(32)
        with Listener(authkey=key) as listener:
            try:
                self._process = subprocess.Popen(  # noqa: S603 - the user's own interpreter
                    [str(self.interpreter), "-m", "choreoscope.pipeline.worker"],
                    env=_environment(self.interpreter, str(listener.address), key),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=self._last_words,
                )
            except OSError as error:
                raise BackendUnavailableError(
                    f"cannot start {self.interpreter}: {error.strerror}; expected the Python of "
                    f"an environment in which Choreoscope {__version__} is installed"
                ) from error
            self._connection = self._accepted(listener, self._process)

    def do(self, task: Task, place: Place, events: Events, deadline: float) -> Failure | None:
        """Hand a task over and attend to the worker until it is done."""
        connection = self._open
        patience = Patience.with_task(task, deadline)

        def receive() -> Message:
            if not connection.poll(patience.seconds):
                raise patience.ended
            message: Message = connection.recv()
            return message

        def answer(refusal: str | None) -> None:
            connection.send(("refused", refusal) if refusal else ("placed", None))

        try:
            connection.send(("task", task))
            return attend(task, place, events, receive, answer)
        except (EOFError, ConnectionError) as error:
            raise WorkerLostError(self._obituary()) from error

    def end(self) -> None:
        """Kill the process; a task that has ended leaves nothing that it could still do."""
        self.kill()
        if self._process is not None:
            self._process.wait(SECONDS_TO_END)
        if self._connection is not None:
            self._connection.close()
        self._last_words.close()

    def kill(self) -> None:
        """Kill the process, and leave the rest to whoever is using it."""
        if self._process is not None:
            with contextlib.suppress(OSError):
                self._process.kill()

    @property
    def _open(self) -> Connection:
        if self._connection is None:
            raise WorkerLostError(self._obituary())
        return self._connection

    def _accepted(self, listener: Listener, process: "subprocess.Popen[bytes]") -> Connection:
        """Wait for the worker to call; a process that dies before is told at once."""
        answer: list[Connection] = []

        def accept() -> None:
            with contextlib.suppress(OSError, EOFError):
                answer.append(listener.accept())

        waiting = threading.Thread(target=accept, daemon=True)
        waiting.start()
        end = time.monotonic() + SECONDS_TO_START
        while waiting.is_alive() and time.monotonic() < end and process.poll() is None:
            waiting.join(0.02)
        if not answer or not answer[0].poll(SECONDS_TO_START):
            raise BackendUnavailableError(
                f"the worker process of {self.interpreter} did not start ({self._obituary()}); "
                f"is Choreoscope {__version__} installed there?"
            )
        _, version = answer[0].recv()
        if version != __version__:
            raise BackendUnavailableError(
                f"{self.interpreter} has Choreoscope {version}, expected {__version__}; "
                f"install the same version there"
            )
        return answer[0]

    def _obituary(self) -> str:
        """Say how the process ended, with its own last words."""
        code = None
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self._process.wait(SECONDS_TO_END)
        how = _how_it_ended(code)
        self._last_words.seek(0)
        text = self._last_words.read().decode("utf-8", errors="replace")
        said = next((line.strip() for line in text.splitlines() if line.strip()), "")
        return f"{how}; it said: {said[:LONGEST_LAST_WORDS]}" if said else how


def _environment(interpreter: Path, address: str, key: bytes) -> dict[str, str]:
    own = {**os.environ, ADDRESS: address, KEY: key.hex()}
    if interpreter == Path(sys.executable):
        return own | {PATHS: os.pathsep.join(sys.path)}
    # Another environment has its own packages; ours would shadow them.
    return {name: value for name, value in own.items() if name not in ("PYTHONPATH", "PYTHONHOME")}


def _how_it_ended(code: int | None) -> str:
    if code is None:
        return "the worker process closed its connection"
    if code >= 0:
        return f"the worker process ended by itself with exit code {code}"
    name = signal.Signals(-code).name if -code in {one.value for one in signal.Signals} else "?"
    if name == "SIGKILL":
        return "the worker process was killed (SIGKILL): most likely memory ran out"
    return f"the worker process died of signal {-code} ({name})"
