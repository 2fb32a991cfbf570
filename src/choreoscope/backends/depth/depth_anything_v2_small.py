"""Depth Anything V2 Small: relative depth from one picture, weights under Apache-2.0.

As `depth_anything_v2`, but refuses the larger weights, whose terms are others.
"""

from choreoscope.backends.depth.networks.anything import SMALL_WIDTH, relative_depth
from choreoscope.backends.depth.networks.hub import MODULES, HubDepth, HubOptions
from choreoscope.backends.torch_models.specs import brought_spec
from choreoscope.datatypes.models import Licence, RunSettings, Tier


def opened(settings: RunSettings, chosen: HubOptions) -> HubDepth:
    """Open the network.

    Raises
    ------
    WeightsError
        If its weights are absent or others, such as those of a larger size.
    """
    return relative_depth(settings, chosen, name=SPEC.name, width=SMALL_WIDTH)


SPEC = brought_spec(
    "depth",
    "depth_anything_v2_small",
    opened,
    options=HubOptions,
    modules=MODULES,
    extra="torch",
    licence=Licence(
        name="Apache-2.0",
        tier=Tier.COMMERCIAL,
        notice="Depth Anything V2 Small, Apache-2.0",
        url="https://huggingface.co/depth-anything/Depth-Anything-V2-Small-hf",
    ),
    memory_mb=1500,
)
