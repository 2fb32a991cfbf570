"""Settle a person's path: feet that stand stay put, and stand on the floor.

A single lens knows directions well and distances badly. The correction of the root path found
here is cheap along the ray and dear across it, so the picture hardly changes while feet stop
sliding and sinking. One sparse linear least-squares problem per person, solved a few times to
drop contacts that contradict the rest and to push only what is below the floor.
"""

from typing import Any

import numpy as np

from choreoscope.motion.contacts import TOUCHING

_ALONG_SHARE, _ACROSS = 0.05, 0.02
"""Sigma of the path along the ray (share of the distance) and across it (metres)."""
_PRIOR_PER_SECOND = 2.0
_SLIDE = 0.02
"""Metres a standing point wanders in the square root of a second."""
_FLOOR_SIGMA, _FLOOR_PER_SECOND = 0.02, 10.0
_FLOOR_REACH = 0.30
"""How far from the floor a foot may seem to be and still be taken to stand on it, metres."""
_SHAKE, _SHAKE_PER_SECOND = 2.0, 10.0
"""Acceleration of the correction, m/s^2."""
_OUTLIER = 3.0
_ROUNDS = 4
_FEWEST = 3


def settle_path(
    times: np.ndarray,
    root: np.ndarray,
    camera: np.ndarray,
    feet: np.ndarray,
    contacts: np.ndarray,
    seen: np.ndarray,
) -> np.ndarray:
    """Find the correction of a root path.

    Parameters
    ----------
    times : (T,) float
        Seconds, strictly rising.
    root : (T, 3) float
        World, metres.
    camera : (3,) float
        World position of the camera.
    feet : (T, 4, 3) float
        World positions of the points of the soles, metres.
    contacts : (T, 4) float
        Probabilities; below 0.5 no contact.
    seen : (T, 4) float
        Confidence of the points of the soles, 0 to 1.

    Returns
    -------
    (T, 3) float
        Metres to add to the root. Contacts more than 0.3 m off the floor are held still but not
        pulled to it; feet up to 0.3 m below the floor are pushed up, in contact or not.
    """
    count = len(times)
    held = np.where(contacts >= TOUCHING, contacts, 0.0)
    low = seen * ((feet[..., 1] < 0) & (feet[..., 1] > -_FLOOR_REACH))
    if count < _FEWEST or not (held.any() or low.any()):
        return np.zeros((count, 3))
    from scipy import sparse
    from scipy.sparse.linalg import spsolve

    lasting, steps = np.gradient(times), np.diff(times)
    first = sparse.diags([-np.ones(count - 1), np.ones(count - 1)], [0, 1], (count - 1, count))
    shake = _acceleration(steps)
    smooth = shake.T @ sparse.diags(lasting[1:-1] * _SHAKE_PER_SECOND / _SHAKE**2) @ shake
    fixed = _blocks(_prior(root, camera, lasting)) + sparse.kron(smooth, np.eye(3))
    pairs = np.minimum(held[1:], held[:-1]) / (steps[:, None] * _SLIDE**2)
    firm = (lasting * _FLOOR_PER_SECOND / _FLOOR_SIGMA**2)[:, None]
    stand = firm * np.where(np.abs(feet[..., 1]) < _FLOOR_REACH, held, 0.0)
    correction = np.zeros((count, 3))
    for _ in range(_ROUNDS):
        slide = np.diff(feet + correction[:, None], axis=0)
        slip = np.linalg.norm(slide, axis=-1) / (_SLIDE * np.sqrt(steps[:, None]))
        pull = pairs / (1 + (slip / _OUTLIER) ** 2)
        height = feet[..., 1] + correction[:, None, 1]
        sunk = firm * low * (height < 0)
        lift = np.maximum(stand / (1 + (height / _FLOOR_SIGMA / _OUTLIER) ** 2), sunk)
        still = first.T @ sparse.diags(pull.sum(axis=1)) @ first
        up = np.zeros((count, 3, 3))
        up[:, 1, 1] = lift.sum(axis=1)
        wanted = -first.T @ np.einsum("tk,tkc->tc", pull, np.diff(feet, axis=0))
        wanted[:, 1] -= np.sum(lift * feet[..., 1], axis=1)
        matrix = fixed + sparse.kron(still, np.eye(3)) + _blocks(up)
        correction = spsolve(matrix.tocsc(), wanted.reshape(-1)).reshape(count, 3)
    return np.asarray(correction)


def _blocks(blocks: np.ndarray) -> Any:  # noqa: ANN401  # a scipy matrix
    """Block-diagonal sparse matrix of ``(T, 3, 3)`` blocks."""
    from scipy import sparse

    count = len(blocks)
    return sparse.bsr_matrix((blocks, np.arange(count), np.arange(count + 1)))


def _prior(root: np.ndarray, camera: np.ndarray, lasting: np.ndarray) -> np.ndarray:
    """Information on the path, ``(T, 3, 3)``: tight across the ray, loose along it."""
    away = root - camera
    distance = np.linalg.norm(away, axis=-1)[:, None, None]
    ray = away[:, :, None] / distance
    along = ray @ np.swapaxes(ray, 1, 2)
    spread = along / (_ALONG_SHARE * distance) ** 2 + (np.eye(3) - along) / _ACROSS**2
    return np.asarray(spread * (lasting * _PRIOR_PER_SECOND)[:, None, None])


def _acceleration(steps: np.ndarray) -> Any:  # noqa: ANN401  # a scipy matrix
    """Second derivative on uneven times, ``(T - 2, T)`` sparse."""
    from scipy import sparse

    before, after = steps[:-1], steps[1:]
    both = before + after
    count = len(steps) + 1
    return sparse.diags(
        [2 / (before * both), -2 / (before * after), 2 / (after * both)],
        [0, 1, 2],
        (count - 2, count),
    )


def slide_speeds(times: np.ndarray, feet: np.ndarray, contacts: np.ndarray | None) -> float:
    """Median horizontal speed of standing feet, m/s: foot skate. NaN without contacts.

    Parameters
    ----------
    times : (T,) float
        Seconds.
    feet : (T, 4, 3) float
        World, metres.
    contacts : (T, 4) float or None
        Probabilities.
    """
    if contacts is None or len(times) == 1:
        return float("nan")
    moved = np.diff(feet[..., [0, 2]], axis=0) / np.diff(times)[:, None, None]
    both = np.minimum(contacts[1:], contacts[:-1]) >= TOUCHING
    speeds = np.linalg.norm(moved, axis=-1)[both]
    return float(np.median(speeds)) if speeds.size else float("nan")
