"""Marigold depth: by diffusion, known but for a factor and an offset, far = 1.

See `choreoscope.backends.torch_models.marigold`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from choreoscope.backends.torch_models.marigold import LICENCE, MODULES, Marigold, MarigoldOptions
from choreoscope.capture.passes.interfaces import (
    Answer,
    DepthSpace,
    PassFrame,
    PassState,
    Recurrent,
    ShotContext,
)
from choreoscope.datatypes.models import BackendSpec, RunSettings

KIND = "MarigoldDepthPipeline"
SOURCE = "prs-eth/marigold-depth-v1-1 (or -depth-lcm-v1-0) from a model hub, the whole folder"


class MarigoldDepth:
    """Depth by Marigold; see `PassModel`."""

    origin = "marigold"

    def __init__(self, network: Marigold) -> None:
        self.depth_space: DepthSpace = "affine"
        self.feeding = Recurrent()
        self.network = network

    def start(self, shot: ShotContext) -> None:
        """Be told of the shot whose frames come next."""

    def infer(
        self, frames: Sequence[PassFrame], state: PassState | None
    ) -> tuple[list[Answer], PassState]:
        """Answer for each frame, in order; see `PassModel.infer`."""
        found, latent = self.network(frames, state)
        return [{"depth": one[..., 0]} for one in found], latent

    @property
    def model_cpu_seconds(self) -> float:
        """Processor time spent inside model calls so far, all threads added."""
        return self.network.watch.seconds


def load(
    weights: Mapping[str, Path], settings: RunSettings, options: Mapping[str, Any]
) -> MarigoldDepth:
    """Open the networks.

    Raises
    ------
    WeightsError
        If their weights are absent or others.
    """
    del weights
    return MarigoldDepth(Marigold(KIND, settings, options, name=SPEC.name, source=SOURCE))


SPEC = BackendSpec(
    task="depth",
    name="marigold",
    version=1,
    load=load,
    modules=MODULES,
    extra="torch",
    weights=(),
    licence=LICENCE,
    memory_mb=8000,
    options=MarigoldOptions,
)
