"""A camera that turns on the spot: keyframes together, then every frame by itself."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from choreoscope.capture.camera.links import Link, Straight, bridged, links_of, loops, pieces
from choreoscope.capture.camera.rotations import FocalPrior, TurnGraph, solve_turns
from choreoscope.capture.camera.tracks import Background, Sighting
from choreoscope.datatypes.camera import Lens
from choreoscope.geometry import rotation

_UNEXPLAINED_PX = 0.3
_ZOOM_RANGE, _ZOOM_GAIN = 0.02, 0.75
_BENDING = (-0.3, -0.2, -0.1, -0.05, 0.05, 0.1)
_BENDING_STEPS = (0.03, 0.01)
_BENDING_GAIN = 0.7
_FEWEST = 8
_ROUNDS = 8


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Turning:
    """Solved keyframes of a turning camera.

    Attributes
    ----------
    straight : Straight
        What straightened the points; its lens holds a found distortion.
    keys : tuple of Sighting
        Keyframes, straightened.
    graph : TurnGraph
        Turns and focal lengths.
    zooms : bool
        Whether the focal length changes.
    piece : (K,) int
        Keyframes with different numbers could not be linked; their turns against each other
        are unknown.
    """

    straight: Straight
    keys: tuple[Sighting, ...]
    graph: TurnGraph
    zooms: bool
    piece: np.ndarray


def solve_turning(
    background: Background, lens: Lens, sigma: float, *, systematic_px: float | None = None
) -> Turning:
    """Solve turns, focal length, zoom, and one distortion coefficient where it is needed.

    Parameters
    ----------
    sigma : float
        Of the logarithm of the lens's focal length; 0 holds it, and its distortion.
    systematic_px : float or None
        Error that points share, see `solve_turns`, with the distortion of `lens`; None looks for
        a distortion and knows of no such error.
    """
    straight = Straight(lens, background.size)
    best = _solve(background, straight, sigma, systematic_px or 0.0, closes=True)
    if (
        systematic_px is None
        and sigma > 0
        and not lens.distortion.any()
        and best.graph.residual > _UNEXPLAINED_PX
    ):
        return _unbent(background, lens, sigma, best)
    return best


def _solve(
    background: Background,
    straight: Straight,
    sigma: float,
    systematic_px: float = 0.0,
    *,
    closes: bool = False,
) -> Turning:
    keys = straight.straightened(background.key_sightings)
    links = bridged(background, straight, keys, links_of(keys))
    prior = FocalPrior(focal=straight.focal, sigma=sigma)
    graph, zooms = _with_zoom(len(keys), links, prior, systematic_px)
    closing = loops(background, straight, keys, graph.rotations) if closes else []
    if closing:
        links += closing
        graph, zooms = _with_zoom(len(keys), links, prior, systematic_px)
    return Turning(
        straight=straight, keys=keys, graph=graph, zooms=zooms, piece=pieces(len(keys), links)
    )


def _with_zoom(
    count: int, links: Sequence[Link], prior: FocalPrior, systematic_px: float
) -> tuple[TurnGraph, bool]:
    """Solve with one focal length, and with many; the many have to earn it."""
    one = solve_turns(count, links, prior, systematic_px=systematic_px)
    many = solve_turns(count, links, prior, zooms=True, systematic_px=systematic_px)
    changes = float(np.ptp(np.log(many.focals))) > _ZOOM_RANGE
    if changes and many.residual < _ZOOM_GAIN * one.residual:
        return many, True
    return one, False


def _unbent(background: Background, lens: Lens, sigma: float, plain: Turning) -> Turning:
    """Look for the radial distortion that leaves least over; keep it only if it helps much."""

    def bent(k1: float) -> Turning:
        tried = dataclasses.replace(lens, distortion=np.array([k1, 0.0, 0.0, 0.0]))
        return _solve(background, Straight(tried, background.size), sigma)

    found, best = 0.0, plain
    for k1 in _BENDING:
        tried = bent(k1)
        if tried.graph.residual < best.graph.residual:
            found, best = k1, tried
    for step in _BENDING_STEPS:
        for k1 in (found - step, found + step):
            tried = bent(k1)
            if tried.graph.residual < best.graph.residual:
                found, best = k1, tried
    return best if best.graph.residual < _BENDING_GAIN * plain.graph.residual else plain


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FrameTurns:
    """Every sighted frame of a turning camera.

    Attributes
    ----------
    frames : (N,) int
        Source frames whose turn could be solved.
    rotations : (N, 3, 3) float
        Camera from world.
    focals : (N,) float
        Straightened pixels.
    residuals : (N,) float
        Median distances, straightened pixels.
    """

    frames: np.ndarray
    rotations: np.ndarray
    focals: np.ndarray
    residuals: np.ndarray


def every_frame(solved: Turning, sightings: Sequence[Sighting]) -> FrameTurns:
    """Turn (and focal length, where it changes) of every frame from directions of its points.

    Directions of points in the world are the means over the keyframes that see them.
    """
    ids, directions = directions_of(solved)
    rows: list[tuple[int, np.ndarray, float, float]] = []
    guess, focal = np.eye(3), float(solved.graph.focals[0])
    at_key = {key.frame: index for index, key in enumerate(solved.keys)}
    for sighting in sightings:
        if sighting.frame in at_key:
            guess = solved.graph.rotations[at_key[sighting.frame]]
            focal = float(solved.graph.focals[at_key[sighting.frame]])
        where = np.searchsorted(ids, sighting.ids)
        known = ids[np.minimum(where, len(ids) - 1)] == sighting.ids
        if known.sum() < _FEWEST:
            continue
        points = solved.straight.of(sighting.points[known])
        guess, focal, off = _registered(
            directions[where[known]], points, (guess, focal), zooms=solved.zooms
        )
        rows.append((sighting.frame, guess, focal, off))
    return FrameTurns(
        frames=np.array([row[0] for row in rows], dtype=np.int64),
        rotations=np.array([row[1] for row in rows]).reshape(-1, 3, 3),
        focals=np.array([row[2] for row in rows], dtype=np.float64),
        residuals=np.array([row[3] for row in rows], dtype=np.float64),
    )


def directions_of(solved: Turning) -> tuple[np.ndarray, np.ndarray]:
    """List all points of keyframes, numbers rising, with their directions in the world."""
    ids = np.concatenate([key.ids for key in solved.keys])
    rays = []
    for key, turn, focal in zip(
        solved.keys, solved.graph.rotations, solved.graph.focals, strict=True
    ):
        ray = np.concatenate([key.points / focal, np.ones((len(key.ids), 1))], axis=1)
        rays.append(ray / np.linalg.norm(ray, axis=1, keepdims=True) @ turn)
    unique, place = np.unique(ids, return_inverse=True)
    total = np.zeros((len(unique), 3))
    np.add.at(total, place, np.concatenate(rays))
    return unique, total / np.linalg.norm(total, axis=1, keepdims=True)


def _registered(
    directions: np.ndarray, points: np.ndarray, start: tuple[np.ndarray, float], *, zooms: bool
) -> tuple[np.ndarray, float, float]:
    """Gauss-Newton with robust weights on one frame's turn and focal length."""
    turn, focal = start
    off = np.zeros(len(points))
    for _ in range(_ROUNDS):
        seen = directions @ turn.T
        depth = np.maximum(seen[:, 2:], 1e-3)
        flat = seen[:, :2] / depth
        error = flat * focal - points
        off = np.linalg.norm(error, axis=1)
        weights = 1.0 / (1.0 + (off / max(0.3, 2.5 * float(np.median(off)))) ** 2) ** 2
        jacobian = np.zeros((len(points), 2, 4))
        x, y = flat.T
        jacobian[:, 0, :3] = focal * np.stack([-x * y, 1 + x * x, -y], axis=1)
        jacobian[:, 1, :3] = focal * np.stack([-1 - y * y, x * y, x], axis=1)
        if zooms:
            jacobian[:, :, 3] = flat * focal
        matrix = np.einsum("nri,nrj,n->ij", jacobian, jacobian, weights) + 1e-6 * np.eye(4)
        step = -np.linalg.solve(matrix, np.einsum("nri,nr,n->i", jacobian, error, weights))
        turn = rotation.to_matrix(rotation.from_rotation_vector(step[:3])) @ turn
        focal *= float(np.exp(np.clip(step[3], -0.2, 0.2)))
        if np.abs(step).max() < 1e-7:  # noqa: PLR2004
            break
    return turn, focal, float(np.median(off))
