"""Handing frames over in batches: independent ones, and those that continue from a state.

Memory stays flat: a feeder never holds more frames than one batch, and it takes none beyond the
frame it was asked to stop at.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Protocol, TypeVar

import numpy as np

from choreoscope.capture.passes.interfaces import (
    Answer,
    Frames,
    PassFrame,
    PassModel,
    PassState,
    Recurrent,
)
from choreoscope.datatypes.errors import BackendFailedError
from choreoscope.datatypes.frames import FrameRange

Item = TypeVar("Item")
Result = TypeVar("Result")
Pairs = Iterator[tuple[PassFrame, Answer]]


class Source:
    """Frames in order, of which the next one can be looked at before it is taken."""

    def __init__(self, frames: Iterable[PassFrame]) -> None:
        self._frames = iter(frames)
        self._next: PassFrame | None = None

    def until(self, stop: int) -> Iterator[PassFrame]:
        """Take frames up to but without the source frame `stop`."""
        while (found := self.peek()) is not None and found.frame < stop:
            self._next = None
            yield found

    def peek(self) -> PassFrame | None:
        """Look at the next frame; None at the end."""
        if self._next is None:
            self._next = next(self._frames, None)
        return self._next


class Feeder(Protocol):
    """Hands the frames of one shot to a model as its `feeding` asks for."""

    def needed(self, frames: FrameRange) -> FrameRange:
        """Frames the source has to hold for answers about these; called once, before the first."""
        ...

    def answers(self, source: Source, stop: int) -> Pairs:
        """Answer for all frames of the source up to `stop`, in order."""
        ...

    @property
    def state(self) -> PassState:
        """What has to be known to go on after the last call of `answers`, once it has ended."""
        ...


class Batch:
    """How much is handed over at once; halved for good when it was too much.

    Parameters
    ----------
    size : int
        To begin with.
    name : str
        Of the model, for the error.
    """

    def __init__(self, size: int, name: str) -> None:
        self.size = max(1, size)
        self._name = name

    def each(
        self, items: Sequence[Item], ask: Callable[[Sequence[Item]], Result], frame: int
    ) -> Iterator[tuple[Sequence[Item], Result]]:
        """Ask for the items part by part.

        Yields
        ------
        (part, result)
            In order.

        Raises
        ------
        BackendFailedError
            If memory does not suffice for a single one.
        """
        at = 0
        while at < len(items):
            part = items[at : at + self.size]
            try:
                result = ask(part)
            except MemoryError as error:
                if len(part) == 1:
                    raise BackendFailedError(
                        f"{self._name}, frame {frame}: memory does not suffice for one at a time; "
                        f"choose a smaller model or working size, or free memory"
                    ) from error
                self.size = len(part) // 2
                continue
            at += len(part)
            yield part, result


def asked(
    model: PassModel, frames: Sequence[PassFrame], state: PassState | None
) -> tuple[list[Answer], PassState]:
    """Ask a model and count its answers.

    Raises
    ------
    BackendFailedError
        If there are more or fewer answers than frames.
    """
    answers, after = model.infer(frames, state)
    if len(answers) != len(frames):
        raise BackendFailedError(
            f"{type(model).__name__}, frame {frames[0].frame}: expected {len(frames)} answers, "
            f"got {len(answers)}"
        )
    return answers, after


class FramesFeeder:
    """Frames that do not depend on one another."""

    def __init__(self, model: PassModel, feeding: Frames, limit: int) -> None:
        self._model = model
        self._batch = Batch(min(feeding.batch, limit), type(model).__name__)

    def needed(self, frames: FrameRange) -> FrameRange:
        """No frame needs another."""
        return frames

    @property
    def state(self) -> PassState:
        """Nothing."""
        return {}

    def answers(self, source: Source, stop: int) -> Pairs:
        """Answer in batches that end at `stop`."""
        frames = source.until(stop)
        while held := list(islice(frames, self._batch.size)):
            for part, (found, _) in self._batch.each(held, self._ask, held[0].frame):
                yield from zip(part, found, strict=True)

    def _ask(self, frames: Sequence[PassFrame]) -> tuple[list[Answer], PassState]:
        return asked(self._model, frames, None)


class RecurrentFeeder:
    """Frames in order, each continuing from the state after the one before.

    Parameters
    ----------
    model : PassModel
        Whose answers do not depend on how many frames it gets at once.
    feeding : Recurrent
        What it asks for.
    limit : int
        Frames at once.
    state : PassState
        After the frame before the first one handed over; empty to begin anew.
    """

    def __init__(
        self,
        model: PassModel,
        feeding: Recurrent,
        limit: int,
        state: PassState,
    ) -> None:
        self._model = model
        self._prime = feeding.prime
        self._batch = Batch(min(feeding.chunk, limit), type(model).__name__)
        self._state: PassState | None = state or None

    def needed(self, frames: FrameRange) -> FrameRange:
        """Everything from before is in the state."""
        return frames

    @property
    def state(self) -> PassState:
        """As the model gave it after the last frame."""
        return self._state or {}

    def answers(self, source: Source, stop: int) -> Pairs:
        """Answer in chunks that end at `stop`."""
        frames = source.until(stop)
        first = source.peek()
        if self._state is None and self._prime and first is not None and first.frame < stop:
            head = list(islice(frames, self._prime))
            for _ in self._chunk(head[::-1]):
                pass
            yield from self._chunk(head)
        while held := list(islice(frames, self._batch.size)):
            yield from self._chunk(held)

    def _chunk(self, held: Sequence[PassFrame]) -> Pairs:
        for part, found in self._batch.each(held, self._ask, held[0].frame):
            yield from zip(part, found, strict=True)

    def _ask(self, frames: Sequence[PassFrame]) -> list[Answer]:
        # The state moves on only when the model has answered: a chunk that was too much is tried
        # again from where it began.
        answers, after = asked(self._model, frames, self._state)
        self._state = {name: np.asarray(value) for name, value in after.items()}
        return answers
