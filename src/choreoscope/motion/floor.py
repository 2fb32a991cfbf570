"""The floor and gravity in camera space, from feet at rest: one plane for everybody in the clip.

The camera is taken as level unless there is evidence. Feet more than a metre apart show the
tilt (people who stand nearer have lower feet); and whoever stands still has the middle of the
body above the feet, or would fall. A plane through the ground lies below everything that is
supported, so points under it cost more than points above it (somebody on a roof, a lifted
partner). Maximum a posteriori by reweighted least squares from several starts.
"""

import dataclasses

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.motion.proportions import weighted_quantile

PITCH_SIGMA, ROLL_SIGMA = np.radians(10.0), np.radians(3.0)
"""Prior of the camera's tilt; people level a camera sideways more carefully than up and down."""
LEAST_SPREAD = 1.0
"""Metres the feet must be apart along a direction before they may tilt the floor along it."""
BALANCE_SIGMA = np.radians(6.0)
"""Of the direction from feet to body of people who stand still, on single-image detectors."""
_BALANCE_SECONDS = 1.0
_HEIGHT_SIGMA = 0.05
_SAYS_PER_SECOND = 4.0
_ABOVE_CAP, _BELOW_CAP = 2.5, 6.0
_STEEPEST = np.radians(35.0)
_STARTS_PITCH = np.radians([-20.0, -10.0, 0.0, 10.0, 20.0])
_STARTS_HEIGHT = (0.0, 0.2, 0.45, 0.7)
_ROUNDS = 10
_DEFAULT_HEIGHT = 1.5
_STILL, _MOVING = 0.25, 0.6
_FLATTEST_TRIANGLE, _LOWEST_CAMERA = 0.02, 0.01
"""Metres: least width of what a floor is fitted to, least height of a camera above it."""
_FROM_ABOVE = 0.2
"""A camera that looks straight down may be a little out; more is a floor above its head."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """A level floor below a camera.

    Attributes
    ----------
    pitch, roll : float
        Radians. Positive pitch: the camera looks down. Positive roll: its right side is lower.
    camera_height : float
        Metres above the floor.
    sources : tuple of str
        Which of "pitch", "roll", "balance" and "height" were seen; without one of the first
        three the camera is assumed level. "given tilt" and "given height" were not seen but told.
    """

    pitch: float
    roll: float
    camera_height: float
    sources: tuple[str, ...]

    @property
    def world_from_camera(self) -> np.ndarray:
        """Rigid motion ``(4, 4)``: Y up, floor y = 0, origin on the floor below the camera.

        World Z points back from where the camera looks, X to its right; a person who faces the
        camera faces +Z.
        """
        matrix = np.eye(4)
        matrix[:3, :3] = _level_from_camera(self.pitch, self.roll)
        matrix[1, 3] = self.camera_height
        return matrix


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KnownFloor:
    """What somebody says about the floor: tilt as in `Floor`, height in metres or None."""

    pitch: float
    roll: float
    camera_height: float | None


def tilt_of_up(up: np.ndarray) -> tuple[float, float]:
    """Pitch and roll of a camera, radians, from the direction ``(3,)`` that is up in its axes."""
    x, y, z = up / np.linalg.norm(up)
    return float(np.arcsin(np.clip(-z, -1.0, 1.0))), float(np.arctan2(-x, -y))


def floor_through(points: np.ndarray) -> KnownFloor:
    """Fit a floor to some of its points by least squares.

    Parameters
    ----------
    points : (N, 3) float
        Three or more, metres, camera axes.

    Raises
    ------
    InputError
        If the points lie in a line, or the floor is not below the camera.
    """
    middle = points.mean(axis=0)
    _, spread, axes = np.linalg.svd(points - middle, full_matrices=False)
    if spread[1] < _FLATTEST_TRIANGLE:
        raise InputError("the points of the floor lie in one line; give three that span a triangle")
    below = float(axes[2] @ middle)
    up = -axes[2] if below > 0 else axes[2]
    if abs(below) < _LOWEST_CAMERA or up[1] > _FROM_ABOVE:
        raise InputError(
            "these points of the floor are not below the camera; expected metres to the right, "
            "down and ahead of it"
        )
    pitch, roll = tilt_of_up(up)
    return KnownFloor(pitch=pitch, roll=roll, camera_height=abs(below))


def _level_from_camera(pitch: float, roll: float) -> np.ndarray:
    cp, sp, cr, sr = np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    upright = np.diag([1.0, -1.0, -1.0])
    tip = np.array([[1.0, 0.0, 0.0], [0.0, cp, sp], [0.0, -sp, cp]])
    lean = np.array([[cr, sr, 0.0], [-sr, cr, 0.0], [0.0, 0.0, 1.0]])
    turned: np.ndarray = tip @ lean @ upright
    return turned


def speeds_across(times: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Speed at right angles to the view, because depth is too noisy to tell rest from motion.

    Parameters
    ----------
    times : (T,) float
        Seconds, strictly rising.
    points : (T, K, 3) float
        Relative to the camera, any axes, metres.

    Returns
    -------
    (T, K) float
        Metres per second; 0 for a single frame.
    """
    if len(times) == 1:
        return np.zeros(points.shape[:2])
    ray = points / np.linalg.norm(points, axis=-1, keepdims=True)
    speed = np.gradient(points, times, axis=0)
    across = speed - np.sum(speed * ray, axis=-1, keepdims=True) * ray
    return np.asarray(np.linalg.norm(across, axis=-1))


def resting_weights(times: np.ndarray, points: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """How much each point is at rest.

    Parameters
    ----------
    times : (T,) float
        Seconds, strictly rising.
    points : (T, K, 3) float
        Relative to the camera, any axes, metres.
    confidence : (T, K) float
        0 to 1.

    Returns
    -------
    (T, K) float
        In seconds of rest, at most 0.2 s per sample.
    """
    slow = speeds_across(times, points)
    rest = np.clip((_MOVING - slow) / (_MOVING - _STILL), 0.0, 1.0)
    lasting = np.minimum(np.gradient(times), 0.2) if len(times) > 1 else np.full(1, 0.04)
    return np.asarray(rest * confidence * lasting[:, None])


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FloorEvidence:
    """What the people of a clip say about floor and gravity, camera axes.

    Attributes
    ----------
    points : (N, 3) float
        Points of soles, metres.
    weights : (N,) float
        Seconds each of them rested.
    uprights : (M, 3) float
        Unit directions from the feet to the middle of the body of people who stand still.
    upright_weights : (M,) float
        Seconds.
    """

    points: np.ndarray
    weights: np.ndarray
    uprights: np.ndarray
    upright_weights: np.ndarray


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Problem:
    """Evidence boiled down; `moving` tells which of pitch, roll, height may change from `tilt`."""

    points: np.ndarray
    weights: np.ndarray
    upright: np.ndarray
    upright_weight: float
    moving: np.ndarray
    tilt: tuple[float, float] = (0.0, 0.0)


def fit_floor(evidence: FloorEvidence, known: KnownFloor | None = None) -> Floor:
    """Fit floor and gravity to resting feet and standing bodies of all people.

    Parameters
    ----------
    evidence : FloorEvidence
        Of everybody in the clip.
    known : KnownFloor or None
        What is told is taken as it is; only the rest is fitted.

    Returns
    -------
    Floor
        Level and 1.5 m below the camera when there is no evidence at all.
    """
    used = evidence.weights > 0
    if known is not None and (known.camera_height is not None or not used.any()):
        height = known.camera_height
        return Floor(
            pitch=known.pitch,
            roll=known.roll,
            camera_height=_DEFAULT_HEIGHT if height is None else height,
            sources=("given tilt",) if height is None else ("given tilt", "given height"),
        )
    if not used.any():
        return Floor(pitch=0.0, roll=0.0, camera_height=_DEFAULT_HEIGHT, sources=())
    problem, sources = _problem(evidence, known)
    found = [_descend(start, problem) for start in _starts(problem)]
    best = min(found, key=lambda unknown: _cost(unknown, problem))
    return Floor(
        pitch=float(best[0]),
        roll=float(best[1]),
        camera_height=float(best[2]),
        sources=(*sources, "height"),
    )


def _problem(evidence: FloorEvidence, known: KnownFloor | None) -> tuple[_Problem, list[str]]:
    """Evidence boiled down, and what of the tilt it tells."""
    used = evidence.weights > 0
    places, say = evidence.points[used], evidence.weights[used] * _SAYS_PER_SECOND
    upright, weight = _mean_upright(evidence)
    if known is not None:
        held = _Problem(
            points=places,
            weights=say,
            upright=upright,
            upright_weight=0.0,
            moving=np.array([False, False, True]),
            tilt=(known.pitch, known.roll),
        )
        return held, ["given tilt"]
    sources = []
    for name, axis in (("pitch", 2), ("roll", 0)):
        if _spread(places[:, axis], say) > LEAST_SPREAD:
            sources.append(name)
        else:
            # Heel against toe or foot against foot is too short a lever to tilt a room with.
            places[:, axis] = weighted_quantile(places[:, axis], say, 0.5)
    tilts = [name in sources or weight > 0 for name in ("pitch", "roll")]
    problem = _Problem(
        points=places,
        weights=say,
        upright=upright,
        upright_weight=weight,
        moving=np.array([*tilts, True]),
    )
    return problem, [*sources, *(["balance"] if weight > 0 else [])]


def _mean_upright(evidence: FloorEvidence) -> tuple[np.ndarray, float]:
    """One direction for all (medians of its slopes), and how much it counts, 0 to 1."""
    total = float(evidence.upright_weights.sum())
    if total <= 0:
        return np.array([0.0, -1.0, 0.0]), 0.0
    slopes = evidence.uprights[:, [0, 2]] / -evidence.uprights[:, 1:2]
    x, z = (weighted_quantile(slope, evidence.upright_weights, 0.5) for slope in slopes.T)
    direction = np.array([x, -1.0, z])
    return direction / np.linalg.norm(direction), min(1.0, total / _BALANCE_SECONDS)


def _starts(problem: _Problem) -> list[np.ndarray]:
    starts = []
    told, roll = problem.tilt
    for pitch in _STARTS_PITCH if problem.moving[0] else np.array([told]):
        depth = -(_level_from_camera(float(pitch), roll) @ problem.points.T)[1]
        heights = np.quantile(depth, [1 - share for share in _STARTS_HEIGHT])
        starts += [np.array([pitch, roll, height]) for height in heights]
    return starts


def _spread(values: np.ndarray, weights: np.ndarray) -> float:
    """Distance between the 5 % and 95 % points."""
    order = np.argsort(values, kind="stable")
    share = np.cumsum(weights[order]) / weights.sum()
    low, high = np.interp([0.05, 0.95], share, values[order])
    return float(high - low)


def _heights(unknown: np.ndarray, points: np.ndarray) -> np.ndarray:
    level = _level_from_camera(float(unknown[0]), float(unknown[1]))
    return np.asarray(points @ level[1] + unknown[2]) / _HEIGHT_SIGMA


def _caps(residual: np.ndarray) -> np.ndarray:
    return np.where(residual < 0, _BELOW_CAP, _ABOVE_CAP)


def _leanings(unknown: np.ndarray, problem: _Problem) -> np.ndarray:
    """Slopes of the mean upright in the levelled world, in sigmas and weighted, ``(2,)``."""
    level = _level_from_camera(float(unknown[0]), float(unknown[1])) @ problem.upright
    slopes = level[[0, 2]] / max(float(level[1]), 0.1)
    return np.asarray(slopes / BALANCE_SIGMA * np.sqrt(problem.upright_weight))


def _cost(unknown: np.ndarray, problem: _Problem) -> float:
    """Geman-McClure, rising further below the floor than above it, plus balance and prior."""
    residual = _heights(unknown, problem.points)
    cap = _caps(residual) ** 2
    data = np.sum(problem.weights * cap * residual**2 / (residual**2 + cap))
    prior = np.sum((unknown[:2] / (PITCH_SIGMA, ROLL_SIGMA)) ** 2)
    return float(data + prior + np.sum(_leanings(unknown, problem) ** 2))


def _descend(start: np.ndarray, problem: _Problem) -> np.ndarray:
    unknown, moving = start.copy(), problem.moving
    held = np.array([1 / PITCH_SIGMA**2, 1 / ROLL_SIGMA**2, 0.0])
    for _ in range(_ROUNDS):
        residual = _heights(unknown, problem.points)
        cap = _caps(residual) ** 2
        robust = problem.weights * (cap / (residual**2 + cap)) ** 2
        rows, leaning = _slopes(unknown, problem)
        normal = (rows * robust[:, None]).T @ rows + leaning.T @ leaning + np.diag(held)
        normal[2, 2] += 1e-6
        wanted = rows.T @ (robust * residual) + leaning.T @ _leanings(unknown, problem)
        wanted += held * unknown
        unknown[moving] -= np.linalg.solve(normal[np.ix_(moving, moving)], wanted[moving])
        if moving[:2].any():
            unknown[:2] = np.clip(unknown[:2], -_STEEPEST, _STEEPEST)
    return unknown


def _slopes(unknown: np.ndarray, problem: _Problem) -> tuple[np.ndarray, np.ndarray]:
    """Change of heights ``(N, 3)`` and leanings ``(2, 3)`` with pitch, roll and height."""
    tiny = 1e-5
    heights, leanings = _heights(unknown, problem.points), _leanings(unknown, problem)
    moved = [unknown + step for step in tiny * np.eye(3)]
    rows = [(_heights(other, problem.points) - heights) / tiny for other in moved]
    leaning = [(_leanings(other, problem) - leanings) / tiny for other in moved]
    return np.stack(rows, axis=-1), np.stack(leaning, axis=-1)
