"""Marigold normals of the whole frame: by diffusion, from one picture.

See `choreoscope.backends.torch_models.marigold`. The pipeline's axes are the house's: x right,
y up, z to the viewer. Frames do not depend on one another here, so that windows of a film can be
made at the same time; every frame begins with the same noise, as a new one for each would flicker.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from choreoscope.backends.torch_models.marigold import LICENCE, MODULES, Marigold, MarigoldOptions
from choreoscope.backends.torch_models.specs import brought_spec
from choreoscope.backends.torch_models.timed import TimedModel
from choreoscope.backends.torch_models.weights import Brought
from choreoscope.capture.passes.interfaces import Answer, Frames, PassFrame, PassState
from choreoscope.datatypes.models import RunSettings

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


class MarigoldNormals(TimedModel[Marigold]):
    """Normals by Marigold; see `PassModel`."""

    feeding = Frames(batch=1)
    origin = "marigold"

    def __init__(self, network: Marigold) -> None:
        self.network = network

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


def opened(settings: RunSettings, chosen: MarigoldNormalsOptions) -> MarigoldNormals:
    """Open the networks.

    Raises
    ------
    WeightsError
        If their weights are absent or others.
    """
    alone = MarigoldOptions(**dataclasses.asdict(chosen), steadiness=0.0)
    return MarigoldNormals(Marigold(KIND, settings, alone, name=SPEC.name, source=SOURCE))


SPEC = brought_spec(
    "normals",
    "marigold",
    opened,
    options=MarigoldNormalsOptions,
    modules=MODULES,
    extra="torch",
    licence=LICENCE,
    memory_mb=8000,
)
