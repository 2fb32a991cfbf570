"""What arms, trunk, head and fingers do over a dance: keys on the beat, sharp at the accents."""

import numpy as np

from choreoscope.datatypes.motion import Skeleton
from choreoscope.geometry import rotation
from choreoscope.motion.inverse_kinematics import HINGES
from choreoscope.motion.skeletons import FINGERS, SIDES, SPINE
from choreoscope.synthetic.curves import keyed, keyed_turns, pulse, wander
from choreoscope.synthetic.footwork import DanceStyle

_X, _Y, _Z = np.eye(3)
_ARMS = {
    "down": ((0.28, -0.94, 0.15), 0.35),
    "side": ((1.0, 0.0, 0.15), 0.25),
    "up": ((0.40, 0.90, 0.12), 0.30),
    "front": ((0.30, -0.12, 0.95), 0.45),
    "hip": ((0.72, -0.62, -0.25), 1.35),
    "across": ((0.45, -0.45, 0.77), 1.45),
    "diagonal": ((0.76, 0.60, 0.22), 0.45),
    "back": ((0.45, -0.78, -0.40), 0.20),
    "wing": ((0.92, 0.10, -0.38), 0.12),
    "bent": ((0.90, -0.10, 0.35), 1.60),
}
"""Direction of the left upper arm in the axes of the chest, and how far the elbow bends."""
_FRONTAL = ("front", "across", "bent", "diagonal")
"""Arms that would run into somebody right before the dancer."""
_ALIKE, _MOVED = 0.45, 0.5
"""Share of keys that are the same for both arms, and of beats on which the trunk moves."""
_OFF_THE_FLOOR = {
    "kneel": ("side", "up", "diagonal"),
    "sit": ("side", "up", "diagonal"),
    "hand": ("wing",),
}
"""Arms that keep their hands off the floor when the body is down there."""
Low = tuple[float, float, str]
"""From and until when (seconds) the body is down, and how."""


def arm_moments(
    rng: np.random.Generator, beats: np.ndarray, energy: float, low: list[Low]
) -> tuple[np.ndarray, np.ndarray]:
    """When arms pass from key to key: starts and ends, seconds.

    They arrive on beats, and wherever the body starts on its way down. The more energy, the more
    of them arrive sharply.
    """
    kept = beats[rng.random(len(beats)) < 0.55 + 0.35 * energy]
    sharp = rng.random(len(kept)) < 0.25 + 0.5 * energy
    length = np.where(sharp, rng.uniform(0.24, 0.34, len(kept)), rng.uniform(0.4, 0.75, len(kept)))
    starts = np.concatenate([kept - length, [first - 0.2 for first, _, _ in low]])
    ends = np.concatenate([kept, [first + 0.3 for first, _, _ in low]])
    order = np.argsort(ends, kind="stable")
    return starts[order], ends[order]


def gestures(
    rng: np.random.Generator,
    skeleton: Skeleton,
    times: np.ndarray,
    beats: np.ndarray,
    style: DanceStyle,
    low: list[Low],
) -> np.ndarray:
    """Make the turns of everything above the pelvis.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    skeleton : Skeleton
        House skeleton.
    times : (T,) float
        Seconds.
    beats : (B,) float
        Seconds.
    style : DanceStyle
        What is danced.
    low : list of (float, float, str)
        Rests on the floor, in which arms have to stay up.

    Returns
    -------
    (T, J, 4) float
        Legs and pelvis are left at rest.
    """
    pose = np.tile(rotation.identity(len(skeleton.joints)), (len(times), 1, 1))
    starts, ends = arm_moments(rng, beats, style.energy, low)
    alike = rng.random(len(starts) + 1) < _ALIKE
    first = _names(rng, starts, low, near=style.near)
    other = [
        a if same else b
        for a, b, same in zip(first, _names(rng, starts, low, near=style.near), alike, strict=True)
    ]
    for side, names in zip(SIDES, (first, other), strict=True):
        _arm(rng, skeleton, times, (starts, ends), (side, names), pose)
        _fingers(rng, skeleton, times, (starts, ends), side, pose)
    _wave_arms(rng, skeleton, times, beats, pose)
    _trunk(rng, skeleton, times, beats, style.energy, pose)
    return pose


def _names(
    rng: np.random.Generator, starts: np.ndarray, low: list[Low], *, near: bool
) -> list[str]:
    usual = tuple(name for name in _ARMS if name != "wing" and not (near and name in _FRONTAL))
    names = [str(rng.choice(usual))]
    for start in starts:
        down = [kind for first, last, kind in low if first - 0.9 < start < last + 0.3]
        allowed = _OFF_THE_FLOOR[down[0]] if down else usual
        others = [name for name in allowed if name != names[-1]]
        names.append(str(rng.choice(others or allowed)))
    return names


def _mirrored(turns: np.ndarray, side: str) -> np.ndarray:
    """Give turns of the left side as the right side makes them."""
    return turns * (1.0, 1.0, -1.0, -1.0) if side == "right" else turns


def _arm(
    rng: np.random.Generator,
    skeleton: Skeleton,
    times: np.ndarray,
    passages: tuple[np.ndarray, np.ndarray],
    keys: tuple[str, list[str]],
    pose: np.ndarray,
) -> None:
    side, names = keys
    ways = np.array([_ARMS[name][0] for name in names]) + rng.normal(0, 0.10, (len(names), 3))
    twist = rotation.from_rotation_vector(rng.normal(0, 0.2, (len(names), 1)) * _X)
    upper = keyed_turns(times, *passages, rotation.multiply(rotation.between(_X, ways), twist))
    swing = rotation.from_rotation_vector(0.06 * wander(rng, times, (0.3, 1.6), (3,)))
    elbow = np.array([_ARMS[name][1] for name in names]) + rng.normal(0, 0.15, len(names))
    # Forearms follow the upper arm a little later, as a whip does.
    late = (passages[0] + 0.05, passages[1] + 0.06)
    bend = np.maximum(keyed(times, *late, np.maximum(elbow, 0.1)[:, None]), 0.05)
    bend += 0.05 * (1 + np.clip(wander(rng, times, (0.4, 2.0)), -1, 1))[:, None]
    roll = keyed(times, *late, rng.normal(0.2, 0.5, (len(names), 1)))
    forearm = rotation.multiply(
        rotation.from_rotation_vector(bend * HINGES["left_forearm"]),
        rotation.from_rotation_vector(np.clip(roll, -1.2, 1.2) * _X),
    )
    later = (passages[0] + 0.10, passages[1] + 0.12)
    wrist = keyed(times, *later, rng.normal(0, 0.3, (len(names), 2)).clip(-0.7, 0.7))
    wrist += 0.06 * wander(rng, times, (0.5, 2.5), (2,))
    hand = rotation.from_rotation_vector(wrist[:, :1] * _Z + 0.5 * wrist[:, 1:] * _Y)
    lift = 0.35 * np.clip(rotation.rotate(upper, _X)[:, 1:2], 0, 1) * _Z
    shrug = rotation.from_rotation_vector(lift)
    for name, turns in {
        "clavicle": shrug,
        "upper_arm": rotation.multiply(rotation.inverse(shrug), rotation.multiply(upper, swing)),
        "forearm": forearm,
        "hand": hand,
    }.items():
        pose[:, skeleton.index(f"{side}_{name}")] = _mirrored(turns, side)


def _wave_arms(
    rng: np.random.Generator,
    skeleton: Skeleton,
    times: np.ndarray,
    beats: np.ndarray,
    pose: np.ndarray,
) -> None:
    """Now and then a wave runs out along an arm, from collar bone to hand."""
    for start in beats[::7][1:]:
        side = SIDES[int(rng.integers(2))]
        length = rng.uniform(0.9, 1.4)
        for order, (name, size) in enumerate(
            (("clavicle", 0.12), ("upper_arm", 0.35), ("forearm", 0.4), ("hand", 0.5))
        ):
            own = start + 0.11 * order
            window = pulse(times, (own, own + 0.4 * length, own + 0.6 * length, own + length))
            angle = size * window * np.sin(2 * np.pi * (times - own) / length)
            axis = HINGES["left_forearm"] * 0.5 + 0.5 * _Z if name == "forearm" else _Z
            wave = rotation.from_rotation_vector(angle[:, None] * axis)
            index = skeleton.index(f"{side}_{name}")
            pose[:, index] = rotation.multiply(_mirrored(wave, side), pose[:, index])


def _fingers(
    rng: np.random.Generator,
    skeleton: Skeleton,
    times: np.ndarray,
    passages: tuple[np.ndarray, np.ndarray],
    side: str,
    pose: np.ndarray,
) -> None:
    keys = rng.beta(1.2, 2.0, len(passages[0]) + 1)
    for number, finger in enumerate(FINGERS):
        each = np.clip(keys + rng.normal(0, 0.05, len(keys)), 0, 1)[:, None]
        late = 0.02 * number
        curl = keyed(times, passages[0] + late, passages[1] + late, each)
        axis = -0.5 * _Z + 0.6 * _Y if finger == "thumb" else -_Z
        spread = (0.5 - 0.25 * number) * 0.3 * (1 - curl) if finger != "thumb" else 0 * curl
        for bone, size in ((1, 0.9), (2, 1.2), (3, 0.8)):
            share = size * (0.3 if finger == "thumb" else 1.0)
            turn = rotation.from_rotation_vector(share * (0.08 + curl) * axis)
            if bone == 1:
                turn = rotation.multiply(rotation.from_rotation_vector(-spread * _Y), turn)
            pose[:, skeleton.index(f"{side}_{finger}_{bone}")] = _mirrored(turn, side)


def _trunk(
    rng: np.random.Generator,
    skeleton: Skeleton,
    times: np.ndarray,
    beats: np.ndarray,
    energy: float,
    pose: np.ndarray,
) -> None:
    ends = beats[rng.random(len(beats)) < _MOVED]
    starts = ends - rng.uniform(0.35, 0.6, len(ends))
    size = (0.10 + 0.14 * energy) * np.array([1.0, 1.0, 0.7])
    keys = rng.normal(0, 1, (len(ends) + 1, 3)).clip(-1.5, 1.5) * size + (0.05, 0.0, 0.0)
    bend = keyed(times, starts, ends, keys) + 0.02 * wander(rng, times, (0.3, 1.5), (3,))
    for order, name in enumerate(SPINE):
        share = (0.3, 0.35, 0.35)[order]
        pose[:, skeleton.index(name)] = rotation.from_rotation_vector(share * bend)
    looks = rng.normal(0, 1, (len(ends) + 1, 3)).clip(-1.5, 1.5) * (0.15, 0.35, 0.10)
    look = keyed(times, starts, ends, looks) - (0.5, 0.6, 0.6) * bend
    for name in ("neck", "head"):
        pose[:, skeleton.index(name)] = rotation.from_rotation_vector(look / 2)
