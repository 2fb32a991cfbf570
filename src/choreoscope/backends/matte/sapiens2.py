"""Sapiens2 mattes per performer, from crops of 1024 by 768.

The network is transformers' ``Sapiens2ForImageMatting`` (Meta, 2026). It looks at single frames:
edges may flicker where a recurrent network's do not.
"""

from typing import Any

import numpy as np

from choreoscope.backends.sapiens_family.network import Answer, SapiensCrops, Tensors
from choreoscope.backends.sapiens_family.specs import hub_spec
from choreoscope.capture.passes.interfaces import CropBatch

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


def _taken(answer: Any) -> Tensors:  # noqa: ANN401 - the network's
    return {"alphas": answer.alphas, "foregrounds": answer.foregrounds}


SPEC = hub_spec(
    "matte",
    ("sapiens2", "sapiens2-matting-1b"),
    SapiensMatte,
    kind="Sapiens2ForImageMatting",
    take=_taken,
    memory_mb=9000,
)
