"""How the fake can misbehave: at known frames, always or only the first few times.

Stands for what real back ends do: abort in C++, run out of memory, hang, give NaN, give arrays of
another shape, lose a frame, count one twice.
"""

import dataclasses
import os
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.people import PeopleInFrame

OTHER_POINTS = 17
"""A number of body points that is not BlazePose's (it is COCO's)."""
EXIT_STATUS = 77
NEVER = 3600.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What goes wrong, and in which source frames.

    Attributes
    ----------
    abort_at, exit_at, hang_at, raise_at : tuple of int
        The process aborts, as C++ does; ends without a word; never returns; an error is raised.
    memory_at : tuple of int
        The process is killed, as by the system when memory runs out.
    abort_above_batch : int
        Memory does suffice for up to so many frames at once (`RunSettings.batch`); 0: for none.
    nan_at, wrong_shape_at : tuple of int
        The first person has points that are no numbers, or another number of points.
    skip_at, twice_at, out_of_order_at : tuple of int
        No answer for the frame; two; one only after the next frame's.
    short : int
        Frames from this one on are not answered; -1 for a back end that goes on to the end.
    attempts : int
        How often something goes wrong in all; 0 for every time.
    attempts_file : str
        Counts how often it has, a byte each time; needed for `attempts`.
    """

    abort_at: tuple[int, ...] = ()
    exit_at: tuple[int, ...] = ()
    hang_at: tuple[int, ...] = ()
    raise_at: tuple[int, ...] = ()
    memory_at: tuple[int, ...] = ()
    abort_above_batch: int = 0
    nan_at: tuple[int, ...] = ()
    wrong_shape_at: tuple[int, ...] = ()
    skip_at: tuple[int, ...] = ()
    twice_at: tuple[int, ...] = ()
    out_of_order_at: tuple[int, ...] = ()
    short: int = -1
    attempts: int = 0
    attempts_file: str = ""

    def __post_init__(self) -> None:
        if bool(self.attempts) != bool(self.attempts_file):
            raise InputError("fake: attempts and attempts_file are given together or not at all")

    def strike(self, frame: int, batch: int) -> None:
        """Do what ends the process or the call in this frame, if anything.

        Raises
        ------
        RuntimeError
            In the frames of `raise_at`.
        """
        if frame in self.abort_at and self._happens():
            os.abort()
        if frame in self.exit_at and self._happens():
            os._exit(EXIT_STATUS)
        if frame in self.memory_at and batch > self.abort_above_batch and self._happens():
            _be_killed()
        if frame in self.hang_at and self._happens():
            while True:
                time.sleep(NEVER)
        if frame in self.raise_at and self._happens():
            raise RuntimeError(f"fake: told to raise at frame {frame}")

    def distorted(self, answers: Iterable[PeopleInFrame]) -> Iterator[PeopleInFrame]:
        """Go through right answers and hand on what a faulty back end would give."""
        late: PeopleInFrame | None = None
        for answer in answers:
            frame = answer.frame
            if 0 <= self.short <= frame and self._happens():
                return
            if frame in self.out_of_order_at and self._happens():
                late = answer
                continue
            if frame not in self.skip_at or not self._happens():
                yield self._spoilt(answer)
            if frame in self.twice_at and self._happens():
                yield answer
            if late is not None:
                yield late
                late = None

    def _spoilt(self, answer: PeopleInFrame) -> PeopleInFrame:
        if not answer.people:
            return answer
        first, *others = answer.people
        if answer.frame in self.nan_at and self._happens():
            first = dataclasses.replace(first, points_px=np.full_like(first.points_px, np.nan))
        if answer.frame in self.wrong_shape_at and self._happens():
            first = dataclasses.replace(
                first,
                points_px=first.points_px[:OTHER_POINTS],
                points_m=first.points_m[:OTHER_POINTS],
                visibility=first.visibility[:OTHER_POINTS],
            )
        return dataclasses.replace(answer, people=(first, *others))

    def _happens(self) -> bool:
        """Whether this is one of the times when it goes wrong; counts it."""
        if not self.attempts:
            return True
        path = Path(self.attempts_file)
        if path.exists() and path.stat().st_size >= self.attempts:
            return False
        with path.open("ab") as file:
            file.write(b"x")
        return True


def _be_killed() -> None:
    """End as a process ends that the system kills for its memory."""
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
