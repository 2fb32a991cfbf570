"""Marigold depth: by diffusion, known but for a factor and an offset, far = 1.

See `choreoscope.backends.torch_models.marigold`.
"""

from collections.abc import Sequence

from choreoscope.backends.torch_models.marigold import LICENCE, MODULES, Marigold, MarigoldOptions
from choreoscope.backends.torch_models.specs import brought_spec
from choreoscope.backends.torch_models.timed import TimedModel
from choreoscope.capture.passes.interfaces import (
    Answer,
    DepthSpace,
    PassFrame,
    PassState,
    Recurrent,
)
from choreoscope.datatypes.models import RunSettings

KIND = "MarigoldDepthPipeline"
SOURCE = "prs-eth/marigold-depth-v1-1 (or -depth-lcm-v1-0) from a model hub, the whole folder"


class MarigoldDepth(TimedModel[Marigold]):
    """Depth by Marigold; see `PassModel`."""

    origin = "marigold"

    def __init__(self, network: Marigold) -> None:
        self.depth_space: DepthSpace = "affine"
        self.feeding = Recurrent()
        self.network = network

    def infer(
        self, frames: Sequence[PassFrame], state: PassState | None
    ) -> tuple[list[Answer], PassState]:
        """Answer for each frame, in order; see `PassModel.infer`."""
        found, latent = self.network(frames, state)
        return [{"depth": one[..., 0]} for one in found], latent


def opened(settings: RunSettings, chosen: MarigoldOptions) -> MarigoldDepth:
    """Open the networks.

    Raises
    ------
    WeightsError
        If their weights are absent or others.
    """
    return MarigoldDepth(Marigold(KIND, settings, chosen, name=SPEC.name, source=SOURCE))


SPEC = brought_spec(
    "depth",
    "marigold",
    opened,
    options=MarigoldOptions,
    modules=MODULES,
    extra="torch",
    licence=LICENCE,
    memory_mb=8000,
)
