"""Stages as work of Ray actors, on this machine or on a cluster that shares the result folder.

The extra ``cluster`` brings Ray. Actors keep their back ends loaded from task to task.
"""

import dataclasses
import os
import platform
import queue
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from choreoscope.datatypes.errors import (
    BackendUnavailableError,
    InputError,
    OutputError,
    WorkerLostError,
)
from choreoscope.datatypes.models import RunSettings
from choreoscope.pipeline.events import Event, Events, Note
from choreoscope.pipeline.executors.attending import Message, Patience, attend
from choreoscope.pipeline.executors.interface import Place
from choreoscope.pipeline.loading import LoadedModels
from choreoscope.pipeline.task import Failure, Part, Task
from choreoscope.pipeline.work import work

INSTALL = 'python -m pip install "choreoscope[cluster]"'
ADDRESS = "RAY_ADDRESS"
SECONDS_BEFORE_TOLD = 10.0


class RayExecutor:
    """Runs tasks on Ray actors.

    A cluster is joined where ``RAY_ADDRESS`` names one; otherwise one is started on this machine
    and stopped with the executor.

    Parameters
    ----------
    settings : RunSettings
        `processes` actors, each declared with its threads as CPUs and its accelerators.

    Raises
    ------
    BackendUnavailableError
        If Ray is not installed, or the cluster can never give an actor what it asks for.
    InputError
        If back ends want environments of their own: a cluster has one for all.
    """

    def __init__(self, settings: RunSettings) -> None:
        if settings.interpreters:
            raise InputError(
                "back ends with an environment of their own run with the executor 'pool'; on a "
                "cluster, install them in the cluster's environment"
            )
        self._settings = settings
        self._ray = _ray()
        self._threads = max(1, settings.workers // settings.processes)
        self._free: list[Any] = []
        self._busy: set[Any] = set()
        self._closed = False
        self._lock = threading.Lock()
        self._slot = threading.BoundedSemaphore(settings.processes)
        self._started_here = not self._ray.is_initialized()
        if self._started_here:
            self._start()
        try:
            self._demand()
        except BackendUnavailableError:
            self.close()
            raise

    @property
    def slots(self) -> int:
        """How many tasks can be worked on at the same time."""
        return self._settings.processes

    def run(self, task: Task, place: Place, events: Events, deadline: float) -> Failure | None:
        """Do one task on a free actor.

        Raises
        ------
        TimedOutError
            When the deadline has passed; the actor is killed.
        WorkerLostError
            When the actor died, or a window stage showed no sign of life for too long.
        """
        threads = min(self._threads, task.settings.workers)
        settings = dataclasses.replace(task.settings, workers=threads)
        fitted = dataclasses.replace(task, settings=settings)
        with self._slot:
            self._ensure_open()
            actor = self._take()
            try:
                self._wait_for_room(actor, task, events, deadline)
                failure = self._attend(actor, fitted, place, events, deadline)
            except BaseException:
                self._ensure_open()
                self._ray.kill(actor)
                raise
            finally:
                self._busy.discard(actor)
            with self._lock:
                self._free.append(actor)
        return failure

    def close(self) -> None:
        """Let the actors go, and the cluster if it was started here."""
        self._closed = True
        for actor in (*self._free, *self._busy):
            self._ray.kill(actor)
        if self._started_here and self._ray.is_initialized():
            self._ray.shutdown()

    def _ensure_open(self) -> None:
        if self._closed:
            # Not an error of the stage, so nothing may record it as one.
            raise KeyboardInterrupt

    def _start(self) -> None:
        own: dict[str, Any] = {}
        if not os.environ.get(ADDRESS):
            # Workers find what this program can import, without a copy of its folder being sent.
            paths = os.pathsep.join(path for path in sys.path if path)
            own = {
                "num_cpus": self._settings.processes * self._threads,
                "include_dashboard": False,
                "runtime_env": {"env_vars": {"PYTHONPATH": paths}},
            }
        self._ray.init(log_to_driver=False, logging_level="error", **own)

    def _demand(self) -> None:
        """Refuse what no machine has, because Ray would wait for it for ever."""
        machines = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        wanted = {"CPU": float(self._threads), "GPU": self._settings.gpus}
        if any(_fits(wanted, machine) for machine in machines):
            return
        most = {name: max((one.get(name, 0.0) for one in machines), default=0.0) for name in wanted}
        raise BackendUnavailableError(
            f"each worker asks for {wanted['CPU']:g} CPUs and {wanted['GPU']:g} GPUs, and no "
            f"machine of the cluster has them (the largest have {most['CPU']:g} CPUs and "
            f"{most['GPU']:g} GPUs); lower --run.workers or --run.gpus, or add such a machine"
        )

    def _take(self) -> Any:  # noqa: ANN401
        with self._lock:
            if self._free:
                self._busy.add(self._free[-1])
                return self._free.pop()
        declared = self._ray.remote(
            num_cpus=self._threads, num_gpus=self._settings.gpus, max_restarts=0, max_concurrency=2
        )(RayWorker)
        actor = declared.remote()
        self._busy.add(actor)
        return actor

    def _wait_for_room(
        self,
        actor: Any,  # noqa: ANN401
        task: Task,
        events: Events,
        deadline: float,
    ) -> None:
        """Wait until the cluster has given the actor its place; others may hold it for hours."""
        answer = actor.answer.remote(None, keep=False)
        first, then = Patience(deadline, SECONDS_BEFORE_TOLD), Patience(deadline, float("inf"))
        ready, _ = self._ray.wait([answer], timeout=first.seconds)
        if not ready:
            text = f"waiting for {self._threads} CPUs of the cluster: other work holds them"
            events(Note(clip=task.scope.clip.id, stage=task.stage_name, text=text))
            ready, _ = self._ray.wait([answer], timeout=then.seconds)
        if not ready:
            raise then.ended

    def _attend(
        self,
        actor: Any,  # noqa: ANN401
        task: Task,
        place: Place,
        events: Events,
        deadline: float,
    ) -> Failure | None:
        patience = Patience.with_task(task, deadline)
        stream = actor.work.options(num_returns="streaming").remote(task)

        def receive() -> Message:
            ready, _ = self._ray.wait([stream], timeout=patience.seconds)
            if not ready:
                raise patience.ended
            try:
                message: Message = self._ray.get(next(stream))
            except (self._ray.exceptions.RayActorError, StopIteration) as error:
                raise WorkerLostError(_obituary(error)) from error
            return message

        return attend(task, place, events, receive, actor.answer.remote)


class RayWorker:
    """What runs inside an actor: one task at a time, answers in a second thread."""

    def __init__(self) -> None:
        self._models: LoadedModels | None = None
        self._settings: RunSettings | None = None
        self._said: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def work(self, task: Task) -> Iterator[Message]:
        """Do a task and yield what happens, last the failure or None."""
        if not task.scope.folder.lock.exists():
            yield "done", Failure.of(_unseen(task))
            return
        if self._models is None or self._settings != task.settings:
            self._settings = task.settings
            self._models = LoadedModels(task.settings, self.tell)
        doing = threading.Thread(target=self._do, args=(task, self._models), daemon=True)
        doing.start()
        while True:
            message = self._said.get()
            yield message
            if message[0] == "done":
                return

    def answer(self, refusal: str | None, *, keep: bool = True) -> None:
        """Say that the last part is in place, or why it is not; nothing if not to be kept."""
        if keep:
            self._answers.put(refusal)

    def tell(self, event: Event) -> None:
        """Hand an event up."""
        self._said.put(("event", event))

    def place(self, part: Part) -> None:
        """Have a part put into place.

        Raises
        ------
        OutputError
            If the owner could not.
        """
        self._said.put(("place", part))
        refusal = self._answers.get()
        if refusal is not None:
            raise OutputError(refusal)

    def _do(self, task: Task, models: LoadedModels) -> None:
        failure = work(task, models, self)
        self._said.put(("done", failure.without_error if failure else None))


def _unseen(task: Task) -> OutputError:
    return OutputError(
        f"machine {platform.node()} does not see {task.scope.folder.root}; the result folder, and "
        f"the film, must lie on a drive that all machines of the cluster share under one path"
    )


def _ray() -> Any:  # noqa: ANN401
    try:
        import ray
    except ImportError as error:
        raise BackendUnavailableError(
            f"the executor 'ray' needs the module ray, not installed; next: {INSTALL}"
        ) from error
    return ray


def _fits(wanted: Mapping[str, float], machine: Mapping[str, float]) -> bool:
    return all(machine.get(name, 0.0) >= amount for name, amount in wanted.items())


def _obituary(error: Exception) -> str:
    # Ray knows no signal; its own text is half a page on what it might have been.
    name = type(error).__name__
    return f"the Ray worker died: it crashed, was killed, or memory ran out ({name})"
