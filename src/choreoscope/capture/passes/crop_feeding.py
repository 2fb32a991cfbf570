"""Handing crops over in batches that mix frames and performers."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from choreoscope.capture.passes.batches import Batch, Pairs, Source
from choreoscope.capture.passes.crops import Crop, cut, plan_crops, whole_frame
from choreoscope.capture.passes.interfaces import (
    CropBatch,
    CropModel,
    Crops,
    PassFrame,
    PassState,
    ShotContext,
)
from choreoscope.capture.passes.owning import CROP_ANSWERS, frame_answer, shares
from choreoscope.datatypes.errors import BackendFailedError
from choreoscope.datatypes.frames import FrameRange


class _Held(NamedTuple):
    """A frame that waits for the answers about its crops."""

    frame: PassFrame
    crops: list[Crop]
    answers: list[Mapping[str, np.ndarray]]


class _Waiting(NamedTuple):
    """A crop that waits for its batch."""

    owner: _Held
    crop: Crop
    picture: np.ndarray


class CropsFeeder:
    """Crops round the performers of each frame.

    Parameters
    ----------
    model : CropModel
        Looks at crops.
    feeding : Crops
        What it asks for.
    limit : int
        Crops at once.
    shot : ShotContext
        Crops are planned for all of it beforehand, so they do not depend on where a run begins.
    """

    def __init__(self, model: CropModel, feeding: Crops, limit: int, shot: ShotContext) -> None:
        self._model = model
        self._feeding = feeding
        self._shot = shot
        self._batch = Batch(min(feeding.batch, limit), type(model).__name__)
        self._plan = plan_crops(shot, feeding)
        self._held: deque[_Held] = deque()
        self._waiting: list[_Waiting] = []

    def needed(self, frames: FrameRange) -> FrameRange:
        """No frame needs another."""
        return frames

    @property
    def state(self) -> PassState:
        """Nothing."""
        return {}

    def answers(self, source: Source, stop: int) -> Pairs:
        """Answer in batches of crops, the last one before `stop` being smaller."""
        for frame in source.until(stop):
            self._take(frame)
            while len(self._waiting) >= self._batch.size:
                self._ask(self._batch.size)
            if len(self._held) > self._batch.size:
                self._ask(len(self._waiting))
            yield from self._finished()
        self._ask(len(self._waiting))
        yield from self._finished()

    def _take(self, frame: PassFrame) -> None:
        crops = [
            plan[frame.frame]
            for name, plan in sorted(self._plan.items())
            if frame.frame in plan and name in frame.people
        ]
        if not self._plan and self._feeding.whole_frame:
            size = (frame.picture.shape[1], frame.picture.shape[0])
            crops = [whole_frame(size, self._feeding.size)]
        held = _Held(frame, crops, [])
        self._held.append(held)
        self._waiting += [_Waiting(held, crop, cut(frame.picture, crop)) for crop in crops]

    def _ask(self, count: int) -> None:
        part, self._waiting = self._waiting[:count], self._waiting[count:]
        if not part:
            return
        for crops, answer in self._batch.each(part, self._infer, part[0].owner.frame.frame):
            for place, one in enumerate(crops):
                one.owner.answers.append({name: value[place] for name, value in answer.items()})

    def _infer(self, crops: Sequence[_Waiting]) -> Mapping[str, np.ndarray]:
        batch = CropBatch(
            pictures=np.stack([one.picture for one in crops]),
            focal_px=np.array([self._focal(one) for one in crops]),
            people=tuple(one.crop.person for one in crops),
        )
        answer = self._model.infer_crops(batch)
        who = f"{type(self._model).__name__}, frame {crops[0].owner.frame.frame}"
        for name, value in answer.items():
            if name not in CROP_ANSWERS:
                raise BackendFailedError(f"{who}: answers are not known by the name '{name}'")
            if len(value) != len(crops) or not _is_sound(name, value):
                raise BackendFailedError(
                    f"{who}: {name}: expected finite numbers about {len(crops)} crops, "
                    f"got shape {value.shape} or numbers that are none"
                )
        return answer

    def _focal(self, one: _Waiting) -> float:
        """Focal length in pixels of the crop; NaN where the lens is not known."""
        camera = self._shot.camera
        row = one.owner.frame.frame - self._shot.frames.start
        if camera is None or not 0 <= row < len(camera.intrinsics):
            return float("nan")
        return float(camera.intrinsics[row, 0, 0]) * one.crop.scale

    def _finished(self) -> Pairs:
        while self._held and len(self._held[0].answers) == len(self._held[0].crops):
            frame, crops, answers = self._held.popleft()
            size = (frame.picture.shape[1], frame.picture.shape[0])
            owners = shares(crops, frame.people, size)
            yield frame, frame_answer(answers, owners, self._model.gives, size)


def _is_sound(name: str, value: np.ndarray) -> bool:
    """Whether all numbers are finite; depth may be unknown."""
    if name == "depth":
        return not bool(np.isinf(value).any())
    # NaN and infinity both show in the extremes, and nothing large is made to find them.
    return bool(np.isfinite(value.min(initial=0)) and np.isfinite(value.max(initial=0)))
