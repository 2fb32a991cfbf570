"""Scattered depths into whole pictures, along the edges of the film's own picture.

Normalised convolution (Knutsson and Westin 1993) with the recursive domain-transform filter
(Gastal and Oliveira 2011), which lets values spread far over even surfaces and stops them at edges.
"""

import numpy as np

_ROUNDS = 4
_LEAST = 1e-200
"""Weight that still counts: behind edges little arrives, and that little is all there is."""


def spread(
    values: np.ndarray,
    weights: np.ndarray,
    picture: np.ndarray,
    *,
    reach: float,
    contrast: float = 0.10,
) -> tuple[np.ndarray, np.ndarray]:
    """Spread scattered values over a picture.

    Parameters
    ----------
    values, weights : (H, W) float
        Values where `weights` is above 0.
    picture : (H, W) or (H, W, 3) float
        Whose edges hold values back, 0 to 1.
    reach : float
        How far values go on an even surface, pixels (one standard deviation).
    contrast : float
        Change of the picture that counts as much as `reach` pixels.

    Returns
    -------
    values : (H, W) float
        Everywhere; NaN where no weight arrives.
    weights : (H, W) float
        What arrived; falls with the distance from known places.
    """
    guide = picture if picture.ndim == 3 else picture[..., None]  # noqa: PLR2004 - grey
    across = 1.0 + (reach / contrast) * np.abs(np.diff(guide, axis=1)).mean(axis=2)
    down = 1.0 + (reach / contrast) * np.abs(np.diff(guide, axis=0)).mean(axis=2)
    both = np.stack([values * weights, weights]).astype(np.float64)
    both[0] = np.where(weights > 0, both[0], 0.0)
    for turn in range(_ROUNDS):
        # The standard deviations of the rounds add up to `reach`; the last rounds are finest.
        sigma = reach * np.sqrt(3.0) * 2.0 ** (_ROUNDS - 1 - turn) / np.sqrt(4.0**_ROUNDS - 1)
        decay = float(np.exp(-np.sqrt(2.0) / sigma))
        both = _along(both, decay**across)
        both = np.swapaxes(_along(np.swapaxes(both, 1, 2), (decay**down).T), 1, 2)
    total = both[1]
    known = total > _LEAST
    return np.where(known, both[0] / np.where(known, total, 1.0), np.nan), total


def _along(planes: np.ndarray, decay: np.ndarray) -> np.ndarray:
    """Filter along rows, there and back; `decay` (H, W - 1) lies between neighbours."""
    # Columns first: each step of the recursion then runs over contiguous memory.
    turned = np.ascontiguousarray(np.moveaxis(planes, 2, 0))
    steps = np.ascontiguousarray(decay.T)
    for column in range(1, len(turned)):
        turned[column] += steps[column - 1] * (turned[column - 1] - turned[column])
    for column in range(len(turned) - 2, -1, -1):
        turned[column] += steps[column] * (turned[column + 1] - turned[column])
    return np.moveaxis(turned, 0, 2)
