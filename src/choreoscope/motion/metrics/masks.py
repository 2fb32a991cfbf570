"""Masks: J, the overlap of areas, and F, the agreement of outlines.

F. Perazzi et al., "A benchmark dataset and evaluation methodology for video object segmentation",
CVPR 2016 (DAVIS).
"""

import math

import numpy as np

from choreoscope.datatypes.errors import ShapeError
from choreoscope.datatypes.people import MaskTrack
from choreoscope.geometry.masks import decode
from choreoscope.motion.metrics.means import mean

TOLERANCE = 0.008
"""Share of the picture's diagonal by which outlines may lie apart."""


def region_similarity(result: np.ndarray, truth: np.ndarray) -> float:
    """J: intersection over union.

    Parameters
    ----------
    result, truth : (H, W) bool
        Pictures of one size.

    Returns
    -------
    float
        0 to 1; 1 when both are empty.

    Raises
    ------
    ShapeError
        If sizes differ.
    """
    _check_alike(result, truth)
    union = int(np.count_nonzero(result | truth))
    return int(np.count_nonzero(result & truth)) / union if union else 1.0


def boundary_measure(
    result: np.ndarray, truth: np.ndarray, *, tolerance: float = TOLERANCE
) -> float:
    """F: harmonic mean of how much of each outline lies near the other.

    Parameters
    ----------
    result, truth : (H, W) bool
        Pictures of one size.
    tolerance : float
        Share of the diagonal, rounded up to whole pixels; from 1 on it is pixels.

    Returns
    -------
    float
        0 to 1; 1 when neither has an outline.

    Raises
    ------
    ShapeError
        If sizes differ.
    """
    from scipy.ndimage import distance_transform_edt

    _check_alike(result, truth)
    reach = tolerance if tolerance >= 1 else math.ceil(tolerance * math.hypot(*result.shape))
    outlines = [outline(picture) for picture in (result, truth)]
    if not outlines[0].any() or not outlines[1].any():
        return float(outlines[0].any() == outlines[1].any())
    box = _around(outlines[0] | outlines[1])
    first, second = outlines[0][box], outlines[1][box]
    precision = float((distance_transform_edt(~second)[first] <= reach).mean())
    recall = float((distance_transform_edt(~first)[second] <= reach).mean())
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def outline(picture: np.ndarray) -> np.ndarray:
    """Pixels that differ from the one to the right, below, or both.

    Parameters
    ----------
    picture : (H, W) bool
        True inside.

    Returns
    -------
    (H, W) bool
        The Berkeley definition, one pixel wide. The picture's own edge is no outline.
    """
    inside = np.asarray(picture, dtype=bool)
    padded = np.pad(inside, ((0, 1), (0, 1)), mode="edge")
    right, below, across = padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]
    return np.asarray((inside ^ right) | (inside ^ below) | (inside ^ across))


def track_scores(result: MaskTrack | None, truth: MaskTrack) -> tuple[np.ndarray, np.ndarray]:
    """J and F of one person in every frame of the truth.

    Parameters
    ----------
    result : MaskTrack or None
        A frame without a mask counts as an empty one; None is a person never found.
    truth : MaskTrack
        N frames.

    Returns
    -------
    j, f : (N,) float
        0 to 1.
    """
    masks = {} if result is None else dict(zip(result.frames.tolist(), result.masks, strict=True))
    scores = np.zeros((2, len(truth.frames)))
    for row, (frame, mask) in enumerate(zip(truth.frames.tolist(), truth.masks, strict=True)):
        true = decode(mask)
        own = decode(masks[frame]) if frame in masks else np.zeros_like(true)
        scores[:, row] = region_similarity(own, true), boundary_measure(own, true)
    return scores[0], scores[1]


def j_and_f(j: np.ndarray, f: np.ndarray) -> float:
    """Mean of the two means, the figure DAVIS ranks by."""
    return (mean(j) + mean(f)) / 2


def _around(picture: np.ndarray) -> tuple[slice, slice]:
    """Smallest box in which something is true: distances outside it are of no use."""
    rows, columns = (np.flatnonzero(picture.any(axis=axis)) for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _check_alike(result: np.ndarray, truth: np.ndarray) -> None:
    if result.shape != truth.shape or result.ndim != len("HW"):
        raise ShapeError(
            f"masks: expected two pictures of one size, got {result.shape} and {truth.shape}"
        )
