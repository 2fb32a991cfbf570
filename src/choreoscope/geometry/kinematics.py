"""Forward kinematics: where every joint of a skeleton is, given how it turns.

One local transform for all of Choreoscope:
``parent_from_joint = translate(rest_local[:3, 3]) * rest_local[:3, :3] * rotation``,
and for the root the translation is the root position instead.
"""

import numpy as np

from choreoscope.datatypes.motion import Motion, Skeleton
from choreoscope.geometry import rotation


def world_joints(
    skeleton: Skeleton, root_position: np.ndarray, rotations: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Place every joint in the world.

    Parameters
    ----------
    skeleton : Skeleton
        J joints.
    root_position : (*b, 3) float
        World position of joint 0, metres.
    rotations : (*b, J, 4) float
        Turn of every joint from its rest pose, wxyz, unit.

    Returns
    -------
    positions : (*b, J, 3) float
        World, metres.
    world_rotations : (*b, J, 4) float
        World-from-joint, rest rotation included.
    """
    turns = np.asarray(rotations, dtype=np.float64)
    rest = rotation.from_matrix(skeleton.rest_local[:, :3, :3])
    local = rotation.multiply(rest, turns)
    positions = np.zeros((*turns.shape[:-1], 3))
    world = np.zeros(turns.shape)
    positions[..., 0, :] = root_position
    world[..., 0, :] = local[..., 0, :]
    for joint, parent in enumerate(skeleton.parents[1:], start=1):
        offset = skeleton.rest_local[joint, :3, 3]
        positions[..., joint, :] = positions[..., parent, :] + rotation.rotate(
            world[..., parent, :], offset
        )
        world[..., joint, :] = rotation.multiply(world[..., parent, :], local[..., joint, :])
    return positions, world


def of_motion(motion: Motion) -> tuple[np.ndarray, np.ndarray]:
    """World positions ``(T, J, 3)`` in metres and world-from-joint turns ``(T, J, 4)``."""
    return world_joints(motion.skeleton, motion.root_position, motion.rotations)


def rest_joints(skeleton: Skeleton) -> tuple[np.ndarray, np.ndarray]:
    """World positions ``(J, 3)`` and world-from-joint turns ``(J, 4)`` of the rest pose."""
    still = rotation.identity(len(skeleton.joints))
    return world_joints(skeleton, skeleton.rest_local[0, :3, 3], still)


def tip_positions(
    skeleton: Skeleton, positions: np.ndarray, world_rotations: np.ndarray
) -> np.ndarray:
    """World positions of the ends of bones that have no child joint at their end.

    Parameters
    ----------
    skeleton : Skeleton
        J joints.
    positions : (*b, J, 3) float
        From `world_joints`, metres.
    world_rotations : (*b, J, 4) float
        From `world_joints`.

    Returns
    -------
    (*b, J, 3) float
        Metres; NaN where the skeleton names no tip.
    """
    return np.asarray(positions + rotation.rotate(world_rotations, skeleton.tips))


def global_to_local(skeleton: Skeleton, world_rotations: np.ndarray) -> np.ndarray:
    """Undo `world_joints`: turns from the rest pose that give these world-from-joint turns.

    Parameters
    ----------
    skeleton : Skeleton
        J joints.
    world_rotations : (*b, J, 4) float
        World-from-joint, wxyz, unit.

    Returns
    -------
    (*b, J, 4) float
        For `Motion.rotations`.
    """
    world = np.asarray(world_rotations, dtype=np.float64)
    rest = rotation.from_matrix(skeleton.rest_local[:, :3, :3])
    parents = world[..., skeleton.parents, :]
    parents[..., 0, :] = rotation.IDENTITY
    return rotation.multiply(
        rotation.inverse(rest), rotation.multiply(rotation.inverse(parents), world)
    )
