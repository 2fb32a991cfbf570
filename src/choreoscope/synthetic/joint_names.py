"""Which joint of somebody else's skeleton is which of ours: names of CMU, MotionBuilder, Mixamo...

Every name is compared without case, blanks, underscores and prefix ("mixamorig:").
"""

import dataclasses
import re

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.motion import Skeleton
from choreoscope.motion.skeletons import FINGERS, SIDES

_SINGLE = {
    "pelvis": ("hips", "hip", "pelvis", "root"),
    "neck": ("neck", "neck1", "lowerneck"),
    "head": ("head",),
}
_PAIRED = {
    "upper_arm": ("arm", "uparm", "upperarm", "shoulder"),
    "clavicle": ("collar", "clavicle", "collarbone", "shoulder"),
    "forearm": ("forearm", "elbow", "lowerarm", "lowarm"),
    "hand": ("hand", "wrist"),
    "thigh": ("upleg", "thigh", "upperleg", "hip"),
    "shin": ("leg", "shin", "knee", "calf", "lowerleg", "lowleg"),
    "foot": ("foot", "ankle"),
    "toes": ("toebase", "toes", "toe", "ball"),
}
_LIMBS = ("upper_arm", "forearm", "hand", "thigh", "shin", "foot")
_NEEDED = ("pelvis", "head", *(f"{side}_{part}" for side in SIDES for part in _LIMBS))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class JointMap:
    """Where joints of ours are found in another skeleton.

    Attributes
    ----------
    joints : dict of str to int
        Our joint to the other's number; what it lacks is absent. No spine: see `trunk`.
    trunk : tuple of int
        From the pelvis to the joint the arms hang on.
    """

    joints: dict[str, int]
    trunk: tuple[int, ...]


def map_joints(skeleton: Skeleton) -> JointMap:
    """Recognise a skeleton.

    Parameters
    ----------
    skeleton : Skeleton
        Of a file.

    Returns
    -------
    JointMap

    Raises
    ------
    InputError
        Naming the joints of ours that were not found.
    """
    names = [_plain(name) for name in skeleton.joints]
    found: dict[str, int] = {}
    for ours, others in _SINGLE.items():
        _take(found, names, ours, others)
    for side in SIDES:
        for part, others in _PAIRED.items():
            spelled = [way for other in others for way in _sided(side, other)]
            _take(found, names, f"{side}_{part}", tuple(spelled))
        for finger in FINGERS:
            for bone in (1, 2, 3):
                spelled = _sided(side, f"hand{finger}{bone}") + _sided(side, f"{finger}{bone}")
                _take(found, names, f"{side}_{finger}_{bone}", tuple(spelled))
    missing = [ours for ours in _NEEDED if ours not in found]
    if missing:
        raise InputError(
            f"{skeleton.name}: not a skeleton of a person that is known: found no "
            f"{', '.join(missing)} among {', '.join(skeleton.joints)}"
        )
    return JointMap(joints=found, trunk=_trunk(skeleton, found))


def _plain(name: str) -> str:
    return re.sub(r"[\s_.\-]", "", name.rpartition(":")[2]).lower()


def _sided(side: str, part: str) -> list[str]:
    return [f"{side}{part}", f"{side[0]}{part}", f"{part}{side}", f"{part}{side[0]}"]


def _take(found: dict[str, int], names: list[str], ours: str, others: tuple[str, ...]) -> None:
    taken = set(found.values())
    for other in others:
        if other in names and names.index(other) not in taken:
            found[ours] = names.index(other)
            return


def _trunk(skeleton: Skeleton, found: dict[str, int]) -> tuple[int, ...]:
    """Joints from the pelvis up to the one that carries both arms."""
    lines = [_ancestors(skeleton.parents, found[f"{side}_upper_arm"]) for side in SIDES]
    common = [joint for joint in lines[0] if joint in lines[1]]
    pelvis = found["pelvis"]
    if pelvis not in common:
        raise InputError(f"{skeleton.name}: the arms do not hang on {skeleton.joints[pelvis]}")
    return tuple(reversed(common[: common.index(pelvis) + 1]))


def _ancestors(parents: np.ndarray, joint: int) -> list[int]:
    line = []
    while joint >= 0:
        joint = int(parents[joint])
        if joint >= 0:
            line.append(joint)
    return line
