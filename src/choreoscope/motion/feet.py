"""Soles: where they are, how they lie, and laying them flat where they stand.

Detectors put the heel's point high on the heel and the toes' point near the ground, so a foot
that stands flat seems to point down. The median of resting feet tells by how much.
"""

import numpy as np

from choreoscope.datatypes.motion import Skeleton
from choreoscope.geometry import rotation
from choreoscope.geometry.kinematics import world_joints
from choreoscope.motion.contacts import TOUCHING
from choreoscope.motion.proportions import Proportions, weighted_quantile
from choreoscope.motion.skeletons import CONTACT_JOINTS, SIDES, sole_offsets
from choreoscope.motion.smoothing import windows

_FLATTEST = np.radians(35.0)
_LEAST_REST = 0.2
_PLANT_LIMIT, _TOE_LIMIT = np.radians(15.0), np.radians(60.0)
_BLEND_SIGMA = 0.05
_UP = np.array([0.0, 1.0, 0.0])
_SIDEWAYS = np.array([1.0, 0.0, 0.0])


def sole_points(
    skeleton: Skeleton, sizes: Proportions, root: np.ndarray, rotations: np.ndarray
) -> np.ndarray:
    """Heel and ball of both feet, in the order of `CONTACT_JOINTS`.

    Parameters
    ----------
    skeleton : Skeleton
        House skeleton.
    sizes : Proportions
        It was built with.
    root : (T, 3) float
        Metres.
    rotations : (T, J, 4) float
        Of every joint.

    Returns
    -------
    (T, 4, 3) float
        Metres, in the axes of the root.
    """
    positions, turns = world_joints(skeleton, root, rotations)
    soles = sole_offsets(sizes)
    points = []
    for joint in CONTACT_JOINTS:
        index = skeleton.index(joint)
        offset = soles["heel" if joint.endswith("foot") else "ball"]
        points.append(positions[:, index] + rotation.rotate(turns[:, index], offset))
    return np.stack(points, axis=1)


def seen_feet(skeleton: Skeleton, confidence: np.ndarray) -> np.ndarray:
    """Columns of `CONTACT_JOINTS` of a confidence ``(T, J)``."""
    return np.asarray(confidence[:, [skeleton.index(joint) for joint in CONTACT_JOINTS]])


def resting_pitch(soles: np.ndarray, up: np.ndarray, resting: np.ndarray) -> float:
    """How far feet at rest seem to point down: the detector's bias of the foot.

    Parameters
    ----------
    soles : (T, 4, 3) float
        From `sole_points`.
    up : (3,) float
        Unit vector in the same axes.
    resting : (T, 4) float
        Seconds of rest, from `floor.resting_weights`.

    Returns
    -------
    float
        Radians, positive when the toes are low. 0 with less than 0.2 s of rest; feet steeper than
        35 degrees (a dancer on pointe) do not count.
    """
    pitches, weights = [], []
    for side in (0, 2):
        along = soles[:, side + 1] - soles[:, side]
        drop = -(along @ up) / np.maximum(np.linalg.norm(along, axis=-1), 1e-9)
        pitch = np.arcsin(np.clip(drop, -1.0, 1.0))
        pitches.append(pitch)
        both = np.minimum(resting[:, side], resting[:, side + 1])
        weights.append(np.where(np.abs(pitch) < _FLATTEST, both, 0.0))
    weight = np.concatenate(weights)
    if weight.sum() < _LEAST_REST:
        return 0.0
    return weighted_quantile(np.concatenate(pitches), weight, 0.5)


def with_feet_turned(skeleton: Skeleton, rotations: np.ndarray, pitch: float) -> np.ndarray:
    """Turn both feet by a constant: positive `pitch` (radians) lifts the toes."""
    turned = rotations.copy()
    for side in SIDES:
        index = skeleton.index(f"{side}_foot")
        lift = rotation.from_rotation_vector(-pitch * _SIDEWAYS)
        turned[:, index] = rotation.multiply(rotations[:, index], lift)
    return turned


def planted(
    skeleton: Skeleton, times: np.ndarray, rotations: np.ndarray, contacts: np.ndarray
) -> np.ndarray:
    """Lay standing soles flat (by at most 15 degrees) and bend the toes under a raised heel.

    Parameters
    ----------
    skeleton : Skeleton
        House skeleton.
    times : (T,) float
        Seconds, strictly rising.
    rotations : (T, J, 4) float
        In the world.
    contacts : (T, 4) float
        Probabilities of `CONTACT_JOINTS`.

    Returns
    -------
    (T, J, 4) float
        Changed at feet and toes; fades in and out over 0.05 s.
    """
    turned = rotations.copy()
    touching = _faded(times, (contacts >= TOUCHING).astype(np.float64))
    for place, side in enumerate(SIDES):
        foot, toes = skeleton.index(f"{side}_foot"), skeleton.index(f"{side}_toes")
        _, world = world_joints(skeleton, np.zeros((len(times), 3)), turned)
        heel, ball = touching[:, 2 * place], touching[:, 2 * place + 1]
        upright = rotation.to_rotation_vector(
            rotation.between(rotation.rotate(world[:, foot], _UP), _UP)
        )
        angle = np.linalg.norm(upright, axis=-1, keepdims=True)
        share = np.minimum(1.0, _PLANT_LIMIT / np.maximum(angle, _PLANT_LIMIT))
        level = rotation.from_rotation_vector(upright * share * (heel * ball)[:, None])
        flat = rotation.multiply(level, world[:, foot])
        shin = world[:, skeleton.parents[foot]]
        turned[:, foot] = rotation.multiply(rotation.inverse(shin), flat)
        drop = -rotation.rotate(flat, np.array([0.0, 0.0, 1.0]))[:, 1]
        bend = np.clip(np.arcsin(np.clip(drop, -1.0, 1.0)), 0.0, _TOE_LIMIT) * ball
        turned[:, toes] = rotation.from_rotation_vector(-bend[:, None] * _SIDEWAYS)
    return rotation.normalized(turned)


def _faded(times: np.ndarray, touching: np.ndarray) -> np.ndarray:
    around = windows(times, _BLEND_SIGMA, gap=np.inf)
    total = around.kernel.sum(axis=1, keepdims=True)
    return np.asarray(np.einsum("tk,tkc->tc", around.kernel / total, touching[around.index]))
