"""Depth Anything V2, any size: relative depth from one picture.

Yang, Kang, Huang, Zhao, Xu, Feng, Zhao: "Depth Anything V2", NeurIPS 2024, arXiv:2406.09414.
The network is transformers' ``DepthAnythingForDepthEstimation``; it answers inverse depth but for
a factor and an offset, larger nearer. Its base and large weights are CC-BY-NC, so that this back
end is for research; `depth_anything_v2_small` takes only the small ones, under Apache-2.0.
"""

from choreoscope.backends.depth.networks.anything import relative_depth
from choreoscope.backends.depth.networks.hub import MODULES, HubDepth, HubOptions
from choreoscope.backends.torch_models.specs import brought_spec
from choreoscope.datatypes.models import Licence, RunSettings, Tier


def opened(settings: RunSettings, chosen: HubOptions) -> HubDepth:
    """Open the network.

    Raises
    ------
    WeightsError
        If its weights are absent or others.
    """
    return relative_depth(settings, chosen, name=SPEC.name)


SPEC = brought_spec(
    "depth",
    "depth_anything_v2",
    opened,
    options=HubOptions,
    modules=MODULES,
    extra="torch",
    licence=Licence(
        name="CC-BY-NC-4.0",
        tier=Tier.RESEARCH,
        notice="Depth Anything V2 Base and Large: non-commercial; Small alone is Apache-2.0",
        url="https://huggingface.co/depth-anything/Depth-Anything-V2-Large-hf",
    ),
    memory_mb=4000,
)
