"""Motion of any skeleton on the house skeleton.

World turn of the source times the alignment of the two rest poses: bone directions then agree
exactly, whatever the rest pose of the file (copying local turns is wrong by tens of degrees).
"""

import dataclasses

import numpy as np

from choreoscope.datatypes.motion import Motion, Skeleton
from choreoscope.geometry import rotation
from choreoscope.geometry.kinematics import (
    global_to_local,
    rest_joints,
    tip_positions,
    world_joints,
)
from choreoscope.motion.inverse_kinematics import HINGES
from choreoscope.motion.skeletons import FINGERS, SIDES, SPINE
from choreoscope.synthetic.curves import blurred
from choreoscope.synthetic.joint_names import JointMap
from choreoscope.synthetic.puppet import Puppet

_LOWEST_SHARE, _LEAST_STANDING, _SLOW = 0.10, 0.05, 0.25
"""The floor is at this quantile of the heights of soles that are slow (m/s), if enough are."""
_LIFT = 0.10
"""Seconds before and after a body part that would go below the floor to lift the body."""
_STANDING_SHARE = 0.2
"""Of all frames: those in which the toes are lowest."""
_STANDING = np.cos(np.radians(25.0))
_RELAXED = 0.25
_TOE_PAD, _SKIN = 0.010, 0.012
"""Skin below the tips of toes and fingers, metres."""
_LEAST_HINGE, _LEAST_BEND = 0.7, 0.15
"""How alike the axes about which a limb bends have to be, and how much it has to bend at all."""
_NO_BONE = 1e-6
_FRAMES_TO_LEVEL = 100
_AIMS = {
    "clavicle": "upper_arm",
    "upper_arm": "forearm",
    "forearm": "hand",
    "hand": "middle_1",
    "thigh": "shin",
    "shin": "foot",
    "foot": "toes",
}
"""Joint at the other end of each bone."""
_LIMBS = (("upper_arm", "forearm", "hand"), ("thigh", "shin", "foot"))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Retargeted:
    """Somebody else's motion on our skeleton, at the times of the source.

    Attributes
    ----------
    times : (T,) float
        Seconds.
    root : (T, 3) float
        Metres, lowest soles at the floor.
    rotations : (T, J, 4) float
        Of the house skeleton.
    """

    times: np.ndarray
    root: np.ndarray
    rotations: np.ndarray


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """A recorded person: rest pose and world turns, Y up."""

    joints: JointMap
    rest: np.ndarray
    ends: np.ndarray
    places: np.ndarray
    turns: np.ndarray

    def at(self, name: str) -> np.ndarray:
        """Place of one of our joints in the source's rest pose."""
        return np.asarray(self.rest[self.joints.joints[name]])

    def turn(self, name: str) -> np.ndarray:
        """World turns of one of our joints."""
        return np.asarray(self.turns[:, self.joints.joints[name]])


def retarget(
    motion: Motion, joints: JointMap, puppet: Puppet, level: np.ndarray | None = None
) -> Retargeted:
    """Bring motion onto our skeleton.

    Parameters
    ----------
    motion : Motion
        Any skeleton; Y or Z up.
    joints : JointMap
        Of that skeleton.
    puppet : Puppet
        The body.
    level : (4,) float or None
        Turn that makes Y point up, from `levelled`; None finds it in this motion.

    Returns
    -------
    Retargeted
        Bone directions of arms, legs and fingers are those of the source; the trunk bends evenly
        from pelvis to chest.
    """
    places, turns = world_joints(motion.skeleton, motion.root_position, motion.rotations)
    level = levelled(motion, joints) if level is None else level
    rest, still = rest_joints(motion.skeleton)
    source = _Source(
        joints=joints,
        rest=rest,
        ends=tip_positions(motion.skeleton, rest, still),
        places=rotation.rotate(level, places),
        turns=rotation.multiply(level, turns),
    )
    house = puppet.skeleton
    world = np.tile(rotation.identity(len(house.joints)), (len(turns), 1, 1))
    known = np.zeros(len(house.joints), dtype=bool)
    for name, turned in {**_trunk(source), **_limbs(source, puppet)}.items():
        world[:, house.index(name)] = turned
        known[house.index(name)] = True
    rotations = _with_rest_filled(house, world, known)
    pelvis = source.places[:, joints.joints["pelvis"]]
    root = pelvis * (puppet.leg / _leg(rest, joints))
    return Retargeted(
        times=motion.times,
        root=_on_floor(puppet, motion.times, root, rotations),
        rotations=rotations,
    )


def levelled(motion: Motion, joints: JointMap) -> np.ndarray:
    """Find the turn ``(4,)`` that makes Y point up, from where the head is over the pelvis.

    Up is the axis of the file along which the head rises most, on average over the motion: the
    longer that is, the surer.
    """
    thin = slice(None, None, max(1, motion.frame_count // _FRAMES_TO_LEVEL))
    places, _ = world_joints(motion.skeleton, motion.root_position[thin], motion.rotations[thin])
    rise = places[:, joints.joints["head"]] - places[:, joints.joints["pelvis"]]
    mean = rise.mean(axis=0)
    axis = int(np.argmax(np.abs(mean)))
    if axis == 1:
        return rotation.identity()
    return rotation.between(np.eye(3)[axis] * np.sign(mean[axis]), np.eye(3)[1])


def _standing_up(source: _Source) -> np.ndarray | None:
    """Up direction of a rest pose in which somebody stands; None for other rest poses."""
    ankles = (source.at("left_foot") + source.at("right_foot")) / 2
    above, below = source.at("head") - source.at("pelvis"), source.at("pelvis") - ankles
    alike = above @ below / max(np.linalg.norm(above) * np.linalg.norm(below), _NO_BONE)
    return above if alike > _STANDING else None


def _pelvis_frame(source: _Source) -> np.ndarray:
    """Source-from-house turn of the pelvis at rest."""
    left = source.at("left_thigh") - source.at("right_thigh")
    chain = source.joints.trunk
    above = chain[1] if len(chain) > 1 else source.joints.joints["head"]
    up = _standing_up(source)
    if up is None:
        up = source.rest[above] - source.at("pelvis")
    return rotation.from_axes(left, up, "xy")


def _chest_frame(source: _Source) -> np.ndarray:
    """Source-from-house turn of the joint the arms hang on, and of neck and head, at rest."""
    up = _standing_up(source)
    if up is not None:
        return _pelvis_frame(source)
    left = source.at("left_upper_arm") - source.at("right_upper_arm")
    return rotation.from_axes(left, source.at("head") - source.rest[source.joints.trunk[-1]], "xy")


def _trunk(source: _Source) -> dict[str, np.ndarray]:
    """World turns of pelvis, spine, neck and head."""
    chest_frame = _chest_frame(source)
    pelvis = rotation.multiply(source.turn("pelvis"), _pelvis_frame(source))
    chest = rotation.multiply(source.turns[:, source.joints.trunk[-1]], chest_frame)
    if len(source.joints.trunk) == 1:
        chest = pelvis
    head = rotation.multiply(source.turn("head"), chest_frame)
    found = {"pelvis": pelvis, "head": head}
    for order, name in enumerate(SPINE, start=1):
        found[name] = rotation.slerp(pelvis, chest, np.full(len(chest), order / len(SPINE)))
    found["neck"] = rotation.slerp(chest, head, np.full(len(chest), 0.5))
    return found


def _limbs(source: _Source, puppet: Puppet) -> dict[str, np.ndarray]:
    """World turns of arms, legs and fingers, as far as the source has them."""
    alignments: dict[str, np.ndarray] = {}
    for side in SIDES:
        for names in _LIMBS:
            frame = _chest_frame(source) if names[0] == "upper_arm" else _pelvis_frame(source)
            for name in (f"{side}_{part}" for part in names[:2]):
                alignments[name] = _hinged(name, names, source, puppet, frame)
    found = {}
    for name in source.joints.joints:
        side, _, part = name.partition("_")
        # Toes of recordings are guesses of the solver behind them.
        if side not in SIDES or part == "toes":
            continue
        if name not in alignments:
            base = {"foot": "shin", "clavicle": ""}.get(part, "forearm")
            frame = alignments.get(f"{side}_{base}", _chest_frame(source))
            alignments[name] = _pointed(name, source, puppet, frame)
        found[name] = rotation.multiply(source.turn(name), alignments[name])
    return found


def _hinged(
    name: str, names: tuple[str, str, str], source: _Source, puppet: Puppet, frame: np.ndarray
) -> np.ndarray:
    """Alignment of a bone beside an elbow or knee.

    A rest pose that stands tells the twist; for any other it is taken from the axis about which
    the joint bends over the whole film.
    """
    if _standing_up(source) is not None:
        return _pointed(name, source, puppet, frame)
    side = name.partition("_")[0]
    upper, lower, end = (f"{side}_{part}" for part in names)
    bones = [source.at(lower) - source.at(upper), source.at(end) - source.at(lower)]
    ways = [
        rotation.rotate(source.turn(joint), bone / np.linalg.norm(bone))
        for joint, bone in zip((upper, lower), bones, strict=True)
    ]
    bend = rotation.rotate(rotation.inverse(source.turn(name)), np.cross(ways[0], ways[1]))
    axis, size = bend.mean(axis=0), float(np.linalg.norm(bend, axis=-1).mean())
    if size < _LEAST_BEND or np.linalg.norm(axis) < _LEAST_HINGE * size:
        return _pointed(name, source, puppet, frame)
    bone, ours = (bones[0], lower) if name == upper else (bones[1], end)
    there = rotation.from_axes(bone, axis, "xy")
    here = rotation.from_axes(puppet.bone(ours), HINGES[lower], "xy")
    return rotation.multiply(there, rotation.inverse(here))


def _pointed(name: str, source: _Source, puppet: Puppet, frame: np.ndarray) -> np.ndarray:
    """Alignment of a bone by its direction alone, the short way from `frame`."""
    side, _, part = name.partition("_")
    finger, _, number = part.rpartition("_")
    last = finger in FINGERS and number == "3"
    following = f"{finger}_{int(number) + 1}" if finger in FINGERS and not last else None
    aim = f"{side}_{following or _AIMS.get(part, part)}"
    there = source.joints.joints
    end = source.ends[there[name]] if last or aim not in there else source.at(aim)
    way = end - source.at(name)
    ours = puppet.skeleton.tips[puppet.skeleton.index(name)] if last else puppet.bone(aim)
    if not np.isfinite(way).all() or np.linalg.norm(way) < _NO_BONE:
        return frame
    usual = rotation.rotate(frame, ours)
    aligned = rotation.multiply(rotation.between(usual, way), frame)
    if part == "foot" and _standing_up(source) is not None:
        # Both stand flat at rest; ankles of other heights are no reason to tilt the sole.
        return _pelvis_frame(source)
    return _levelled_foot(side, source, ours, aligned) if part == "foot" else aligned


def _levelled_foot(side: str, source: _Source, ours: np.ndarray, aligned: np.ndarray) -> np.ndarray:
    """Tilt a foot so that its sole is level where it stands.

    Ankles of other heights slope in other ways to the toes, so directions alone say nothing of
    soles. The slope while the toes are lowest is that of a flat foot.
    """
    ankle, toes = (source.places[:, source.joints.joints[f"{side}_{p}"]] for p in ("foot", "toes"))
    low = toes[:, 1] <= np.quantile(toes[:, 1], _STANDING_SHARE)
    way = (toes - ankle)[low]
    theirs = float(np.median(np.arctan2(way[:, 1], np.hypot(way[:, 0], way[:, 2]))))
    tilt = theirs - float(np.arctan2(ours[1], ours[2]))
    return rotation.multiply(aligned, rotation.from_rotation_vector(np.array([tilt, 0.0, 0.0])))


def _with_rest_filled(house: Skeleton, world: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Local turns; joints the source lacks hang on their parents, fingers a little curled."""
    world = world.copy()
    for index, parent in enumerate(house.parents):
        if not known[index]:
            curl = _curl(house.joints[index])
            world[:, index] = rotation.multiply(world[:, parent], curl)
    local = global_to_local(house, world)
    return rotation.with_continuous_signs(rotation.normalized(local))


def _curl(name: str) -> np.ndarray:
    side, _, part = name.partition("_")
    if part.rpartition("_")[0] not in FINGERS or part.startswith("thumb"):
        return rotation.identity()
    sign = -1.0 if side == "left" else 1.0
    return rotation.from_rotation_vector(np.array([0.0, 0.0, sign * _RELAXED]))


def _leg(rest: np.ndarray, joints: JointMap) -> float:
    hip, knee, ankle = (rest[joints.joints[f"left_{part}"]] for part in ("thigh", "shin", "foot"))
    return float(np.linalg.norm(knee - hip) + np.linalg.norm(ankle - knee))


def sole_marks(puppet: Puppet, root: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """Heel and ball of both feet, left first, on the sole, world metres, ``(T, 4, 3)``."""
    positions, turns = world_joints(puppet.skeleton, root, rotations)
    marks = []
    for side in SIDES:
        foot, toes = (puppet.skeleton.index(f"{side}_{part}") for part in ("foot", "toes"))
        drop = np.array([0.0, -puppet.sole + puppet.bone(f"{side}_toes")[1], 0.0])
        heel = drop - 0.25 * puppet.bone(f"{side}_toes") * (0.0, 0.0, 1.0)
        ball = np.array([0.0, -puppet.sole, 0.0])
        marks.append(positions[:, foot] + rotation.rotate(turns[:, foot], heel))
        marks.append(positions[:, toes] + rotation.rotate(turns[:, toes], ball))
    return np.stack(marks, axis=1)


def _on_floor(
    puppet: Puppet, times: np.ndarray, root: np.ndarray, rotations: np.ndarray
) -> np.ndarray:
    """Bring the soles that stand to height 0, and lift the body where it would go below."""
    positions, turns = world_joints(puppet.skeleton, root, rotations)
    tips = tip_positions(puppet.skeleton, positions, turns)[..., 1]
    pads = np.where(["toes" in name for name in puppet.skeleton.joints], _TOE_PAD, _SKIN)
    marks = sole_marks(puppet, root, rotations)
    heights = marks[..., 1]
    slow = np.linalg.norm(np.gradient(marks, times, axis=0), axis=-1) < _SLOW
    standing = heights[slow] if slow.mean() > _LEAST_STANDING else heights.min(axis=1)
    base = float(np.quantile(standing, _LOWEST_SHARE))
    lowest = np.minimum(heights.min(axis=1), np.nanmin(tips - pads, axis=1))
    under = np.maximum(base - lowest, 0.0)
    spacing = float(np.median(np.diff(times)))
    reach = max(1, round(_LIFT / spacing))
    widest = np.lib.stride_tricks.sliding_window_view(np.pad(under, reach), 2 * reach + 1)
    lift = blurred(widest.max(axis=1)[:, None], spacing, _LIFT / 2)[:, 0]
    return np.asarray(root + (lift - base)[:, None] * (0.0, 1.0, 0.0))
