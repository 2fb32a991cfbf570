"""Video Depth Anything: steady relative depth over stretches of 32 frames.

Chen, Guo, Zhu, Zhang, Huang, Feng, Kang: "Video Depth Anything", CVPR 2025, arXiv:2501.12375. Its
code is on no package index and pins old libraries, so the network comes as a file the user
exports once (docs/models.md says how): TorchScript or ONNX,

* input ``(1, 32, 3, h, w)`` float32, RGB, ImageNet mean and deviation, sides multiples of 14;
* output ``(1, 32, h, w)`` float32: inverse depth but for a factor and an offset, larger nearer;
  or metres, from the metric weights (option `metric`).

Stretches of 32 frames share 10 and are aligned to one another by the framework. The small weights
are Apache-2.0, base and large CC-BY-NC, and so this back end is for research;
`video_depth_anything_small` takes only the small ones.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from choreoscope.backends.depth.networks.exported import Exported
from choreoscope.backends.torch_models.pictures import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    normalised,
    planar,
    resized,
    short_side,
    unit,
)
from choreoscope.backends.torch_models.specs import brought_spec
from choreoscope.backends.torch_models.timed import TimedModel
from choreoscope.backends.torch_models.weights import Brought, brought_file
from choreoscope.capture.passes.interfaces import Answer, DepthSpace, PassFrame, PassState, Windows
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.models import Licence, RunSettings, Tier

LENGTH, OVERLAP = 32, 10
SIDE, MULTIPLE = 518, 14
WIDEST, WIDE = 1.78, 1.777
"""Aspect from which the shorter side is made smaller, so that memory stays the same."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class VideoOptions(Brought):
    """What the exported file is.

    Attributes
    ----------
    metric : bool
        Whether it holds metric weights, which answer metres.
    height, width : int
        Size it was exported for; 0 asks the file, or takes 518 for the shorter side where the
        file takes any.
    """

    metric: bool = False
    height: int = 0
    width: int = 0

    def __post_init__(self) -> None:
        if (self.height > 0) != (self.width > 0) or self.height % MULTIPLE or self.width % MULTIPLE:
            raise InputError(
                f"height and width must both be 0, or multiples of {MULTIPLE}; "
                f"got {self.height} and {self.width}"
            )


class VideoDepth(TimedModel[Exported]):
    """Depth of stretches by an exported network; see `PassModel`."""

    feeding = Windows(length=LENGTH, overlap=OVERLAP, join="align")

    def __init__(self, network: Exported, options: VideoOptions, origin: str) -> None:
        self.origin = origin
        self.depth_space: DepthSpace = "metric" if options.metric else "affine_inverse"
        self.network = network
        self._size = (options.height, options.width) if options.height else network.size

    def infer(
        self, frames: Sequence[PassFrame], state: PassState | None
    ) -> tuple[list[Answer], PassState]:
        """Answer for a stretch; a short one is filled up with its last frame."""
        del state
        size = frames[0].picture.shape[:2]
        inner = self._size or working_size(size)
        pictures = [prepared(one.picture, inner) for one in frames]
        pictures += [pictures[-1]] * (LENGTH - len(frames))
        raw = self.network(np.stack(pictures)[None])[0][: len(frames)]
        is_known = np.isfinite(raw) & ((raw > 0) | (self.depth_space != "metric"))
        raw = np.where(is_known, raw, np.float32(np.nan))
        return [{"depth": resized(np.ascontiguousarray(one), size, "linear")} for one in raw], {}


def prepared(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Make ``(3, h, w)`` of a picture; its makers resize by OpenCV's cubic, without averaging."""
    return planar(normalised(resized(unit(picture), size, "cubic"), IMAGENET_MEAN, IMAGENET_STD))


def working_size(size: tuple[int, ...]) -> tuple[int, int]:
    """Height and width the network works at for frames of a size, as its makers choose it."""
    aspect = max(size) / min(size)
    side = SIDE if aspect <= WIDEST else round(int(SIDE * WIDE / aspect) / MULTIPLE) * MULTIPLE
    return short_side((size[0], size[1]), side, MULTIPLE)


def opened(settings: RunSettings, chosen: VideoOptions) -> VideoDepth:
    """Open the exported file.

    Raises
    ------
    WeightsError
        If it is absent, another, or takes something else.
    """
    return opened_file(settings, chosen, SPEC.name)


def opened_file(
    settings: RunSettings,
    chosen: VideoOptions,
    name: str,
    suffixes: tuple[str, ...] = (".pt", ".onnx"),
) -> VideoDepth:
    """Open an exported file for the back end of a name; see `opened`."""
    source = "a file exported from Video Depth Anything as docs/models.md says"
    path = brought_file(chosen, model=name, source=source, suffixes=suffixes)
    network = Exported(path, settings, chosen.device, length=LENGTH)
    return VideoDepth(network, chosen, origin=name)


SPEC = brought_spec(
    "depth",
    "video_depth_anything",
    opened,
    options=VideoOptions,
    modules=("torch", "cv2"),
    extra="torch",
    licence=Licence(
        name="CC-BY-NC-4.0",
        tier=Tier.RESEARCH,
        notice="Video Depth Anything Base and Large: non-commercial; Small alone is Apache-2.0",
        url="https://github.com/DepthAnything/Video-Depth-Anything",
    ),
    memory_mb=12000,
)
