"""Where the root stands before the camera: the place from which the body projects onto its pixels.

The size of the picture of a body of known size gives its distance, so a lens that is wrong by a
factor puts the person wrong by the same factor. Whatever part of the body is visible serves.
"""

import dataclasses

import numpy as np

from choreoscope.motion.smoothing import Pace, bridge_values, smooth_values

_NEAREST, _FARTHEST = 0.25, 500.0
_ROUNDS = 8
_FEWEST = 3
_OUTLIER = 0.06
_NOISE = 0.02
_DAMPING = 1e-9
_TINY = 1e-9
_SMALLEST_PICTURE = 1e-4
_NOBODY = np.array([0.0, 0.0, 5.0])
DISTANCE_PACE = Pace(sigma=0.20, fastest=0.8, accent=0.03)
"""For the logarithm of the distance along the ray: 0.8 is 4 m/s towards a lens 5 m away."""
DIRECTION_PACE = Pace(sigma=0.05, fastest=4.0, accent=0.01)
"""For the place at right angles to the ray, metres."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Root of one person in camera space.

    Attributes
    ----------
    root : (T, 3) float
        Metres, camera axes; finite everywhere, bridged where not seen.
    distance_sigma : (T,) float
        Standard deviation of the logarithm of the distance.
    seen : (T,) bool
        Whether enough of the body was visible.
    """

    root: np.ndarray
    distance_sigma: np.ndarray
    seen: np.ndarray


def place_root(
    times: np.ndarray, body: np.ndarray, image: np.ndarray, weights: np.ndarray
) -> Placement:
    """Put a posed body where it projects onto its image points, each frame for itself.

    Gauss-Newton on the reprojection error with a Cauchy weight per point, from a weak-perspective
    start. The error is measured in metres at the body's distance, so it does not depend on how
    many pixels the picture has.

    Parameters
    ----------
    times : (T,) float
        Seconds, strictly rising.
    body : (T, P, 3) float
        Points of the posed body relative to the root, camera axes, metres.
    image : (T, P, 2) float
        Where they are seen: undistorted x / z and y / z. Finite where the weight is above 0.
    weights : (T, P) float
        0 to 1.

    Returns
    -------
    Placement
        Frames with fewer than three visible points are bridged.
    """
    root = _weak_perspective(body, image, weights)
    information = np.zeros((len(root), 3, 3))
    for _ in range(_ROUNDS):
        step, information = _step(root, body, image, weights)
        root = _kept_in_front(root + step, body)
    ray = root / np.linalg.norm(root, axis=-1, keepdims=True)
    covariance = np.linalg.inv(information + np.eye(3) * _TINY)
    spread = np.sqrt(np.einsum("ta,tab,tb->t", ray, covariance, ray)) * _NOISE
    sigma = spread / np.linalg.norm(root, axis=-1)
    enough = (weights > 0).sum(axis=1) >= _FEWEST
    seen = enough & (_spread(image, weights) > _SMALLEST_PICTURE) & np.isfinite(sigma)
    if not seen.any():
        root = np.tile(_NOBODY, (len(root), 1))
    return Placement(
        root=bridge_values(times, root, seen),
        distance_sigma=np.where(seen, np.clip(sigma, 1e-3, 1.0), 1.0),
        seen=seen,
    )


def steady_root(times: np.ndarray, placement: Placement, trust: np.ndarray) -> np.ndarray:
    """Smooth the path: the distance along the ray strongly, across the ray like a limb.

    Parameters
    ----------
    times : (T,) float
        Seconds, strictly rising.
    placement : Placement
        From `place_root`.
    trust : (T,) float
        Confidence of the frame, 0 to 1.

    Returns
    -------
    (T, 3) float
        Camera axes, metres.
    """
    far = np.linalg.norm(placement.root, axis=-1, keepdims=True)
    sure = np.where(placement.seen, trust / (placement.distance_sigma**2 + 0.01**2), 0.0)
    sure = sure / max(float(sure.max(initial=0.0)), _TINY)
    distance = np.exp(smooth_values(times, np.log(far), sure, DISTANCE_PACE))
    across = smooth_values(
        times, placement.root / far * distance, trust * placement.seen, DIRECTION_PACE
    )
    steady = across / np.linalg.norm(across, axis=-1, keepdims=True) * distance
    return bridge_values(times, steady, placement.seen)


def _spread(points: np.ndarray, weights: np.ndarray) -> np.ndarray:
    total = np.maximum(weights.sum(axis=1), _TINY)
    mean = np.einsum("tp,tpc->tc", weights, points) / total[:, None]
    square = np.sum((points - mean[:, None]) ** 2, axis=-1)
    return np.asarray(np.sqrt(np.sum(weights * square, axis=1) / total))


def _weak_perspective(body: np.ndarray, image: np.ndarray, weights: np.ndarray) -> np.ndarray:
    total = np.maximum(weights.sum(axis=1), _TINY)[:, None]
    seen = np.einsum("tp,tpc->tc", weights, image) / total
    own = np.einsum("tp,tpc->tc", weights, body) / total
    size = np.maximum(_spread(image, weights), _SMALLEST_PICTURE)
    depth = np.clip(_spread(body[..., :2], weights) / size, _NEAREST, _FARTHEST)[:, None]
    start = np.concatenate([seen * depth - own[:, :2], depth - own[:, 2:]], axis=-1)
    return _kept_in_front(start, body)


def _kept_in_front(root: np.ndarray, body: np.ndarray) -> np.ndarray:
    """Whole bodies stay before the lens, however poor the evidence."""
    kept = root.copy()
    kept[:, 2] = np.clip(root[:, 2], _NEAREST - body[..., 2].min(axis=1), _FARTHEST)
    return kept


def _step(
    root: np.ndarray, body: np.ndarray, image: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Newton step and information matrix, ``(T, 3)`` and ``(T, 3, 3)``."""
    places = body + root[:, None]
    shown = places[..., :2] / places[..., 2:]
    residual = (shown - image) * places[..., 2:]
    robust = weights / (1 + np.sum(residual**2, axis=-1) / _OUTLIER**2)
    rows = np.zeros((*body.shape[:2], 2, 3))
    rows[..., 0, 0] = rows[..., 1, 1] = 1.0
    rows[..., 2] = -shown
    # Dividing by depth keeps far points from dragging the body nearer to shrink their error.
    robust = robust * (np.abs(root[:, 2:]) / places[..., 2]) ** 2
    scaled = rows * robust[..., None, None]
    information = np.einsum("tpra,tprb->tab", scaled, rows, optimize=True)
    wanted = np.einsum("tpra,tpr->ta", scaled, residual, optimize=True)
    damped = information + np.eye(3) * (_DAMPING + _TINY)
    return -np.linalg.solve(damped, wanted[..., None])[..., 0], information
