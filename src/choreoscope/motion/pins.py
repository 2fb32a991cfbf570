"""Feet that are pinned by hand stay where they are: legs bend, and if need be the body follows.

Every uninterrupted pin of a heel or a ball gets one place. Where both are pinned the foot keeps one
direction, too. Hip and ankle are then joined in closed form (two-bone inverse kinematics by the
law of cosines, in the plane in which the knee bends already). Corrections fade out over 0.15 s
before and after a pin.
"""

import dataclasses
import itertools

import numpy as np

from choreoscope.datatypes.motion import Skeleton
from choreoscope.geometry import rotation
from choreoscope.geometry.kinematics import world_joints
from choreoscope.motion.inverse_kinematics import HINGES
from choreoscope.motion.proportions import Proportions
from choreoscope.motion.skeletons import SIDES, sole_offsets

_FADE = 0.15
_STRETCHED = 0.9995
"""Share of its length that a leg may reach: a straight knee has no plane to bend in."""
_STRAIGHT = 1e-4
_ROUNDS = 12
_Lock = tuple[int, int, tuple[int, int]]
"""First row and the one after the last, and the numbers of the pins of heel and ball."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Leg:
    """Where an ankle has to be.

    Attributes
    ----------
    goal : (T, 3) float
        World, metres; of use where `held`.
    foot : (T, 4) float
        World turn the foot is to have.
    toes : (T, 4) float
        Turn of the toes from their rest.
    """

    side: str
    held: np.ndarray
    goal: np.ndarray
    foot: np.ndarray
    toes: np.ndarray


def hold_feet(
    skeleton: Skeleton,
    sizes: Proportions,
    times: np.ndarray,
    pose: tuple[np.ndarray, np.ndarray],
    pinned: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Keep pinned soles where they are.

    Parameters
    ----------
    skeleton, sizes : Skeleton, Proportions
        House skeleton and what it was built with.
    times : (T,) float
        Seconds, strictly rising.
    pose : ((T, 3), (T, J, 4)) float
        World root, metres, and rotations.
    pinned : (T, 4) bool
        Columns as `skeletons.CONTACT_JOINTS`.

    Returns
    -------
    root : (T, 3) float
        Moved only where a leg is too short to reach.
    rotations : (T, J, 4) float
        Changed at the joints of the legs.
    """
    root, rotations = pose
    if not pinned.any():
        return root, rotations
    positions, world = world_joints(skeleton, root, rotations)
    legs = [
        _leg(skeleton, sizes, times, (positions, world), pinned[:, 2 * place : 2 * place + 2], side)
        for place, side in enumerate(SIDES)
    ]
    legs = [leg for leg in legs if leg.held.any()]
    moved = root + _follow(skeleton, sizes, times, positions, legs)
    turned = rotations.copy()
    for leg in legs:
        _bend(skeleton, (positions + (moved - root)[:, None], world), times, leg, turned)
    return moved, rotation.normalized(turned)


def _leg(
    skeleton: Skeleton,
    sizes: Proportions,
    times: np.ndarray,
    placed: tuple[np.ndarray, np.ndarray],
    pinned: np.ndarray,
    side: str,
) -> _Leg:
    positions, world = placed
    index = skeleton.index(f"{side}_foot")
    ankle, foot = positions[:, index], world[:, index]
    toes = rotation.multiply(rotation.inverse(foot), world[:, skeleton.index(f"{side}_toes")])
    soles, base = sole_offsets(sizes), skeleton.rest_local[skeleton.index(f"{side}_toes"), :3, 3]
    locks = _locks(pinned)
    foot, toes = _locked(times, foot, locks), _locked(times, toes, locks)
    reach = np.stack(
        [
            rotation.rotate(foot, soles["heel"]),
            rotation.rotate(foot, base + rotation.rotate(toes, soles["ball"])),
        ],
        axis=1,
    )
    place = _places(ankle[:, None] + reach, reach, pinned, locks)
    goal = np.where(pinned[:, :1], place[:, 0] - reach[:, 0], place[:, 1] - reach[:, 1])
    return _Leg(side=side, held=np.asarray(pinned.any(axis=1)), goal=goal, foot=foot, toes=toes)


def _locks(pinned: np.ndarray) -> list[_Lock]:
    """Frames in which heel and ball are pinned both, and the numbers of their pins there.

    A pin of the one may outlast that of the other: a foot rolls over its ball.
    """
    runs = [_runs(column) for column in pinned.T]
    both = [
        (max(one[0], two[0]), min(one[1], two[1]), (i, j))
        for (i, one), (j, two) in itertools.product(enumerate(runs[0]), enumerate(runs[1]))
    ]
    return sorted(lock for lock in both if lock[0] < lock[1])


def _runs(column: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], column.astype(np.int8), [0]])))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def _locked(times: np.ndarray, turns: np.ndarray, locks: list[_Lock]) -> np.ndarray:
    """Make turns equal over each lock, and lead there and away smoothly."""
    held = np.zeros(len(times), dtype=bool)
    off = np.zeros((len(times), 3))
    for start, stop, _ in locks:
        rows = slice(start, stop)
        mean = rotation.normalized(rotation.with_continuous_signs(turns[rows]).sum(axis=0))
        off[rows] = rotation.to_rotation_vector(
            rotation.multiply(mean, rotation.inverse(turns[rows]))
        )
        held[rows] = True
    return rotation.multiply(rotation.from_rotation_vector(_faded(times, off, held)), turns)


def _places(
    points: np.ndarray,
    reach: np.ndarray,
    pinned: np.ndarray,
    locks: list[_Lock],
) -> np.ndarray:
    """Place of every pin, ``(T, 2, 3)``: its median, unless the other end of the foot tells it."""
    runs = [_runs(column) for column in pinned.T]
    told: dict[tuple[int, int], np.ndarray] = {}

    def median(column: int, number: int) -> np.ndarray:
        start, stop = runs[column][number]
        return np.asarray(np.median(points[start:stop, column], axis=0))

    # In the order of time no pin can be told by two others.
    for start, _, (heel, ball) in locks:
        along = reach[start, 1] - reach[start, 0]
        if (1, ball) in told:
            told[0, heel] = told[1, ball] - along
        else:
            told.setdefault((0, heel), median(0, heel))
            told[1, ball] = told[0, heel] + along
    places = points.copy()
    for column, spans in enumerate(runs):
        for number, (start, stop) in enumerate(spans):
            at = told.get((column, number))
            places[start:stop, column] = median(column, number) if at is None else at
    return places


def _faded(times: np.ndarray, values: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Values where held, leading to 0 over at most 0.15 s, or half the way to the next."""
    rows = np.flatnonzero(held)
    if not len(rows):
        return np.zeros_like(values)
    place = np.searchsorted(rows, np.arange(len(times)))
    before, after = rows[np.maximum(place - 1, 0)], rows[np.minimum(place, len(rows) - 1)]
    between = (place > 0) & (place < len(rows))
    length = np.where(between, np.minimum(_FADE, (times[after] - times[before]) / 2), _FADE)
    result = np.where(held[:, None], values, 0.0)
    for edge, there in ((before, place > 0), (after, place < len(rows))):
        left = np.clip(1 - np.abs(times - times[edge]) / np.maximum(length, 1e-9), 0.0, 1.0)
        share = np.where(there & ~held, left * left * (3 - 2 * left), 0.0)
        result = result + share[:, None] * values[edge]
    return np.asarray(result)


def _follow(
    skeleton: Skeleton,
    sizes: Proportions,
    times: np.ndarray,
    positions: np.ndarray,
    legs: list[_Leg],
) -> np.ndarray:
    """How far the body has to move so that every leg reaches its goal, ``(T, 3)``."""
    shift = np.zeros((len(times), 3))
    longest = _STRETCHED * (sizes.thigh + sizes.shin)
    for _, leg in itertools.product(range(_ROUNDS), legs):
        away = leg.goal - positions[:, skeleton.index(f"{leg.side}_thigh")] - shift
        distance = np.linalg.norm(away, axis=-1, keepdims=True)
        lacking = np.maximum(distance - longest, 0.0) / np.maximum(distance, 1e-9)
        shift += np.where(leg.held[:, None], away * lacking, 0.0)
    held = np.any([leg.held for leg in legs], axis=0)
    return _faded(times, shift, held)


def _bend(
    skeleton: Skeleton,
    placed: tuple[np.ndarray, np.ndarray],
    times: np.ndarray,
    leg: _Leg,
    turned: np.ndarray,
) -> None:
    """Turn thigh, shin and foot in place so that the ankle gets to its goal."""
    positions, world = placed
    thigh, shin, foot, toes = (
        skeleton.index(f"{leg.side}_{part}") for part in ("thigh", "shin", "foot", "toes")
    )
    hip, knee, ankle = positions[:, thigh], positions[:, shin], positions[:, foot]
    wanted = ankle + _faded(times, leg.goal - ankle, leg.held) - hip
    upper, lower = hip - knee, ankle - knee
    a, b = np.linalg.norm(upper, axis=-1), np.linalg.norm(lower, axis=-1)
    far = np.clip(np.linalg.norm(wanted, axis=-1), np.abs(a - b) + _STRAIGHT, a + b)
    angle = np.arccos(np.clip((a**2 + b**2 - far**2) / (2 * a * b), -1.0, 1.0))
    axis = _knee_axis(world[:, thigh], upper, lower, HINGES[f"{leg.side}_shin"])
    now = np.arctan2(np.sum(np.cross(upper, lower) * axis, axis=-1), np.sum(upper * lower, axis=-1))
    hinge = rotation.from_rotation_vector((angle - now)[:, None] * axis)
    aim = rotation.between(rotation.rotate(hinge, lower) - upper, wanted)
    new_thigh = rotation.multiply(aim, world[:, thigh])
    new_shin = rotation.multiply(aim, rotation.multiply(hinge, world[:, shin]))
    above = world[:, skeleton.parents[thigh]]
    turned[:, thigh] = rotation.multiply(rotation.inverse(above), new_thigh)
    turned[:, shin] = rotation.multiply(rotation.inverse(new_thigh), new_shin)
    turned[:, foot] = rotation.multiply(rotation.inverse(new_shin), leg.foot)
    turned[:, toes] = leg.toes


def _knee_axis(
    thigh: np.ndarray, upper: np.ndarray, lower: np.ndarray, hinge: np.ndarray
) -> np.ndarray:
    """Find the unit axis about which the angle between thigh and shin opens, ``(T, 3)``."""
    across = np.cross(upper, lower)
    size = np.linalg.norm(across, axis=-1, keepdims=True)
    along = upper / np.linalg.norm(upper, axis=-1, keepdims=True)
    own = -rotation.rotate(thigh, hinge)
    own = own - np.sum(own * along, axis=-1, keepdims=True) * along
    own = own / np.linalg.norm(own, axis=-1, keepdims=True)
    return np.asarray(np.where(size > _STRAIGHT, across / np.maximum(size, 1e-12), own))
