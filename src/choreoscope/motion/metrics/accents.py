"""Accents: whether the result keeps the sharp moments, and when they come.

An accent is a peak of the true speed of a hand or foot. Smoothing that looks well in every mean
cuts exactly these.
"""

import dataclasses

import numpy as np

from choreoscope.motion.metrics.alignment import check_alike
from choreoscope.motion.metrics.derivatives import speeds
from choreoscope.motion.metrics.means import mean

ACCENT_SPEED = 1.0
"""m/s a hand or foot must reach."""
ACCENT_APART = 0.2
"""Seconds within which only the fastest peak of a point is an accent."""
ACCENT_REACH = 0.1
"""Seconds before and after an accent in which the result's own peak is looked for."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Accents:
    """The accents of a clip and what became of them.

    Attributes
    ----------
    seconds : (A,) float
        When the truth peaks.
    points : (A,) int
        Which hand or foot.
    speed : (A,) float
        Of the truth, m/s.
    ratio : (A,) float
        The result's peak by the truth's; NaN where there is no result.
    shift_seconds : (A,) float
        The result's peak less the truth's; NaN where the result has no peak within reach.
    """

    seconds: np.ndarray
    points: np.ndarray
    speed: np.ndarray
    ratio: np.ndarray
    shift_seconds: np.ndarray

    @property
    def retention_percent(self) -> float:
        """Mean ratio of the peaks; above 100 when noise or overshoot makes them faster."""
        return 100.0 * mean(self.ratio)

    @property
    def kept_percent(self) -> float:
        """Mean of the ratios cut off at 1: overshoot cannot pay for a lost accent."""
        return 100.0 * mean(np.minimum(self.ratio, 1.0))

    @property
    def timing_error_seconds(self) -> float:
        """Mean size of the shift."""
        return mean(np.abs(self.shift_seconds))

    def timing_error_frames(self, rate: float) -> float:
        """Mean size of the shift in frames of `rate` per second."""
        return self.timing_error_seconds * rate


def accents(
    predicted: np.ndarray,
    truth: np.ndarray,
    times: np.ndarray,
    *,
    least_speed: float = ACCENT_SPEED,
    apart: float = ACCENT_APART,
    reach: float = ACCENT_REACH,
) -> Accents:
    """Compare the peaks of speed of hands and feet.

    Parameters
    ----------
    predicted, truth : (T, E, 3) float
        Hands and feet in the world, metres.
    times : (T,) float
        Seconds.
    least_speed : float
        m/s the truth must reach.
    apart : float
        Seconds; of nearer peaks the fastest counts.
    reach : float
        Seconds before and after, for the result's peak.

    Returns
    -------
    Accents
        In the order of the points, then of time. Times are refined by a parabola through the
        peak and its neighbours.
    """
    check_alike(predicted, truth)
    rows = []
    own, true = speeds(predicted, times), speeds(truth, times)
    for point in range(truth.shape[1]):
        for frame in _peaks(true[:, point], times, least_speed, apart):
            when, speed = _refined(true[:, point], times, frame)
            ratio, shift = _answer(own[:, point], times, when, reach)
            rows.append((when, point, speed, ratio / speed, shift))
    table = np.array(rows, dtype=np.float64).reshape(-1, 5)
    return Accents(
        seconds=table[:, 0],
        points=table[:, 1].astype(np.int64),
        speed=table[:, 2],
        ratio=table[:, 3],
        shift_seconds=table[:, 4],
    )


def _is_peak(speed: np.ndarray) -> np.ndarray:
    """Tell which samples lie above the one before and not below the one after."""
    found = np.zeros(len(speed), dtype=bool)
    found[1:-1] = (speed[1:-1] > speed[:-2]) & (speed[1:-1] >= speed[2:])
    return found


def _peaks(speed: np.ndarray, times: np.ndarray, least: float, apart: float) -> list[int]:
    candidates = np.flatnonzero(_is_peak(speed) & (speed >= least))
    kept: list[int] = []
    for frame in candidates[np.argsort(-speed[candidates], kind="stable")].tolist():
        if all(abs(times[frame] - times[other]) >= apart for other in kept):
            kept.append(frame)
    return sorted(kept)


def _refined(speed: np.ndarray, times: np.ndarray, frame: int) -> tuple[float, float]:
    """Top of the parabola through a peak and its two neighbours: when, and how high."""
    before, at, after = speed[frame - 1 : frame + 2]
    left, right = times[frame] - times[frame - 1], times[frame + 1] - times[frame]
    rise, fall = (at - before) / left, (after - at) / right
    bend = (fall - rise) / (left + right)
    slope = rise + bend * left
    if not bend < 0:
        return float(times[frame]), float(at)
    offset = float(np.clip(-slope / (2 * bend), -left, right))
    return float(times[frame] + offset), float(at + slope * offset + bend * offset**2)


def _answer(speed: np.ndarray, times: np.ndarray, when: float, reach: float) -> tuple[float, float]:
    """Highest speed of the result near a moment, and how much later its peak comes."""
    near = (np.abs(times - when) <= reach) & np.isfinite(speed)
    if not near.any():
        return np.nan, np.nan
    tops = np.flatnonzero(near & _is_peak(speed))
    highest = float(speed[near].max())
    if not len(tops):
        return highest, np.nan
    found, height = _refined(speed, times, int(tops[np.argmax(speed[tops])]))
    return max(height, highest), found - when
