"""From body points to joint rotations in closed form, all frames at once.

Every joint gets its direction from two points and its twist from a third: upper arms and thighs
from the plane in which elbow and knee bend, forearms from the palm, the head from the face. The
result is the start for `choreoscope.motion.refinement`, which makes lengths and pixels agree.
"""

import dataclasses

import numpy as np

from choreoscope.datatypes.motion import Skeleton
from choreoscope.geometry import rotation
from choreoscope.motion import landmarks
from choreoscope.motion.skeletons import SIDES, SPINE
from choreoscope.motion.smoothing import bridge_rotations, steady_angle

SEEN = 0.05
"""Visibility below which a point says nothing."""
_TRUNK_SEEN = 0.005
_STRAIGHT, _BENT = np.sin(np.radians(8.0)), np.sin(np.radians(28.0))
_FOOT_SAYS = 0.3
_FEWEST_FACE_POINTS = 4
_TWIST_SIGMA = 0.15
_IMAGE_UP = np.array([0.0, -1.0, 0.0])
FACING_CAMERA = np.array([0.0, 1.0, 0.0, 0.0])
"""Camera-from-root of somebody who stands upright and looks into the camera."""
_X, _Y, _Z = np.eye(3)
HINGES = {
    "left_forearm": -_Y,
    "right_forearm": _Y,
    "left_shin": _X,
    "right_shin": _X,
}
"""Axis about which a hinge joint bends by a positive angle, rest axes."""
BONES = {
    "left_upper_arm": _X,
    "left_forearm": _X,
    "right_upper_arm": -_X,
    "right_forearm": -_X,
    "left_thigh": -_Y,
    "left_shin": -_Y,
    "right_thigh": -_Y,
    "right_shin": -_Y,
}
"""Direction of the bone in its joint's own axes."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """Rotations of one person over time, in camera axes.

    Attributes
    ----------
    rotations : (T, J, 4) float
        Parent-from-joint; for the root camera-from-joint.
    seen : (T, J) bool
        Whether the joint was measured in this frame; elsewhere it is bridged or at rest.
    """

    rotations: np.ndarray
    seen: np.ndarray


def relaxed_pose(skeleton: Skeleton) -> np.ndarray:
    """Somebody standing at ease, arms down, ``(J, 4)``; fingers are left at rest."""
    pose = rotation.identity(len(skeleton.joints))
    for side, sign in zip(SIDES, (1.0, -1.0), strict=True):
        pose[skeleton.index(f"{side}_upper_arm")] = rotation.from_rotation_vector(
            np.radians(-75.0 * sign) * _Z
        )
        pose[skeleton.index(f"{side}_forearm")] = rotation.from_rotation_vector(
            np.radians(12.0) * HINGES[f"{side}_forearm"]
        )
    return pose


def solve_pose(
    points: np.ndarray, weights: np.ndarray, times: np.ndarray, skeleton: Skeleton
) -> Pose:
    """Read joint rotations off body points.

    Parameters
    ----------
    points : (T, 33, 3) float
        Body points, finite, metres, camera axes, any origin.
    weights : (T, 33) float
        Visibility, 0 where the point is absent.
    times : (T,) float
        Seconds, strictly rising.
    skeleton : Skeleton
        House skeleton.

    Returns
    -------
    Pose
        Finite for every frame; fingers and toes stay at rest.
    """
    count = len(skeleton.joints)
    turned = np.tile(relaxed_pose(skeleton), (len(times), 1, 1))
    seen = np.zeros((len(times), count), dtype=bool)
    pelvis, chest, trunk_seen = _trunk(points, weights, times)
    head, head_seen = _head(points, weights)
    bend = rotation.slerp(
        rotation.identity(len(times)), rotation.multiply(rotation.inverse(pelvis), chest), 1 / 3
    )
    nod = rotation.slerp(
        rotation.identity(len(times)), rotation.multiply(rotation.inverse(chest), head), 0.5
    )
    turned[:, 0] = pelvis
    seen[:, 0] = trunk_seen
    for name in SPINE:
        turned[:, skeleton.index(name)], seen[:, skeleton.index(name)] = bend, trunk_seen
    for name in ("neck", "head"):
        turned[:, skeleton.index(name)] = np.where(head_seen[:, None], nod, rotation.IDENTITY)
        seen[:, skeleton.index(name)] = head_seen
    for side, name in enumerate(SIDES):
        arm = _arm(points, weights, times, chest, side)
        leg = _leg(points, weights, times, pelvis, side)
        for joint, (turn, known) in {**arm, **leg}.items():
            index = skeleton.index(f"{name}_{joint}")
            turned[:, index] = np.where(known[:, None], turn, turned[:, index])
            seen[:, index] = known
    filled = bridge_rotations(times, turned, seen)
    return Pose(rotations=rotation.normalized(filled), seen=seen)


Parts = dict[str, tuple[np.ndarray, np.ndarray]]


def _middle(points: np.ndarray, pair: tuple[int, ...]) -> np.ndarray:
    return np.asarray(points[:, list(pair)].mean(axis=1))


def _trunk(
    points: np.ndarray, weights: np.ndarray, times: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Camera-from-pelvis and -chest ``(T, 4)``, filled in time, and where anything was seen."""
    hips = weights[:, list(landmarks.HIPS)].min(axis=1) > _TRUNK_SEEN
    shoulders = weights[:, list(landmarks.SHOULDERS)].min(axis=1) > _TRUNK_SEEN
    left_right = np.where(
        hips[:, None],
        points[:, landmarks.HIPS[0]] - points[:, landmarks.HIPS[1]],
        points[:, landmarks.SHOULDERS[0]] - points[:, landmarks.SHOULDERS[1]],
    )
    across = np.where(
        shoulders[:, None],
        points[:, landmarks.SHOULDERS[0]] - points[:, landmarks.SHOULDERS[1]],
        left_right,
    )
    up = np.where(
        (hips & shoulders)[:, None],
        _middle(points, landmarks.SHOULDERS) - _middle(points, landmarks.HIPS),
        _IMAGE_UP,
    )
    known = hips | shoulders
    turns = np.stack(
        [rotation.from_axes(left_right, up, "xy"), rotation.from_axes(up, across, "yx")], axis=1
    )
    turns = np.where(known[:, None, None], turns, FACING_CAMERA)
    filled = bridge_rotations(times, turns, np.stack([known, known], axis=1))
    return filled[:, 0], filled[:, 1], known


def align(points: np.ndarray, template: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Turn that lays a template best on points (Kabsch 1976), whatever their place and size.

    Parameters
    ----------
    points : (T, P, 3) float
        Finite.
    template : (P, 3) float
        Rest axes.
    weight : (T, P) float
        Where all are 0 the turn means nothing.

    Returns
    -------
    (T, 4) float
        Points'-axes-from-template's-axes, unit.
    """
    total = weight.sum(axis=1, keepdims=True)
    share = weight / np.where(total > 0, total, 1.0)
    centred = points - np.einsum("tp,tpc->tc", share, points)[:, None]
    mean = np.einsum("tp,pc->tc", share, template)
    covariance = np.einsum(
        "tp,tpc,tpd->tcd", share, centred, template - mean[:, None], optimize=True
    )
    left, _, right = np.linalg.svd(covariance)
    flip = np.tile(np.eye(3), (len(points), 1, 1))
    flip[:, 2, 2] = np.sign(np.linalg.det(left @ right))
    return rotation.from_matrix(left @ flip @ right)


def _head(points: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    face = list(landmarks.FACE)
    weight = weights[:, face] * (weights[:, face] > SEEN)
    turn = align(points[:, face], landmarks.default_offsets(1.0)[face], weight)
    return turn, np.sum(weight > 0, axis=1) >= _FEWEST_FACE_POINTS


def _least(weights: np.ndarray, *points: int) -> np.ndarray:
    return np.asarray(weights[:, list(points)].min(axis=1))


def _bentness(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """How well two directions span a plane, 0 (straight) to 1, ``(T,)``."""
    area = np.linalg.norm(np.cross(first, second), axis=-1)
    size = np.linalg.norm(first, axis=-1) * np.linalg.norm(second, axis=-1)
    sine = area / np.where(size > 0, size, 1.0)
    share = np.clip((sine - _STRAIGHT) / (_BENT - _STRAIGHT), 0.0, 1.0)
    return np.asarray(share * share * (3 - 2 * share))


def _twist_angle(
    frame: np.ndarray, bone: np.ndarray, axis: np.ndarray, to: np.ndarray
) -> np.ndarray:
    """Angle about `bone` (own axes of `frame`) that brings own `axis` nearest to `to`."""
    here = rotation.rotate(rotation.inverse(frame), to)
    sine = np.sum(np.cross(np.broadcast_to(axis, here.shape), here) * bone, axis=-1)
    return np.asarray(np.arctan2(sine, np.sum(here * axis, axis=-1)))


def _two_bones(  # noqa: PLR0913  # the pieces of one limb
    parent: np.ndarray,
    upper: np.ndarray,
    lower: np.ndarray,
    names: tuple[str, str],
    *,
    plane: np.ndarray,
    sure: np.ndarray,
    times: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Camera-from-joint of an upper limb and of its hinge joint before any twist of its own.

    `plane` is the wanted direction of the hinge axis in camera axes, `sure` how far to trust it.
    """
    bone, hinge = BONES[names[0]], HINGES[names[1]]
    swing = rotation.between(bone, rotation.rotate(rotation.inverse(parent), upper))
    frame = rotation.multiply(parent, swing)
    angle = steady_angle(times, _twist_angle(frame, bone, hinge, plane), sure, _TWIST_SIGMA)
    frame = rotation.multiply(frame, rotation.from_rotation_vector(angle[:, None] * bone))
    # The hinge only bends about its axis: what of the lower bone lies beside the plane is left
    # to the refinement, which turns the upper limb instead.
    flexion = _twist_angle(frame, hinge, bone, lower)
    lower_frame = rotation.multiply(frame, rotation.from_rotation_vector(flexion[:, None] * hinge))
    return frame, lower_frame


def _arm(
    points: np.ndarray, weights: np.ndarray, times: np.ndarray, chest: np.ndarray, side: int
) -> Parts:
    shoulder, elbow, wrist = (
        points[:, pair[side]] for pair in (landmarks.SHOULDERS, landmarks.ELBOWS, landmarks.WRISTS)
    )
    index, pinky = points[:, landmarks.INDEXES[side]], points[:, landmarks.PINKIES[side]]
    upper, lower = elbow - shoulder, wrist - elbow
    arm_seen = _least(weights, landmarks.SHOULDERS[side], landmarks.ELBOWS[side])
    fore_seen = np.minimum(arm_seen, weights[:, landmarks.WRISTS[side]])
    hand_seen = np.minimum(
        fore_seen, _least(weights, landmarks.INDEXES[side], landmarks.PINKIES[side])
    )
    names = (f"{SIDES[side]}_upper_arm", f"{SIDES[side]}_forearm")
    frame, fore = _two_bones(
        chest,
        upper,
        lower,
        names,
        plane=np.cross(upper, lower),
        sure=_bentness(upper, lower) * _trusted(fore_seen),
        times=times,
    )
    bone = BONES[names[1]]
    hand = rotation.from_axes((index + pinky) / 2 - wrist, index - pinky, "xz")
    if side == 1:
        hand = rotation.from_axes(wrist - (index + pinky) / 2, index - pinky, "xz")
    bent = rotation.multiply(rotation.inverse(fore), hand)
    twist = rotation.swing_twist(bent, bone)[1]
    angle = _twist_angle(twist, bone, _Z, _Z)
    angle = steady_angle(times, -angle, _trusted(hand_seen), _TWIST_SIGMA)
    turn = rotation.from_rotation_vector(angle[:, None] * bone)
    bend = rotation.multiply(rotation.inverse(frame), fore)
    return {
        "upper_arm": (rotation.multiply(rotation.inverse(chest), frame), arm_seen > SEEN),
        "forearm": (rotation.multiply(bend, turn), fore_seen > SEEN),
        "hand": (
            rotation.swing_twist(rotation.multiply(rotation.inverse(turn), bent), bone)[0],
            hand_seen > SEEN,
        ),
    }


def _trusted(seen: np.ndarray) -> np.ndarray:
    return np.where(seen > SEEN, np.clip(seen, 0.0, 1.0), 0.0)


def _leg(
    points: np.ndarray, weights: np.ndarray, times: np.ndarray, pelvis: np.ndarray, side: int
) -> Parts:
    hip, knee, ankle, heel, toe = (
        points[:, pair[side]]
        for pair in (
            landmarks.HIPS,
            landmarks.KNEES,
            landmarks.ANKLES,
            landmarks.HEELS,
            landmarks.TOES,
        )
    )
    upper, lower, forward = knee - hip, ankle - knee, toe - heel
    thigh_seen = _least(weights, landmarks.HIPS[side], landmarks.KNEES[side])
    shin_seen = np.minimum(thigh_seen, weights[:, landmarks.ANKLES[side]])
    foot_seen = np.minimum(shin_seen, _least(weights, landmarks.HEELS[side], landmarks.TOES[side]))
    knee_says = _bentness(upper, lower) * _trusted(shin_seen)
    foot_says = _FOOT_SAYS * _bentness(lower, forward) * _trusted(foot_seen) * (1 - knee_says)
    by_knee, by_foot = np.cross(upper, lower), np.cross(forward, lower)
    plane = knee_says[:, None] * _unit(by_knee) + foot_says[:, None] * _unit(by_foot)
    thigh, shin = _two_bones(
        pelvis,
        upper,
        lower,
        (f"{SIDES[side]}_thigh", f"{SIDES[side]}_shin"),
        plane=plane,
        sure=np.minimum(knee_says + foot_says, 1.0),
        times=times,
    )
    sideways = rotation.rotate(shin, _X) / 2 + np.cross(_unit(-lower), _unit(forward))
    foot = rotation.from_axes(forward, sideways, "zx")
    return {
        "thigh": (rotation.multiply(rotation.inverse(pelvis), thigh), thigh_seen > SEEN),
        "shin": (rotation.multiply(rotation.inverse(thigh), shin), shin_seen > SEEN),
        "foot": (rotation.multiply(rotation.inverse(shin), foot), foot_seen > SEEN),
    }


def _unit(v: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(v, axis=-1, keepdims=True)
    return np.asarray(v / np.where(length > 0, length, 1.0))
