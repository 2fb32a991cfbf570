"""Several people: how far apart they are, and who is who."""

import itertools

import numpy as np

from choreoscope.motion.metrics.alignment import check_alike
from choreoscope.motion.metrics.means import MM_PER_METRE, mean

_FAR = 1e9


def root_distance_errors_mm(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Error of the distance between the roots of every two people.

    Parameters
    ----------
    predicted, truth : (P, T, 3) float
        Roots in one world, metres; NaN where somebody is not there.

    Returns
    -------
    (P * (P - 1) / 2, T) float
        Millimetres, never negative.
    """
    check_alike(predicted, truth)
    pairs = list(itertools.combinations(range(len(truth)), 2))
    first, second = (
        np.array([np.linalg.norm(roots[a] - roots[b], axis=-1) for a, b in pairs])
        for roots in (predicted, truth)
    )
    errors = np.abs(MM_PER_METRE * (first - second))
    return np.asarray(errors.reshape(len(pairs), truth.shape[1]))


def closest_distance_errors_mm(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Error of the distance between the closest joints of every two people.

    Parameters
    ----------
    predicted, truth : (P, T, J, 3) float
        Joints in one world, metres; NaN where not known.

    Returns
    -------
    (P * (P - 1) / 2, T) float
        Millimetres, never negative.
    """
    check_alike(predicted, truth)
    pairs = list(itertools.combinations(range(len(truth)), 2))
    known = np.isfinite(predicted).all(axis=-1) & np.isfinite(truth).all(axis=-1)
    first, second = (
        np.array([_closest(joints[a], joints[b], known[a], known[b]) for a, b in pairs])
        for joints in (predicted, truth)
    )
    errors = np.abs(MM_PER_METRE * (first - second))
    return np.asarray(errors.reshape(len(pairs), truth.shape[1]))


def match_people(predicted: dict[str, np.ndarray], truth: dict[str, np.ndarray]) -> dict[str, str]:
    """Match people one to one by the mean square distance of their roots.

    Parameters
    ----------
    predicted, truth : dict of str to (T, 3) float
        Root path by id, rows of the same moments, one world or camera; NaN where not there.

    Returns
    -------
    dict of str to str
        Id of the truth to id of the result; people who share no moment stay alone. As many as
        possible are matched, then with the least sum of squares, which a common shift of one
        world does not change.
    """
    from scipy.optimize import linear_sum_assignment

    own, true = list(predicted), list(truth)
    cost = np.full((len(true), len(own)), _FAR)
    for row, column in itertools.product(range(len(true)), range(len(own))):
        apart = np.linalg.norm(predicted[own[column]] - truth[true[row]], axis=-1)
        if np.isfinite(apart).any():
            cost[row, column] = mean(apart**2)
    rows, columns = linear_sum_assignment(cost)
    return {
        true[row]: own[column]
        for row, column in zip(rows, columns, strict=True)
        if cost[row, column] < _FAR
    }


def _closest(
    first: np.ndarray, second: np.ndarray, first_known: np.ndarray, second_known: np.ndarray
) -> np.ndarray:
    apart = np.linalg.norm(first[:, :, None] - second[:, None], axis=-1)
    known = first_known[:, :, None] & second_known[:, None]
    least = np.where(known, apart, np.inf).min(axis=(1, 2))
    return np.where(np.isfinite(least), least, np.nan)
