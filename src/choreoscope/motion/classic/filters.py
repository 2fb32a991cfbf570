"""The robust filter in time, and the guard that cuts a track where somebody teleports.

An M-estimator in time: a sample far from the filtered value of its own frame counts less in the
frames around it. A sliding geometric median would measure it against the frame that is filtered.
"""

import numpy as np

from choreoscope.motion.classic.kernels import Neighbours

EPSILON = 0.05
"""Metres added to a sample's distance before it is divided by."""
ROUNDS = 10
TELEPORT = 1.0
"""Metres between what came before and what comes after."""
_NOTHING = 1e-12


def robust_filter(
    near: Neighbours, samples: np.ndarray, weights: np.ndarray, rounds: int = ROUNDS
) -> tuple[np.ndarray, np.ndarray]:
    """Smooth paths of points.

    Starts from the weighted mean under the kernel; ten times, each sample's weight is divided by
    its distance from the filtered path at its own time plus 5 cm, and the mean taken again.

    Parameters
    ----------
    near : Neighbours
        T rows.
    samples : (T, ..., 3) float
        Metres. What stands where the weight is 0 does not matter, NaN included.
    weights : (T, ...) float, >= 0
        Of each sample.
    rounds : int
        0 is the plain weighted mean.

    Returns
    -------
    (T, ..., 3) float
        NaN where no sample with a weight is within reach.
    (T, ...) float
        Kernel mean of the weights: what the filtered points weigh.
    """
    known = (weights > 0) & np.isfinite(samples).all(axis=-1)
    weight = np.where(known, weights, 0.0)
    sample = np.where(known[..., None], samples, 0.0)
    filtered = _mean(near, sample, weight)
    for _ in range(rounds):
        off = np.nan_to_num(np.linalg.norm(sample - filtered, axis=-1), nan=0.0)
        trust = weight / (off + EPSILON)
        filtered = _mean(near, sample, trust)
    total = near.kernel.sum(axis=1)
    mean = _summed(near, weight) / _column(np.maximum(total, _NOTHING), weight)
    return filtered, mean


def _mean(near: Neighbours, samples: np.ndarray, weights: np.ndarray) -> np.ndarray:
    weight = _summed(near, weights)[..., None]
    sums = _summed(near, samples * weights[..., None])
    some = weight > _NOTHING
    return np.where(some, sums / np.where(some, weight, 1.0), np.nan)


def _summed(near: Neighbours, values: np.ndarray) -> np.ndarray:
    """Sum under the kernel, slot by slot: gathering all slots at once would hold K copies."""
    total = np.zeros(values.shape)
    for slot in range(near.index.shape[1]):
        kernel = near.kernel[:, slot]
        if kernel.any():
            total += _column(kernel, values) * values[near.index[:, slot]]
    return total


def _column(numbers: np.ndarray, like: np.ndarray) -> np.ndarray:
    return np.asarray(numbers.reshape(len(numbers), *[1] * (like.ndim - 1)))


def pieces_between_teleports(near: Neighbours, root: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Tell the stretches of a track between jumps of more than a metre apart.

    The root filtered robustly by only the past half of the kernel, and only the future half: where
    the two are more than `TELEPORT` apart, somebody has jumped and not merely been mistaken for a
    frame. That holds for some frames around the jump, alike far apart, between which the recipe
    let chance decide; here the new piece begins where the plain means of past and future are
    farthest apart, which is the frame of the jump. The frame itself counts for the future.

    Parameters
    ----------
    near : Neighbours
        The kernel of the root's path.
    root : (T, 3) float
        Metres.
    weights : (T,) float
        0 where the person was not seen.

    Returns
    -------
    (T,) int
        0 for the first piece.
    """
    leaping = (weights > 0) & (_apart(near, root, weights, ROUNDS) > TELEPORT)
    apart = np.where(leaping, _apart(near, root, weights, 0), 0.0)
    around = np.where(near.kernel > 0, apart[near.index], 0.0)
    earlier = np.where(near.offset < 0, around, 0.0).max(axis=1, initial=0.0)
    later = np.where(near.offset > 0, around, 0.0).max(axis=1, initial=0.0)
    begins = leaping & (apart > earlier) & (apart >= later)
    return np.asarray(np.cumsum(begins))


def _apart(near: Neighbours, root: np.ndarray, weights: np.ndarray, rounds: int) -> np.ndarray:
    """Metres between what comes before and what comes after; 0 where either is missing."""
    before, _ = robust_filter(near.past(), root, weights, rounds)
    after, _ = robust_filter(near.future(), root, weights, rounds)
    return np.asarray(np.nan_to_num(np.linalg.norm(after - before, axis=-1), nan=0.0))
