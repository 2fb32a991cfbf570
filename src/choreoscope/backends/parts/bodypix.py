"""BodyPix parts: 24 named parts per performer from a small network, coarse and quick."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.backends.bodypix_network.network import (
    LICENCE,
    MODULES,
    OUTLINE,
    PART_NAMES,
    PARTS,
    Bodypix,
    BodypixOptions,
    bodypix_session,
)
from choreoscope.capture.passes.interfaces import CropBatch
from choreoscope.datatypes.models import BackendSpec, RunSettings


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


def load(
    weights: Mapping[str, Path], settings: RunSettings, options: Mapping[str, Any]
) -> BodypixParts:
    """Open the network.

    Raises
    ------
    WeightsError
        If the file is absent or another.
    """
    del weights
    session, chosen = bodypix_session(settings, options, SPEC.name)
    return BodypixParts(session, whole_frame=chosen.whole_frame)


SPEC = BackendSpec(
    task="parts",
    name="bodypix",
    version=1,
    load=load,
    modules=MODULES,
    extra="onnx",
    weights=(),
    licence=LICENCE,
    memory_mb=600,
    options=BodypixOptions,
)
