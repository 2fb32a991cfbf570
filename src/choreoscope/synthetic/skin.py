"""Which part of a body a piece of skin belongs to."""

import numpy as np

from choreoscope.motion.bodies.model import BodyModel


def main_joints(model: BodyModel) -> np.ndarray:
    """Joint that moves each vertex most, ``(V,)``."""
    best = np.argmax(model.skin_weights, axis=1)
    return np.asarray(model.skin_joints[np.arange(len(best)), best])
