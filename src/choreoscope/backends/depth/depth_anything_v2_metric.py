"""Depth Anything V2, metric weights: metres from one picture, up to their `max_depth`.

Yang, Kang, Huang, Zhao, Xu, Feng, Zhao: "Depth Anything V2", NeurIPS 2024, arXiv:2406.09414.
The indoor weights end at 20 m, the outdoor ones at 80 m; from 99 % of that on depth is unknown,
because the network cannot say more there than "far". The cards of the metric weights say
Apache-2.0, those of the base and large weights they were made from CC-BY-NC: ask.
"""

from choreoscope.backends.depth.networks.anything import metric_depth
from choreoscope.backends.depth.networks.hub import MODULES, HubDepth, HubOptions
from choreoscope.backends.torch_models.specs import brought_spec
from choreoscope.datatypes.models import Licence, RunSettings, Tier


def opened(settings: RunSettings, chosen: HubOptions) -> HubDepth:
    """Open the network.

    Raises
    ------
    WeightsError
        If its weights are absent or others, such as relative ones.
    """
    return metric_depth(settings, chosen, name=SPEC.name)


SPEC = brought_spec(
    "depth",
    "depth_anything_v2_metric",
    opened,
    options=HubOptions,
    modules=MODULES,
    extra="torch",
    licence=Licence(
        name="Apache-2.0 by its card",
        tier=Tier.ASK,
        notice="Depth Anything V2 metric: made from weights that are CC-BY-NC; ask before a sale",
        url="https://huggingface.co/depth-anything",
    ),
    memory_mb=4000,
)
