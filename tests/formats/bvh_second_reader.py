"""bvhio as the independent reader of BVH files."""

import warnings
from pathlib import Path

import numpy as np

from choreoscope.datatypes.motion import Motion

with warnings.catch_warnings():
    # It imports glm by a name that glm is about to drop.
    warnings.simplefilter("ignore", PendingDeprecationWarning)
    import bvhio


def seen_by_bvhio(path: Path, motion: Motion) -> np.ndarray:
    """(T, J, 3) joint positions in metres as the second reader finds them."""
    root = bvhio.readAsHierarchy(str(path))
    nodes = {node.Name: node for node, _, _ in root.layout()}
    positions = np.zeros((motion.frame_count, len(motion.skeleton.joints), 3))
    for frame in range(motion.frame_count):
        root.loadPose(frame)
        for joint, name in enumerate(motion.skeleton.joints):
            positions[frame, joint] = tuple(nodes[name].PositionWorld)
    return positions * 0.01
