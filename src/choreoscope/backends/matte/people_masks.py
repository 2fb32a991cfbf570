"""Default mattes: the people back end's own masks, cleaned in time and at the edge."""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.capture.passes.interfaces import (
    Answer,
    Feeding,
    Frames,
    PassFrame,
    PassState,
    ShotContext,
)
from choreoscope.datatypes.models import BackendSpec, Licence, RunSettings, Tier
from choreoscope.geometry.masks import decode


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PeopleMaskOptions:
    """How masks become mattes.

    Attributes
    ----------
    bridge : int
        A performer without a mask for at most so many frames between two with one keeps a matte,
        moved with the boxes. 0: never.
    """

    bridge: int = 3


class PeopleMasks:
    """Makes mattes from masks; see `PassModel`."""

    feeding: Feeding = Frames()

    def __init__(self, options: PeopleMaskOptions) -> None:
        self._options = options
        self._seconds = 0.0

    @property
    def model_cpu_seconds(self) -> float:
        """Processor time spent so far."""
        return self._seconds

    def start(self, shot: ShotContext) -> None:
        """Be told of the shot whose frames come next."""
        self._shot = shot

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
        everybody = np.zeros(frame.picture.shape[:2], dtype=np.float32)
        own = {}
        for person, here in frame.people.items():
            if here.mask is not None:
                own[f"alpha.{person}"] = decode(here.mask).astype(np.float32)
                everybody += own[f"alpha.{person}"]
        return {"alpha": np.minimum(everybody, 1.0), **own}


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
        name="MIT", tier=Tier.COMMERCIAL, notice="Made from the masks of the people back end."
    ),
    memory_mb=300,
    options=PeopleMaskOptions,
)
