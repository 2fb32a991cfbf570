"""When parts of a body carry weight: height above what carries the body, speed, hysteresis.

Everything is in seconds, metres and metres per second, so the frame rate changes nothing. A part
is a group of points on the skin (heel, ball, hand, knee, seat, elbow). It stands when some point
of its low patch does: a ball of a foot that turns on the spot stands, the heel that circles
around it slides. Heights count from what carries the person at the time (`support`), so neither
a wrong depth of a person nor a platform takes contacts away.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from choreoscope.motion.touch.floor import FloorFit
from choreoscope.motion.touch.parts import Part, part_columns
from choreoscope.motion.touch.speeds import local_motion
from choreoscope.motion.touch.support import Resting, midpoints, support_height

TOUCHING = 0.5
"""Chance from which on a part is in contact."""
PARTS = {
    "heel": ("heel_inner", "heel_outer"),
    "ball": ("ball_inner", "ball_outer", "toe_tip"),
    "hand": ("palm", "fingertips"),
    "knee": ("knee",),
    "seat": ("seat",),
    "elbow": ("elbow",),
}
"""Points of the house body's "soles" and "contacts" that make a part, without their side."""
PART_JOINTS = {
    "heel": "foot",
    "ball": "toes",
    "hand": "hand",
    "knee": "shin",
    "seat": "thigh",
    "elbow": "forearm",
}
"""House joint, without its side, that moves a part."""
_FEET = ("heel", "ball")
_LOW_WIDTH = 0.015
_REACH = 0.3


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ContactLimits:
    """When a contact begins, lasts and ends.

    A contact is a stretch of time within the limits of leaving that somewhere meets the limits of
    entering: the same forwards and backwards in time.

    Attributes
    ----------
    enter_height, leave_height : float
        Metres above what carries the person, for heels and balls of the feet.
    softer : float
        Metres by which both are wider for other parts, whose flesh gives.
    enter_speed, leave_speed : float
        Metres per second.
    shortest, shortest_gap : float
        Seconds; shorter contacts, and shorter gaps between two, are none.
    camera : (3,) or (T, 3) float or None
        Where the film was taken from: speed along the view is then left out.
    """

    enter_height: float = 0.035
    leave_height: float = 0.06
    softer: float = 0.03
    enter_speed: float = 0.25
    leave_speed: float = 0.5
    shortest: float = 0.08
    shortest_gap: float = 0.06
    camera: np.ndarray | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ContactSpan:
    """One contact of one part.

    Attributes
    ----------
    name : str
        Part.
    start, stop : int
        Rows, half-open.
    seconds : tuple of float
        Begin and end, halfway to the rows outside.
    height : float
        Median height of the part above the floor, metres: 0 on the floor, more on a step or in a
        partner's arms, and off by as much as the person's depth is wrong.
    """

    name: str
    start: int
    stop: int
    seconds: tuple[float, float]
    height: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Contacts:
    """What one person touches.

    Attributes
    ----------
    names : tuple of str, length C
        Parts, for example "left_heel".
    chance : (T, C) float
        0 to 1 that the part is planted: low and at rest. At least 0.5 in contact, below outside.
    near : (T, C) float
        0 to 1 that the part is as low as what carries the person, at whatever speed.
    support : (T,) float
        Height of what carries the person above the floor, metres; between two rests interpolated,
        NaN if nothing ever rests.
    shares : (T, K) float
        Share of each point in the spot of its part that stands; sums to 1 within a part.
    seen : (T, C) float
        Confidence around each moment.
    spans : tuple of ContactSpan
        In order of parts, then time.
    """

    names: tuple[str, ...]
    chance: np.ndarray
    near: np.ndarray
    support: np.ndarray
    shares: np.ndarray
    seen: np.ndarray
    spans: tuple[ContactSpan, ...]

    def on_floor(self, reach: float = _REACH) -> np.ndarray:
        """Chances ``(T, C)`` of contacts whose height is within `reach` metres of the floor.

        Contacts higher up (platform, partner) are 0: they stand still, but on something else.
        """
        kept = np.zeros_like(self.chance)
        for span in self.spans:
            if abs(span.height) <= reach:
                part = self.names.index(span.name)
                kept[span.start : span.stop, part] = self.chance[span.start : span.stop, part]
        return kept


def contact_groups(names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Group the points of "soles" and "contacts" into parts.

    Parameters
    ----------
    names : sequence of str
        Of points, for example "left_ball_inner"; others are ignored.

    Returns
    -------
    dict of str to tuple of int
        Columns of each part that has any, left and right alternating.
    """
    places = {name: column for column, name in enumerate(names)}
    groups = {}
    for part, ends in PARTS.items():
        for side in ("left", "right"):
            columns = tuple(places[f"{side}_{e}"] for e in ends if f"{side}_{e}" in places)
            if columns:
                groups[f"{side}_{part}"] = columns
    return groups


def detect_contacts(
    times: np.ndarray,
    points: np.ndarray,
    groups: Mapping[str, Sequence[int]],
    confidence: np.ndarray,
    floor: FloorFit,
    limits: ContactLimits | None = None,
) -> Contacts:
    """Find what a person touches, when, and at what height.

    Parameters
    ----------
    times : (T,) float
        Seconds, strictly rising.
    points : (T, K, 3) float
        Of the skin, metres, in the axes of the floor; NaN where unknown.
    groups : mapping of str to columns
        Parts (`contact_groups`); each point in at most one.
    confidence : (T, K) float
        0 to 1; 0 is not seen.
    floor : FloorFit
        A fit, or `floor.level_floor` in a world whose Y is up.
    limits : ContactLimits or None
        None: the default ones.

    Returns
    -------
    Contacts
        A contact lower than the soles of somebody in the air, or of somebody who moves all the
        time, is none; whoever hangs still is carried at that height.
    """
    limits = limits or ContactLimits()
    motion = local_motion(times, points, confidence, limits.camera)
    heights = np.where(motion.seen > 0, floor.heights(motion.places), np.inf)
    slow = limits.enter_speed / 2
    parts = [Part.of(heights, motion, tuple(c), slow) for c in groups.values()]
    height, speed, seen = part_columns(parts, len(times))
    support = support_height(times, Resting(heights=height, speeds=speed, seen=seen))
    above = height - np.where(np.isfinite(support), support, -np.inf)[:, None]
    wider = np.array([0.0 if n.endswith(_FEET) else limits.softer for n in groups])
    state = _state(times, (height, above - wider, speed), limits)
    chance = _chance(above - wider, speed, limits)
    below = np.nextafter(TOUCHING, 0)
    planted = np.where(state, np.maximum(chance, TOUCHING), np.minimum(chance, below))
    planted = np.where(seen > 0, planted, 0.0)
    shares = np.zeros(confidence.shape)
    for part, columns in zip(parts, groups.values(), strict=True):
        shares[:, list(columns)] = part.shares
    near = _falling((above - wider - limits.enter_height) / _LOW_WIDTH)
    spans = [
        ContactSpan(
            name=name,
            start=start,
            stop=stop,
            seconds=_seconds(times, start, stop),
            height=_middle(height[start:stop, column]),
        )
        for column, name in enumerate(groups)
        for start, stop in runs(state[:, column])
    ]
    return Contacts(
        names=tuple(groups),
        chance=planted,
        near=np.where(seen > 0, np.maximum(near, planted), 0.0),
        support=support,
        shares=shares,
        seen=seen,
        spans=tuple(spans),
    )


def sole_weights(
    times: np.ndarray,
    contacts: Contacts,
    groups: Mapping[str, Sequence[int]],
) -> np.ndarray:
    """Seconds each point lay on what carries its person: evidence for a floor.

    Parameters
    ----------
    times : (T,) float
        Seconds.
    contacts : Contacts
        Of these groups.
    groups : mapping of str to columns
        Parts.

    Returns
    -------
    (T, K) float
        0 outside contacts, in jumps and for lifted feet.
    """
    lasting = durations(times)
    weights = np.zeros(contacts.shares.shape)
    for column, columns in enumerate(groups.values()):
        chance = contacts.chance[:, column] * (contacts.chance[:, column] >= TOUCHING)
        own = contacts.shares[:, list(columns)]
        weights[:, list(columns)] = own * (chance * lasting)[:, None]
    return weights


def durations(times: np.ndarray) -> np.ndarray:
    """Seconds each row stands for, at most 0.2: 0.04 for a single one."""
    if len(times) == 1:
        return np.full(1, 0.04)
    return np.asarray(np.minimum(np.gradient(times), 0.2))


def runs(state: np.ndarray) -> list[tuple[int, int]]:
    """Stretches of rows ``(T,)`` that are true, half-open."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], state.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _middle(heights: np.ndarray) -> float:
    """Median of what is known; gaps that were filled may not be."""
    return float(np.median(heights[np.isfinite(heights)]))


def _falling(x: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(np.clip(x, -50, 50))))


def _chance(above: np.ndarray, speed: np.ndarray, limits: ContactLimits) -> np.ndarray:
    chance = np.ones(above.shape)
    for value, enter, leave in (
        (above, limits.enter_height, limits.leave_height),
        (speed, limits.enter_speed, limits.leave_speed),
    ):
        width = max(leave - enter, 1e-6) / 3
        chance = chance * _falling((value - (enter + leave) / 2) / width)
    return chance


def _state(
    times: np.ndarray, parts: tuple[np.ndarray, np.ndarray, np.ndarray], limits: ContactLimits
) -> np.ndarray:
    """In contact or not, ``(T, C)``; `parts` are heights, heights above the support, speeds."""
    state = np.zeros(parts[0].shape, dtype=bool)
    for column, (height, above, speed) in enumerate(
        zip(*(values.T for values in parts), strict=True)
    ):
        slow = speed < limits.leave_speed
        strict = (above < limits.enter_height) & (speed < limits.enter_speed)
        found = _reaching((above < limits.leave_height) & slow, strict)
        stayed = found.copy()
        for start, stop in runs(found):
            # A foot that waits on the box for the other one is not yet the lowest.
            level = float(np.median(height[start:stop]))
            held = slow & (np.abs(height - level) < limits.enter_height)
            held[start:stop] = True
            stayed |= _reaching(held, np.arange(len(times)) == start)
        state[:, column] = _lasting(times, stayed, limits)
    return state


def _reaching(loose: np.ndarray, strict: np.ndarray) -> np.ndarray:
    """Stretches of `loose` that hold something of `strict`."""
    state = np.zeros(len(loose), dtype=bool)
    for start, stop in runs(loose):
        state[start:stop] = strict[start:stop].any()
    return state


def _lasting(times: np.ndarray, state: np.ndarray, limits: ContactLimits) -> np.ndarray:
    """Fill short gaps, then drop short contacts; what the clip cuts off may be longer."""
    kept = state.copy()
    for value, least in ((False, limits.shortest_gap), (True, limits.shortest)):
        for start, stop in runs(kept == value):
            begin, end = _seconds(times, start, stop)
            if start > 0 and stop < len(kept) and end - begin < least:
                kept[start:stop] = not value
    return kept


def _seconds(times: np.ndarray, start: int, stop: int) -> tuple[float, float]:
    edges = midpoints(times)
    return float(edges[start]), float(edges[stop])
