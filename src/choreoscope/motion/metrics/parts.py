"""Which joints of any skeleton are feet, knees, hips and hands, and where its soles are."""

import dataclasses
import re

import numpy as np

from choreoscope.datatypes.motion import Motion, Skeleton
from choreoscope.geometry import kinematics, rotation

_FINGER = re.compile(r"thumb|index|middle|ring|pinky|little|finger", re.IGNORECASE)
_FOOT = re.compile(r"foot|ankle", re.IGNORECASE)
_TOES = re.compile(r"toe", re.IGNORECASE)
_HAND = re.compile(r"hand|wrist", re.IGNORECASE)
_SOLE_BELOW = 0.15
"""Metres within which y = 0 is taken for the sole of a skeleton at rest."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Names of joints; empty where a skeleton does not have them.

    Attributes
    ----------
    body : tuple of str
        All joints but those of the fingers.
    hands, feet, toes : tuple of str
        One per side.
    legs : tuple of (str, str, str)
        Hip, knee and ankle of each side.
    """

    body: tuple[str, ...]
    hands: tuple[str, ...]
    feet: tuple[str, ...]
    toes: tuple[str, ...]
    legs: tuple[tuple[str, str, str], ...]

    @property
    def hips(self) -> tuple[str, ...]:
        """The two hips, whose middle is the pelvis."""
        return tuple(hip for hip, _, _ in self.legs)


def parts_of(skeleton: Skeleton) -> Parts:
    """Find the parts of a skeleton by the names of its joints."""
    names = skeleton.joints
    body = [name for name in names if not _FINGER.search(name)]
    feet = _first(skeleton, [n for n in body if _FOOT.search(n) and not _TOES.search(n)])
    legs = []
    for foot in feet:
        knee = int(skeleton.parents[skeleton.index(foot)])
        hip = int(skeleton.parents[knee]) if knee > 0 else -1
        if hip >= 0:
            legs.append((names[hip], names[knee], foot))
    return Parts(
        body=tuple(body),
        hands=_first(skeleton, [name for name in body if _HAND.search(name)]),
        feet=feet,
        toes=_first(skeleton, [name for name in body if _TOES.search(name)]),
        legs=tuple(legs),
    )


def sole_points(motion: Motion) -> dict[str, np.ndarray]:
    """Points under the feet: below each foot and toes joint at rest, and below the toes' tip.

    Parameters
    ----------
    motion : Motion
        Of any skeleton. The sole at rest is y = 0 if the lowest joint of a foot is just above it,
        else the height of that joint.

    Returns
    -------
    dict of str to (T, 3) float
        World, metres, by the joint's name, the tip as ``"<name>.tip"``.
    """
    skeleton, parts = motion.skeleton, parts_of(motion.skeleton)
    rest, rest_turns = kinematics.rest_joints(skeleton)
    places, turns = kinematics.of_motion(motion)
    tips = kinematics.tip_positions(skeleton, rest, rest_turns)
    indices = [skeleton.index(name) for name in (*parts.feet, *parts.toes)]
    if not indices:
        return {}
    lowest = float(np.nanmin([rest[indices, 1], tips[indices, 1]]))
    ground = 0.0 if 0 <= lowest < _SOLE_BELOW else lowest
    points = {}
    for index in indices:
        name = skeleton.joints[index]
        marks = {name: rest[index]}
        if name in parts.toes and np.isfinite(tips[index]).all():
            marks[f"{name}.tip"] = tips[index]
        for mark, at in marks.items():
            lever = rotation.rotate(
                rotation.inverse(rest_turns[index]), np.array([at[0], ground, at[2]]) - rest[index]
            )
            points[mark] = places[:, index] + rotation.rotate(turns[:, index], lever)
    return points


def _first(skeleton: Skeleton, names: list[str]) -> tuple[str, ...]:
    """Drop those that have another of them above themselves in the tree."""
    kept = []
    for name in names:
        above = int(skeleton.parents[skeleton.index(name)])
        while above >= 0 and skeleton.joints[above] not in names:
            above = int(skeleton.parents[above])
        if above < 0:
            kept.append(name)
    return tuple(kept)
