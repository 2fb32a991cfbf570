"""Flights: when a person touches nothing and falls as gravity wants.

Over a flight the height of the centre of mass is ``h + v t - g t^2 / 2``: a measure of metres
that needs no ruler. A hole in the contacts is not yet a flight: the person must have been seen all
the time, have come from a contact and gone to one, and have fallen about as things fall.
"""

import dataclasses

import numpy as np

from choreoscope.motion.touch.contacts import TOUCHING, Contacts, runs
from choreoscope.motion.touch.support import midpoints

GRAVITY = 9.81
"""Metres per second squared."""
_SHORTEST, _LONGEST = 0.12, 1.2
_SEEN = 0.1
_GRAVITY_OFF = 0.5
"""Share by which the fall may differ from gravity before metres are known: scale is free."""
_DOUBT = 3.0
_VAGUE = 6.0
_SINKING = 0.5
_LEAST_ROWS = 4
_LEAST_NOISE = 0.002


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """One flight of one person.

    Attributes
    ----------
    start, stop : int
        Rows, half-open, in which nothing is touched.
    seconds : tuple of float
        Take-off and landing, halfway to the rows outside.
    fall : float
        Fitted downward acceleration of the centre of mass, m/s^2; 9.81 if the scale is right.
    fall_sigma : float
        Of `fall`.
    """

    start: int
    stop: int
    seconds: tuple[float, float]
    fall: float
    fall_sigma: float

    @property
    def scale(self) -> float:
        """Factor that turns the metres of this person into true metres."""
        return GRAVITY / self.fall


def flights(
    times: np.ndarray, contacts: Contacts, centre: np.ndarray, seen: np.ndarray
) -> list[Flight]:
    """Find flights.

    Parameters
    ----------
    times : (T,) float
        Seconds, strictly rising.
    contacts : Contacts
        Of one person.
    centre : (T,) float
        Height of the centre of mass above the floor, metres.
    seen : (T,) float
        Confidence of the person, 0 to 1.

    Returns
    -------
    list of Flight
        In order of time; at least 0.12 s each, between two contacts, seen throughout, rising
        no later and sinking no earlier than a jump does, with a fall within half of gravity.
    """
    if not contacts.names or len(times) < _LEAST_ROWS:
        return []
    touching = (np.maximum(contacts.near, contacts.chance) >= TOUCHING).any(axis=1)
    visible = (seen > _SEEN) & (contacts.seen > 0).any(axis=1) & np.isfinite(centre)
    edges = midpoints(times)
    found = []
    for start, stop in runs(~touching):
        lasting = float(edges[stop] - edges[start])
        inside = start > 0 and stop < len(times)
        if not inside or not _SHORTEST <= lasting <= _LONGEST:
            continue
        if not visible[start - 1 : stop + 1].all():
            continue
        fall = _fall(times[start:stop], centre[start:stop])
        if fall is not None:
            found.append(
                Flight(
                    start=start,
                    stop=stop,
                    seconds=(float(edges[start]), float(edges[stop])),
                    fall=fall[0],
                    fall_sigma=fall[1],
                )
            )
    return found


def _fall(times: np.ndarray, heights: np.ndarray) -> tuple[float, float] | None:
    """Downward acceleration and its sigma, or None if this is no jump."""
    if len(times) < _LEAST_ROWS:
        return None
    moment = times - times.mean()
    rows = np.column_stack([np.ones(len(moment)), moment, -0.5 * moment**2])
    solved = np.linalg.lstsq(rows, heights, rcond=None)[0]
    free = max(len(moment) - 3, 1)
    left = heights - rows @ solved
    noise = max(float(np.sqrt(np.sum(left**2) / free)), _LEAST_NOISE)
    sigma = float(noise * np.sqrt(np.linalg.inv(rows.T @ rows)[2, 2]))
    fall, slope = float(solved[2]), float(solved[1])
    first, last = slope - fall * moment[0], slope - fall * moment[-1]
    if sigma > _VAGUE or abs(fall - GRAVITY) > _GRAVITY_OFF * GRAVITY + min(_DOUBT, sigma):
        return None
    return (fall, sigma) if first > -_SINKING and last < _SINKING else None
