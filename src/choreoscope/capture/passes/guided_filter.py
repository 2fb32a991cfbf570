"""Guided filter: a matte's edge goes where the picture's is.

K. He, J. Sun, X. Tang, "Guided image filtering", PAMI 35(6), 2013, the colour form (equations 19
to 21).
"""

import numpy as np


def guided(picture: np.ndarray, matte: np.ndarray, radius: int, softness: float) -> np.ndarray:
    """Filter a matte so that within each window it is a linear function of the colours.

    Parameters
    ----------
    picture : (H, W, 3) uint8
        The guide.
    matte : (H, W) float32
        0 to 1.
    radius : int, >= 1
        Half the side of a window, pixels.
    softness : float, > 0
        Variance of colours (0 to 1) below which a window counts as even and is only blurred.

    Returns
    -------
    (H, W) float32
        0 to 1.
    """
    guide = picture.astype(np.float32) / np.float32(255)
    mean_guide, mean_matte = _mean(guide, radius), _mean(matte, radius)
    covariance = _mean(guide * matte[..., None], radius) - mean_guide * mean_matte[..., None]
    slopes = _solved(guide, mean_guide, radius, softness, covariance)
    offsets = mean_matte - (slopes * mean_guide).sum(axis=-1)
    filtered = (_mean(slopes, radius) * guide).sum(axis=-1) + _mean(offsets, radius)
    return np.asarray(np.clip(filtered, 0.0, 1.0), dtype=np.float32)


def _mean(values: np.ndarray, radius: int) -> np.ndarray:
    import cv2

    side = 2 * radius + 1
    mean = cv2.boxFilter(values, -1, (side, side), borderType=cv2.BORDER_REFLECT)
    return np.asarray(mean)


def _solved(
    guide: np.ndarray,
    mean: np.ndarray,
    radius: int,
    softness: float,
    right: np.ndarray,
) -> np.ndarray:
    """Solve each window's 3x3 equations by the adjugate; a solver would take ten times as long."""
    red, green, blue = (guide[..., at] for at in range(3))

    def spread(one: np.ndarray, other: np.ndarray, at: int, to: int) -> np.ndarray:
        return np.asarray(_mean(one * other, radius) - mean[..., at] * mean[..., to])

    rr, gg, bb = (spread(guide[..., at], guide[..., at], at, at) + softness for at in range(3))
    rg, rb, gb = spread(red, green, 0, 1), spread(red, blue, 0, 2), spread(green, blue, 1, 2)
    first = np.stack([gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg], axis=-1)
    second = np.stack([rb * gb - rg * bb, rr * bb - rb * rb, rg * rb - rr * gb], axis=-1)
    third = np.stack([rg * gb - rb * gg, rg * rb - rr * gb, rr * gg - rg * rg], axis=-1)
    determinant = rr * first[..., 0] + rg * first[..., 1] + rb * first[..., 2]
    rows = [(row * right).sum(axis=-1) for row in (first, second, third)]
    return np.asarray(np.stack(rows, axis=-1) / determinant[..., None])
