"""The house skeleton: T pose, facing +Z, Y up, metres, every rest rotation the identity.

Left is +X. The palms face down and the thumbs forward, the soles stand on y = 0.
"""

import numpy as np

from choreoscope.datatypes.motion import Skeleton
from choreoscope.motion.landmarks import EAR_HEIGHT
from choreoscope.motion.proportions import Proportions

SIDES = ("left", "right")
FINGERS = ("thumb", "index", "middle", "ring", "pinky")
SPINE = ("spine_low", "spine_mid", "spine_high")
CONTACT_JOINTS = ("left_foot", "left_toes", "right_foot", "right_toes")
_SPINE_HEIGHTS = (0.14, 0.40, 0.68)
_CLAVICLE_HEIGHT, _CLAVICLE_OUT = 0.955, 0.09
_NECK_ABOVE_SHOULDERS = 0.014
HEEL_BACK, BALL_FORWARD = 0.24, 0.44
"""Heel and ball of the foot from the ankle, shares of the foot's length."""
_BALL_HEIGHT = 0.10

# Joints of each finger from the wrist: knuckle (out, forward) and lengths of the phalanges, all
# as shares of the hand (J. Buchholz, T. Armstrong, S. Goldstein 1992, rounded).
_KNUCKLES = {
    "thumb": (0.118, 0.110),
    "index": (0.463, 0.110),
    "middle": (0.446, 0.0),
    "ring": (0.421, -0.090),
    "pinky": (0.403, -0.175),
}
_PHALANGES = {
    "thumb": (0.251, 0.196, 0.158),
    "index": (0.245, 0.143, 0.097),
    "middle": (0.266, 0.170, 0.118),
    "ring": (0.244, 0.165, 0.107),
    "pinky": (0.204, 0.117, 0.093),
}
THUMB_DIRECTION = np.array([0.72, -0.28, 0.635]) / np.linalg.norm([0.72, -0.28, 0.635])
"""Rest direction of the left thumb, hand axes."""


def house_skeleton(sizes: Proportions) -> Skeleton:
    """Build the 52-joint house skeleton for one person.

    Parameters
    ----------
    sizes : Proportions
        Bone lengths, metres.

    Returns
    -------
    Skeleton
        Named "house"; standing on y = 0 with the pelvis above the origin. Its height in rest
        pose, sole to the tip of the head, is ``sizes.stature``.
    """
    offsets, tips = _axis(sizes)
    for side, out in (("left", 1.0), ("right", -1.0)):
        for name, (parent, place) in _limbs(sizes).items():
            own_parent = parent if parent in offsets else f"{side}_{parent}"
            offsets[f"{side}_{name}"] = (own_parent, np.array(place) * (out, 1, 1))
        for name, tip in _limb_tips(sizes).items():
            tips[f"{side}_{name}"] = np.array(tip) * (out, 1, 1)
    names = tuple(offsets)
    rest = np.tile(np.eye(4), (len(names), 1, 1))
    rest[:, :3, 3] = [place for _, place in offsets.values()]
    return Skeleton(
        name="house",
        joints=names,
        parents=np.array([names.index(parent) if parent else -1 for parent, _ in offsets.values()]),
        rest_local=rest,
        tips=np.array([tips.get(name, np.full(3, np.nan)) for name in names]),
        mirror=np.array([names.index(_other_side(name)) for name in names]),
    )


def sole_offsets(sizes: Proportions) -> dict[str, np.ndarray]:
    """Points of the sole: heel below the foot joint, ball and toe tip below the toes joint.

    Returns
    -------
    dict of str to (3,) float
        "heel" in the axes of the foot joint, "ball" and "tip" in those of the toes joint, metres.
    """
    down = sizes.ankle_height * _BALL_HEIGHT
    forward = (1 - HEEL_BACK - BALL_FORWARD) * sizes.foot_length
    return {
        "heel": np.array([0.0, -sizes.ankle_height, -HEEL_BACK * sizes.foot_length]),
        "ball": np.array([0.0, -down, 0.0]),
        "tip": np.array([0.0, -down, forward]),
    }


def _other_side(name: str) -> str:
    if name.startswith("left_"):
        return "right_" + name.removeprefix("left_")
    return "left_" + name.removeprefix("right_") if name.startswith("right_") else name


Places = dict[str, tuple[str, tuple[float, ...] | np.ndarray]]


def _axis(sizes: Proportions) -> tuple[Places, dict[str, np.ndarray]]:
    """Pelvis to head: parent and offset of each joint, and the tip of the head."""
    above = _NECK_ABOVE_SHOULDERS * sizes.stature
    ears = EAR_HEIGHT * sizes.stature
    low, mid, high = (share * sizes.torso for share in _SPINE_HEIGHTS)
    hips = sizes.ankle_height + sizes.shin + sizes.thigh
    places: Places = {
        "pelvis": ("", (0.0, hips, 0.0)),
        "spine_low": ("pelvis", (0.0, low, 0.0)),
        "spine_mid": ("spine_low", (0.0, mid - low, 0.0)),
        "spine_high": ("spine_mid", (0.0, high - mid, 0.0)),
        "neck": ("spine_high", (0.0, sizes.torso - high + above, 0.0)),
        "head": ("neck", (0.0, sizes.neck - above - ears, 0.0)),
    }
    return places, {"head": np.array([0.0, sizes.head + ears, 0.0])}


def _limbs(sizes: Proportions) -> Places:
    """Joints of the left side with their offsets; a parent of this table belongs to a side."""
    high = _SPINE_HEIGHTS[-1] * sizes.torso
    half = sizes.shoulder_width / 2
    collar = (_CLAVICLE_OUT * half, _CLAVICLE_HEIGHT * sizes.torso)
    ball_down = sizes.ankle_height * (1 - _BALL_HEIGHT)
    limbs: Places = {
        "clavicle": ("spine_high", (collar[0], collar[1] - high, 0.0)),
        "upper_arm": ("clavicle", (half - collar[0], sizes.torso - collar[1], 0.0)),
        "forearm": ("upper_arm", (sizes.upper_arm, 0.0, 0.0)),
        "hand": ("forearm", (sizes.forearm, 0.0, 0.0)),
    }
    for finger in FINGERS:
        out, forward = (share * sizes.hand for share in _KNUCKLES[finger])
        along = THUMB_DIRECTION if finger == "thumb" else np.array([1.0, 0.0, 0.0])
        first, second, _ = (share * sizes.hand for share in _PHALANGES[finger])
        limbs[f"{finger}_1"] = ("hand", (out, 0.0, forward))
        limbs[f"{finger}_2"] = (f"{finger}_1", along * first)
        limbs[f"{finger}_3"] = (f"{finger}_2", along * second)
    limbs["thigh"] = ("pelvis", (sizes.pelvis_width / 2, 0.0, 0.0))
    limbs["shin"] = ("thigh", (0.0, -sizes.thigh, 0.0))
    limbs["foot"] = ("shin", (0.0, -sizes.shin, 0.0))
    limbs["toes"] = ("foot", (0.0, -ball_down, BALL_FORWARD * sizes.foot_length))
    return limbs


def _limb_tips(sizes: Proportions) -> dict[str, np.ndarray]:
    tips = {
        f"{finger}_3": (
            (THUMB_DIRECTION if finger == "thumb" else np.array([1.0, 0.0, 0.0]))
            * (_PHALANGES[finger][2] * sizes.hand)
        )
        for finger in FINGERS
    }
    tips["toes"] = np.array([0.0, 0.0, (1 - HEEL_BACK - BALL_FORWARD) * sizes.foot_length])
    return tips
