"""Depth Anything V2 Small: relative depth from one picture, weights under Apache-2.0.

As `depth_anything_v2`, but refuses the larger weights, whose terms are others.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from choreoscope.backends.depth.networks.anything import MODULES, SMALL_WIDTH, relative_depth
from choreoscope.backends.depth.networks.hub import HubDepth, HubOptions
from choreoscope.datatypes.models import BackendSpec, Licence, RunSettings, Tier


def load(
    weights: Mapping[str, Path], settings: RunSettings, options: Mapping[str, Any]
) -> HubDepth:
    """Open the network.

    Raises
    ------
    WeightsError
        If its weights are absent or others, such as those of a larger size.
    """
    del weights
    return relative_depth(settings, options, name=SPEC.name, width=SMALL_WIDTH)


SPEC = BackendSpec(
    task="depth",
    name="depth_anything_v2_small",
    version=1,
    load=load,
    modules=MODULES,
    extra="torch",
    weights=(),
    licence=Licence(
        name="Apache-2.0",
        tier=Tier.COMMERCIAL,
        notice="Depth Anything V2 Small, Apache-2.0",
        url="https://huggingface.co/depth-anything/Depth-Anything-V2-Small-hf",
    ),
    memory_mb=1500,
    options=HubOptions,
)
