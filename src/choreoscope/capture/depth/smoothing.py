"""Smooth curves over the frames of a shot from scattered, partly wrong samples.

Cubic B-splines with knots some frames apart and a penalty on their bends (Eilers and Marx 1996,
"Flexible smoothing with B-splines and penalties"), errors beyond a limit counted less (Huber
1964). How much the curve bends is what makes the samples likeliest (MacKay 1992), so that noise
alone gives a flat curve.
"""

import dataclasses

import numpy as np

KNOT_FRAMES = 12
_HUBER = 1.345
_ROUNDS = 12
_BENDS = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032)
"""Standard deviations of the curve's second difference from knot to knot that are tried."""
_ORDER = 3
_SETTLED = 1e-9


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A smooth curve, one value per frame.

    Attributes
    ----------
    values, sigma : (T,) float
        The curve and one standard deviation of it.
    bend : float
        Standard deviation of its second difference from knot to knot that was chosen.
    """

    values: np.ndarray
    sigma: np.ndarray
    bend: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Smoothness:
    """What is known of a curve before there are samples.

    Attributes
    ----------
    size : float
        Standard deviation of the curve itself.
    knots : int
        Frames from knot to knot.
    unit : float
        What the tried bends are multiplied by.
    """

    size: float
    knots: int = KNOT_FRAMES
    unit: float = 1.0


def smooth_curve(
    rows: np.ndarray,
    values: np.ndarray,
    sigma: np.ndarray,
    count: int,
    known: Smoothness,
) -> Curve:
    """Lay a curve through samples.

    Parameters
    ----------
    rows : (N,) int
        Frame of each sample, 0 to `count` - 1.
    values : (N,) float
        Samples.
    sigma : (N,) float
        Their standard deviations; infinite for samples that do not count.
    count : int
        Frames.
    known : Smoothness
        What the curve is like.

    Returns
    -------
    Curve
        0 with sigma `known.size` where there is no sample far and wide.
    """
    splines = Splines(count, known.knots)
    curves = [_fitted(splines, (rows, values, sigma), bend, known) for bend in _BENDS]
    best = int(np.argmax([likelihood for _, likelihood in curves]))
    return curves[best][0]


class Splines:
    """Cubic B-splines at every frame of a shot; only four are not 0 at any.

    Parameters
    ----------
    count : int
        Frames.
    knots : int
        Frames from knot to knot.
    """

    def __init__(self, count: int, knots: int) -> None:
        spans = max(1, int(np.ceil((count - 1) / knots)))
        place = np.arange(count) / knots
        self.span = np.minimum(place.astype(np.int64), spans - 1)
        u = place - self.span
        self.values = (
            np.stack(
                [(1 - u) ** 3, 3 * u**3 - 6 * u**2 + 4, -3 * u**3 + 3 * u**2 + 3 * u + 1, u**3],
                axis=1,
            )
            / 6.0
        )
        self.width = spans + _ORDER

    def at(self, answer: np.ndarray) -> np.ndarray:
        """Curve of coefficients ``(K,)`` at every frame, ``(T,)``."""
        return np.asarray(sum(self.values[:, i] * answer[self.span + i] for i in range(4)))

    def normal(self, share: np.ndarray) -> np.ndarray:
        """Upper bands ``(4, K)`` of the weighted products of the splines."""
        bands = np.zeros((_ORDER + 1, self.width))
        for i in range(4):
            for j in range(i, 4):
                products = share * self.values[:, i] * self.values[:, j]
                np.add.at(bands[_ORDER - (j - i)], self.span + j, products)
        return bands

    def pull(self, weighted: np.ndarray) -> np.ndarray:
        """Weighted sums of the splines, ``(K,)``."""
        total = np.zeros(self.width)
        for i in range(4):
            np.add.at(total, self.span + i, self.values[:, i] * weighted)
        return total

    def spread(self, inverse: np.ndarray) -> np.ndarray:
        """Variance of the curve at every frame for a covariance ``(K, K)``."""
        columns = self.span[:, None] + np.arange(4)
        block = inverse[columns[:, :, None], columns[:, None, :]]
        return np.asarray(np.einsum("ti,tij,tj->t", self.values, block, self.values))


def _prior(width: int, bend: float, known: Smoothness) -> np.ndarray:
    """Upper bands of what is known before there are samples."""
    bands = np.zeros((_ORDER + 1, width))
    bands[_ORDER] = 1.0 / known.size**2
    stiff = 1.0 / (bend * known.unit) ** 2
    for at in range(width - 2):
        for i, one in enumerate((1.0, -2.0, 1.0)):
            for j, two in enumerate((1.0, -2.0, 1.0)):
                if j >= i:
                    bands[_ORDER - (j - i), at + j] += stiff * one * two
    return bands


def _fitted(
    splines: Splines,
    samples: tuple[np.ndarray, np.ndarray, np.ndarray],
    bend: float,
    known: Smoothness,
) -> tuple[Curve, float]:
    """Curve for one bend, and the logarithm of its likelihood but for a constant."""
    from scipy.linalg import cho_solve_banded, cholesky_banded

    rows, values, sigma = samples
    prior = _prior(splines.width, bend, known)
    root = cholesky_banded(prior)
    before = _log_determinant(root)
    weights, count = 1.0 / sigma**2, len(splines.span)
    answer, kept = np.zeros(splines.width), weights
    for _ in range(_ROUNDS):
        errors = np.abs(splines.at(answer)[rows] - values) / sigma
        kept = weights * _HUBER / np.maximum(errors, _HUBER)
        share = np.bincount(rows, weights=kept, minlength=count)
        pull = splines.pull(np.bincount(rows, weights=kept * values, minlength=count))
        root = cholesky_banded(prior + splines.normal(share))
        better = cho_solve_banded((root, False), pull)
        settled = np.abs(better - answer).max() < _SETTLED * known.unit
        answer = better
        if settled:
            break
    # Errors and penalty together, at their least.
    misfit = float(kept @ values**2 - answer @ pull)
    likelihood = 0.5 * (before - _log_determinant(root) - misfit)
    inverse = cho_solve_banded((root, False), np.eye(splines.width))
    sigma_of = np.sqrt(np.maximum(splines.spread(inverse), 0.0))
    return Curve(values=splines.at(answer), sigma=sigma_of, bend=bend), likelihood


def _log_determinant(root: np.ndarray) -> float:
    return 2.0 * float(np.log(root[-1]).sum())
