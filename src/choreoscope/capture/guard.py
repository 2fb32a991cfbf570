"""Between a people back end and the engine: every frame comes back once, in order, and sound.

What happens when a back end misbehaves:

==========================================  =====================================================
the back end                                what becomes of the frames
==========================================  =====================================================
says nonsense about a person (NaN, a box    the person is left out, the frame is recorded as
inside out, a mask of another size, ...)    failed with the reason; the others in it are kept
raises, or answers with something else      tried once more from the last sound state; then the
                                            frame is recorded as failed, and the next one is made
answers a later frame before this one       this one is recorded as failed; the later one counts
answers a frame again, or one it was not    its numbers cannot be trusted: from here to the end
given; ends before the film does            of the window all frames are recorded as failed; the
                                            next window begins anew from the last sound state
gives no sound answer in the whole clip     the stage fails
==========================================  =====================================================

Whatever goes wrong in one window, the next one starts from the state stored with the last sound
answer, exactly as it would after a crash. So a run that is stopped and resumed still gives the
same bytes.
"""

import contextlib
import dataclasses
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping

import numpy as np

from choreoscope.capture.interfaces import PeopleEstimator, PeopleInFrame, PeopleState
from choreoscope.capture.observation_check import POINT_SETS, fault_of_person
from choreoscope.datatypes.errors import (
    BackendFailedError,
    BackendUnavailableError,
    TimedOutError,
    WorkerLostError,
)
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.people import PersonObservation

STARTS_PER_WINDOW = 16
"""How often a back end is started anew in one window before the rest of it is given up."""

Pictures = Iterator[tuple[int, np.ndarray]]
NOT_OF_ONE_FRAME = (BackendUnavailableError, TimedOutError, WorkerLostError, MemoryError)
"""Errors that the next frame would meet again, and that others know how to deal with."""


@dataclasses.dataclass(slots=True)
class Answers:
    """What came back for the frames of one window.

    Attributes
    ----------
    seen : list of PeopleInFrame
        In order; without the people that are nonsense. A frame that failed may be among them,
        with those of its people who are sound. The last one holds the state after the window.
    failed : dict of int to str
        Frames that are not as they should be, each with a line that says why.
    notes : list of str
        What is to be known beside.
    """

    seen: list[PeopleInFrame] = dataclasses.field(default_factory=list)
    failed: dict[int, str] = dataclasses.field(default_factory=dict)
    notes: list[str] = dataclasses.field(default_factory=list)

    @property
    def failures(self) -> Iterator[tuple[FrameRange, str]]:
        """Neighbouring frames that failed for the same reason, taken together."""
        for why in dict.fromkeys(self.failed.values()):
            frames = FrameSet.of(frame for frame, reason in self.failed.items() if reason == why)
            for part in frames.ranges:
                yield part, why


class PeopleGuard:
    """Asks a back end for one window after the other, and looks at every answer.

    Parameters
    ----------
    model : PeopleEstimator
        The back end.
    frames : callable
        Opens the film at any frame; those that do not decode are left out.
    stretch : FrameRange
        All frames that will be asked for.
    state : PeopleState or None
        After the frame before the stretch.
    size : (int, int)
        Width and height of the pictures.

    Raises
    ------
    BackendFailedError
        If its points have an unknown order.
    """

    def __init__(
        self,
        model: PeopleEstimator,
        frames: Callable[[FrameRange], Pictures],
        stretch: FrameRange,
        state: PeopleState | None,
        size: tuple[int, int],
    ) -> None:
        self.name = f"people back end {type(model).__name__}"
        if model.point_set not in POINT_SETS:
            raise BackendFailedError(
                f"{self.name}: expected a point set of {', '.join(POINT_SETS)}, "
                f"got '{model.point_set}'"
            )
        self._points = POINT_SETS[model.point_set]
        self._model = model
        self._open = frames
        self._stretch = stretch
        self._state = state
        self._size = size
        self._bins: int | None = None
        self._source: Pictures = iter(())
        self._running: Generator[object, None, None] | None = None
        self._held: PeopleInFrame | None = None
        self.waiting: deque[int] = deque()
        """Frames that were handed over and are not answered yet, oldest first."""
        self.film_error: Exception | None = None
        """What the film's reader raised, which is not the back end's fault."""

    def window(self, window: FrameRange, tell: Callable[[int], None]) -> Answers:
        """Ask for the frames of the next window.

        Parameters
        ----------
        window : FrameRange
            Begins where the one before ended.
        tell : callable
            Told each frame that has been answered.

        Raises
        ------
        Exception
            What the film's reader raises, and what is not a matter of single frames.
        """
        asked = _Asking(self, window, tell)
        before = self._state
        if self._running is None:
            self.start(window.start)
        while asked.is_open:
            asked.step()
        seen = asked.answers.seen
        if seen and self._state is not None:
            seen[-1] = dataclasses.replace(seen[-1], state=self._state)
        elif self._state is not before:
            # No frame, no file to keep a state in: the next window starts as a resumed run would.
            self._state = before
            self.stop()
        return asked.answers

    def finish(self) -> str:
        """End the back end after the last window; a sentence if it had more to say."""
        extra: object = self._held
        if self._running is not None and extra is None:
            # All frames are answered: what it raises now harms nobody.
            with contextlib.suppress(Exception):
                extra = next(self._running, None)
        self.stop()
        return "" if extra is None else self.too_many

    @property
    def too_many(self) -> str:
        """Sentence about answers that nobody asked for."""
        return f"{self.name} gave more answers than there are frames; they were left out"

    def start(self, frame: int) -> None:
        """Start the back end anew at a frame, from the last sound state."""
        self.stop()
        self._source = self._hand_over(self._open(FrameRange(frame, self._stretch.stop)))
        self._running = self._follow(self._source, self._state)

    def stop(self) -> None:
        """End the back end; the next window starts it anew."""
        running, self._running = self._running, None
        self.waiting.clear()
        self._held = None
        if running is not None:
            # What it says in parting no longer matters.
            with contextlib.suppress(Exception):
                running.close()

    def answer(self) -> object:
        """Return the next answer, or None at the end.

        Raises
        ------
        Exception
            Whatever the back end or the film's reader raises.
        """
        held, self._held = self._held, None
        if held is not None or self._running is None:
            return held
        answer = next(self._running, None)
        if self.film_error is not None:
            raise self.film_error
        return answer

    def hold(self, answer: PeopleInFrame) -> None:
        """Keep an answer for the next window."""
        self._held = answer

    def is_film_at_end(self) -> bool:
        """Whether the back end has taken every frame; it must have ended."""
        return next(self._source, None) is None

    def accept(self, answer: PeopleInFrame) -> tuple[PeopleInFrame, str]:
        """Take what is sound of an answer; a line says what was not."""
        self._state = answer.state
        sound: list[PersonObservation] = []
        faults: list[str] = []
        for person in answer.people:
            fault = self._fault(person, sound)
            if fault:
                number = getattr(person, "tracklet", "?")
                faults.append(f"{self.name}, person {number}: {fault}")
            else:
                sound.append(person)
        if not faults:
            return answer, ""
        return dataclasses.replace(answer, people=tuple(sound)), "; ".join(faults)

    def _fault(self, person: PersonObservation, others: list[PersonObservation]) -> str:
        fault = fault_of_person(person, self._points, *self._size)
        if fault:
            return fault
        if any(person.tracklet == other.tracklet for other in others):
            return "tracklet: expected one person per number in a frame, got two"
        bins = len(person.appearance)
        self._bins = self._bins or bins
        if bins != self._bins:
            return f"appearance: expected {self._bins} shares as before, got {bins}"
        return ""

    def _follow(
        self, pictures: Pictures, state: PeopleState | None
    ) -> Generator[object, None, None]:
        # A generator of ours, so that whatever `follow` raises comes with an answer.
        yield from self._model.follow(pictures, state)

    def _hand_over(self, pictures: Pictures) -> Pictures:
        try:
            for frame, picture in pictures:
                self.waiting.append(frame)
                yield frame, picture
        except Exception as error:
            self.film_error = error
            raise


class _Asking:
    """One window being asked for.

    Parameters
    ----------
    guard : PeopleGuard
        Holds the back end.
    window : FrameRange
        Its frames.
    tell : callable
        Told each frame that has been answered.
    """

    def __init__(self, guard: PeopleGuard, window: FrameRange, tell: Callable[[int], None]) -> None:
        self._guard = guard
        self._window = window
        self._tell = tell
        self._next = window.start
        self._starts = 0
        self._blamed: int | None = None
        self.answers = Answers()

    @property
    def is_open(self) -> bool:
        """Whether there may be more."""
        return self._next < self._window.stop

    def step(self) -> None:
        """Take the next answer, or deal with there being none."""
        try:
            answer = self._guard.answer()
        except NOT_OF_ONE_FRAME:
            raise
        except Exception as error:
            if error is self._guard.film_error:
                raise
            self._stumbled(f"raised {type(error).__name__}: {error}")
            return
        wrong = "" if answer is None else _fault_of_form(answer)
        if answer is None:
            self._ended()
        elif wrong or not isinstance(answer, PeopleInFrame):
            self._stumbled(wrong)
        elif answer.frame not in self._guard.waiting:
            self._out_of_turn(answer.frame)
        else:
            self._in_turn(answer)

    def _in_turn(self, answer: PeopleInFrame) -> None:
        guard = self._guard
        left_out = []
        while guard.waiting[0] < answer.frame:
            left_out.append(guard.waiting.popleft())
        inside = [frame for frame in left_out if frame < self._window.stop]
        self._fail(inside, "gave no answer for this frame")
        if answer.frame >= self._window.stop:
            self._next = self._window.stop
            if left_out:
                # It has gone through frames whose state nobody knows; start as a resumed run would.
                guard.stop()
            else:
                guard.hold(answer)
            return
        guard.waiting.popleft()
        self._next = answer.frame + 1
        sound, fault = guard.accept(answer)
        if fault:
            self.answers.failed[answer.frame] = fault
        if sound.people or not fault:
            self.answers.seen.append(sound)
        self._tell(answer.frame)

    def _stumbled(self, why: str) -> None:
        """Blame the oldest frame without an answer; the second time, go on without it."""
        guard = self._guard
        frame = guard.waiting[0] if guard.waiting else self._next
        self._next = min(frame, self._window.stop)
        self._starts += 1
        if self._blamed == frame:
            self._fail([frame], why)
            self._next += 1
        self._blamed = frame
        if self._starts > STARTS_PER_WINDOW:
            self._give_up(f"failed {STARTS_PER_WINDOW} times in this window, at last: it {why}")
        elif self.is_open:
            guard.start(self._next)
        else:
            guard.stop()

    def _out_of_turn(self, frame: int) -> None:
        guard = self._guard
        stray = frame < self._window.start and self._next == self._window.start
        if stray and not self.answers.notes:
            # It belongs to the window before, which is complete; begin as a resumed run would.
            self.answers.notes.append(guard.too_many)
            guard.start(self._next)
            return
        due = guard.waiting[0] if guard.waiting else self._next
        self._give_up(f"answered frame {frame} out of turn, where {due} was due")

    def _ended(self) -> None:
        """Tell the end of the film from a back end that ends before it."""
        unanswered = any(frame < self._window.stop for frame in self._guard.waiting)
        if unanswered or not self._guard.is_film_at_end():
            self._give_up("ended before the film")
        else:
            self._next = self._window.stop

    def _give_up(self, why: str) -> None:
        """Give up what is left of the window."""
        self._fail(range(self._next, self._window.stop), why)
        self._next = self._window.stop
        self._guard.stop()

    def _fail(self, frames: Iterable[int], why: str) -> None:
        for frame in frames:
            self.answers.failed[frame] = f"{self._guard.name} {why}"


def _fault_of_form(answer: object) -> str:
    if not isinstance(answer, PeopleInFrame):
        return f"answered with a {type(answer).__name__}; expected a PeopleInFrame"
    if not isinstance(answer.frame, int | np.integer):
        return f"numbered a frame with a {type(answer.frame).__name__}; expected a whole number"
    if not isinstance(answer.state, Mapping):
        return f"gave a state of {type(answer.state).__name__}; expected names and arrays"
    for name, value in answer.state.items():
        if not isinstance(value, np.ndarray) or value.dtype.hasobject:
            return f"gave '{name}' in its state as {type(value).__name__}; expected a plain array"
    return ""
