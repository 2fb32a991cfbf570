"""ZoeDepth: metres from one picture.

Bhat, Birkl, Wofk, Wonka, Mueller: "ZoeDepth", arXiv:2302.12288. The network is transformers'
``ZoeDepthForDepthEstimation``. The picture is widened by its mirror image first and the answer
cut again, as in training; sizes are rounded to multiples of 32.
"""

from choreoscope.backends.depth.networks.hub import MODULES, HubDepth, HubNetwork, HubOptions
from choreoscope.backends.depth.networks.preparing import Preparation
from choreoscope.backends.torch_models.pictures import HALF
from choreoscope.backends.torch_models.specs import brought_spec
from choreoscope.backends.torch_models.weights import brought_folder
from choreoscope.datatypes.models import Licence, RunSettings, Tier

KIND = "ZoeDepthForDepthEstimation"
USUAL = Preparation(
    size=(384, 512),
    keep_aspect=True,
    multiple=32,
    mean=HALF,
    std=HALF,
    kernel="linear",
    mirrored=True,
)


def opened(settings: RunSettings, chosen: HubOptions) -> HubDepth:
    """Open the network.

    Raises
    ------
    WeightsError
        If its weights are absent or others.
    """
    folder = brought_folder(
        chosen,
        model=SPEC.name,
        source="Intel/zoedepth-nyu-kitti (or -nyu, -kitti) from a model hub, the whole folder",
        types=("zoedepth",),
    )
    network = HubNetwork(KIND, folder, settings, chosen, precise=("metric_head",))
    preparation = Preparation.of(folder, USUAL, chosen.side)
    return HubDepth(network, preparation, "metric", SPEC.name)


SPEC = brought_spec(
    "depth",
    "zoedepth",
    opened,
    options=HubOptions,
    modules=MODULES,
    extra="torch",
    licence=Licence(
        name="MIT, not confirmed",
        tier=Tier.ASK,
        notice="ZoeDepth: check the card of the weights before commercial use",
        url="https://huggingface.co/Intel/zoedepth-nyu-kitti",
    ),
    memory_mb=3500,
)
