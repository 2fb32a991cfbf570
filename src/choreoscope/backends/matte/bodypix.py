"""BodyPix mattes: outlines of single performers from a small network, coarse and quick."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.backends.bodypix_network.network import (
    LICENCE,
    MODULES,
    OUTLINE,
    Bodypix,
    BodypixOptions,
    bodypix_session,
)
from choreoscope.capture.passes.interfaces import CropBatch
from choreoscope.datatypes.models import BackendSpec, RunSettings


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


def load(
    weights: Mapping[str, Path], settings: RunSettings, options: Mapping[str, Any]
) -> BodypixMatte:
    """Open the network.

    Raises
    ------
    WeightsError
        If the file is absent or another.
    """
    del weights
    session, chosen = bodypix_session(settings, options, SPEC.name)
    return BodypixMatte(session, whole_frame=chosen.whole_frame)


SPEC = BackendSpec(
    task="matte",
    name="bodypix",
    version=1,
    load=load,
    modules=MODULES,
    extra="onnx",
    weights=(),
    licence=LICENCE,
    memory_mb=400,
    options=BodypixOptions,
)
