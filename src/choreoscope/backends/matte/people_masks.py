"""Default mattes: the people back end's own masks, mended, with their edges put to the picture's.

Every step is measured (``python -m benchmarks.mattes``). A temporal mean or median of
neighbouring masks, moved by boxes or by optical flow, was tried and left out: it costs fast limbs
more than it steadies edges.
"""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.capture.passes.guided_filter import guided
from choreoscope.capture.passes.interfaces import (
    Answer,
    Feeding,
    Frames,
    PassFrame,
    PassState,
    Performer,
    ShotContext,
)
from choreoscope.capture.passes.mended_masks import Bridged, bridged, mended
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.models import BackendSpec, Licence, RunSettings, Tier

MASK_SIDE = 256.0
"""Pixels across the crop that masks come from; a step of theirs is the crop's side over this."""
CROP = 1.25
"""Side of that crop by the longer side of the box."""
RADIUS = 3.2
"""Of the filter at the edge, in steps of the mask."""
SOFTNESS = 1e-4
STEEPNESS = 1.6
"""A filtered edge is wider than a real one; it is made steeper about one half by this."""
LEAST = 1e-3


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PeopleMaskOptions:
    """How masks become mattes.

    Attributes
    ----------
    bridge : int
        A performer without a mask for at most so many frames between two with one keeps a matte,
        moved with the boxes. 0: never.
    mend : bool
        Whether holes are closed and islands removed.
    edge : bool
        Whether edges are soft and put to where the picture's are.
    """

    bridge: int = 3
    mend: bool = True
    edge: bool = True

    def __post_init__(self) -> None:
        if self.bridge < 0:
            raise InputError(f"people_masks: bridge must be 0 or more frames, got {self.bridge}")


class PeopleMasks:
    """Makes mattes from masks; see `PassModel`."""

    feeding: Feeding = Frames()
    origin = "people_masks"

    def __init__(self, options: PeopleMaskOptions) -> None:
        self._options = options
        self._performers: Mapping[str, Performer] = {}
        self._bridged: dict[str, set[int]] = {}
        self._seconds = 0.0

    @property
    def model_cpu_seconds(self) -> float:
        """Processor time spent so far."""
        return self._seconds

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what was bridged, for people."""
        return tuple(
            f"{person}: the matte of {len(frames)} frames without a mask was moved over from "
            f"the frames beside them (first {min(frames)})"
            for person, frames in sorted(self._bridged.items())
        )

    def start(self, shot: ShotContext) -> None:
        """Be told of the shot whose frames come next."""
        self._performers = shot.performers
        self._bridged = {}

    def infer(
        self, frames: Sequence[PassFrame], state: PassState | None
    ) -> tuple[list[Answer], PassState]:
        """Answer for each frame, in order; see `PassModel.infer`."""
        del state
        begun = time.thread_time()
        answers = [self._answer(frame) for frame in frames]
        self._seconds += time.thread_time() - begun
        return answers, {}

    def _answer(self, frame: PassFrame) -> Answer:
        own = {}
        for person in sorted(self._performers):
            found = bridged(self._performers[person], frame.frame, self._options.bridge)
            if found is not None and found.mask.any():
                own[person] = self._matte(frame, found)
                if found.is_bridged:
                    self._bridged.setdefault(person, set()).add(frame.frame)
        total = np.zeros(frame.picture.shape[:2], dtype=np.float32)
        for matte in own.values():
            total += matte
        # Where two meet, soft edges may sum to more than a pixel.
        over = np.maximum(total, 1.0)
        named = {f"alpha.{person}": matte / over for person, matte in own.items()}
        return {"alpha": np.minimum(total, 1.0), **named}

    def _matte(self, frame: PassFrame, found: Bridged) -> np.ndarray:
        mask = mended(found.mask) if self._options.mend else found.mask
        if not self._options.edge:
            return mask.astype(np.float32)
        return _edged(frame.picture, mask, found.longest * CROP / MASK_SIDE)


def _edged(picture: np.ndarray, mask: np.ndarray, step: float) -> np.ndarray:
    """Soften a mask where the picture has its edge; `step` is the mask's own pixel."""
    radius = max(1, round(RADIUS * step))
    reach = 4 * radius + 2
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    patch = (
        slice(max(0, int(rows[0]) - reach), int(rows[-1]) + reach + 1),
        slice(max(0, int(columns[0]) - reach), int(columns[-1]) + reach + 1),
    )
    soft = guided(picture[patch], mask[patch].astype(np.float32), radius, SOFTNESS)
    steep = np.clip((soft - 0.5) * STEEPNESS + 0.5, 0.0, 1.0)
    whole = np.zeros(mask.shape, dtype=np.float32)
    whole[patch] = np.where(steep < LEAST, 0.0, steep)
    return whole


def load(
    weights: Mapping[str, Path], settings: RunSettings, options: Mapping[str, Any]
) -> PeopleMasks:
    """Make the model; it needs no weights."""
    del weights, settings
    return PeopleMasks(PeopleMaskOptions(**options))


SPEC = BackendSpec(
    task="matte",
    name="people_masks",
    version=1,
    load=load,
    modules=("cv2",),
    extra="",
    weights=(),
    licence=Licence(
        name="Apache-2.0",
        tier=Tier.COMMERCIAL,
        notice="Choreoscope's own; the masks bear the licence of whoever found the people.",
    ),
    memory_mb=100,
    options=PeopleMaskOptions,
)
