"""Default people back end: BlazePose body, hands and face on the processor.

Runs anywhere from the published weight files; every network call is one thread, and several
threads add up.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.backends.people.blaze.follow import Limits
from choreoscope.backends.people.blaze.native_log import without_information
from choreoscope.backends.people.blaze.nets import Nets, Stopwatch
from choreoscope.backends.people.blaze.state import Memory
from choreoscope.backends.people.blaze.stream import stream
from choreoscope.backends.people.weights import BLAZEPOSE_WEIGHTS, MEDIAPIPE
from choreoscope.capture.interfaces import PeopleInFrame, PeopleState
from choreoscope.datatypes.errors import ChoreoscopeError
from choreoscope.datatypes.models import BackendSpec, RunSettings


class BlazePose:
    """Follows everybody in a film; see `PeopleEstimator`.

    Parameters
    ----------
    weights : mapping of str to Path
        The four weight files by name.
    workers : int
        Threads that run networks.
    limits : Limits
        How people are found and given up.
    """

    point_set = "blazepose33"

    def __init__(self, weights: Mapping[str, Path], workers: int, limits: Limits) -> None:
        import cv2

        # OpenCV's own threads would fight with the workers for the same cores.
        cv2.setNumThreads(1)
        self.watch = Stopwatch()
        self._limits = limits
        with without_information():
            self._nets = [Nets.load(weights, self.watch) for _ in range(workers)]
        self._busy = threading.Lock()

    @property
    def model_cpu_seconds(self) -> float:
        """Processor time spent inside model calls so far, all threads added."""
        return sum(self.watch.seconds.values())

    def follow(
        self, frames: Iterable[tuple[int, np.ndarray]], state: PeopleState | None
    ) -> Iterator[PeopleInFrame]:
        """Go through consecutive frames of one shot; see `PeopleEstimator.follow`.

        Raises
        ------
        ChoreoscopeError
            If another film is still being followed with the same networks.
        """
        memory = None if state is None else Memory.of(state)
        if not self._busy.acquire(blocking=False):
            raise ChoreoscopeError(
                "blazepose follows one film at a time: read the first to its end, or close it"
            )
        try:
            yield from stream(frames, memory, self._nets, self._limits)
        finally:
            self._busy.release()


def load(
    weights: Mapping[str, Path], settings: RunSettings, options: Mapping[str, Any]
) -> BlazePose:
    """Open the networks.

    Parameters
    ----------
    weights : mapping of str to Path
        The four weight files by name.
    settings : RunSettings
        Its `workers` says how many threads run.
    options : mapping
        Any field of `Limits`.

    Raises
    ------
    InputError
        If an option is unknown or out of range.
    """
    return BlazePose(weights, settings.workers, Limits.of(options))


SPEC = BackendSpec(
    task="people",
    name="blazepose",
    version=1,
    load=load,
    modules=("ai_edge_litert", "cv2"),
    extra="",
    weights=BLAZEPOSE_WEIGHTS,
    licence=MEDIAPIPE,
    memory_mb=600,
    options=Limits,
)
