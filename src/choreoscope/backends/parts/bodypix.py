"""BodyPix parts: 24 named parts per performer from a small network, coarse and quick."""

from collections.abc import Mapping

import numpy as np

from choreoscope.backends.bodypix_network.network import (
    OUTLINE,
    PART_NAMES,
    PARTS,
    Bodypix,
    bodypix_spec,
)
from choreoscope.capture.passes.interfaces import CropBatch


class BodypixParts(Bodypix):
    """Which part of a performer a pixel shows; see `CropModel`."""

    gives = ("parts",)
    part_names = PART_NAMES

    def infer_crops(self, crops: CropBatch) -> Mapping[str, np.ndarray]:
        """Answer for each crop: the best part scores what the outline does, background 0.

        Raises
        ------
        MemoryError
            If it is too much at once.
        """
        outline, parts = self.logits(crops.pictures, (OUTLINE, PARTS))
        scores = np.zeros((len(parts), 1 + len(PART_NAMES), *parts.shape[1:3]), np.float32)
        # The network scores each part by itself: they are only compared with one another.
        best = parts.max(axis=-1, keepdims=True)
        scores[:, 1:] = np.moveaxis(parts - best + outline, -1, 1)
        return {"scores": scores}


SPEC = bodypix_spec("parts", BodypixParts, memory_mb=600)
