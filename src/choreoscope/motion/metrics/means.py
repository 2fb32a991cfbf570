"""Means that leave out what is not known, and the two ways to average over clips."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

MM_PER_METRE = 1000.0


def mean(values: ArrayLike) -> float:
    """Mean of the values that are finite; NaN if there are none."""
    kept = np.asarray(values, dtype=np.float64)
    kept = kept[np.isfinite(kept)]
    return float(kept.mean()) if kept.size else float("nan")


def root_mean_square(values: ArrayLike) -> float:
    """Root of the mean square of the values that are finite; NaN if there are none."""
    return float(np.sqrt(mean(np.square(np.asarray(values, dtype=np.float64)))))


def mean_along(values: np.ndarray, axis: int = -1) -> np.ndarray:
    """Mean along one axis of what is finite; NaN where nothing is. Never warns."""
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def pooled(clips: Iterable[ArrayLike]) -> float:
    """Frame-weighted mean: the frames of all clips in one heap, as the papers do it."""
    heap = [np.ravel(np.asarray(clip, dtype=np.float64)) for clip in clips]
    return mean(np.concatenate(heap)) if heap else float("nan")


def per_clip(clips: Iterable[ArrayLike]) -> float:
    """Mean of the clips' own means: a long easy clip cannot drown a short hard one."""
    return mean([mean(clip) for clip in clips])
