"""Default people back end: BlazePose body, hands and face on the processor."""

import queue
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from choreoscope.backends.people.blaze.follow import Detections, Follower, Limits, Memory
from choreoscope.backends.people.blaze.nets import Nets, Stopwatch
from choreoscope.backends.people.blaze.work_queue import WorkQueue
from choreoscope.capture.interfaces import PeopleInFrame, PeopleState
from choreoscope.datatypes.models import RunSettings
from choreoscope.datatypes.people import PersonObservation


class BlazePose:
    """Follows everybody; see `PeopleEstimator`."""

    point_set = "blazepose33"

    def __init__(self, weights: Mapping[str, Path], workers: int, limits: Limits) -> None:
        self.watch = Stopwatch()
        self._nets = [Nets.load(weights, self.watch) for _ in range(workers)]
        self._limits = limits

    @property
    def model_cpu_seconds(self) -> float:
        """Processor time spent inside model calls so far, all threads added."""
        return sum(self.watch.seconds.values())

    def follow(
        self, frames: Iterable[tuple[int, np.ndarray]], state: PeopleState | None
    ) -> Iterator[PeopleInFrame]:
        """Go through consecutive frames of one shot."""
        memory = None if state is None else Memory.of(state)
        from choreoscope.backends.people.blaze.details import observe

        with WorkQueue(self._nets) as work:
            f = Follower(work, self._limits, memory)
            for number, picture in frames:
                det = f.start_detection(picture) if f.looks_at(number) else None
                seen = f.step(number, picture, det)
                from choreoscope.backends.people.blaze.work_queue import Urgency

                fut = [
                    work.submit(
                        Urgency.DETAIL, lambda nets, k=k, pose=pose: observe(nets, picture, k, pose)
                    )
                    for k, pose in seen
                ]
                yield PeopleInFrame(
                    frame=number, people=tuple(x.result() for x in fut), state=f.memory.arrays()
                )


def load(
    weights: Mapping[str, Path], settings: RunSettings, options: Mapping[str, Any]
) -> BlazePose:
    return BlazePose(
        weights,
        settings.workers,
        Limits(
            detect_every=options.get("detect_every", 5),
            detection_score=0.3,
            person_score=0.5,
            give_up_frames=20,
        ),
    )
