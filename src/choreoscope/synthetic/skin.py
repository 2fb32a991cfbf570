"""The skin of a posed body, a few frames at a time."""

import numpy as np

from choreoscope.geometry import rotation
from choreoscope.geometry.kinematics import world_joints
from choreoscope.motion.bodies.model import BodyModel


def skin(
    model: BodyModel, shape: np.ndarray, root: np.ndarray, rotations: np.ndarray
) -> np.ndarray:
    """Pose all vertices by linear blend skinning.

    Parameters
    ----------
    model : BodyModel
        V vertices, J joints.
    shape : (S,) float
        Standard deviations.
    root : (F, 3) float
        World position of joint 0, metres.
    rotations : (F, J, 4) float
        Parent-from-joint, for the root world-from-joint.

    Returns
    -------
    (F, V, 3) float32
        World, metres. Pose directions are left out: our own bodies have none.
    """
    rest, joints = model.rest_vertices(shape), model.rest_joints(shape)
    places, turns = world_joints(model.skeleton(shape), root, rotations)
    matrices = rotation.to_matrix(turns)
    moves = places - np.einsum("tjab,jb->tja", matrices, joints)
    posed = np.zeros((len(places), len(rest), 3), dtype=np.float32)
    for slot in range(model.skin_joints.shape[1]):
        bound, weight = model.skin_joints[:, slot], model.skin_weights[:, slot]
        used = np.flatnonzero(weight)
        for joint in np.unique(bound[used]):
            mine = used[bound[used] == joint]
            moved = rest[mine] @ np.swapaxes(matrices[:, joint], -1, -2) + moves[:, joint, None]
            posed[:, mine] += weight[mine, None] * moved
    return posed


def main_joints(model: BodyModel) -> np.ndarray:
    """Joint that moves each vertex most, ``(V,)``."""
    best = np.argmax(model.skin_weights, axis=1)
    return np.asarray(model.skin_joints[np.arange(len(best)), best])
