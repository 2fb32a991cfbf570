"""Background Matting V2: mattes of everybody, given a picture of the empty stage.

Lin, Ryabtsev, Sengupta, Curless, Seitz, Kemelmacher-Shlizerman: "Real-Time High-Resolution
Background Matting", CVPR 2021, arXiv:2012.07810. For cameras that stand still and light that does
not change. TorchScript or ONNX as its makers publish it: frame and clean plate, RGB 0 to 1, sides
multiples of 4; alpha, foreground (not premultiplied) and more that is not used.

A plate can be made of the shot itself: `choreoscope.capture.passes.clean_plate`.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from choreoscope.backends.matte.networks.files import FileNetwork, open_file
from choreoscope.backends.torch_models.pictures import filled_to_multiple, planar, unit
from choreoscope.backends.torch_models.specs import brought_spec
from choreoscope.backends.torch_models.timed import TimedModel
from choreoscope.backends.torch_models.weights import Brought
from choreoscope.capture.passes.interfaces import (
    Answer,
    Frames,
    PassFrame,
    PassState,
    ShotContext,
)
from choreoscope.datatypes.errors import InputError, WeightsError
from choreoscope.datatypes.models import READ_FROM_DISK, Licence, RunSettings, Tier
from choreoscope.formats.pictures import read_picture

MULTIPLE = 4
COARSE_SIDE, LARGEST_SCALE = 480, 0.5
"""Longer side of the coarse stage: a quarter at 1080p, an eighth at 4K, as its makers advise."""
REFINED_SHARE = 80_000 / (1920 * 1080)
"""Of the pixels that are looked at again: 80 000 at 1080p, 320 000 at 4K."""
COLOURS = 3
SOURCE = "torchscript_resnet50_fp32.pth (or mobilenetv2, or an ONNX file) of \
PeterL1n/BackgroundMattingV2"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PlateOptions(Brought):
    """The empty stage, and how the network looks at it.

    Attributes
    ----------
    plate : str
        Picture of the shot without people, PNG, TIFF or JPEG, as large as the film; no default.
    scale : float
        By how much pictures are shrunk for the coarse stage, up to 0.5; 0 chooses by their size.
        ONNX files have it fixed.
    """

    plate: str = dataclasses.field(default="", metadata={READ_FROM_DISK: True})
    scale: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.scale <= LARGEST_SCALE:
            raise InputError(f"scale must be 0 to {LARGEST_SCALE}, got {self.scale}")


class BackgroundMatting(TimedModel[FileNetwork]):
    """Alpha and foreground of everybody; see `PassModel`.

    Parameters
    ----------
    network : FileNetwork
        Takes frame and plate.
    plate : (H, W, 3) float32
        sRGB, 0 to 1.
    options : PlateOptions
        How.
    """

    def __init__(self, network: FileNetwork, plate: np.ndarray, options: PlateOptions) -> None:
        self.feeding = Frames(batch=4 if network.is_accelerated else 1)
        self.network = network
        self._plate, self._options = plate, options

    def start(self, shot: ShotContext) -> None:
        """Be told of the shot whose frames come next.

        Raises
        ------
        InputError
            If the plate is not as large as its frames.
        """
        height, width = self._plate.shape[:2]
        if (width, height) != shot.size:
            raise InputError(
                f"background_matting_v2: the plate {self._options.plate} is {width}x{height}, the "
                f"film {shot.size[0]}x{shot.size[1]}; make one from this shot"
            )
        if not self.network.is_onnx:
            self._set_up(shot.size)

    def infer(
        self, frames: Sequence[PassFrame], state: PassState | None
    ) -> tuple[list[Answer], PassState]:
        """Answer for each frame, in order; see `PassModel.infer`."""
        del state
        height, width = frames[0].picture.shape[:2]
        plate = planar(filled_to_multiple(self._plate, MULTIPLE))[None]
        answers: list[Answer] = []
        pictures = [
            planar(filled_to_multiple(unit(frame.picture), MULTIPLE))[None] for frame in frames
        ]
        alphas, colours = self._asked(np.concatenate(pictures), plate)
        for alpha, colour in zip(alphas, colours, strict=True):
            straight = np.clip(np.moveaxis(colour, 0, -1)[:height, :width], 0, 1)
            answers.append(
                {
                    "alpha": np.clip(alpha[0, :height, :width], 0, 1),
                    "foreground": np.ascontiguousarray(straight),
                }
            )
        return answers, {}

    def _asked(self, pictures: np.ndarray, plate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if not self.network.is_onnx:
            alpha, foreground, *_ = self.network.call(
                pictures, np.repeat(plate, len(pictures), axis=0)
            )
            return alpha, foreground
        found = [self.network.run({"src": one[None], "bgr": plate}) for one in pictures]
        return (
            np.concatenate([one["pha"] for one in found]),
            np.concatenate([one["fgr"] for one in found]),
        )

    def _set_up(self, size: tuple[int, int]) -> None:
        """Tell a TorchScript file how coarse and how much to look."""
        wanted = {
            "backbone_scale": self._options.scale or coarse_scale(size),
            "refine_mode": "sampling",
            "refine_sample_pixels": round(REFINED_SHARE * size[0] * size[1]),
        }
        for name, value in wanted.items():
            setattr(self.network.module, name, value)


def coarse_scale(size: tuple[int, ...]) -> float:
    """Scale of the coarse stage for pictures of a size."""
    return min(LARGEST_SCALE, COARSE_SIDE / max(size[:2]))


def read_plate(path: str) -> np.ndarray:
    """Read the picture of the empty stage, ``(H, W, 3)`` float32, 0 to 1.

    Raises
    ------
    InputError
        If none is named, it cannot be read, or it is no colour picture of whole numbers.
    """
    if not path:
        raise InputError(
            "background_matting_v2 needs a picture of the empty stage: set its option 'plate' to "
            "one, or choose another matte back end; docs/mattes.md says how to make one"
        )
    pixels = read_picture(Path(path).expanduser()).pixels
    if pixels.shape[-1] < COLOURS or not np.issubdtype(pixels.dtype, np.unsignedinteger):
        raise InputError(
            f"{path}: expected a colour picture of 8 or 16 bits as displayed, got "
            f"{pixels.shape[-1]} channels of {pixels.dtype}"
        )
    found: np.ndarray = pixels[..., :COLOURS].astype(np.float32)
    return found / np.float32(np.iinfo(pixels.dtype).max)


def opened(settings: RunSettings, chosen: PlateOptions) -> BackgroundMatting:
    """Open the file and the plate.

    Raises
    ------
    WeightsError
        If the file is absent or another.
    InputError
        If there is no plate.
    """
    network = open_file(chosen, settings, model=SPEC.name, source=SOURCE)
    what = "Background Matting V2"
    if network.is_onnx:
        network.require(("src", "bgr"), ("pha", "fgr"), what)
    elif not hasattr(network.module, "backbone_scale"):
        raise WeightsError(f"{network.path} is no {what}: it has no backbone_scale to set")
    return BackgroundMatting(network, read_plate(chosen.plate), chosen)


SPEC = brought_spec(
    "matte",
    "background_matting_v2",
    opened,
    options=PlateOptions,
    modules=("torch", "cv2"),
    extra="torch",
    licence=Licence(
        name="MIT, not confirmed",
        tier=Tier.ASK,
        notice="Background Matting V2: check the terms of the file before commercial use",
        url="https://github.com/PeterL1n/BackgroundMattingV2",
    ),
    memory_mb=3000,
)
