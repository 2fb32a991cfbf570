"""Last refinement of a travelling camera: poses, points and focal length together.

Bundle adjustment with the points eliminated (Triggs et al. 1999, "Bundle Adjustment - A Modern
Synthesis"), robust weights after Geman and McClure, Levenberg's damping. Structure from motion
knows the keyframes' own features; here are the followed points, which lie several times better.
"""

import dataclasses

import numpy as np

from choreoscope.geometry import rotation

_ROUNDS = 40
_LEAST_SCALE_PX, _SCALE_OF_MEDIAN, _LEAST_NOISE_PX = 0.3, 2.5, 0.1
_SHARED_NOISE = 6.0
"""Errors of one point in neighbouring frames are alike: frames count this many times less."""
_GAUGE = 1e9


@dataclasses.dataclass(frozen=True, slots=True)
class Sights:
    """What is seen where: one row per point and view.

    Attributes
    ----------
    view, point : (n,) int
        Numbers of pose and point.
    seen : (n, 2) float
        Straightened pixels.
    """

    view: np.ndarray
    point: np.ndarray
    seen: np.ndarray


@dataclasses.dataclass(frozen=True, slots=True)
class Bundle:
    """Poses ``(V, 4, 4)`` camera from world, points ``(P, 3)`` and focal length, pixels.

    `sigma` is that of the logarithm of the focal length.
    """

    poses: np.ndarray
    points: np.ndarray
    focal: float
    sigma: float


def refined(start: Bundle, sights: Sights, prior_focal: float) -> Bundle:
    """Refine everything.

    Parameters
    ----------
    start : Bundle
        Near the answer; its `sigma` is that of `prior_focal`, 0 holds the focal length.
    prior_focal : float
        Straightened pixels.

    Returns
    -------
    Bundle
        With the first pose as it was.
    """
    bundle, damping = start, 1e-3
    median = float(np.median(np.linalg.norm(_errors(bundle, sights)[2], axis=1)))
    problem = _Problem(sights, prior_focal, max(_LEAST_SCALE_PX, _SCALE_OF_MEDIAN * median))
    cost = _cost(bundle, problem)
    for _ in range(_ROUNDS):
        tried = _stepped(bundle, problem, damping)
        new = _cost(tried, problem) if tried is not None else np.inf
        if tried is not None and new < cost:
            done = cost - new < 1e-5 * cost
            bundle, cost, damping = tried, new, max(damping / 5, 1e-9)
            if done:
                break
        else:
            damping *= 10
            if damping > 1e3:  # noqa: PLR2004
                break
    return dataclasses.replace(bundle, sigma=_sigma(bundle, problem))


def _errors(bundle: Bundle, sights: Sights) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places over depth ``(n, 2)``, depths ``(n,)`` and pixel errors ``(n, 2)``."""
    turns, shifts = bundle.poses[:, :3, :3], bundle.poses[:, :3, 3]
    local = np.einsum("nij,nj->ni", turns[sights.view], bundle.points[sights.point])
    local += shifts[sights.view]
    depth = np.maximum(local[:, 2], 1e-6)
    flat = local[:, :2] / depth[:, None]
    return flat, depth, flat * bundle.focal - sights.seen


@dataclasses.dataclass(frozen=True, slots=True)
class _Problem:
    """Sights, the focal length expected, and pixels from which an error counts for less."""

    sights: Sights
    prior_focal: float
    scale: float


def _cost(bundle: Bundle, problem: _Problem) -> float:
    error = np.sum(_errors(bundle, problem.sights)[2] ** 2, axis=1)
    total = float(np.sum(error / (1.0 + error / problem.scale**2)))
    if bundle.sigma > 0:
        off = float(np.log(bundle.focal / problem.prior_focal))
        total += _LEAST_NOISE_PX**2 * _SHARED_NOISE * (off / bundle.sigma) ** 2
    return total


@dataclasses.dataclass(frozen=True, slots=True)
class _Normal:
    """Normal equations: poses and focal length ``(D, D)``, points, and what couples them."""

    cameras: np.ndarray
    camera_right: np.ndarray
    points: np.ndarray
    point_right: np.ndarray
    coupling: np.ndarray


def _normal(bundle: Bundle, problem: _Problem) -> _Normal:
    sights = problem.sights
    flat, depth, error = _errors(bundle, sights)
    weights = 1.0 / (1.0 + np.sum(error**2, axis=1) / problem.scale**2) ** 2
    views, points = len(bundle.poses), len(bundle.points)
    by_shift = np.zeros((len(flat), 2, 3))
    by_shift[:, 0, 0] = by_shift[:, 1, 1] = bundle.focal / depth
    by_shift[:, :, 2] = -bundle.focal * flat / depth[:, None]
    x, y = flat.T
    by_camera = np.zeros((len(flat), 2, 7))
    by_camera[:, 0, :3] = bundle.focal * np.stack([-x * y, 1 + x * x, -y], axis=1)
    by_camera[:, 1, :3] = bundle.focal * np.stack([-1 - y * y, x * y, x], axis=1)
    by_camera[:, :, 3:6] = by_shift
    by_camera[:, :, 6] = flat * bundle.focal
    by_point = by_shift @ bundle.poses[sights.view][:, :3, :3]
    by_point = by_point @ _by_inverse_depth(bundle)[sights.point]
    columns = 6 * sights.view[:, None] + np.arange(7)
    columns[:, 6] = 6 * views
    side = 6 * views + 1
    cameras, camera_right = np.zeros((side, side)), np.zeros(side)
    blocks = np.einsum("nri,nrj,n->nij", by_camera, by_camera, weights)
    np.add.at(cameras, (columns[:, :, None], columns[:, None, :]), blocks)
    np.add.at(camera_right, columns, -np.einsum("nri,nr,n->ni", by_camera, error, weights))
    inner, inner_right = np.zeros((points, 3, 3)), np.zeros((points, 3))
    np.add.at(inner, sights.point, np.einsum("nri,nrj,n->nij", by_point, by_point, weights))
    np.add.at(inner_right, sights.point, -np.einsum("nri,nr,n->ni", by_point, error, weights))
    coupling = np.zeros((points, side, 3))
    mixed = np.einsum("nri,nrj,n->nij", by_camera, by_point, weights)
    np.add.at(coupling, (sights.point[:, None], columns), mixed)
    cameras[:6, :6] += _GAUGE * np.eye(6)
    strength = _GAUGE
    off = float(np.log(bundle.focal / problem.prior_focal)) if bundle.sigma > 0 else 0.0
    if bundle.sigma > 0:
        strength = _SHARED_NOISE * _LEAST_NOISE_PX**2 / bundle.sigma**2
    cameras[-1, -1] += strength
    camera_right[-1] -= strength * off
    return _Normal(cameras, camera_right, inner, inner_right, coupling)


def _reduced(normal: _Normal, damping: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Equations of the cameras alone, and the inverses of the points' blocks."""
    diagonal = np.einsum("pii->pi", normal.points)
    damped = normal.points + damping * diagonal[:, :, None] * np.eye(3) + 1e-12 * np.eye(3)
    inverse = np.linalg.inv(damped)
    through = normal.coupling @ inverse
    flat = np.moveaxis(through, 0, 1).reshape(len(normal.cameras), -1)
    other = np.moveaxis(normal.coupling, 0, 1).reshape(len(normal.cameras), -1)
    matrix = normal.cameras + damping * np.diag(np.diag(normal.cameras)) - flat @ other.T
    right = normal.camera_right - np.einsum("pdi,pi->d", through, normal.point_right)
    return matrix, right, inverse


def _as_inverse_depth(bundle: Bundle) -> np.ndarray:
    """Points as x/z, y/z and 1/z in the first view: far ones move evenly in these (Civera 2008)."""
    first = bundle.poses[0]
    local = bundle.points @ first[:3, :3].T + first[:3, 3]
    inverse = 1.0 / np.maximum(local[:, 2], 1e-6)
    return np.stack([local[:, 0] * inverse, local[:, 1] * inverse, inverse], axis=1)


def _by_inverse_depth(bundle: Bundle) -> np.ndarray:
    """Differentiate the points by x/z, y/z and 1/z, ``(P, 3, 3)``."""
    u, v, inverse = _as_inverse_depth(bundle).T
    derivative = np.zeros((len(u), 3, 3))
    derivative[:, 0, 0] = derivative[:, 1, 1] = 1.0 / inverse
    derivative[:, 0, 2], derivative[:, 1, 2] = -u / inverse**2, -v / inverse**2
    derivative[:, 2, 2] = -1.0 / inverse**2
    return np.asarray(bundle.poses[0, :3, :3].T @ derivative)


def _moved_points(bundle: Bundle, step: np.ndarray) -> np.ndarray:
    first, coded = bundle.poses[0], _as_inverse_depth(bundle)
    inverse = np.maximum(coded[:, 2] + step[:, 2], 0.02 * coded[:, 2])
    local = np.concatenate([coded[:, :2] + step[:, :2], np.ones((len(step), 1))], axis=1)
    return np.asarray((local / inverse[:, None] - first[:3, 3]) @ first[:3, :3])


def _stepped(bundle: Bundle, problem: _Problem, damping: float) -> Bundle | None:
    normal = _normal(bundle, problem)
    matrix, right, inverse = _reduced(normal, damping)
    try:
        step = np.linalg.solve(matrix, right)
    except np.linalg.LinAlgError:
        return None
    rest = normal.point_right - np.einsum("pdi,d->pi", normal.coupling, step)
    points = _moved_points(bundle, np.einsum("pij,pj->pi", inverse, rest))
    each = step[:-1].reshape(-1, 6)
    turns = rotation.to_matrix(rotation.from_rotation_vector(each[:, :3]))
    poses = bundle.poses.copy()
    poses[:, :3] = turns @ bundle.poses[:, :3]
    poses[:, :3, 3] += each[:, 3:]
    focal = bundle.focal * float(np.exp(np.clip(step[-1], -0.2, 0.2)))
    return dataclasses.replace(bundle, poses=poses, points=points, focal=focal)


def _sigma(bundle: Bundle, problem: _Problem) -> float:
    """Sigma of the logarithm of the focal length."""
    if bundle.sigma == 0:
        return 0.0
    matrix, _, _ = _reduced(_normal(bundle, problem), 1e-9)
    length = np.linalg.norm(_errors(bundle, problem.sights)[2], axis=1)
    noise = max(_LEAST_NOISE_PX, float(np.median(length)) / 1.18)
    # The scale of everything is free: its direction would spoil a plain inverse.
    variance = float(np.linalg.pinv(matrix, rcond=1e-14, hermitian=True)[-1, -1])
    return float(min(bundle.sigma, noise * np.sqrt(max(variance, 0.0) * _SHARED_NOISE)))
