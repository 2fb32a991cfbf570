"""Turns of a camera that stays where it is, and its focal length, from linked keyframes.

Least squares over all shared points of all links: a point of one keyframe, turned into the other,
has to land where it was seen (Hartley 1997 for turning cameras; here with robust weights after
Geman and McClure, Levenberg's damping and a prior on the logarithm of the focal length).
"""

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np

from choreoscope.capture.camera.links import Link
from choreoscope.geometry import rotation

_ROUNDS = 25
_LEAST_SCALE_PX = 0.3
_SCALE_OF_MEDIAN = 2.5
_GAUGE = 1e8
_ZOOM_STEP = 0.15
"""Sigma of the change of the logarithm of the focal length from keyframe to keyframe."""
_FOCAL_GRID = np.exp(np.linspace(np.log(0.35), np.log(4.0), 14))
_LEAST_NOISE_PX = 0.1
_SHARED_NOISE = 6.0
"""Places of one point in several links, and of neighbours, err together: the number of points
counts this many times less."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FocalPrior:
    """What is known of the focal length before looking.

    Attributes
    ----------
    focal : float
        Straightened pixels.
    sigma : float
        Of its logarithm; 0 holds it.
    """

    focal: float
    sigma: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TurnGraph:
    """Solved keyframes.

    Attributes
    ----------
    rotations : (K, 3, 3) float
        Camera from world; the first is the identity.
    focals : (K,) float
        Straightened pixels.
    residuals : (L,) float
        Median pixel distance per link.
    focal_sigma : float
        Of the logarithm of the focal length.
    """

    rotations: np.ndarray
    focals: np.ndarray
    residuals: np.ndarray
    focal_sigma: float

    @property
    def residual(self) -> float:
        """Median over links, pixels."""
        return float(np.median(self.residuals)) if len(self.residuals) else float("nan")


def solve_turns(
    count: int,
    links: Sequence[Link],
    prior: FocalPrior,
    *,
    zooms: bool = False,
    systematic_px: float = 0.0,
) -> TurnGraph:
    """Solve all keyframes at once.

    Parameters
    ----------
    count : int
        Number of keyframes; those without a link keep the turn of the one before.
    zooms : bool
        Whether every keyframe has a focal length of its own.
    systematic_px : float
        Error that all points of a link may share, as from a small sway that is not modelled: the
        prior of the focal length counts the more for it.
    """
    problem = _Problem.of(links, systematic_px)
    ratios = _zoom_ratios(count, links) if zooms else np.ones(count)
    focal = prior.focal if prior.sigma == 0 else _searched_focal(links, prior, ratios)
    state = _State(
        rotations=_chained(count, links, focal * ratios), logs=np.log(focal * ratios), zooms=zooms
    )
    damping = 1e-4
    cost = problem.cost(state, prior)
    for _ in range(_ROUNDS):
        matrix, right = problem.normal(state, prior)
        step = _solved(matrix + damping * np.diag(np.diag(matrix)), right)
        if prior.sigma == 0 and not zooms:
            step[-1] = 0.0
        tried = state.moved(step)
        new = problem.cost(tried, prior)
        if new < cost:
            done = cost - new < 1e-6 * cost
            state, cost, damping = tried, new, damping / 5
            if done:
                break
        else:
            damping *= 10
            if damping > 1e4:  # noqa: PLR2004
                break
    return TurnGraph(
        rotations=state.rotations,
        focals=np.exp(state.logs),
        residuals=problem.medians(state),
        focal_sigma=problem.focal_sigma(state, prior),
    )


def _solved(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve normal equations; those of a long shot are nearly empty."""
    if len(right) < _MANY:
        return np.asarray(np.linalg.solve(matrix, right))
    from scipy.sparse import csc_matrix
    from scipy.sparse.linalg import spsolve

    return np.asarray(spsolve(csc_matrix(matrix), right))


_MANY = 600


@dataclasses.dataclass(frozen=True, slots=True)
class _State:
    rotations: np.ndarray
    logs: np.ndarray
    zooms: bool

    def moved(self, step: np.ndarray) -> "_State":
        """Apply a step: a left turn per keyframe, then logarithms of focal lengths."""
        count = len(self.rotations)
        turns = rotation.to_matrix(rotation.from_rotation_vector(step[: 3 * count].reshape(-1, 3)))
        more = step[3 * count :]
        logs = self.logs + np.clip(more if self.zooms else more[0], -0.3, 0.3)
        return _State(turns @ self.rotations, logs, self.zooms)


@dataclasses.dataclass(frozen=True, slots=True)
class _Problem:
    """All points of all links in a row."""

    first: np.ndarray
    second: np.ndarray
    link: np.ndarray
    here: np.ndarray
    there: np.ndarray
    count: int
    systematic: float
    """Variance of the error that a link's points share, times how many they are, square pixels."""

    @classmethod
    def of(cls, links: Sequence[Link], systematic_px: float) -> "_Problem":
        sizes = [len(link.here) for link in links]
        nothing = np.zeros((0, 2))
        return cls(
            first=np.repeat([link.first for link in links], sizes).astype(int),
            second=np.repeat([link.second for link in links], sizes).astype(int),
            link=np.repeat(np.arange(len(links)), sizes),
            here=np.concatenate([nothing, *(link.here for link in links)]),
            there=np.concatenate([nothing, *(link.there for link in links)]),
            count=len(links),
            systematic=systematic_px**2 * sum(sizes) / max(1, len(links)),
        )

    def _turned(self, state: _State) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rays in the first keyframe, in the second, and pixel errors there."""
        rays = np.concatenate(
            [self.here / np.exp(state.logs[self.first])[:, None], np.ones((len(self.here), 1))], 1
        )
        across = state.rotations[self.second] @ np.swapaxes(state.rotations[self.first], -1, -2)
        seen = np.einsum("nij,nj->ni", across, rays)
        depth = np.maximum(seen[:, 2:], 1e-3)
        error = seen[:, :2] / depth * np.exp(state.logs[self.second])[:, None] - self.there
        return rays, seen, error

    def _weights(self, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Robust weights and costs after Geman and McClure, scaled link by link."""
        length = np.linalg.norm(error, axis=1)
        medians = _by_link(length, self.link, self.count)
        scale = np.maximum(_LEAST_SCALE_PX, _SCALE_OF_MEDIAN * medians)[self.link]
        relative = (length / scale) ** 2
        return 1.0 / (1.0 + relative) ** 2, scale**2 * relative / (1.0 + relative)

    def cost(self, state: _State, prior: FocalPrior) -> float:
        error = self._turned(state)[2]
        length = np.linalg.norm(error, axis=1)
        # A scale that followed the median would make a worse fit cheaper; here it only weighs.
        total = float(np.sum(np.minimum(length, 3.0) ** 2))
        if prior.sigma > 0:
            off = float(np.mean(state.logs)) - np.log(prior.focal)
            total += self._strength(prior) * off**2
        return total + float(np.sum((np.diff(state.logs) / _ZOOM_STEP) ** 2))

    def medians(self, state: _State) -> np.ndarray:
        return _by_link(np.linalg.norm(self._turned(state)[2], axis=1), self.link, self.count)

    def normal(self, state: _State, prior: FocalPrior) -> tuple[np.ndarray, np.ndarray]:
        """Set up the normal equations of one Gauss-Newton step."""
        rays, seen, error = self._turned(state)
        weights, _ = self._weights(error)
        jacobian = _jacobian(state, (self.first, self.second), rays, seen)
        keys = len(state.rotations)
        focal_columns = (
            (3 * keys + self.first, 3 * keys + self.second)
            if state.zooms
            else (np.full(len(error), 3 * keys),) * 2
        )
        columns = np.concatenate(
            [
                3 * self.first[:, None] + np.arange(3),
                3 * self.second[:, None] + np.arange(3),
                np.stack(focal_columns, axis=1),
            ],
            axis=1,
        )
        side = 3 * keys + (keys if state.zooms else 1)
        matrix, right = np.zeros((side, side)), np.zeros(side)
        blocks = np.einsum("nri,nrj,n->nij", jacobian, jacobian, weights)
        gradients = -np.einsum("nri,nr,n->ni", jacobian, error, weights)
        # Within a link all points share their columns: sum them first, scattering is slow.
        starts = np.flatnonzero(np.diff(self.link, prepend=-1))
        blocks = np.add.reduceat(blocks, starts) if len(starts) else blocks
        gradients = np.add.reduceat(gradients, starts) if len(starts) else gradients
        for block, gradient, where in zip(blocks, gradients, columns[starts], strict=True):
            np.add.at(matrix, np.ix_(where, where), block)
            np.add.at(right, where, gradient)
        self._add_priors(state, prior, matrix, right)
        return matrix, right

    def _strength(self, prior: FocalPrior) -> float:
        """Weight of the prior beside errors in pixels."""
        return max(1.0, self.systematic) / prior.sigma**2 if prior.sigma > 0 else _GAUGE

    def _add_priors(
        self, state: _State, prior: FocalPrior, matrix: np.ndarray, right: np.ndarray
    ) -> None:
        keys = len(state.rotations)
        matrix[:3, :3] += _GAUGE * np.eye(3)
        turns = np.arange(3 * keys)
        matrix[turns, turns] += 1e-6
        focals = np.arange(3 * keys, len(matrix))
        if state.zooms:
            changes = np.diff(np.eye(keys), axis=0) / _ZOOM_STEP
            matrix[np.ix_(focals, focals)] += changes.T @ changes
            right[focals] -= changes.T @ (changes @ state.logs)
        strength = self._strength(prior)
        # A held focal length is that of the first keyframe; a guess is one about the whole shot.
        pattern = np.eye(len(focals))[0] if prior.sigma == 0 else np.full(len(focals), 1.0)
        pattern = pattern / pattern.sum()
        off = float(pattern @ (state.logs if state.zooms else state.logs[:1])) - np.log(prior.focal)
        matrix[np.ix_(focals, focals)] += strength * np.outer(pattern, pattern)
        right[focals] -= strength * off * pattern

    def focal_sigma(self, state: _State, prior: FocalPrior) -> float:
        """Sigma of the logarithm of the (mean) focal length."""
        if prior.sigma == 0 or not self.count:
            return prior.sigma
        error = self._turned(state)[2]
        noise = max(_LEAST_NOISE_PX, float(np.median(np.linalg.norm(error, axis=1))) / 1.18)
        variance = _SHARED_NOISE * noise**2 + self.systematic
        # The prior has to keep its own width whatever the errors are scaled by.
        sigma = prior.sigma * np.sqrt(max(1.0, self.systematic) / variance)
        known = FocalPrior(focal=prior.focal, sigma=float(sigma))
        covariance = np.linalg.inv(self.normal(state, known)[0])
        focals = slice(3 * len(state.rotations), None)
        spread = float(np.mean(covariance[focals, focals]))
        return float(np.sqrt(max(spread, 0.0) * variance))


def _jacobian(
    state: _State, ends: tuple[np.ndarray, np.ndarray], rays: np.ndarray, seen: np.ndarray
) -> np.ndarray:
    """Differentiate the errors by both turns and both logarithms, ``(n, 2, 8)``."""
    first, second = ends
    across = state.rotations[second] @ np.swapaxes(state.rotations[first], -1, -2)
    depth = np.maximum(seen[:, 2], 1e-3)
    focal = np.exp(state.logs[second])
    pixel = seen[:, :2] / depth[:, None]
    projection = np.zeros((len(seen), 2, 3))
    projection[:, 0, 0] = projection[:, 1, 1] = focal / depth
    projection[:, :, 2] = -(focal / depth)[:, None] * pixel
    jacobian = np.zeros((len(seen), 2, 8))
    jacobian[:, :, :3] = projection @ across @ _cross(rays)
    jacobian[:, :, 3:6] = -projection @ _cross(seen)
    shrunk = np.concatenate([-rays[:, :2], np.zeros((len(rays), 1))], axis=1)
    jacobian[:, :, 6] = np.einsum("nrc,ncd,nd->nr", projection, across, shrunk)
    jacobian[:, :, 7] = pixel * focal[:, None]
    return jacobian


def _cross(vectors: np.ndarray) -> np.ndarray:
    """Matrices of the cross product from the left, ``(n, 3, 3)``."""
    x, y, z = vectors.T
    nothing = np.zeros_like(x)
    rows = [[nothing, -z, y], [z, nothing, -x], [-y, x, nothing]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def _by_link(values: np.ndarray, link: np.ndarray, count: int) -> np.ndarray:
    """Median of each link's values, ``(count,)``."""
    starts = np.searchsorted(link, np.arange(count + 1))
    return np.array(
        [np.median(values[a:b]) if b > a else 0.0 for a, b in itertools.pairwise(starts)]
    )


def turn_between(here: np.ndarray, there: np.ndarray, focals: tuple[float, float]) -> np.ndarray:
    """Turn of the camera from one keyframe to the next, ``(3, 3)`` (Kabsch 1976, reweighted).

    Parameters
    ----------
    here, there : (n, 2) float
        Straightened pixels of the same points.
    focals : (float, float)
        Straightened pixels.
    """
    one, two = (
        _unit(np.concatenate([points / focal, np.ones((len(points), 1))], axis=1))
        for points, focal in zip((here, there), focals, strict=True)
    )
    weights = np.ones(len(one))
    turn = np.eye(3)
    for _ in range(6):
        left, _, right = np.linalg.svd((two * weights[:, None]).T @ one)
        turn = left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right
        off = np.linalg.norm(one @ turn.T - two, axis=1) * focals[1]
        scale = max(_LEAST_SCALE_PX, 1.5 * float(np.median(off)))
        weights = 1.0 / (1.0 + (off / scale) ** 2) ** 2
    return np.asarray(turn)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


def _chained(count: int, links: Sequence[Link], focals: np.ndarray) -> np.ndarray:
    """First guess: the turns of consecutive keyframes one after the other."""
    steps = {
        link.second: turn_between(
            link.here, link.there, (float(focals[link.first]), float(focals[link.second]))
        )
        for link in links
        if link.second == link.first + 1
    }
    rotations = [np.eye(3)]
    for index in range(1, count):
        rotations.append(steps.get(index, np.eye(3)) @ rotations[-1])
    return np.array(rotations).reshape(-1, 3, 3)


def _searched_focal(links: Sequence[Link], prior: FocalPrior, ratios: np.ndarray) -> float:
    """Best focal length of a grid around the prior, judged link by link."""
    shifts = [float(np.median(np.linalg.norm(link.there - link.here, axis=1))) for link in links]
    telling = [links[index] for index in np.argsort(shifts)[::-1][:12]]

    def cost(focal: float) -> float:
        total = float((np.log(focal / prior.focal)) / prior.sigma) ** 2 * 1e-3
        for link in telling:
            ends = (focal * float(ratios[link.first]), focal * float(ratios[link.second]))
            turn = turn_between(link.here, link.there, ends)
            rays = np.concatenate([link.here / ends[0], np.ones((len(link.here), 1))], axis=1)
            seen = rays @ turn.T
            off = seen[:, :2] / np.maximum(seen[:, 2:], 1e-3) * ends[1] - link.there
            total += float(np.median(np.linalg.norm(off, axis=1)))
        return total

    candidates = prior.focal * _FOCAL_GRID
    return float(candidates[int(np.argmin([cost(focal) for focal in candidates]))])


def _zoom_ratios(count: int, links: Sequence[Link]) -> np.ndarray:
    """Focal length of each keyframe over that of the first, from the scale between neighbours."""
    import cv2

    steps = np.zeros(count)
    for link in links:
        if link.second != link.first + 1:
            continue
        fitted, _ = cv2.estimateAffinePartial2D(
            link.here, link.there, method=cv2.RANSAC, ransacReprojThreshold=2.0
        )
        if fitted is not None:
            steps[link.second] = np.log(max(0.2, float(np.hypot(fitted[0, 0], fitted[1, 0]))))
    return np.asarray(np.exp(np.cumsum(steps)))
