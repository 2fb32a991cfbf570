"""Sapiens2 pose: 308 points of body, hands and face per performer, from crops of 1024 by 768.

The network is transformers' ``Sapiens2ForPoseEstimation`` (Meta, 2026).
"""

from typing import Any

import numpy as np

from choreoscope.backends.sapiens_family.heat_maps import points_of
from choreoscope.backends.sapiens_family.network import (
    Answer,
    SapiensCrops,
    SapiensNetwork,
    Tensors,
)
from choreoscope.backends.sapiens_family.options import SapiensOptions
from choreoscope.backends.sapiens_family.specs import hub_spec
from choreoscope.capture.passes.interfaces import CropBatch
from choreoscope.datatypes.errors import WeightsError


class SapiensPose(SapiensCrops):
    """Points in crop pixels, with the height of their heat maps as confidence."""

    gives = ("points",)

    def __init__(self, network: SapiensNetwork, options: SapiensOptions) -> None:
        super().__init__(network, options)
        if options.mirror:
            pairs = getattr(network.module.config, "flip_pairs", None)
            if not pairs:
                raise WeightsError(
                    f"{SPEC.name}: these weights do not say which points are each other's mirror "
                    f"image; set the option 'mirror' to false"
                )
            self._order = list(range(network.module.config.num_labels))
            for left, right in pairs:
                self._order[left], self._order[right] = right, left
            self._back = self._sides_back

    def _sides_back(self, answer: Tensors) -> Tensors:
        """In a mirrored picture left is right."""
        return {"heat": answer["heat"][:, self._order]}

    def infer_crops(self, crops: CropBatch) -> Answer:
        """Answer for each crop.

        Raises
        ------
        MemoryError
            If it is too much at once.
        """
        heat = super().infer_crops(crops)["heat"]
        found = points_of(heat)
        # Corner cells lie on corner pixels, as in the crop itself.
        size, cells = self.feeding.size, heat.shape[2:]
        found[..., 0] = found[..., 0] * (size[1] - 1) / (cells[1] - 1) + 0.5
        found[..., 1] = found[..., 1] * (size[0] - 1) / (cells[0] - 1) + 0.5
        found[..., 2] = np.clip(found[..., 2], 0, 1)
        return {"points": found}


def _taken(answer: Any) -> Tensors:  # noqa: ANN401 - the network's
    return {"heat": answer.heatmaps}


SPEC = hub_spec(
    "pose2d",
    ("sapiens2", "sapiens2-pose-0.4b"),
    SapiensPose,
    kind="Sapiens2ForPoseEstimation",
    take=_taken,
)
