"""Terms between people: who stands before whom, and bodies that do not pass through each other.

The other person is taken to stand still while one is moved; a few rounds settle both.
"""

import numpy as np

from choreoscope.motion.solve.evidence import DepthOrder
from choreoscope.motion.solve.options import SolveOptions
from choreoscope.motion.solve.state import Track

_STEP_BACK = 0.10
"""Metres by which somebody behind is farther at least."""
_RADII = {
    "pelvis": 0.13,
    "spine_low": 0.12,
    "spine_mid": 0.12,
    "spine_high": 0.13,
    "head": 0.10,
    "upper_arm": 0.05,
    "forearm": 0.045,
    "hand": 0.04,
    "thigh": 0.08,
    "shin": 0.055,
    "foot": 0.045,
}
_NEARBY = 2.5
"""Metres between roots beyond which bodies cannot meet."""


def radii(names: tuple[str, ...]) -> np.ndarray:
    """Half the thickness of the body at its joints, metres, ``(J,)``; 0 where it does not count."""
    parts = (name.removeprefix("left_").removeprefix("right_") for name in names)
    return np.array([_RADII.get(part, 0.0) for part in parts])


def common_rows(one: Track, other: Track) -> tuple[slice, slice]:
    """Rows of both in which both are there."""
    start = max(one.first_frame, other.first_frame)
    stop = min(one.first_frame + len(one.times), other.first_frame + len(other.times))
    stop = max(start, stop)
    return (
        slice(start - one.first_frame, stop - one.first_frame),
        slice(start - other.first_frame, stop - other.first_frame),
    )


def apart(
    one: Track, own: np.ndarray, other: Track, theirs: np.ndarray, options: SolveOptions
) -> tuple[float, np.ndarray, np.ndarray]:
    """Push joints of one person out of another's.

    Parameters
    ----------
    one, other : Track
        The person who is moved, and the one who stands still.
    own, theirs : (T, J, 3) and (T', J', 3) float
        Joints, world, metres.
    options : SolveOptions
        Sigma.

    Returns
    -------
    cost : float
        Half of the squared overlaps in sigmas.
    weight, force : (T, J, 3, 3) and (T, J, 3) float
        On the joints of `one`.
    """
    weight, force = np.zeros((*own.shape, 3)), np.zeros(own.shape)
    mine, their = common_rows(one, other)
    near = np.linalg.norm(own[mine, 0] - theirs[their, 0], axis=-1) < _NEARBY
    if not near.any():
        return 0.0, weight, force
    rows = np.arange(mine.start, mine.stop)[near]
    a, b = own[rows], theirs[np.arange(their.start, their.stop)[near]]
    first, second = radii(one.joints.names), radii(other.joints.names)
    reach = (first[:, None] + second) * ((first[:, None] > 0) & (second > 0))
    gap = a[:, :, None] - b[:, None]
    distance = np.maximum(np.linalg.norm(gap, axis=-1), 1e-6)
    overlap = np.maximum(reach - distance, 0.0)
    information = 1 / options.sigmas.apart**2
    direction = gap / distance[..., None]
    touching = (overlap > 0) * information
    weight[rows] = np.einsum("tij,tija,tijb->tiab", touching, direction, direction, optimize=True)
    force[rows] = -np.einsum("tij,tija->tia", touching * overlap, direction)
    return 0.5 * information * float((overlap**2).sum()), weight, force


def behind(
    one: Track, own: np.ndarray, other: Track, theirs: np.ndarray, order: DepthOrder, sigma: float
) -> tuple[float, np.ndarray, np.ndarray]:
    """Push the root of somebody along the line of sight until the order is the one seen.

    Parameters and returns as in `apart`; only the root of `one` is pushed.
    """
    weight, force = np.zeros((*own.shape, 3)), np.zeros(own.shape)
    mine, their = common_rows(one, other)
    frames = one.first_frame + np.arange(mine.start, mine.stop)
    seen = np.zeros(len(frames))
    inside = (order.frames >= one.first_frame + mine.start) & (
        order.frames < one.first_frame + mine.stop
    )
    seen[order.frames[inside] - one.first_frame - mine.start] = order.weight[inside]
    sight = one.view.turn[mine, 2]
    ahead = np.einsum("ta,ta->t", sight, own[mine, 0] - theirs[their, 0])
    sign = 1.0 if one.person == order.behind else -1.0
    short = np.minimum(sign * ahead - _STEP_BACK, 0.0) * (seen > 0)
    information = seen / sigma**2 * (short < 0)
    weight[mine, 0] = information[:, None, None] * sight[:, :, None] * sight[:, None]
    force[mine, 0] = (information * sign * short)[:, None] * sight
    return 0.5 * float((information * short**2).sum()), weight, force
