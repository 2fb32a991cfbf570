"""BodyPix mattes: outlines of single performers from a small network, coarse and quick."""

from collections.abc import Mapping

import numpy as np

from choreoscope.backends.bodypix_network.network import OUTLINE, Bodypix, bodypix_spec
from choreoscope.capture.passes.interfaces import CropBatch


class BodypixMatte(Bodypix):
    """Alpha per performer; see `CropModel`."""

    gives = ("alpha",)

    def infer_crops(self, crops: CropBatch) -> Mapping[str, np.ndarray]:
        """Answer for each crop.

        Raises
        ------
        MemoryError
            If it is too much at once.
        """
        (outline,) = self.logits(crops.pictures, (OUTLINE,))
        # The same as 1 / (1 + exp(-x)), without overflow.
        return {"alpha": 0.5 + 0.5 * np.tanh(outline[..., 0] / 2)}


SPEC = bodypix_spec("matte", BodypixMatte, memory_mb=400)
