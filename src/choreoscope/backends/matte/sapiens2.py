"""Sapiens2 mattes per performer, from crops of 1024 by 768.

The network is transformers' ``Sapiens2ForImageMatting`` (Meta, 2026). It looks at single frames:
edges may flicker where a recurrent network's do not.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.backends.sapiens_family.network import Answer, SapiensCrops, hub_sapiens
from choreoscope.backends.sapiens_family.options import MODULES, SAPIENS2, SapiensOptions
from choreoscope.capture.passes.interfaces import CropBatch
from choreoscope.datatypes.models import BackendSpec, RunSettings

FAINTEST = 1 / 255
"""Alpha below which the colour of what shines through cannot be told."""


class SapiensMatte(SapiensCrops):
    """Alpha and the performer's own colours."""

    gives = ("alpha", "foreground")

    def infer_crops(self, crops: CropBatch) -> Answer:
        """Answer for each crop; the network's foreground is multiplied by alpha, ours is not.

        Raises
        ------
        MemoryError
            If it is too much at once.
        """
        found = super().infer_crops(crops)
        alpha, carried = found["alphas"][:, 0], np.moveaxis(found["foregrounds"], 1, -1)
        straight = carried / np.maximum(alpha, FAINTEST)[..., None]
        return {"alpha": alpha, "foreground": np.clip(straight, 0, 1)}


def load(
    weights: Mapping[str, Path], settings: RunSettings, options: Mapping[str, Any]
) -> SapiensMatte:
    """Open the network.

    Raises
    ------
    WeightsError
        If its weights are absent or others.
    """
    del weights
    network, chosen = hub_sapiens(
        settings,
        options,
        names=(SPEC.name, "sapiens2-matting-1b"),
        kind="Sapiens2ForImageMatting",
        take=lambda answer: {"alphas": answer.alphas, "foregrounds": answer.foregrounds},
    )
    return SapiensMatte(network, chosen)


SPEC = BackendSpec(
    task="matte",
    name="sapiens2",
    version=1,
    load=load,
    modules=MODULES,
    extra="torch",
    weights=(),
    licence=SAPIENS2,
    memory_mb=9000,
    options=SapiensOptions,
)
