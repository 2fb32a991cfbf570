"""DepthCrafter: very steady relative depth by video diffusion; for research only.

See `choreoscope.backends.depth.networks.crafter`. Stretches of 110 frames share 25 and are aligned
to one another by the framework; at 1024 x 576 one takes some 26 GB of an accelerator's memory.
The folder of weights has DepthCrafter's own network in ``unet``, and ``vae``, ``image_encoder``
and ``scheduler`` of Stable Video Diffusion (img2vid-xt).
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from choreoscope.backends.depth.networks.crafter import (
    MULTIPLE,
    CrafterNetworks,
    crafter_networks,
    disparity,
)
from choreoscope.backends.torch_models.device import Stopwatch, device_for
from choreoscope.backends.torch_models.pictures import resized, shrunk
from choreoscope.backends.torch_models.specs import brought_spec
from choreoscope.backends.torch_models.weights import Brought, brought_folder
from choreoscope.capture.passes.interfaces import (
    Answer,
    DepthSpace,
    PassFrame,
    PassState,
    ShotContext,
    Windows,
)
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.models import Licence, RunSettings, Tier

TYPES = (
    "DiffusersUNetSpatioTemporalConditionModelDepthCrafter",
    "UNetSpatioTemporalConditionModel",
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CrafterOptions(Brought):
    """What the diffusion does.

    Attributes
    ----------
    steps : int
        Steps of denoising.
    side : int
        Longer side, in pixels, of the frames it works at; both sides become multiples of 64.
    length : int
        Frames of a stretch; fewer need less memory.
    overlap : int
        Frames that a stretch shares with the one before.
    seed : int
        Of the noise.
    """

    steps: int = 5
    side: int = 1024
    length: int = 110
    overlap: int = 25
    seed: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.side < MULTIPLE or self.seed < 0:
            raise InputError(
                f"steps must be 1 or more, side {MULTIPLE} or more, seed 0 or more; "
                f"got {self.steps}, {self.side}, {self.seed}"
            )
        Windows(length=self.length, overlap=self.overlap)


class CrafterDepth:
    """Depth of stretches by DepthCrafter; see `PassModel`."""

    origin = "depthcrafter"

    def __init__(self, networks: CrafterNetworks, options: CrafterOptions) -> None:
        self.depth_space: DepthSpace = "affine_inverse"
        self.feeding = Windows(length=options.length, overlap=options.overlap, join="align")
        self.networks, self.options = networks, options
        self.watch = Stopwatch()

    def start(self, shot: ShotContext) -> None:
        """Be told of the shot whose frames come next."""

    def infer(
        self, frames: Sequence[PassFrame], state: PassState | None
    ) -> tuple[list[Answer], PassState]:
        """Answer for a stretch; see `PassModel.infer`."""
        del state
        size = frames[0].picture.shape[:2]
        inner = working_size(size, self.options.side)
        pictures = np.stack([shrunk(one.picture, inner, "cubic") / 255 for one in frames])
        found = disparity(
            self.networks,
            pictures,
            steps=self.options.steps,
            seed=self.options.seed,
            watch=self.watch,
        )
        return [{"depth": resized(one, size, "linear")} for one in found], {}

    @property
    def model_cpu_seconds(self) -> float:
        """Processor time spent inside model calls so far, all threads added."""
        return self.watch.seconds


def working_size(size: tuple[int, ...], side: int) -> tuple[int, int]:
    """Height and width, multiples of 64, whose longer one is at most about `side`."""
    scale = min(1.0, side / max(size))
    height, width = (max(1, round(one * scale / MULTIPLE)) * MULTIPLE for one in size[:2])
    return height, width


def opened(settings: RunSettings, chosen: CrafterOptions) -> CrafterDepth:
    """Open the networks.

    Raises
    ------
    WeightsError
        If their weights are absent or others.
    """
    folder = brought_folder(
        chosen,
        model=SPEC.name,
        source="tencent/DepthCrafter and stable-video-diffusion-img2vid-xt, see docs/models.md",
        types=TYPES,
        part="unet",
    )
    return CrafterDepth(crafter_networks(folder, device_for(settings, chosen.device)), chosen)


SPEC = brought_spec(
    "depth",
    "depthcrafter",
    opened,
    options=CrafterOptions,
    modules=("torch", "diffusers", "transformers", "safetensors", "cv2"),
    extra="torch",
    licence=Licence(
        name="Tencent DepthCrafter and Stable Video Diffusion terms",
        tier=Tier.RESEARCH,
        notice="DepthCrafter: academic and non-commercial use only",
        url="https://github.com/Tencent/DepthCrafter",
    ),
    memory_mb=16000,
)
