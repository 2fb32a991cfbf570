"""Depth maps: AbsRel, RMSE and delta (D. Eigen et al., NIPS 2014), with what may be free before."""

import dataclasses
from typing import Literal

import numpy as np

from choreoscope.datatypes.errors import ShapeError
from choreoscope.motion.metrics.means import mean, root_mean_square

Freedom = Literal["none", "scale", "affine", "affine_inverse"]
_DELTA = 1.25
_LEAST = 2


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DepthScores:
    """One depth map, or many in one heap, against the truth.

    Attributes
    ----------
    abs_rel : float
        Mean of the error's size by the true depth.
    rmse : float
        Metres.
    delta : tuple of 3 float
        Shares of pixels whose depth is wrong by less than a factor of 1.25, 1.25^2, 1.25^3.
    scale, shift : float
        What the result was multiplied by and moved by before (`Freedom`).
    pixels : int
        With truth and result.
    """

    abs_rel: float
    rmse: float
    delta: tuple[float, float, float]
    scale: float
    shift: float
    pixels: int


def depth_scores(
    result: np.ndarray, truth: np.ndarray, *, freedom: Freedom = "none"
) -> DepthScores:
    """Score a depth map.

    Parameters
    ----------
    result, truth : (...,) float
        Metres along camera z. Pixels that are not finite and above 0 in both are left out.
    freedom : {"none", "scale", "affine", "affine_inverse"}
        Nothing; one factor, the ratio of the medians (T. Zhou et al. 2017); factor and shift of
        the depth by least squares; factor and shift of 1 / depth (R. Ranftl et al. 2020).

    Returns
    -------
    DepthScores
        NaN without a pixel to compare. A depth that the alignment makes negative counts as wrong.

    Raises
    ------
    ShapeError
        If shapes differ.
    """
    if result.shape != truth.shape:
        raise ShapeError(f"depth: expected one shape, got {result.shape} and {truth.shape}")
    known = np.isfinite(result) & np.isfinite(truth) & (result > 0) & (truth > 0)
    own, true = result[known].astype(np.float64), truth[known].astype(np.float64)
    scale, shift = _fitted(own, true, freedom)
    if freedom == "affine_inverse":
        inverse = scale / own + shift
        # Behind the camera means beyond the farthest.
        own = np.where(
            inverse > 0, 1.0 / np.where(inverse > 0, inverse, 1.0), np.max(true, initial=0)
        )
    else:
        own = scale * own + shift
    factor = np.where(own > 0, np.maximum(own / true, true / np.where(own > 0, own, 1.0)), np.inf)
    shares = [mean(factor < _DELTA**power) if len(true) else float("nan") for power in (1, 2, 3)]
    return DepthScores(
        abs_rel=mean(np.abs(own - true) / true),
        rmse=root_mean_square(own - true),
        delta=(shares[0], shares[1], shares[2]),
        scale=scale,
        shift=shift,
        pixels=int(known.sum()),
    )


def _fitted(own: np.ndarray, true: np.ndarray, freedom: Freedom) -> tuple[float, float]:
    if freedom == "none" or not len(own):
        return 1.0, 0.0
    if freedom == "scale" or len(own) < _LEAST:
        return float(np.median(true) / np.median(own)), 0.0
    first, second = (1.0 / own, 1.0 / true) if freedom == "affine_inverse" else (own, true)
    columns = np.stack([first, np.ones(len(first))], axis=1)
    scale, shift = np.linalg.lstsq(columns, second, rcond=None)[0]
    return float(scale), float(shift)
