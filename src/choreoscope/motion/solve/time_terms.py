"""Terms that tie frames together: smoothness in seconds, feet that stay, flight under gravity."""

import numpy as np

from choreoscope.geometry import rotation
from choreoscope.motion.bodies.points import Pose
from choreoscope.motion.solve.mechanics import Hinges
from choreoscope.motion.solve.normal import Normal
from choreoscope.motion.solve.options import SolveOptions
from choreoscope.motion.solve.point_terms import robust
from choreoscope.motion.solve.state import SLOPE_X, SLOPE_Z, Shared, Track

GRAVITY = 9.81
_REFERENCE_SECONDS = 1 / 30
"""Smoothness counts per second, not per frame: at 30 frames per second a frame counts once."""
_ACCENT_LIMIT = 3.0
_CONTACT_LIMIT = 6.0
_FASTEST_ROOT, _FASTEST_TURN = 1.5, 3.0
"""Speeds, m/s and rad/s, at which twice the acceleration at rest is as likely."""
_QUICKER = {"hand": 2.0, "forearm": 2.0, "upper_arm": 1.6, "foot": 1.6, "shin": 1.8, "thigh": 1.4}


def smoothness(track: Track, options: SolveOptions, normal: Normal | None) -> float:
    """Accelerations of root and joints are those of a body.

    Second divided differences on the film's own time stamps; the faster the movement, the more
    acceleration is expected, so that accents survive.
    """
    if len(track.times) < 3:  # noqa: PLR2004
        return 0.0
    step = np.diff(track.times)
    middle = 0.5 * (step[1:] + step[:-1])
    # What happens between two frames a film of few frames does not show: it counts no more.
    share = np.minimum(middle / _REFERENCE_SECONDS, 1.0)
    cost = _root(track, options, normal, step, middle, share)
    return cost + _turns(track, options, normal, step, middle, share)


def _root(
    track: Track,
    options: SolveOptions,
    normal: Normal | None,
    step: np.ndarray,
    middle: np.ndarray,
    share: np.ndarray,
) -> float:
    speed = np.diff(track.root, axis=0) / step[:, None]
    bend = np.diff(speed, axis=0) / middle[:, None]
    pace = np.linalg.norm(track.root[2:] - track.root[:-2], axis=1) / (2 * middle)
    sigma = np.full(len(bend), options.sigmas.root_acceleration)
    if options.terms.adaptive:
        sigma = sigma * (1 + pace / _FASTEST_ROOT)
    squares = np.sum(bend**2, axis=1) / sigma**2
    loss, trust = robust(squares, _ACCENT_LIMIT, on=options.terms.robust)
    cost = 0.5 * float((share * loss).sum())
    if normal is None:
        return cost
    weight = share * trust / sigma**2
    factors = _second_difference(step, middle)
    at = np.arange(3)
    _add_scalar_chain(normal, at, factors, weight[:, None], bend)
    return cost


def _second_difference(step: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Factors of the three samples, ``(3, F)``."""
    before, after = 1 / (step[:-1] * middle), 1 / (step[1:] * middle)
    return np.stack([before, -(before + after), after])


def _add_scalar_chain(
    normal: Normal, at: np.ndarray, factors: np.ndarray, weight: np.ndarray, residual: np.ndarray
) -> None:
    """Add ``residual = sum_k factors[k] x_(t+k)`` of the unknowns `at`."""
    count = len(residual)
    for k in range(3):
        own = factors[k][:, None] * weight
        normal.matrix[k : k + count, at, at] += own * factors[k][:, None]
        normal.vector[k : k + count, at] += own * residual
        for other in range(k):
            value = own * factors[other][:, None]
            if k - other == 1:
                normal.next_1[other : other + count, at, at] += value
            else:
                normal.next_2[:count, at, at] += value


def _turns(
    track: Track,
    options: SolveOptions,
    normal: Normal | None,
    step: np.ndarray,
    middle: np.ndarray,
    share: np.ndarray,
) -> float:
    joints = track.layout.joints
    turns = track.rotations[:, joints]
    between = rotation.to_rotation_vector(
        rotation.multiply(rotation.inverse(turns[:-1]), turns[1:])
    )
    speed = between / step[:, None, None]
    bend = np.diff(speed, axis=0) / middle[:, None, None]
    sigma = options.sigmas.turn_acceleration * quickness(track)
    if options.terms.adaptive:
        pace = 0.5 * np.linalg.norm(speed[1:] + speed[:-1], axis=-1)
        sigma = sigma * (1 + pace / _FASTEST_TURN)
    squares = np.sum(bend**2, axis=-1) / sigma**2
    loss, trust = robust(squares, _ACCENT_LIMIT, on=options.terms.robust)
    cost = 0.5 * float((share[:, None] * loss).sum())
    if normal is None:
        return cost
    weight = share[:, None] * trust / sigma**2
    forward = right_jacobian_inverse(between) / step[:, None, None, None]
    backward = np.swapaxes(forward, -1, -2)
    scale = 1 / middle[:, None, None, None]
    factors = (
        backward[:-1] * scale,
        -(backward[1:] + forward[:-1]) * scale,
        forward[1:] * scale,
    )
    _add_turn_chain(normal, factors, weight, bend)
    return cost


def _add_turn_chain(
    normal: Normal,
    factors: tuple[np.ndarray, np.ndarray, np.ndarray],
    weight: np.ndarray,
    residual: np.ndarray,
) -> None:
    """Add ``residual (F, A, 3) = sum_k factors[k] delta_(t+k)`` of every joint's turn."""
    count, joints = residual.shape[:2]
    rows = 3 + 3 * np.arange(joints)[:, None, None] + np.arange(3)[None, :, None]
    columns = np.swapaxes(rows, 1, 2)
    flat = rows[..., 0]
    for k in range(3):
        turned = np.swapaxes(factors[k], -1, -2) * weight[..., None, None]
        normal.matrix[k : k + count, rows, columns] += turned @ factors[k]
        normal.vector[k : k + count, flat] += (turned @ residual[..., None])[..., 0]
        for other in range(k):
            value = turned @ factors[other]
            if k - other == 1:
                normal.next_1[other : other + count, rows, columns] += value
            else:
                normal.next_2[:count, rows, columns] += value


def quickness(track: Track) -> np.ndarray:
    """How much more each joint accelerates than the trunk, ``(A,)``."""
    names = [track.model.joints[joint] for joint in track.layout.joints]
    return np.array([_QUICKER.get(name.split("_", 1)[-1], 1.0) for name in names])


def right_jacobian_inverse(vector: np.ndarray) -> np.ndarray:
    """How ``log(R exp(delta))`` changes with delta at ``R = exp(vector)``, ``(*b, 3, 3)``.

    Sola 2018, equation 144.
    """
    angle = np.linalg.norm(vector, axis=-1)[..., None, None]
    small = angle < 1e-4  # noqa: PLR2004
    safe = np.where(small, 1.0, angle)
    factor = np.where(
        small,
        1 / 12,
        1 / safe**2 - (1 + np.cos(safe)) / (2 * safe * np.maximum(np.sin(safe), 1e-6)),
    )
    cross = rotation.cross_matrix(vector)
    return np.asarray(np.eye(3) + 0.5 * cross + factor * (cross @ cross))


def standing(
    track: Track,
    pose: Pose,
    hinges: Hinges,
    points: np.ndarray,
    options: SolveOptions,
    normal: Normal | None,
) -> float:
    """Points that touch do not move."""
    step = np.diff(track.times)[:, None]
    held = np.minimum(track.touching[1:], track.touching[:-1])
    if not np.any(held > 0):
        return 0.0
    speed = np.diff(points, axis=0) / step[..., None]
    usual = 1 / options.sigmas.contact_speed**2
    firm = usual * np.where(track.pinned[1:] & track.pinned[:-1], 25.0, 1.0)
    squares = np.sum(speed**2, axis=-1) * firm
    limit = np.where(track.pinned[1:] & track.pinned[:-1], 1e6, _CONTACT_LIMIT)
    loss, trust = _standing_loss(squares, limit, on=options.terms.robust)
    share = step / _REFERENCE_SECONDS
    cost = 0.5 * float((loss * held * share).sum())
    if normal is None:
        return cost
    weight = firm * held * trust * share
    hinges.pull_back_speeds(
        pose, step[:, 0], weight, speed, (normal.matrix, normal.vector, normal.next_1)
    )
    return cost


def _standing_loss(
    squares: np.ndarray, limit: np.ndarray, *, on: bool
) -> tuple[np.ndarray, np.ndarray]:
    if not on:
        return squares, np.ones_like(squares)
    ratio = squares / limit**2
    return limit**2 * np.log1p(ratio), 1 / (1 + ratio)


def flight(
    track: Track,
    pose: Pose,
    hinges: Hinges,
    shared: Shared,
    options: SolveOptions,
    normal: Normal | None,
) -> float:
    """Whose body touches nothing falls: the centre of mass obeys gravity."""
    free = track.flying[2:] & track.flying[1:-1] & track.flying[:-2]
    if len(track.times) < 3 or not free.any():  # noqa: PLR2004
        return 0.0
    step = np.diff(track.times)
    middle = 0.5 * (step[1:] + step[:-1])
    centre = hinges.place(pose)[:, 0]
    fall = np.diff(np.diff(centre, axis=0) / step[:, None], axis=0) / middle[:, None]
    residual = fall + GRAVITY * shared.up
    information = 1 / options.sigmas.flight**2
    squares = np.sum(residual**2, axis=1) * information
    loss, trust = robust(squares, 3.0, on=options.terms.robust)
    share = middle / _REFERENCE_SECONDS
    cost = 0.5 * float((loss * share)[free].sum())
    if normal is None:
        return cost
    weight = np.where(free, information * trust * share, 0.0)
    wanted = np.zeros((len(centre), 1), dtype=bool)
    for shift in range(3):
        wanted[shift : len(free) + shift, 0] |= free
    rows = hinges.jacobians(pose, wanted)[:, 0]
    factors = _second_difference(step, middle)[..., None, None]
    count, pose_width = len(free), normal.layout.pose
    parts = [factors[k] * rows[k : k + count] for k in range(3)]
    parts[0][..., pose_width:] += parts[1][..., pose_width:] + parts[2][..., pose_width:]
    start = pose_width + normal.layout.shapes
    # The unit normal turns with the slopes: the part across it of what (-a, 1, -b) changes by.
    across = np.eye(3) - np.outer(shared.up, shared.up)
    steep = GRAVITY * shared.up[1]
    parts[0][..., start + SLOPE_X] -= steep * across[:, 0]
    parts[0][..., start + SLOPE_Z] -= steep * across[:, 2]
    normal.add_chain(np.stack(parts), np.repeat(weight[:, None], 3, axis=1), residual)
    return cost
