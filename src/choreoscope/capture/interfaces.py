"""What capture asks of its back ends: numpy in, numpy out, house units and axes."""

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np

from choreoscope.datatypes.people import PeopleInFrame, PeopleState

__all__ = ["PeopleEstimator", "PeopleInFrame", "PeopleState"]


class PeopleEstimator(Protocol):
    """Finds and follows everybody in a film and reads body, hands, face and mask of each.

    Two runs over the same frames give equal results whatever the number of workers, and a run
    that is cut in two, the second half started from the state the first half ended with, gives
    the same results as one run.
    """

    point_set: str
    """Name of the order of the body points, for example "blazepose33"."""

    def follow(
        self, frames: Iterable[tuple[int, np.ndarray]], state: PeopleState | None
    ) -> Iterator[PeopleInFrame]:
        """Go through the frames of one shot.

        Parameters
        ----------
        frames : iterable of (frame number, (H, W, 3) uint8)
            RGB, upright. Numbers rise by one; frames that do not decode are left out, and so are
            those given up after an error. Read lazily and at most a few frames ahead, so that
            memory stays flat.
        state : PeopleState or None
            None at the start of a shot, else the state of the frame before.

        Yields
        ------
        PeopleInFrame
            One per frame, in order; `capture.guard` says what becomes of others.
        """
        ...

    @property
    def model_cpu_seconds(self) -> float:
        """Processor time spent inside model calls so far, all threads added."""
        ...
