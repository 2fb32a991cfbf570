"""Feet and knees: sliding, sinking, floating, popping."""

import numpy as np

from choreoscope.motion.metrics.alignment import check_alike
from choreoscope.motion.metrics.derivatives import check_times, derivative
from choreoscope.motion.metrics.means import MM_PER_METRE, mean_along

STILL_STEP = 0.01
"""Metres per frame below which the papers call a sole vertex of the truth a contact."""
STILL_SPEED = 0.3
"""The same in m/s, at the papers' 30 frames per second."""
TOUCHING_HEIGHT = 0.03
"""Metres above the floor within which a slow point of the true sole touches."""
POP = 6000.0
"""Degrees/s^2 of the knee that no landing or kick of the truth explains."""
_NEARLY_STRAIGHT = 30.0
_POP_SECONDS = 0.1
_HORIZONTAL = (0, 2)


def slide_mm_per_frame(
    predicted: np.ndarray, truth: np.ndarray, *, still_step: float = STILL_STEP
) -> np.ndarray:
    """Foot sliding as printed in the papers: depends on the film's rate.

    Parameters
    ----------
    predicted, truth : (T, K, 3) float
        Points of the soles, world, metres.
    still_step : float
        Metres per frame below which the truth counts as a contact.

    Returns
    -------
    (max(T - 1, 0), K) float
        Millimetres per frame; NaN where the true foot moves.
    """
    check_alike(predicted, truth)
    steps = np.linalg.norm(np.diff(truth, axis=0), axis=-1)
    own = MM_PER_METRE * np.linalg.norm(np.diff(predicted, axis=0), axis=-1)
    return np.where(steps < still_step, own, np.nan)


def slide_mm_per_second(
    predicted: np.ndarray,
    truth: np.ndarray,
    times: np.ndarray,
    *,
    still_speed: float = STILL_SPEED,
    horizontal: bool = False,
) -> np.ndarray:
    """Foot sliding that does not depend on the film's rate.

    Parameters
    ----------
    predicted, truth : (T, K, 3) float
        Points of the soles, world, metres.
    times : (T,) float
        Seconds.
    still_speed : float
        m/s below which the truth counts as a contact.
    horizontal : bool
        Count only movement along the floor (skating), not a heel that rises.

    Returns
    -------
    (max(T - 1, 0), K) float
        mm/s; NaN where the true foot moves.
    """
    check_alike(predicted, truth)
    still = np.linalg.norm(derivative(truth, times, 1), axis=-1) < still_speed
    moved = derivative(predicted, times, 1)
    moved = moved[..., list(_HORIZONTAL)] if horizontal else moved
    return np.where(still, MM_PER_METRE * np.linalg.norm(moved, axis=-1), np.nan)


def touching(
    truth: np.ndarray,
    times: np.ndarray,
    *,
    floor: float = 0.0,
    height: float = TOUCHING_HEIGHT,
    still_speed: float = STILL_SPEED,
) -> np.ndarray:
    """Tell where points of the true soles touch the floor.

    Parameters
    ----------
    truth : (T, K, 3) float
        World, metres.
    times : (T,) float
        Seconds.
    floor, height : float
        Metres: where the floor is, and how near to it is touching.
    still_speed : float
        m/s; a faster point does not touch.

    Returns
    -------
    (T, K) bool
    """
    check_times(truth, times)
    steps = np.linalg.norm(derivative(truth, times, 1), axis=-1)
    beside = np.full((2, *truth.shape[:-1]), np.inf)
    beside[0, 1:], beside[1, :-1] = steps, steps
    slow = np.fmin(beside[0], beside[1]) < still_speed
    return np.asarray(slow & (truth[..., 1] - floor < height))


def penetration_mm(soles: np.ndarray, *, floor: float = 0.0) -> np.ndarray:
    """How deep the lowest point of the soles is below the floor.

    Parameters
    ----------
    soles : (T, K, 3) float
        World, metres.
    floor : float
        Height of the floor, metres.

    Returns
    -------
    (T,) float
        Millimetres, 0 when nothing is below; NaN where no point is known.
    """
    depth = MM_PER_METRE * (floor - soles[..., 1])
    known = np.isfinite(depth)
    deepest = np.where(known, depth, 0.0).max(axis=-1, initial=0.0)
    return np.where(known.any(axis=-1), deepest, np.nan)


def float_mm(soles: np.ndarray, touches: np.ndarray, *, floor: float = 0.0) -> np.ndarray:
    """How high above the floor soles are that should touch it.

    Parameters
    ----------
    soles : (T, K, 3) float
        World, metres.
    touches : (T, K) bool
        Where the true sole touches (`touching`).
    floor : float
        Height of the floor, metres.

    Returns
    -------
    (T,) float
        Millimetres, mean of the touching points, 0 for those below the floor; NaN in frames in
        which nothing touches.
    """
    height = MM_PER_METRE * np.maximum(soles[..., 1] - floor, 0.0)
    return mean_along(np.where(touches, height, np.nan))


def knee_bend_degrees(hip: np.ndarray, knee: np.ndarray, ankle: np.ndarray) -> np.ndarray:
    """Bend of the knee, 0 when the leg is straight: ``(T,)`` degrees of ``(T, 3)`` metres."""
    thigh, shin = knee - hip, ankle - knee
    across = np.linalg.norm(np.cross(thigh, shin), axis=-1)
    return np.asarray(np.degrees(np.arctan2(across, np.sum(thigh * shin, axis=-1))))


def knee_pops(
    bend: np.ndarray, truth: np.ndarray | None, times: np.ndarray, *, limit: float = POP
) -> int:
    """Count pops: a nearly straight knee that jerks although the truth does not.

    Parameters
    ----------
    bend : (T,) float
        Of the result, degrees (`knee_bend_degrees`).
    truth : (T,) float or None
        Of the truth; None counts every jerk.
    times : (T,) float
        Seconds.
    limit : float
        Degrees/s^2 by which the knee's angular acceleration must exceed the truth's largest
        within 0.1 s.

    Returns
    -------
    int
        Jerks less than 0.1 s apart count once.
    """
    middle = times[1:-1]
    own = np.abs(derivative(bend, times, 2))
    excused = np.zeros(len(own))
    if truth is not None:
        true = np.nan_to_num(np.abs(derivative(truth, times, 2)))
        first = np.searchsorted(middle, middle - _POP_SECONDS)
        last = np.searchsorted(middle, middle + _POP_SECONDS, side="right")
        excused = np.array([true[a:b].max() for a, b in zip(first, last, strict=True)])
    least = np.minimum(np.minimum(bend[:-2], bend[1:-1]), bend[2:])
    popping = middle[(own - excused > limit) & (least < _NEARLY_STRAIGHT)]
    return int(np.sum(np.diff(popping) > _POP_SECONDS)) + 1 if len(popping) else 0
