"""Depth Anything V2, any size: relative depth from one picture.

Yang, Kang, Huang, Zhao, Xu, Feng, Zhao: "Depth Anything V2", NeurIPS 2024, arXiv:2406.09414.
The network is transformers' ``DepthAnythingForDepthEstimation``; it answers inverse depth but for
a factor and an offset, larger nearer. Its base and large weights are CC-BY-NC, so that this back
end is for research; `depth_anything_v2_small` takes only the small ones, under Apache-2.0.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from choreoscope.backends.depth.networks.anything import MODULES, relative_depth
from choreoscope.backends.depth.networks.hub import HubDepth, HubOptions
from choreoscope.datatypes.models import BackendSpec, Licence, RunSettings, Tier


def load(
    weights: Mapping[str, Path], settings: RunSettings, options: Mapping[str, Any]
) -> HubDepth:
    """Open the network.

    Raises
    ------
    WeightsError
        If its weights are absent or others.
    """
    del weights
    return relative_depth(settings, options, name=SPEC.name)


SPEC = BackendSpec(
    task="depth",
    name="depth_anything_v2",
    version=1,
    load=load,
    modules=MODULES,
    extra="torch",
    weights=(),
    licence=Licence(
        name="CC-BY-NC-4.0",
        tier=Tier.RESEARCH,
        notice="Depth Anything V2 Base and Large: non-commercial; Small alone is Apache-2.0",
        url="https://huggingface.co/depth-anything/Depth-Anything-V2-Large-hf",
    ),
    memory_mb=4000,
    options=HubOptions,
)
