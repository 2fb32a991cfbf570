"""Errors of the pose alone: where a person stands and faces is taken out first."""

import numpy as np

from choreoscope.motion.metrics.alignment import align, check_alike
from choreoscope.motion.metrics.derivatives import derivative
from choreoscope.motion.metrics.means import MM_PER_METRE, mean_along

_LEAST_POINTS = 3


def point_errors_mm(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Distance of every point from its truth, nothing aligned.

    Parameters
    ----------
    predicted, truth : (..., 3) float
        Metres; NaN where not known.

    Returns
    -------
    (...,) float
        Millimetres; NaN where either is not known.
    """
    check_alike(predicted, truth)
    return np.asarray(MM_PER_METRE * np.linalg.norm(predicted - truth, axis=-1))


def from_pelvis(points: np.ndarray, pelvis: tuple[int, ...]) -> np.ndarray:
    """Points ``(T, J, 3)`` relative to the mean of the `pelvis` points (the two hips)."""
    return np.asarray(points - points[:, list(pelvis)].mean(axis=1, keepdims=True))


def mpjpe_mm(predicted: np.ndarray, truth: np.ndarray, pelvis: tuple[int, ...]) -> np.ndarray:
    """MPJPE: joint error with the pelvis laid on the pelvis, orientation and size kept.

    Parameters
    ----------
    predicted, truth : (T, J, 3) float
        Metres, axes of one world or one camera.
    pelvis : tuple of int
        Joints whose mean is the pelvis; the papers take the two hips.

    Returns
    -------
    (T,) float
        Millimetres; NaN in frames without truth or result.
    """
    return mean_along(point_errors_mm(from_pelvis(predicted, pelvis), from_pelvis(truth, pelvis)))


def pve_mm(
    predicted: np.ndarray,
    truth: np.ndarray,
    *,
    predicted_pelvis: np.ndarray,
    truth_pelvis: np.ndarray,
) -> np.ndarray:
    """PVE: vertex error with the same pelvis laid on the pelvis.

    Parameters
    ----------
    predicted, truth : (T, V, 3) float
        Skin, metres.
    predicted_pelvis, truth_pelvis : (T, 3) float
        Of the joints, as for `mpjpe_mm`.

    Returns
    -------
    (T,) float
        Millimetres.
    """
    return mean_along(
        point_errors_mm(predicted - predicted_pelvis[:, None], truth - truth_pelvis[:, None])
    )


def pa_mpjpe_mm(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """PA-MPJPE: joint error after the best similarity of each frame; blind to turn and size.

    Parameters
    ----------
    predicted, truth : (T, J, 3) float
        Metres.

    Returns
    -------
    (T,) float
        Millimetres; NaN in frames with fewer than three joints known in both.
    """
    check_alike(predicted, truth)
    laid = align(predicted, truth, with_scale=True).apply(predicted)
    errors = point_errors_mm(laid, truth)
    enough = np.isfinite(errors).sum(axis=-1) >= _LEAST_POINTS
    return np.where(enough, mean_along(errors), np.nan)


def acceleration_error(predicted: np.ndarray, truth: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Accel: length of the difference of the two accelerations.

    Parameters
    ----------
    predicted, truth : (T, J, 3) float
        Metres; the papers lay pelvis on pelvis first (`from_pelvis`).
    times : (T,) float
        Seconds.

    Returns
    -------
    (max(T - 2, 0),) float
        m/s^2, mean of the joints.
    """
    check_alike(predicted, truth)
    return mean_along(np.linalg.norm(derivative(predicted - truth, times, 2), axis=-1))


def jitter(points: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Jitter: length of the jerk. Needs no truth; show the truth's own beside it.

    Parameters
    ----------
    points : (T, J, 3) float
        World, metres.
    times : (T,) float
        Seconds.

    Returns
    -------
    (max(T - 3, 0),) float
        Tens of m/s^3, as the papers print it; mean of the joints.
    """
    return mean_along(np.linalg.norm(derivative(points, times, 3), axis=-1)) / 10.0


def bone_lengths(points: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """Length of every bone in every frame.

    Parameters
    ----------
    points : (T, J, 3) float
        Metres.
    parents : (J,) int
        -1 for joints without one.

    Returns
    -------
    (T, B) float
        Metres, in the order of the joints that have a parent.
    """
    joints = np.flatnonzero(parents >= 0)
    return np.asarray(np.linalg.norm(points[:, joints] - points[:, parents[joints]], axis=-1))


def bone_length_variance_mm2(points: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """How much bones breathe: variance of each bone's length over time.

    Parameters
    ----------
    points, parents
        As for `bone_lengths`.

    Returns
    -------
    (B,) float
        Square millimetres; its root is the spread in millimetres.
    """
    lengths = MM_PER_METRE * bone_lengths(points, parents)
    return mean_along((lengths - mean_along(lengths, axis=0)) ** 2, axis=0)


def bone_scale_error_percent(
    predicted: np.ndarray, truth: np.ndarray, parents: np.ndarray
) -> float:
    """How much too large the body is: all its bones together, whatever the pose.

    Parameters
    ----------
    predicted, truth : (T, J, 3) float
        Metres.
    parents : (J,) int
        As for `bone_lengths`.

    Returns
    -------
    float
        Percent, positive when too large. NaN without bones.
    """
    first, second = bone_lengths(predicted, parents), bone_lengths(truth, parents)
    known = np.isfinite(first) & np.isfinite(second)
    total = float(second[known].sum())
    return 100.0 * (float(first[known].sum()) / total - 1.0) if total > 0 else float("nan")
