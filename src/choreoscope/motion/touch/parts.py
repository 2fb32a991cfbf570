"""Parts of a body made of points of the skin: their height, and the speed of what stands still."""

import dataclasses

import numpy as np

from choreoscope.motion.touch.speeds import LocalMotion

_LOW_WIDTH = 0.015
_LOW = 0.5
_PATCH_ROUNDS = 6


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """One group of points over time.

    Attributes
    ----------
    height : (T,) float
        Of its low points above the floor, metres; infinite where not seen.
    speed : (T,) float
        Of the spot that moves least, less what is noise, m/s.
    shares : (T, n) float
        Share of each point in that spot.
    seen : (T,) float
        Confidence.
    """

    height: np.ndarray
    speed: np.ndarray
    shares: np.ndarray
    seen: np.ndarray

    @classmethod
    def of(
        cls,
        heights: np.ndarray,
        motion: LocalMotion,
        columns: tuple[int, ...],
        slow: float,
    ) -> "Part":
        """Boil the points in `columns` down; `slow` (m/s) is still enough for a spot."""
        chosen = list(columns)
        own, seen = heights[:, chosen], motion.seen[:, chosen]
        lowest = own.min(axis=1)
        drop = own - np.where(np.isfinite(lowest), lowest, 0.0)[:, None]
        low = np.exp(-np.minimum(drop / _LOW_WIDTH, 50.0)) * (seen > 0)
        total = low.sum(axis=1, keepdims=True)
        even = np.full(low.shape, 1 / len(chosen))
        flat = np.where(total > 0, low / np.where(total > 0, total, 1.0), even)
        shares = _resting_spot(motion.speeds[:, chosen], flat, low, slow)
        speed = np.linalg.norm(np.einsum("tk,tkc->tc", shares, motion.speeds[:, chosen]), axis=-1)
        noise = np.einsum("tk,tk->t", shares, motion.noise[:, chosen])
        return cls(
            height=np.where(
                total[:, 0] > 0, np.sum(flat * np.where(seen > 0, own, 0.0), axis=1), np.inf
            ),
            speed=np.sqrt(np.maximum(speed**2 - noise**2, 0.0)),
            shares=shares,
            seen=seen.max(axis=1),
        )


def _resting_spot(speeds: np.ndarray, flat: np.ndarray, low: np.ndarray, slow: float) -> np.ndarray:
    """Shares ``(T, n)`` of the slowest spot between the low points of a part.

    The shortest vector in the convex hull of the points' speeds (Gilbert 1966), from the middle
    of the low points on and only until it is slower than `slow`.
    """
    shares = flat.copy()
    allowed = low > _LOW
    for _ in range(_PATCH_ROUNDS if speeds.shape[1] > 1 else 0):
        now = np.einsum("tk,tkc->tc", shares, speeds)
        along = np.where(allowed, np.einsum("tkc,tc->tk", speeds, now), np.inf)
        best = np.argmin(along, axis=1)
        towards = np.take_along_axis(speeds, best[:, None, None], axis=1)[:, 0] - now
        length = np.sum(towards**2, axis=-1)
        step = -np.sum(now * towards, axis=-1) / np.where(length > 0, length, 1.0)
        step = np.clip(step, 0.0, 1.0) * (np.linalg.norm(now, axis=-1) > slow)
        step = step * allowed.any(axis=1)
        target = np.eye(speeds.shape[1])[best]
        shares = shares + step[:, None] * (target - shares)
    return np.asarray(shares)


def part_columns(parts: list[Part], count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Heights, speeds and confidence ``(T, C)`` of parts."""
    if not parts:
        return np.zeros((count, 0)), np.zeros((count, 0)), np.zeros((count, 0))
    return (
        np.stack([part.height for part in parts], axis=1),
        np.stack([part.speed for part in parts], axis=1),
        np.stack([part.seen for part in parts], axis=1),
    )
