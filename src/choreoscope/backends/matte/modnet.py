"""MODNet: mattes of everybody from single pictures.

Ke, Sun, Li, Yan, Lau: "MODNet: Real-Time Trimap-Free Portrait Matting via Objective
Decomposition", AAAI 2022, arXiv:2011.11961. Trained on portraits: whole bodies far away are not
what it is best at. ONNX or TorchScript: RGB, -1 to 1, sides multiples of 32; alpha at that size.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from choreoscope.backends.matte.networks.files import FileNetwork, open_file
from choreoscope.backends.torch_models.pictures import HALF, normalised, planar, resized, unit
from choreoscope.backends.torch_models.specs import brought_spec
from choreoscope.backends.torch_models.timed import TimedModel
from choreoscope.backends.torch_models.weights import Brought
from choreoscope.capture.passes.interfaces import Answer, Frames, PassFrame, PassState
from choreoscope.datatypes.errors import InputError, WeightsError
from choreoscope.datatypes.models import Licence, RunSettings, Tier

MULTIPLE = 32
SOURCE = "modnet_photographic_portrait_matting (.onnx or .torchscript) of ZHKKKe/MODNet"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModnetOptions(Brought):
    """How pictures are handed to the network.

    Attributes
    ----------
    side : int
        Shorter side it works at, pixels; pictures it lies within are not resized.
    """

    side: int = 512

    def __post_init__(self) -> None:
        if self.side < MULTIPLE:
            raise InputError(f"side must be {MULTIPLE} or more, got {self.side}")


class Modnet(TimedModel[FileNetwork]):
    """Alpha of everybody; see `PassModel`."""

    def __init__(self, network: FileNetwork, options: ModnetOptions) -> None:
        self.network = network
        # ONNX files are published for one picture at a time.
        self.feeding = Frames(batch=8 if network.is_accelerated else 1)
        self._side = options.side

    def infer(
        self, frames: Sequence[PassFrame], state: PassState | None
    ) -> tuple[list[Answer], PassState]:
        """Answer for each frame, in order; see `PassModel.infer`."""
        del state
        size = frames[0].picture.shape[:2]
        inner = working_size(size, self._side)
        pictures = np.stack([prepared(frame.picture, inner) for frame in frames])
        found = self._asked(pictures)
        if found.shape != (len(frames), 1, *inner):
            raise WeightsError(
                f"{self.network.path} is no MODNet: expected alpha {(len(frames), 1, *inner)}, "
                f"got {found.shape}"
            )
        alpha = np.clip(found[:, 0], 0, 1)
        return [{"alpha": resized(one, size, "linear")} for one in alpha], {}

    def _asked(self, pictures: np.ndarray) -> np.ndarray:
        if not self.network.is_onnx:
            # Some exports answer their coarse stages too; the matte is the last.
            return self.network.call(pictures)[-1]
        name = next(iter(self.network.inputs))
        found = [list(self.network.run({name: one[None]}).values())[-1] for one in pictures]
        return np.concatenate(found)


def prepared(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Make ``(3, h, w)`` float32, -1 to 1, of a picture, averaged where it is shrunk."""
    return planar(normalised(resized(unit(picture), size, "area"), HALF, HALF))


def working_size(size: tuple[int, ...], side: int) -> tuple[int, int]:
    """Height and width the network works at, as its makers choose it.

    Parameters
    ----------
    size : (int, int)
        Of the picture.
    side : int
        The shorter one aimed at; a picture that has one longer and one shorter side stays.
    """
    height, width = size[:2]
    if max(size) < side or min(size) > side:
        scale = side / min(height, width)
        height, width = int(height * scale), int(width * scale)
    return (
        max(MULTIPLE, height - height % MULTIPLE),
        max(MULTIPLE, width - width % MULTIPLE),
    )


def opened(settings: RunSettings, chosen: ModnetOptions) -> Modnet:
    """Open the file.

    Raises
    ------
    WeightsError
        If it is absent or another.
    """
    network = open_file(chosen, settings, model=SPEC.name, source=SOURCE)
    return Modnet(network, chosen)


SPEC = brought_spec(
    "matte",
    "modnet",
    opened,
    options=ModnetOptions,
    modules=("onnxruntime", "cv2"),
    extra="onnx",
    licence=Licence(
        name="Apache-2.0, not confirmed",
        tier=Tier.ASK,
        notice="MODNet: check the terms of the file before commercial use",
        url="https://github.com/ZHKKKe/MODNet",
    ),
    memory_mb=1500,
)
