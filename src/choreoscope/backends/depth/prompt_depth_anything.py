"""Prompt Depth Anything: coarse metric depth made as fine as the picture.

Lin, Peng, Chen, Peng, Sun, Liu, Bao, Feng, Zhou, Kang: "Prompting Depth Anything for 4K
Resolution Accurate Metric Depth Estimation", CVPR 2025, arXiv:2412.14015. The network is
transformers' ``PromptDepthAnythingForDepthEstimation``.

The prompt is a phone's LiDAR (option `prompts`). Without one the depth of the solved bodies and
floor is taken; that is not what the network was trained on, and its mistakes come through.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from choreoscope.backends.depth.networks.hub import MODULES, HubDepth, HubNetwork, HubOptions
from choreoscope.backends.depth.networks.preparing import Preparation
from choreoscope.backends.depth.networks.prompts import LidarFolder, Prompts, ProxyPrompts, filled
from choreoscope.backends.torch_models.pictures import IMAGENET_MEAN, IMAGENET_STD
from choreoscope.backends.torch_models.specs import brought_spec
from choreoscope.backends.torch_models.weights import brought_folder
from choreoscope.capture.passes.interfaces import PassFrame, ShotContext
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.models import READ_FROM_DISK, Licence, RunSettings, Tier

KIND = "PromptDepthAnythingForDepthEstimation"
USUAL = Preparation(
    size=(756, 756), keep_aspect=True, multiple=14, mean=IMAGENET_MEAN, std=IMAGENET_STD
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PromptOptions(HubOptions):
    """What prompts the network.

    Attributes
    ----------
    prompts : str
        Folder of depth maps, one for each frame of the film, numbered by the last number in
        their names: EXR in metres, or PNG with whole numbers. Empty: the depth of the solved
        bodies and floor.
    first : int
        Number of the depth map of the film's frame 0.
    unit_metres : float
        Metres that a whole number in a PNG stands for.
    """

    prompts: str = dataclasses.field(default="", metadata={READ_FROM_DISK: True})
    first: int = 0
    unit_metres: float = 0.001

    def __post_init__(self) -> None:
        if not self.unit_metres > 0:
            raise InputError(f"unit_metres must be above 0, got {self.unit_metres}")


class PromptDepth(HubDepth):
    """Depth prompted by coarse depth."""

    def __init__(self, network: HubNetwork, preparation: Preparation, prompts: Prompts) -> None:
        super().__init__(network, preparation, "metric", SPEC.name)
        self.prompts = prompts

    def start(self, shot: ShotContext) -> None:
        """Be told of the shot.

        Raises
        ------
        InputError
            If prompts are missing.
        """
        self.prompts.start(shot)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for people."""
        if not isinstance(self.prompts, ProxyPrompts):
            return ()
        return ("prompt_depth_anything: prompted by the solved bodies and floor, not by a LiDAR",)

    def _inputs(self, frames: Sequence[PassFrame]) -> dict[str, np.ndarray]:
        prompts = [filled(self.prompts.of(frame)) for frame in frames]
        return super()._inputs(frames) | {"prompt_depth": np.stack(prompts)[:, None]}


def opened(settings: RunSettings, chosen: PromptOptions) -> PromptDepth:
    """Open the network.

    Raises
    ------
    WeightsError
        If its weights are absent or others.
    InputError
        If the folder of prompts cannot be used.
    """
    folder = brought_folder(
        chosen,
        model=SPEC.name,
        source="depth-anything/prompt-depth-anything-vits-hf (or -vitl-hf) from a model hub",
        types=("prompt_depth_anything",),
    )
    prompts: Prompts = (
        LidarFolder(Path(chosen.prompts).expanduser(), chosen.first, chosen.unit_metres)
        if chosen.prompts
        else ProxyPrompts(settings.workers)
    )
    network = HubNetwork(KIND, folder, settings, chosen)
    return PromptDepth(network, Preparation.of(folder, USUAL, chosen.side), prompts)


SPEC = brought_spec(
    "depth",
    "prompt_depth_anything",
    opened,
    options=PromptOptions,
    modules=MODULES,
    extra="torch",
    licence=Licence(
        name="Apache-2.0, not confirmed",
        tier=Tier.ASK,
        notice="Prompt Depth Anything: check the card of the weights before commercial use",
        url="https://huggingface.co/depth-anything/prompt-depth-anything-vitl-hf",
    ),
    memory_mb=4000,
)
