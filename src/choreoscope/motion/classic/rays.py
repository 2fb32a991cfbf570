"""Along the ray: size and distance errors are the same thing seen from the camera.

Moving points by a factor about the camera's centre moves each along its own ray, so that no pixel
changes.
"""

import numpy as np

from choreoscope.motion.classic.filters import robust_filter
from choreoscope.motion.classic.kernels import Neighbours

_NEAREST = 0.05


def scaled_about(centres: np.ndarray, points: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Scale the points of every frame about that frame's centre.

    Parameters
    ----------
    centres : (T, 3) float
        Metres, the points' frame of reference.
    points : (T, ..., 3) float
        Metres.
    factors : (T,) float
        Of the distance from the centre.

    Returns
    -------
    (T, ..., 3) float
    """
    extra = [1] * (points.ndim - 2)
    about = centres.reshape(len(centres), *extra, 3)
    return np.asarray(about + factors.reshape(len(factors), *extra, 1) * (points - about))


def repair_factors(scales: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """How far to push each frame's points away for the person to have one size.

    Parameters
    ----------
    scales : (T,) float
        Size of the points of a frame, relative to the body fitted to the whole track.
    weights : (T,) float
        0 where there is nothing to go by.

    Returns
    -------
    (T,) float
        Median of the sizes over the frame's own; 1 where the weight is 0.
    """
    known = (weights > 0) & np.isfinite(scales) & (scales > 0)
    if not known.any():
        return np.ones(len(scales))
    usual = float(np.median(scales[known]))
    return np.where(known, usual / np.where(known, scales, 1.0), 1.0)


def distance_factors(
    near: Neighbours, centres: np.ndarray, root: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Bring the root's distance to that of its smoothed path, each frame on its own ray.

    Parameters
    ----------
    near : Neighbours
        Kernel.
    centres : (T, 3) float
        Where rays start, metres.
    root : (T, 3) float
        Metres, the same frame of reference.
    weights : (T,) float
        0 where the person was not seen.

    Returns
    -------
    (T,) float
        New distance over old; 1 where there is no root or the smoothed path is behind.
    """
    smooth, _ = robust_filter(near, root, weights)
    arm = root - centres
    distance = np.linalg.norm(arm, axis=-1)
    usable = np.isfinite(distance) & (distance > _NEAREST) & (weights > 0)
    safe = np.where(usable, distance, 1.0)
    along = np.sum((smooth - centres) * np.where(usable[:, None], arm, 0.0), axis=-1) / safe
    usable &= np.isfinite(along) & (along > _NEAREST)
    return np.where(usable, along / safe, 1.0)
