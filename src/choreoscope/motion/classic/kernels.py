"""Kernels of the classic recipe, counted in frames as it did or in seconds as it should have.

The taps are those of the recipe's description. It had two sets, one for films of less than 40
frames a second and one for the others, so that 24 and 30 frames/s, or 50 and 120, are smoothed
differently. In seconds there is one set, the slow one, as a polygon over time with a corner every
1/30 s: at 30 frames/s both ways of counting are the same.
"""

import dataclasses
from typing import Literal

import numpy as np

Counting = Literal["frames", "seconds"]

FAST_FROM = 40.0
"""Frames per second from which the recipe took its longer kernels."""
TAP_SECONDS = 1.0 / 30.0
"""Distance of the taps when counted in seconds."""
_SEARCH_LIMIT = 96
_HAIR = 1e-9


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Taps:
    """One kernel of the recipe: odd numbers of taps, symmetric, any sum.

    Attributes
    ----------
    slow : tuple of float
        Below `FAST_FROM`; also the corners of the polygon in seconds.
    fast : tuple of float
        From `FAST_FROM` on.
    """

    slow: tuple[float, ...]
    fast: tuple[float, ...]


def _mirrored(*rising: float) -> tuple[float, ...]:
    return (*rising, *rising[-2::-1])


ROOT = Taps(
    slow=_mirrored(0.01, 0.05, 0.1, 1, 2, 6),
    fast=_mirrored(0.01, 0.02, 0.05, 0.1, 0.2, 1, 1.3, 2, 3.3, 6),
)
"""Of the first pass over the root's path."""
POINTS = Taps(slow=_mirrored(1, 3, 12), fast=_mirrored(1, 1.5, 3, 6, 12))
"""Of all points."""
LAST = Taps(slow=_mirrored(1, 2, 3), fast=_mirrored(1, 1.5, 2, 2.5, 3))
"""Of the last pass over the root's path."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """Who counts for whom.

    Attributes
    ----------
    index : (T, K) int
        Rows around each row; clipped at the ends.
    offset : (T, K) int
        Row less the row itself, before clipping.
    kernel : (T, K) float
        0 outside the clip.
    """

    index: np.ndarray
    offset: np.ndarray
    kernel: np.ndarray

    def past(self) -> "Neighbours":
        """Only those before the row itself."""
        return dataclasses.replace(self, kernel=np.where(self.offset < 0, self.kernel, 0.0))

    def future(self) -> "Neighbours":
        """Only the row itself and those after it."""
        return dataclasses.replace(self, kernel=np.where(self.offset >= 0, self.kernel, 0.0))

    def within(self, pieces: np.ndarray) -> "Neighbours":
        """Only those of the same piece, ``(T,)`` numbers."""
        same = pieces[self.index] == pieces[:, None]
        return dataclasses.replace(self, kernel=np.where(same, self.kernel, 0.0))


def neighbours(times: np.ndarray, taps: Taps, counting: Counting) -> Neighbours:
    """Lay a kernel on every row.

    Parameters
    ----------
    times : (T,) float
        Seconds of consecutive frames, strictly rising.
    taps : Taps
        The kernel.
    counting : {"frames", "seconds"}
        "frames" chooses the taps by the median rate and gives one to each frame.

    Returns
    -------
    Neighbours
    """
    if counting == "frames":
        chosen = np.array(taps.fast if _rate(times) >= FAST_FROM else taps.slow)
        index, offset, inside = _around(len(times), len(chosen) // 2)
        kernel = np.where(inside, chosen, 0.0)
    else:
        half = len(taps.slow) // 2
        corners = np.arange(-half - 1, half + 2) * TAP_SECONDS
        heights = np.array([0.0, *taps.slow, 0.0])
        index, offset, inside = _around(len(times), _reach(times, corners[-1]))
        apart = times[index] - times[:, None]
        kernel = np.where(inside, np.interp(apart, corners, heights), 0.0)
    return Neighbours(index=index, offset=offset, kernel=kernel)


def _rate(times: np.ndarray) -> float:
    return 1.0 / float(np.median(np.diff(times))) if len(times) > 1 else 0.0


def _reach(times: np.ndarray, seconds: float) -> int:
    after = np.searchsorted(times, times + seconds - _HAIR) - np.arange(len(times)) - 1
    return int(min(after.max(initial=0), _SEARCH_LIMIT))


def _around(count: int, reach: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    offset = np.tile(np.arange(-reach, reach + 1), (count, 1))
    index = np.arange(count)[:, None] + offset
    inside = (index >= 0) & (index < count)
    return np.clip(index, 0, max(count - 1, 0)), offset, inside
