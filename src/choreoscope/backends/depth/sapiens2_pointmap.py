"""Sapiens2 pointmaps: metres per performer, from crops of 1024 by 768 and the known lens.

The network is transformers' ``Sapiens2ForPointmapEstimation`` (Meta, 2026). It answers points as a
camera of focal length 768 crop pixels would see them; metres are those times the true focal
length over 768. Its own guess of the focal length changes from crop to crop and is left aside.
"""

from typing import Any

import numpy as np

from choreoscope.backends.sapiens_family.network import Answer, SapiensCrops, Tensors
from choreoscope.backends.sapiens_family.specs import hub_spec
from choreoscope.capture.passes.interfaces import CropBatch, DepthSpace, ShotContext
from choreoscope.datatypes.errors import InputError

CANONICAL_FOCAL = 768.0
"""Pixels."""
NEAREST = 0.05
"""Metres; a performer nearer than that is noise."""


class SapiensPointmap(SapiensCrops):
    """Depth in metres, only of performers."""

    gives = ("depth",)
    depth_space: DepthSpace = "metric"

    def start(self, shot: ShotContext) -> None:
        """Make sure that the lens is known.

        Raises
        ------
        InputError
            If it is not: every crop would have a scale of its own.
        """
        if shot.camera is None:
            raise InputError(
                "sapiens2_pointmap needs the camera's focal length; use a recipe that solves the "
                "camera, or another depth back end"
            )

    def infer_crops(self, crops: CropBatch) -> Answer:
        """Answer for each crop; NaN where a point lies behind the camera.

        Raises
        ------
        MemoryError
            If it is too much at once.
        """
        canonical = super().infer_crops(crops)["pointmaps"][:, 2]
        metres = canonical * (crops.focal_px / CANONICAL_FOCAL)[:, None, None]
        return {"depth": np.where(metres > NEAREST, metres, np.nan).astype(np.float32)}


def _taken(answer: Any) -> Tensors:  # noqa: ANN401 - the network's
    return {"pointmaps": answer.pointmaps}


SPEC = hub_spec(
    "depth",
    ("sapiens2_pointmap", "sapiens2-pointmap-0.4b"),
    SapiensPointmap,
    kind="Sapiens2ForPointmapEstimation",
    take=_taken,
)
