"""Normals from either generation: camera axes, x right, y up, z to the viewer."""

from typing import Any

import numpy as np

from choreoscope.backends.sapiens_family.network import Answer, SapiensCrops, Tensors
from choreoscope.capture.passes.interfaces import CropBatch

SHORTEST = 1e-8


class SapiensNormals(SapiensCrops):
    """Normals of unit length; the network's are not."""

    gives = ("normals",)

    def infer_crops(self, crops: CropBatch) -> Answer:
        """Answer for each crop.

        Raises
        ------
        MemoryError
            If it is too much at once.
        """
        raw = np.moveaxis(super().infer_crops(crops)["normals"], 1, -1)
        length = np.maximum(np.linalg.norm(raw, axis=-1, keepdims=True), SHORTEST)
        return {"normals": (raw / length).astype(np.float32)}

    @staticmethod
    def mirrored_back(answer: Tensors) -> Tensors:
        """In a mirrored picture left is right: x changes its sign."""
        vectors = answer["normals"]
        return {"normals": vectors * vectors.new_tensor([-1.0, 1.0, 1.0])[:, None, None]}


def vectors_of(answer: Any) -> Tensors:  # noqa: ANN401
    """Name the vectors ``(B, 3, h, w)``, at length 1, so that all weigh alike in averages."""
    import torch

    return {"normals": torch.nn.functional.normalize(answer.float(), dim=1, eps=SHORTEST)}
