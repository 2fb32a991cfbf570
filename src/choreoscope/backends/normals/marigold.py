"""Marigold normals of the whole frame: by diffusion, from one picture.

See `choreoscope.backends.torch_models.marigold`. The pipeline's axes are the house's: x right,
y up, z to the viewer. Frames do not depend on one another here, so that windows of a film can be
made at the same time; every frame begins with the same noise, as a new one for each would flicker.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.backends.torch_models.marigold import LICENCE, MODULES, Marigold
from choreoscope.backends.torch_models.weights import Brought, read_options
from choreoscope.capture.passes.interfaces import (
    Answer,
    Frames,
    PassFrame,
    PassState,
    ShotContext,
)
from choreoscope.datatypes.models import BackendSpec, RunSettings

KIND = "MarigoldNormalsPipeline"
SOURCE = "prs-eth/marigold-normals-v1-1 (or -normals-lcm-v0-1) from a model hub, the whole folder"
SHORTEST = 1e-6


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MarigoldNormalsOptions(Brought):
    """What the diffusion does.

    Attributes
    ----------
    steps : int
        Steps of denoising; 0 for what the weights were made for (1 to 4).
    side : int
        Longer side, in pixels, that it works at; 0 for what the weights were made for (768).
    seed : int
        Of the noise.
    """

    steps: int = 0
    side: int = 0
    seed: int = 0


class MarigoldNormals:
    """Normals by Marigold; see `PassModel`."""

    feeding = Frames(batch=1)
    origin = "marigold"

    def __init__(self, network: Marigold) -> None:
        self.network = network

    @property
    def model_cpu_seconds(self) -> float:
        """Processor time spent inside model calls so far, all threads added."""
        return self.network.watch.seconds

    def start(self, shot: ShotContext) -> None:
        """Be told of the shot whose frames come next."""

    def infer(
        self, frames: Sequence[PassFrame], state: PassState | None
    ) -> tuple[list[Answer], PassState]:
        """Answer for each frame; see `PassModel.infer`."""
        del state
        return [{"normals": _unit(self.network([frame], None)[0][0])} for frame in frames], {}


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Bring vectors to length 1 again: resizing to the frame has shortened them."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    found = np.where(length > SHORTEST, vectors / np.maximum(length, SHORTEST), 0)
    return found.astype(np.float32)


def load(
    weights: Mapping[str, Path], settings: RunSettings, options: Mapping[str, Any]
) -> MarigoldNormals:
    """Open the networks.

    Raises
    ------
    WeightsError
        If their weights are absent or others.
    """
    del weights
    chosen = dataclasses.asdict(read_options(MarigoldNormalsOptions, options, SPEC.name))
    network = Marigold(KIND, settings, {**chosen, "steadiness": 0.0}, name=SPEC.name, source=SOURCE)
    return MarigoldNormals(network)


SPEC = BackendSpec(
    task="normals",
    name="marigold",
    version=1,
    load=load,
    modules=MODULES,
    extra="torch",
    weights=(),
    licence=LICENCE,
    memory_mb=8000,
    options=MarigoldNormalsOptions,
)
