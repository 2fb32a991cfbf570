"""Speed, acceleration and jerk on uneven time stamps, by divided differences.

With even steps ``h`` the n-th derivative is exactly the n-th difference over ``h**n``, which is
what the papers' formulas with ``fps**n`` say.
"""

import math

import numpy as np

from choreoscope.datatypes.errors import ShapeError


def derivative(values: np.ndarray, times: np.ndarray, order: int) -> np.ndarray:
    """N-th derivative from ``order + 1`` neighbouring samples.

    Parameters
    ----------
    values : (T, ...) float
        Samples; NaN reaches every derivative it takes part in.
    times : (T,) float
        Seconds, strictly rising.
    order : int, >= 1
        Which derivative.

    Returns
    -------
    (max(T - order, 0), ...) float
        Units of the values per second to the `order`.

    Raises
    ------
    ShapeError
        If times do not fit or do not rise.
    """
    check_times(values, times)
    differences = np.asarray(values, dtype=np.float64)
    for step in range(1, order + 1):
        apart = times[step:] - times[:-step]
        differences = np.diff(differences, axis=0)[: len(apart)]
        differences = differences / apart.reshape(-1, *[1] * (differences.ndim - 1))
    return np.asarray(differences * math.factorial(order))


def speeds(points: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Speed of points at every sample, from its two neighbours.

    Parameters
    ----------
    points : (T, ..., 3) float
        Metres.
    times : (T,) float
        Seconds, strictly rising.

    Returns
    -------
    (T, ...) float
        m/s; NaN at both ends.
    """
    check_times(points, times)
    found = np.full(points.shape[:-1], np.nan)
    apart = (times[2:] - times[:-2]).reshape(-1, *[1] * (points.ndim - 2))
    found[1:-1] = np.linalg.norm(points[2:] - points[:-2], axis=-1) / apart
    return found


def check_times(values: np.ndarray, times: np.ndarray) -> None:
    """Refuse time stamps that do not belong to the values.

    Raises
    ------
    ShapeError
        If there is not one time per row, or times do not rise.
    """
    if times.shape != values.shape[:1]:
        raise ShapeError(
            f"metrics: expected one time per row, {values.shape[:1]}, got {times.shape}"
        )
    if not np.all(np.diff(times) > 0):
        raise ShapeError("metrics: times must rise strictly")
