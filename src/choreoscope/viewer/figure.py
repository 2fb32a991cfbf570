"""A simple jointed figure round any skeleton: one tapered capsule for each bone."""

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from choreoscope.datatypes.arrays import check_arrays
from choreoscope.datatypes.motion import Motion, Skeleton
from choreoscope.geometry import kinematics, rotation

MIDDLE, LEFT, RIGHT = 0, 1, 2

_THICKNESS: tuple[tuple[tuple[str, ...], tuple[float, float]], ...] = (
    (("thumb", "index", "middle", "ring", "little", "pinky", "finger"), (0.009, 0.007)),
    (("forearm", "lower_arm", "lowerarm", "elbow"), (0.041, 0.027)),
    (("hand", "wrist", "palm"), (0.023, 0.012)),
    (("clavicle", "collar"), (0.055, 0.052)),
    (("shoulder",), (0.052, 0.045)),
    (("arm",), (0.050, 0.040)),
    (("toe", "ball"), (0.030, 0.020)),
    (("foot", "ankle", "heel"), (0.040, 0.032)),
    (("shin", "lower_leg", "lowerleg", "calf", "knee"), (0.056, 0.038)),
    (("thigh", "upper_leg", "upperleg", "upleg", "leg", "hip"), (0.076, 0.054)),
    (("head", "skull"), (0.086, 0.092)),
    (("neck",), (0.052, 0.050)),
    (("chest", "thorax"), (0.110, 0.106)),
    (("spine", "back", "torso", "abdomen"), (0.106, 0.108)),
    (("pelvis", "root"), (0.106, 0.106)),
)
_LIMB_LINKS: tuple[tuple[tuple[str, ...], tuple[float, float]], ...] = (
    (("thigh", "leg", "hip"), (0.095, 0.076)),
    (("neck", "head"), (0.108, 0.058)),
    (("",), (0.070, 0.052)),
)
"""From the trunk out to a limb or the neck: mostly hidden inside the body."""
_NOSE_RADII = (0.030, 0.014)
_NOSE_REACH = 0.105
_SLIM_SHARE = 0.3


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Capsules between the points of `figure_points`.

    Attributes
    ----------
    ends : (S, 2) int
        Point at the thick start and at the end of each capsule.
    radii : (S, 2) float
        Metres, at the start and at the end.
    sides : (S,) int
        `MIDDLE`, `LEFT` or `RIGHT` of the person.
    parts : (S,) int
        Equal numbers belong to one limb, to the trunk, or to the head.
    """

    ends: Int[np.ndarray, "S 2"]
    radii: Float[np.ndarray, "S 2"]
    sides: Int[np.ndarray, "S"]
    parts: Int[np.ndarray, "S"]

    def __post_init__(self) -> None:
        check_arrays(self)


def figure_of(skeleton: Skeleton) -> Figure:
    """Dress a skeleton; thickness follows the joints' names, sides their mirror pairs.

    Parameters
    ----------
    skeleton : Skeleton
        J joints; names of usual skeleton families are known, others get slim capsules.

    Returns
    -------
    Figure
        Points 0 to J - 1 are the joints, then the tips, then the nose where there is one, in the
        order of `figure_points`.
    """
    tips = tip_joints(skeleton)
    joints = len(skeleton.joints)
    nose = nose_offset(skeleton)
    starts = [*(int(parent) for parent in skeleton.parents[1:]), *tips]
    ends = [*range(1, joints), *range(joints, joints + len(tips))]
    offsets = np.concatenate([skeleton.rest_local[1:, :3, 3], skeleton.tips[tips]])
    radii = [
        _radii(skeleton, start, end, float(length))
        for start, end, length in zip(starts, ends, np.linalg.norm(offsets, axis=-1), strict=True)
    ]
    if nose is not None:
        starts.append(nose[0])
        ends.append(joints + len(tips))
        radii.append(_NOSE_RADII)
    return Figure(
        ends=np.array(list(zip(starts, ends, strict=True)), dtype=np.int64).reshape(-1, 2),
        radii=np.array(radii, dtype=np.float64).reshape(-1, 2),
        sides=np.array([_side(skeleton, start) for start in starts], dtype=np.int64),
        parts=np.array([_part(skeleton, start) for start in starts], dtype=np.int64),
    )


def tip_joints(skeleton: Skeleton) -> list[int]:
    """Joints whose bone ends in a tip of its own, in order."""
    return [int(joint) for joint in np.flatnonzero(np.isfinite(skeleton.tips).all(axis=-1))]


def joint_sides(skeleton: Skeleton) -> np.ndarray:
    """Side ``(J,)`` of every joint: `MIDDLE`, `LEFT` or `RIGHT` of the person."""
    return np.array([_side(skeleton, joint) for joint in range(len(skeleton.joints))])


def trail_joints(skeleton: Skeleton) -> list[int]:
    """Hands and feet, whose paths through the air are worth drawing."""
    return [
        joint
        for joint, name in enumerate(skeleton.joints)
        if _named(name.lower(), ("hand", "wrist", "foot", "ankle"))
        and not _named(name.lower(), _THICKNESS[0][0])
    ]


def nose_offset(skeleton: Skeleton) -> tuple[int, np.ndarray] | None:
    """Where the figure gets a nose, so that one sees which way it looks.

    Returns
    -------
    tuple of int and (3,) float, or None
        The head's joint and the nose in its axes, metres. Forward is where the feet point in
        rest pose; None where the skeleton has no head in the middle or no feet.
    """
    positions, turns = kinematics.rest_joints(skeleton)
    reached = kinematics.tip_positions(skeleton, positions, turns)
    toes = [
        reached[joint] - positions[joint]
        for joint in tip_joints(skeleton)
        if any(name in skeleton.joints[joint].lower() for name in ("toe", "ball", "foot"))
    ]
    heads = [
        joint
        for joint, name in enumerate(skeleton.joints)
        if "head" in name.lower() and _side(skeleton, joint) == MIDDLE
    ]
    forward = np.sum(toes, axis=0) * (1, 0, 1) if toes else np.zeros(3)
    length = float(np.linalg.norm(forward))
    if not heads or length < 1e-6:  # noqa: PLR2004
        return None
    back = rotation.inverse(turns[heads[0]])
    return heads[0], rotation.rotate(back, forward / length * _NOSE_REACH)


def figure_points(motion: Motion) -> np.ndarray:
    """Place the ends of the capsules in every frame.

    Parameters
    ----------
    motion : Motion
        T frames of J joints.

    Returns
    -------
    (T, P, 3) float
        World, metres: the J joints, then one point for each of `tip_joints`, drawn back by the
        capsule's radius so that the round end, not its centre, reaches the tip, then the nose.
    """
    skeleton = motion.skeleton
    positions, turns = kinematics.of_motion(motion)
    tips = tip_joints(skeleton)
    reached = kinematics.tip_positions(skeleton, positions, turns)[:, tips]
    first = len(skeleton.joints) - 1
    radii = figure_of(skeleton).radii[first : first + len(tips), 1]
    lengths = np.maximum(np.linalg.norm(skeleton.tips[tips], axis=-1), 1e-9)
    kept = np.clip(1.0 - radii / lengths, 0.3, 1.0)
    starts = positions[:, tips]
    parts = [positions, starts + (reached - starts) * kept[:, None]]
    nose = nose_offset(skeleton)
    if nose is not None:
        head, offset = nose
        parts.append((positions[:, head] + rotation.rotate(turns[:, head], offset))[:, None])
    return np.concatenate(parts, axis=1)


def _radii(skeleton: Skeleton, start: int, end: int, length: float) -> tuple[float, float]:
    owner = skeleton.joints[start].lower()
    own_side = _side(skeleton, start)
    if own_side == MIDDLE and end < len(skeleton.joints) and "head" not in owner:
        child = skeleton.joints[end].lower()
        leaves_trunk = _side(skeleton, end) != MIDDLE or "neck" in child
        if leaves_trunk and "neck" not in owner:
            return next(radii for names, radii in _LIMB_LINKS if _named(child, names))
        if "hip" in owner:
            # "hips" in the middle is the pelvis; "left_hip" starts a thigh.
            return _THICKNESS[-1][1]
    for names, radii in _THICKNESS:
        if _named(owner, names):
            return radii
    slim = min(0.05, _SLIM_SHARE * length)
    return slim, slim * 0.8


def _named(joint: str, names: tuple[str, ...]) -> bool:
    return any(name in joint for name in names)


def _part(skeleton: Skeleton, joint: int) -> int:
    """First joint of the limb, or -1 for head and neck and -2 for the trunk."""
    if _side(skeleton, joint) == MIDDLE:
        return -1 if _named(skeleton.joints[joint].lower(), ("head", "neck")) else -2
    first = joint
    while _side(skeleton, int(skeleton.parents[first])) != MIDDLE:
        first = int(skeleton.parents[first])
    return first


def _side(skeleton: Skeleton, joint: int) -> int:
    if int(skeleton.mirror[joint]) == joint:
        return MIDDLE
    name = skeleton.joints[joint].lower()
    for side, word in ((LEFT, "left"), (RIGHT, "right")):
        if word in name or name.endswith((f"_{word[0]}", f".{word[0]}")):
            return side
    return LEFT if name.startswith("l") else RIGHT
