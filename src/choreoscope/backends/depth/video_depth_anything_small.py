"""Video Depth Anything Small: steady relative depth, weights under Apache-2.0.

As `video_depth_anything`, but takes only TorchScript files whose weights are as few as the small
network's (28 million); an ONNX file does not say.
"""

from choreoscope.backends.depth.video_depth_anything import VideoDepth, VideoOptions, opened_file
from choreoscope.backends.torch_models.specs import brought_spec
from choreoscope.datatypes.errors import WeightsError
from choreoscope.datatypes.models import Licence, RunSettings, Tier

MOST = 40_000_000
"""Weights; the base network has 113 million."""


def opened(settings: RunSettings, chosen: VideoOptions) -> VideoDepth:
    """Open the exported file.

    Raises
    ------
    WeightsError
        If it is absent, another, takes something else, or does not hold the small network.
    """
    model = opened_file(settings, chosen, SPEC.name, suffixes=(".pt",))
    count = model.network.weight_count
    if not 0 < count <= MOST:
        raise WeightsError(
            f"{SPEC.name}: expected the small network, of up to {MOST:,} weights, got {count:,}; "
            "video_depth_anything takes every size"
        )
    return model


SPEC = brought_spec(
    "depth",
    "video_depth_anything_small",
    opened,
    options=VideoOptions,
    modules=("torch", "cv2"),
    extra="torch",
    licence=Licence(
        name="Apache-2.0",
        tier=Tier.COMMERCIAL,
        notice="Video Depth Anything Small, Apache-2.0",
        url="https://github.com/DepthAnything/Video-Depth-Anything",
    ),
    memory_mb=8000,
)
