"""Raw depth where evidence lies, and the range of raw depth over a shot."""

import numpy as np

_STEP = 8
"""Pixels between those the range is taken from."""
_RARE = 1.0
"""Per cent of the pixels on either end that do not count for the range."""
_EDGE = 0.10
"""Raw depth that changes by this share of the frame's range within two pixels is at an edge."""


def raw_at(raw: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Raw depth at places of a picture.

    Parameters
    ----------
    raw : (H, W) float
        NaN where not known.
    pixels : (N, 2) float
        Inside or outside the picture.

    Returns
    -------
    (N,) float64
        Median of nine pixels, which is no blend of near and far; NaN outside, where one of the
        nine is not known, and at edges.
    """
    height, width = raw.shape
    column, row = np.floor(pixels).astype(np.int64).T
    inside = (column >= 1) & (column < width - 1) & (row >= 1) & (row < height - 1)
    values = np.full(len(pixels), np.nan)
    if not inside.any():
        return values
    steps = np.arange(-1, 2)
    nine = raw[
        row[inside, None, None] + steps[:, None], column[inside, None, None] + steps
    ].reshape(int(inside.sum()), 9)
    nine = nine.astype(np.float64)
    known = raw[::_STEP, ::_STEP]
    known = known[np.isfinite(known)]
    reach = float(np.ptp(known)) if known.size else 0.0
    middle = np.median(nine, axis=1)
    flat = np.ptp(nine, axis=1) <= _EDGE * reach if reach > 0 else np.ones(len(nine), dtype=bool)
    values[inside] = np.where(np.isfinite(middle) & flat, middle, np.nan)
    return values


def range_of(raw: np.ndarray) -> tuple[float, float] | None:
    """Least and largest raw depth of a frame but for rare ones; None if nothing is known."""
    known = raw[::_STEP, ::_STEP]
    known = known[np.isfinite(known)]
    if not known.size:
        return None
    low, high = np.percentile(known, (_RARE, 100.0 - _RARE))
    return float(low), float(high)
