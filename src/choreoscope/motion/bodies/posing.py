"""The whole surface of a posed body."""

import numpy as np

from choreoscope.geometry import rotation
from choreoscope.geometry.kinematics import world_joints
from choreoscope.geometry.skinning import skinned
from choreoscope.motion.bodies.model import BodyModel

_FRAMES = 32


def posed_vertices(
    model: BodyModel,
    shape: np.ndarray,
    root: np.ndarray,
    rotations: np.ndarray,
    scale: float = 1.0,
) -> np.ndarray:
    """Pose all vertices by linear blend skinning, pose directions included.

    Parameters
    ----------
    model : BodyModel
        V vertices, J joints.
    shape : (S',) float, S' <= S
        Standard deviations; missing ones are 0.
    root : (T, 3) float
        World position of joint 0, metres.
    rotations : (T, J, 4) float
        Parent-from-joint (root: world-from-joint), wxyz.
    scale : float
        Everything is made larger by this, as in ``model.skeleton(shape, scale)``.

    Returns
    -------
    (T, V, 3) float32
        World, metres. Besides it only a few frames' worth of room is used.
    """
    rest = model.rest_vertices(shape)
    joints = model.rest_joints(shape)
    # Blended about the root: single precision would lose fractions of a millimetre far away.
    places, turns = world_joints(model.skeleton(shape), np.zeros_like(root), rotations)
    placed = np.zeros((len(root), len(rest), 3), dtype=np.float32)
    for start in range(0, len(root), _FRAMES):
        part = slice(start, start + _FRAMES)
        matrices = rotation.to_matrix(turns[part])
        shifts = places[part] - np.einsum("tjab,jb->tja", matrices, joints)
        own = rest
        if model.pose_directions is not None:
            own = rest + _corrections(model.pose_directions, rotations[part])
        around = skinned(
            own.astype(np.float32), model.skin_joints, model.skin_weights, matrices, shifts
        )
        placed[part] = scale * around + root[part, None]
    return placed


def _corrections(directions: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """Shift of every vertex at rest that the pose asks for, ``(T, V, 3)`` (Loper et al. 2015)."""
    bends = rotation.to_matrix(rotations[:, 1:]) - np.eye(3)
    features = bends.reshape(len(bends), -1)
    return np.asarray(np.moveaxis(directions @ features.T, -1, 0))
