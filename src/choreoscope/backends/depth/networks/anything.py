"""Depth Anything V2 in its three guises: relative, small relative, metric."""

from choreoscope.backends.depth.networks.hub import HubDepth, HubNetwork, HubOptions
from choreoscope.backends.depth.networks.preparing import Preparation
from choreoscope.backends.torch_models.pictures import IMAGENET_MEAN, IMAGENET_STD
from choreoscope.backends.torch_models.weights import brought_folder, read_json
from choreoscope.datatypes.errors import WeightsError
from choreoscope.datatypes.models import RunSettings

KIND = "DepthAnythingForDepthEstimation"
SMALL_WIDTH = 384
"""Width of the small network's features; the base one has 768, the large one 1024."""
USUAL = Preparation(
    size=(518, 518), keep_aspect=True, multiple=14, mean=IMAGENET_MEAN, std=IMAGENET_STD
)
NEARLY = 0.99
SOURCE = "depth-anything/Depth-Anything-V2-{} from a model hub, the whole folder"


def relative_depth(
    settings: RunSettings, chosen: HubOptions, *, name: str, width: int = 0
) -> HubDepth:
    """Open relative weights; only those of one width unless that is 0.

    Raises
    ------
    WeightsError
        If they are absent, metric, or of another width.
    """
    source = SOURCE.format("Small-hf" if width else "Small-hf (or -Base-hf, -Large-hf)")
    folder = brought_folder(chosen, model=name, source=source, types=("depth_anything",))
    config = read_json(folder / "config.json")
    if config.get("depth_estimation_type", "relative") != "relative":
        raise WeightsError(f"{name}: {folder} has metric weights; use depth_anything_v2_metric")
    found = config.get("backbone_config", {}).get("hidden_size")
    if width and found != width:
        raise WeightsError(
            f"{name}: expected the small weights with features {width} wide, got {found}; "
            "depth_anything_v2 takes every size"
        )
    network = HubNetwork(KIND, folder, settings, chosen)
    return HubDepth(network, Preparation.of(folder, USUAL, chosen.side), "affine_inverse", name)


def metric_depth(settings: RunSettings, chosen: HubOptions, *, name: str) -> HubDepth:
    """Open metric weights.

    Raises
    ------
    WeightsError
        If they are absent or relative.
    """
    source = SOURCE.format("Metric-Indoor-Small-hf (or another -Metric-)")
    folder = brought_folder(chosen, model=name, source=source, types=("depth_anything",))
    config = read_json(folder / "config.json")
    if config.get("depth_estimation_type") != "metric":
        raise WeightsError(f"{name}: {folder} has relative weights; use depth_anything_v2")
    network = HubNetwork(KIND, folder, settings, chosen)
    return HubDepth(
        network,
        Preparation.of(folder, USUAL, chosen.side),
        "metric",
        name,
        farthest=NEARLY * float(network.module.config.max_depth),
    )
