"""Height of what carries a person: the lowest parts that rest, without the tops of jumps."""

import dataclasses

import numpy as np

from choreoscope.motion.smoothing import windows

_SLOW, _SLOW_WIDTH = 0.35, 0.05
_LOWEST_WIDTH = 0.03
_SIGMA = 0.12
_RESTING = 0.3
_TOP, _TOP_SECONDS, _AROUND = 0.06, 0.3, 1.0
_JOINED, _GAP = 0.04, 0.1
_NOTHING = 1e-3


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Resting:
    """Parts of a person, each ``(T, C)``: metres above the floor, m/s, confidence."""

    heights: np.ndarray
    speeds: np.ndarray
    seen: np.ndarray


@dataclasses.dataclass(frozen=True, slots=True)
class _Rest:
    """A stretch of rows in which something rests at one level."""

    start: int
    stop: int
    seconds: tuple[float, float]
    level: float


def midpoints(times: np.ndarray) -> np.ndarray:
    """Edges ``(T + 1,)`` halfway between samples; the outer ones are as far out as in."""
    if len(times) == 1:
        return np.array([times[0], times[0]])
    middle = (times[1:] + times[:-1]) / 2
    return np.concatenate([[2 * times[0] - middle[0]], middle, [2 * times[-1] - middle[-1]]])


def support_height(times: np.ndarray, parts: Resting) -> np.ndarray:
    """Height of what carries a person at every moment.

    The weighted median, over about a third of a second to each side, of the heights of the
    lowest parts that rest. A short rest well above the rests before and after it is the top of
    a jump and left out.

    Parameters
    ----------
    times : (T,) float
        Seconds, strictly rising.
    parts : Resting
        Infinitely high where not seen.

    Returns
    -------
    (T,) float
        Metres above the floor, interpolated where nothing rests; NaN if nothing ever does.
    """
    count = len(times)
    if parts.heights.shape[1] == 0:
        return np.full(count, np.nan)
    known = np.isfinite(parts.heights)
    height = np.where(known, parts.heights, 0.0)
    lowest = np.where(known, parts.heights, np.inf).min(axis=1)
    drop = np.where(known, height - np.where(np.isfinite(lowest), lowest, 0.0)[:, None], 50.0)
    slow = 1 / (1 + np.exp(np.clip((parts.speeds - _SLOW) / _SLOW_WIDTH, -50, 50)))
    rest = slow * np.exp(-np.minimum(drop / _LOWEST_WIDTH, 50.0)) * (parts.seen > 0) * known
    weight = rest.max(axis=1)
    level = np.sum(rest * height, axis=1) / np.maximum(rest.sum(axis=1), 1e-12)
    trust = np.max(rest * parts.seen, axis=1)
    weight = np.where(_without_tops(times, level, weight), trust, 0.0)
    edges = midpoints(times)
    lasting = np.minimum(np.diff(edges), 0.2) if count > 1 else np.full(1, 0.04)
    support, total = _medians(times, level, weight * lasting)
    resting = total > _NOTHING
    if not resting.any():
        return np.full(count, np.nan)
    return np.asarray(np.interp(times, times[resting], support[resting]))


def _medians(
    times: np.ndarray, level: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted running medians and the weight they rest on, ``(T,)`` each."""
    around = windows(times, _SIGMA, gap=np.inf)
    share = around.kernel * weight[around.index]
    values = level[around.index]
    order = np.argsort(values, axis=1, kind="stable")
    ranked = np.take_along_axis(values, order, axis=1)
    heap = np.cumsum(np.take_along_axis(share, order, axis=1), axis=1)
    total = heap[:, -1]
    middle = np.argmax(heap >= total[:, None] / 2, axis=1)
    return ranked[np.arange(len(times)), middle], total


def _without_tops(times: np.ndarray, level: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Tell rows ``(T,)`` in which something rests and that are no tops of jumps."""
    rests = _rests(times, level, weight > _RESTING)
    kept = weight > _RESTING
    for rest in rests:
        begin, end = rest.seconds
        if end - begin >= _TOP_SECONDS:
            continue
        under = [other for other in rests if other.level < rest.level - _TOP]
        before = any(0 <= begin - other.seconds[1] < _AROUND for other in under)
        after = any(0 <= other.seconds[0] - end < _AROUND for other in under)
        first, last = rest is rests[0], rest is rests[-1]
        if (before or first) and (after or last) and (before or after):
            kept[rest.start : rest.stop] = False
    return kept


def _rests(times: np.ndarray, level: np.ndarray, state: np.ndarray) -> list[_Rest]:
    """Stretches of rest, those at one level with short gaps between joined."""
    edges = midpoints(times)
    flips = np.flatnonzero(np.diff(np.concatenate([[0], state.astype(np.int8), [0]])))
    found: list[_Rest] = []
    for start, stop in flips.reshape(-1, 2):
        height = float(np.median(level[start:stop]))
        begin = int(start)
        if found and edges[start] - found[-1].seconds[1] < _GAP:
            last = found[-1]
            if abs(last.level - height) < _JOINED:
                begin = last.start
                height = float(np.median(level[begin:stop][state[begin:stop]]))
                found.pop()
        seconds = (float(edges[begin]), float(edges[stop]))
        found.append(_Rest(begin, int(stop), seconds, height))
    return found
