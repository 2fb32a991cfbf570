"""Places and speeds of points by local regression over about a tenth of a second.

A straight line is fitted to the neighbours of every sample, weighted by a Gaussian in time and by
confidence (LOESS of degree 1, Cleveland 1979). Differences between single frames would turn a
centimetre of noise at 60 frames per second into half a metre per second.
"""

import dataclasses

import numpy as np

from choreoscope.motion.smoothing import Windows, windows

_SIGMA = 0.035
_LEAST_FRAMES = 0.6
_FAINT = 0.05
"""Confidence a window must hold in all before its middle counts as seen."""
_SINGULAR = 1e-6
_LOWER_QUARTILE = {2: 0.5754, 3: 1.2125}
"""Of chi squared with two and three degrees of freedom."""
_MOST_NOISE = 0.3
"""Metres per second that may be put down to noise."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LocalMotion:
    """What points do around each moment.

    Attributes
    ----------
    places : (T, K, 3) float
        Metres; 0 where not seen.
    speeds : (T, K, 3) float
        Metres per second; 0 where not seen or seen alone.
    noise : (T, K) float
        Root mean square of the part of the speed's length that is noise, m/s.
    seen : (T, K) float
        Confidence around the moment, 0 to 1; exactly 0 where nothing is known.
    """

    places: np.ndarray
    speeds: np.ndarray
    noise: np.ndarray
    seen: np.ndarray


@dataclasses.dataclass(frozen=True, slots=True)
class _Sums:
    """Moments of time under the weights, ``(T, K)``; time in sigmas."""

    zero: np.ndarray
    one: np.ndarray
    two: np.ndarray

    @property
    def determinant(self) -> np.ndarray:
        return np.asarray(self.zero * self.two - self.one**2)


def local_motion(
    times: np.ndarray,
    points: np.ndarray,
    confidence: np.ndarray,
    camera: np.ndarray | None = None,
) -> LocalMotion:
    """Fit a line in time around every sample of every point.

    Parameters
    ----------
    times : (T,) float
        Seconds, strictly rising.
    points : (T, K, 3) float
        Metres. What is not finite counts as not seen.
    confidence : (T, K) float
        0 to 1.
    camera : (3,) or (T, 3) float or None
        Where the film was taken from. Speed along the view is left out when given, because depth
        is too noisy to tell rest from motion.

    Returns
    -------
    LocalMotion
    """
    known = np.isfinite(points).all(axis=-1) & np.isfinite(confidence) & (confidence > 0)
    weight = np.where(known, np.clip(confidence, 0.0, 1.0), 0.0)
    place = np.where(known[..., None], points, 0.0)
    spacing = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    sigma = max(_SIGMA, _LEAST_FRAMES * spacing)
    around = windows(times, sigma)
    sums, values, slopes = _lines(around, weight, place)
    seen = np.where(sums.zero > _FAINT, np.minimum(sums.zero / around.kernel.sum(1)[:, None], 1), 0)
    slopes = slopes / sigma
    rest = np.where(known[..., None], place - values, 0.0)
    if camera is not None:
        rays = values - np.broadcast_to(camera, (len(times), 3))[:, None]
        rays = rays / np.maximum(np.linalg.norm(rays, axis=-1, keepdims=True), _SINGULAR)
        slopes, rest = (v - np.sum(v * rays, axis=-1, keepdims=True) * rays for v in (slopes, rest))
    noise = _noise(around, sums, weight, rest, 3 if camera is None else 2)
    visible = (seen > 0)[..., None]
    return LocalMotion(
        places=np.where(visible, values, 0.0),
        speeds=np.where(visible, slopes, 0.0),
        noise=np.minimum(noise / sigma, _MOST_NOISE),
        seen=seen,
    )


def _lines(
    around: Windows, weight: np.ndarray, place: np.ndarray
) -> tuple[_Sums, np.ndarray, np.ndarray]:
    """Fitted values and slopes ``(T, K, 3)``, per sigma of time."""
    zero, one, two = (np.zeros(weight.shape) for _ in range(3))
    total, moment = np.zeros(place.shape), np.zeros(place.shape)
    for index, offset, kernel in zip(around.index.T, around.offset.T, around.kernel.T, strict=True):
        share, lag = kernel[:, None] * weight[index], offset[:, None]
        zero, one, two = zero + share, one + share * lag, two + share * lag**2
        total += share[..., None] * place[index]
        moment += (share * lag)[..., None] * place[index]
    sums = _Sums(zero, one, two)
    level, bend = sums.determinant[..., None] > _SINGULAR, sums.determinant[..., None]
    safe = np.where(level, bend, 1.0)
    mean = total / np.maximum(zero, _SINGULAR)[..., None]
    values = np.where(level, (two[..., None] * total - one[..., None] * moment) / safe, mean)
    slopes = np.where(level, (zero[..., None] * moment - one[..., None] * total) / safe, 0.0)
    return sums, values, slopes


def _noise(
    around: Windows, sums: _Sums, weight: np.ndarray, rest: np.ndarray, axes: int
) -> np.ndarray:
    """Noise of slopes ``(T, K)`` from what the lines leave over, per sigma of time.

    The lower quartile of the residuals stands for the whole, so that bends of the path (which are
    residuals too) do not count as noise.
    """
    safe = np.where(sums.determinant > _SINGULAR, sums.determinant, np.inf)
    spread, gain, own = (np.zeros(weight.shape) for _ in range(3))
    middle = around.index.shape[1] // 2
    for column, (index, offset, kernel) in enumerate(
        zip(around.index.T, around.offset.T, around.kernel.T, strict=True)
    ):
        share, lag = kernel[:, None] * weight[index], offset[:, None]
        hat = share * (sums.two - sums.one * lag) / safe
        spread += hat**2
        gain += (share * (sums.zero * lag - sums.one) / safe) ** 2
        own = hat if column == middle else own
    left = 1 - 2 * own + spread
    usable = (weight > 0) & np.isfinite(safe) & (left > _FAINT)
    squares = np.where(usable, np.sum(rest**2, axis=-1) / np.where(usable, left, 1.0), np.nan)
    variance = np.zeros(weight.shape[1])
    some = usable.any(axis=0)
    if some.any():
        variance[some] = np.nanquantile(squares[:, some], 0.25, axis=0) / _LOWER_QUARTILE[axes]
    return np.asarray(np.sqrt(axes * variance * gain))
