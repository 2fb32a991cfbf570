"""Terms about single points in single frames: pixels, 3D estimates, floor.

Each gives a 3x3 information and a 3-vector of force per point; `Hinges.pull_back` does the rest.
"""

import numpy as np

from choreoscope.geometry import rotation
from choreoscope.motion.solve.mechanics import Pull
from choreoscope.motion.solve.options import SolveOptions
from choreoscope.motion.solve.state import FOCAL, HEIGHT, SCALE, SLOPE_X, SLOPE_Z, Shared, Track

PIXEL_LIMIT, PLACE_LIMIT = 3.0, 3.0
"""Sigmas from which on a point is distrusted."""
_NEAREST = 0.15
_INNER_ROUNDS = 4
_LEAST_SIZE = 0.2
_FINITE = 1e-12


def robust(squares: np.ndarray, limit: float, *, on: bool) -> tuple[np.ndarray, np.ndarray]:
    """Cauchy's loss of squared residuals in sigmas, and the weight it gives them."""
    if not on:
        return squares, np.ones_like(squares)
    ratio = squares / limit**2
    return limit**2 * np.log1p(ratio), 1.0 / (1.0 + ratio)


def pixels(track: Track, shared: Shared, points: np.ndarray, options: SolveOptions) -> Pull:
    """Reprojection: bodies lie behind their pixels.

    Parameters
    ----------
    points : (T, P, 3) float
        Points of the evidence, world.
    """
    view = track.view
    away = view.seen_from(points, shared)
    # A body that strays behind the lens is pulled back by the clamped depth's gradient.
    depth = np.maximum(away[..., 2], _NEAREST)
    focal = view.focal[:, None] * np.exp(shared.log_focal)
    shown = focal * away[..., :2] / depth[..., None]
    residual = shown + view.middle[:, None] - track.pixels
    information = track.pixel_information
    squares = np.sum(residual**2, axis=-1) * information
    loss, trust = robust(squares, PIXEL_LIMIT, on=options.terms.robust)
    information = information * trust
    slopes = np.zeros((*points.shape[:2], 2, 3))
    slopes[..., 0, 0] = focal[..., 0] / depth
    slopes[..., 1, 1] = focal[..., 1] / depth
    slopes[..., 2] = -shown / depth[..., None]
    rows = slopes @ view.turn[:, None]
    weighted = np.swapaxes(rows, -1, -2) * information[..., None, None]
    shift = np.einsum("tab,tb->ta", view.turn, view.centre)
    borders = np.zeros((*points.shape[:2], track.layout.borders, 2))
    borders[..., FOCAL, :] = shown
    borders[..., SCALE, :] = -np.exp(shared.log_scale) * np.einsum("tpra,ta->tpr", slopes, shift)
    heavy = borders * information[..., None, None]
    return Pull(
        cost=0.5 * float(loss[track.pixel_information > 0].sum()),
        weight=weighted @ rows,
        force=(weighted @ residual[..., None])[..., 0],
        cross=np.einsum("tpar,tpbr->tpba", weighted, borders, optimize=True),
        border=np.einsum("tpbr,tpcr->bc", heavy, borders, optimize=True),
        border_force=np.einsum("tpbr,tpr->b", heavy, residual, optimize=True),
    )


def places(track: Track, points: np.ndarray, options: SolveOptions) -> Pull:
    """Agreement with the 3D estimate, wherever it is and nearly whatever its size.

    ``c * body - offset - turn(estimate)``: a detector that errs about distance, size or
    orientation errs for all points of a frame alike. Each frame's own offset, size c and small
    turn are solved for in closed form and eliminated. The size belongs to the body's side: on the
    other, a small body with small estimates would have small errors.
    """
    turn = track.view.turn
    own = np.einsum("tab,tpb->tpa", turn, points)
    information = track.place_information
    trust = np.ones_like(information)
    axes = np.array([1.0, 1.0, 1.0 / track.depth_ratio**2])
    sigmas = options.sigmas
    prior = np.array([*[_FINITE] * 3, 1 / sigmas.frame_size**2, *[1 / sigmas.frame_turn**2] * 3])
    told = track.places - _middle(track.places, information[..., None])
    own = own - _middle(own, information[..., None])
    directions = np.concatenate(
        [
            np.broadcast_to(-np.eye(3), (*own.shape, 3)),
            own[..., None],
            rotation.cross_matrix(told),
        ],
        axis=-1,
    )
    loss, extra = np.zeros_like(information), np.zeros((len(own), 7))
    residual = own - told
    for _ in range(_INNER_ROUNDS):
        heavy = (information * trust)[..., None] * axes
        extra = _best_extras(own - told, directions, heavy, prior)
        residual = own - told + np.einsum("tpae,te->tpa", directions, extra)
        squares = np.sum(residual**2 * axes, axis=-1) * information
        loss, trust = robust(squares, PLACE_LIMIT, on=options.terms.robust)
    heavy = (information * trust)[..., None] * axes
    size = np.maximum(1 + extra[:, 3], _LEAST_SIZE)[:, None, None]
    grown = size * turn
    weight = np.einsum("tpa,tab,tac->tpbc", heavy, grown, grown, optimize=True)
    back = np.swapaxes(turn, -1, -2) / size
    return Pull(
        cost=0.5 * float(loss[information > 0].sum() + (prior * extra**2).sum()),
        weight=weight,
        force=np.einsum("tpa,tpa,tab->tpb", heavy, residual, grown, optimize=True),
        nuisance=back[:, None] @ directions,
        nuisance_weight=weight,
        nuisance_prior=prior,
    )


def _middle(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    total = np.maximum(weight.sum(axis=1, keepdims=True), _FINITE)
    return np.asarray((weight * values).sum(axis=1, keepdims=True) / total)


def _best_extras(
    residual: np.ndarray, directions: np.ndarray, heavy: np.ndarray, prior: np.ndarray
) -> np.ndarray:
    """Offset, size and turn of each frame ``(T, 7)`` that leave the least."""
    frames, count = residual.shape[:2]
    rows = directions.reshape(frames, 3 * count, -1)
    weighted = np.swapaxes(rows * heavy.reshape(frames, -1, 1), -1, -2)
    matrix = weighted @ rows + np.diag(prior)
    return np.asarray(-np.linalg.solve(matrix, weighted @ residual.reshape(frames, -1, 1))[..., 0])


def ground(track: Track, shared: Shared, points: np.ndarray, options: SolveOptions) -> Pull:
    """Points that touch lie on the floor (or what carries them); no point lies below it."""
    height, slope_x, slope_z = shared.floor
    gap = points[..., 1] - height - slope_x * points[..., 0] - slope_z * points[..., 2]
    seen = track.confidence.max(axis=1, keepdims=True) > 0
    information = np.zeros_like(gap)
    cost = 0.0
    residual = np.zeros_like(gap)
    if options.terms.above_floor:
        sigma = options.sigmas.below_floor
        under = gap < 0
        information += np.where(under & seen, 1.0 / sigma**2, 0.0)
        residual = np.where(under, gap, 0.0)
        cost += 0.5 * float((information * residual**2).sum())
    if options.terms.floor:
        sigma = options.sigmas.contact_height
        held = track.touching / sigma**2
        off = gap - track.support
        squares = off**2 / sigma**2
        loss, trust = robust(squares, 4.0, on=options.terms.robust)
        cost += 0.5 * float((loss * track.touching).sum())
        held = held * trust
        total = np.maximum(information + held, _FINITE)
        residual = (information * residual + held * off) / total
        information = information + held
    normal = np.array([-slope_x, 1.0, -slope_z])
    borders = np.zeros((*gap.shape, track.layout.borders))
    borders[..., HEIGHT] = -1.0
    borders[..., SLOPE_X] = -points[..., 0]
    borders[..., SLOPE_Z] = -points[..., 2]
    heavy = borders * information[..., None]
    return Pull(
        cost=cost,
        weight=information[..., None, None] * np.outer(normal, normal),
        force=(information * residual)[..., None] * normal,
        cross=heavy[..., None] * normal,
        border=np.einsum("tpb,tpc->bc", heavy, borders, optimize=True),
        border_force=np.einsum("tpb,tp->b", heavy, residual, optimize=True),
    )
