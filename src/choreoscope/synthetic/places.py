"""Where on the floor people dance: in a row, as partners, across, coming in and going out."""

import dataclasses
import math

import numpy as np

from choreoscope.synthetic.curves import eased, pulse, wander
from choreoscope.synthetic.dance import Reach
from choreoscope.synthetic.footwork import LEAD, Path
from choreoscope.synthetic.puppet import Puppet

_SPACING = 0.05
_APART, _FAR_APART = 1.45, 1.8
"""From one place to the next, metres; farther where anybody could run into the others."""
_WALK = 1.15
_OUTSIDE = 5.0
"""How far to the side somebody starts who comes into the picture, metres."""
_HOLD_LENGTH = 2.2


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One person's place.

    Attributes
    ----------
    path : Path
        Where he or she wants to be.
    home : Path or None
        What the camera cares for instead, of somebody who comes in or goes out.
    """

    path: Path
    home: Path | None = None


def standings(  # noqa: PLR0913 - the ways to stand
    rng: np.random.Generator,
    people: int,
    seconds: float,
    *,
    partner: bool,
    crossing: bool,
    entering: bool,
    leaving: bool,
) -> list[Standing]:
    """Give everybody a place.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    people : int
        How many.
    seconds : float
        Length of the shot.
    partner, crossing, entering, leaving : bool
        As in `shot.ShotSpec`.

    Returns
    -------
    list of Standing
    """
    moments = np.arange(-2 * LEAD, seconds + 2 * LEAD, _SPACING)
    shared = np.zeros((len(moments), 2))
    if crossing:
        way = rng.choice([-1.0, 1.0]) * min(0.5, 2.6 / max(seconds, 1.0))
        shared[:, 0] = way * (moments - seconds / 2)
    groups = people - 1 if partner else people
    across = (_FAR_APART if partner or crossing else _APART) * (
        np.arange(groups) - (groups - 1) / 2
    )
    rng.shuffle(across)
    found: list[Standing] = []
    for number in range(people):
        if partner and number < 2:  # noqa: PLR2004 - the pair
            continue
        own = across[number - 1 if partner else number]
        place = shared + np.array([own + rng.uniform(-0.1, 0.1), rng.uniform(-0.5, 0.5)])
        place += 0.14 * wander(rng, moments, (0.06, 0.2), (2,)).clip(-1.8, 1.8)
        facing = rng.uniform(-0.5, 0.5) + 0.35 * wander(rng, moments, (0.04, 0.12))
        found.append(Standing(path=Path(moments=moments, places=place, facing=facing)))
    if partner:
        found = _pair(rng, moments, shared + np.array([across[0], 0.0])) + found
    if entering or leaving:
        found[-1] = _passing(found[-1], seconds, entering=entering, leaving=leaving)
    return found


def _pair(rng: np.random.Generator, moments: np.ndarray, middle: np.ndarray) -> list[Standing]:
    """Two who face each other and slowly turn about what lies between them."""
    angle = rng.uniform(0, np.pi) + 0.5 * wander(rng, moments, (0.04, 0.1))
    apart = 0.80 + 0.10 * wander(rng, moments, (0.1, 0.3)).clip(-2, 2)
    drift = 0.12 * wander(rng, moments, (0.06, 0.2), (2,)).clip(-1.8, 1.8)
    way = np.stack([np.sin(angle), np.cos(angle)], axis=-1)
    pair = []
    for sign in (-1.0, 1.0):
        places = middle + drift + sign * apart[:, None] / 2 * way
        facing = angle if sign < 0 else angle + np.pi
        pair.append(Standing(path=Path(moments=moments, places=places, facing=facing)))
    return pair


def _passing(standing: Standing, seconds: float, *, entering: bool, leaving: bool) -> Standing:
    """Let somebody walk in at the beginning, out at the end."""
    path = standing.path
    places, facing = path.places.copy(), path.facing.copy()
    side = math.copysign(1.0, float(places[:, 0].mean()) or 1.0)
    length = _OUTSIDE / _WALK
    for wanted, start in ((entering, -0.4), (leaving, seconds + 0.4 - length)):
        if not wanted:
            continue
        gone = (path.moments - start) / length
        away = 1 - _ramp(gone) if start < 0 else _ramp(gone)
        places[:, 0] += side * _OUTSIDE * away
        walking = pulse(
            path.moments, (start - 0.3, start + 0.1, start + length - 0.7, start + length)
        )
        towards = -side * np.pi / 2 if start < 0 else side * np.pi / 2
        facing += walking * (towards - facing)
    return Standing(path=Path(moments=path.moments, places=places, facing=facing), home=path)


def _ramp(share: np.ndarray) -> np.ndarray:
    """From 0 to 1 at all but constant speed, soft at the ends."""
    return np.asarray(0.5 * np.clip(share, 0, 1) + 0.5 * eased(share))


def hand_holds(
    where: list[Standing],
    number: int,
    puppets: list[Puppet],
    times: np.ndarray,
) -> tuple[Reach, ...]:
    """Hands of a pair that are nearly together for half of the time.

    Parameters
    ----------
    where : list of Standing
        Of the two.
    number : int
        Which of them, 0 or 1.
    puppets : list of Puppet
        Of the two.
    times : (T,) float
        Seconds.

    Returns
    -------
    tuple of Reach
        Left hands meet right hands, a few centimetres apart.
    """
    plans = [
        np.stack([np.interp(times, s.path.moments, c) for c in s.path.places.T], -1) for s in where
    ]
    facing = np.interp(times, where[0].path.moments, where[0].path.facing)
    middle = (plans[0] + plans[1]) / 2
    left = np.stack([np.cos(facing), -np.sin(facing)], axis=-1)
    height = 0.68 * (puppets[0].stature + puppets[1].stature) / 2
    phase = 2 * np.pi * 0.25 * times
    starts = np.arange(-0.5, float(times[-1]) + 1.0, 2 * _HOLD_LENGTH)
    weight = np.zeros(len(times))
    for start in starts:
        weight += pulse(
            times, (start, start + 0.6, start + _HOLD_LENGTH, start + _HOLD_LENGTH + 0.6)
        )
    reaches = []
    for side, sign in (("left", 1.0), ("right", -1.0)):
        # What is left for the first of the two is right for the second, who looks the other way.
        across = sign * (1.0 if number == 0 else -1.0)
        plan = middle + across * 0.30 * left + (plans[number] - middle) * 0.10
        high = height + 0.06 * np.sin(phase + (0.0 if across > 0 else 1.5))
        goal = np.stack([plan[:, 0], high, plan[:, 1]], axis=-1)
        reaches.append(Reach(side=side, weight=np.clip(weight, 0, 1), goal=goal))
    return tuple(reaches)
