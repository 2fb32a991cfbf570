"""Smoothing of values along the frames of a shot that leaves them where they are in time."""

from collections.abc import Sequence

import numpy as np

TAILS = 3
"""Standard deviations a bell curve is cut off at."""


def runs_of(frames: Sequence[int], gap: float) -> list[list[int]]:
    """Split rising numbers where more than `gap` lies between two of them."""
    runs: list[list[int]] = []
    for frame in frames:
        if runs and frame - runs[-1][-1] <= gap:
            runs[-1].append(frame)
        else:
            runs.append([frame])
    return runs


def averaged(values: np.ndarray, sigma: float, reach: int | None = None) -> np.ndarray:
    """Average with a bell curve, symmetric in time; missing values do not count.

    Parameters
    ----------
    values : (T, K) float
        NaN where missing.
    sigma : float
        Standard deviation, frames.
    reach : int or None
        Frames on either side that count; three standard deviations if None.

    Returns
    -------
    (T, K) float
        NaN only where nothing is near.
    """
    reach = max(1, round(TAILS * sigma)) if reach is None else reach
    offsets = np.arange(-reach, reach + 1)
    bell = np.exp(-0.5 * (offsets / max(sigma, 1e-6)) ** 2)
    known = np.isfinite(values)
    filled = np.where(known, values, 0.0)
    out = np.full(values.shape, np.nan)
    for column in range(values.shape[1]):
        middle = slice(reach, reach + len(values))
        total = np.convolve(filled[:, column], bell)[middle]
        weight = np.convolve(known[:, column].astype(float), bell)[middle]
        sound = weight > 0
        out[sound, column] = total[sound] / weight[sound]
    return out


def largest_near(values: np.ndarray, reach: int) -> np.ndarray:
    """Find the largest value within `reach` frames on either side; NaN counts as missing."""
    padded = np.full(len(values) + 2 * reach, -np.inf)
    padded[reach : reach + len(values)] = np.where(np.isfinite(values), values, -np.inf)
    out = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).max(axis=1)
    return np.where(np.isfinite(out), out, np.nan)


def switched(values: np.ndarray, on: float, off: float) -> np.ndarray:
    """Turn a curve into a switch that does not flutter: on above `on`, off below `off`.

    Parameters
    ----------
    values : (T,) float
        NaN leaves the switch as it is.
    on, off : float
        ``on > off``.

    Returns
    -------
    (T,) bool
    """
    state = bool(len(values)) and bool(values[0] > on)
    out = np.zeros(len(values), dtype=bool)
    for place, value in enumerate(values):
        state = value > on or (state and not value < off)
        out[place] = state
    return out
