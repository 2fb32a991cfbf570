"""The floor and gravity in camera space, from feet at rest: one plane for everybody in the clip.

The camera is taken as level unless feet far enough apart say otherwise: people who stand nearer
have lower feet, which shows the pitch. A plane through the ground lies below everything that is
supported, so points under it cost more than points above it (somebody on a roof, a lifted
partner). Maximum a posteriori by reweighted least squares from several starts.
"""

import dataclasses

import numpy as np

PITCH_SIGMA, ROLL_SIGMA = np.radians(10.0), np.radians(3.0)
"""Prior of the camera's tilt; people level a camera sideways more carefully than up and down."""
LEAST_SPREAD = 1.0
"""Metres the feet must be apart along a direction before the floor may tilt along it."""
_HEIGHT_SIGMA = 0.05
_SAYS_PER_SECOND = 4.0
_ABOVE_CAP, _BELOW_CAP = 2.5, 6.0
_STEEPEST = np.radians(35.0)
_STARTS_PITCH = np.radians([-24.0, -16.0, -8.0, 0.0, 8.0, 16.0, 24.0])
_STARTS_HEIGHT = (0.0, 0.1, 0.25, 0.5, 0.75)
_ROUNDS = 15
_DEFAULT_HEIGHT = 1.5
_STILL, _MOVING = 0.25, 0.6


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
        Which of "pitch", "roll" and "height" the feet decided; the others are assumed.
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


def _level_from_camera(pitch: float, roll: float) -> np.ndarray:
    cp, sp, cr, sr = np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    upright = np.diag([1.0, -1.0, -1.0])
    tip = np.array([[1.0, 0.0, 0.0], [0.0, cp, sp], [0.0, -sp, cp]])
    lean = np.array([[cr, sr, 0.0], [-sr, cr, 0.0], [0.0, 0.0, 1.0]])
    turned: np.ndarray = tip @ lean @ upright
    return turned


def resting_weights(times: np.ndarray, feet: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """How much each foot point speaks about the floor.

    Slow ones do. Speed is measured at right angles to the ray alone, because depth is noisy.

    Parameters
    ----------
    times : (T,) float
        Seconds.
    feet : (T, K, 3) float
        Points of the sole, camera axes, metres.
    confidence : (T, K) float
        0 to 1.

    Returns
    -------
    (T, K) float
        In seconds of rest, at most 0.2 s per sample.
    """
    if len(times) == 1:
        return np.asarray(confidence * 0.04)
    ray = feet / np.linalg.norm(feet, axis=-1, keepdims=True)
    speed = np.gradient(feet, times, axis=0)
    speed -= np.sum(speed * ray, axis=-1, keepdims=True) * ray
    slow = np.linalg.norm(speed, axis=-1)
    rest = np.clip((_MOVING - slow) / (_MOVING - _STILL), 0.0, 1.0)
    lasting = np.minimum(np.gradient(times), 0.2)
    return np.asarray(rest * confidence * lasting[:, None])


def fit_floor(points: np.ndarray, weights: np.ndarray) -> Floor:
    """Fit floor and gravity to resting feet of all people.

    Parameters
    ----------
    points : (N, 3) float
        Points of soles, camera axes, metres.
    weights : (N,) float
        Seconds each of them rested.

    Returns
    -------
    Floor
        Level and 1.5 m below the camera when there is no point at all.
    """
    used = weights > 0
    places, say = points[used], weights[used] * _SAYS_PER_SECOND
    if not used.any():
        return Floor(pitch=0.0, roll=0.0, camera_height=_DEFAULT_HEIGHT, sources=())
    free = tuple(
        name
        for name, axis in (("pitch", 2), ("roll", 0))
        if _spread(places[:, axis], say) > LEAST_SPREAD
    )
    best, least = np.zeros(3), np.inf
    pitches = _STARTS_PITCH if "pitch" in free else np.zeros(1)
    for pitch in pitches:
        depth = -(_level_from_camera(float(pitch), 0.0) @ places.T)[1]
        for share in _STARTS_HEIGHT:
            start = np.array([pitch, 0.0, np.quantile(depth, 1 - share)])
            found = _descend(start, places, say, free)
            cost = _cost(found, places, say)
            if cost < least:
                best, least = found, cost
    return Floor(
        pitch=float(best[0]),
        roll=float(best[1]),
        camera_height=float(best[2]),
        sources=(*free, "height"),
    )


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


def _cost(unknown: np.ndarray, points: np.ndarray, weights: np.ndarray) -> float:
    """Geman-McClure, rising further below the floor than above it, plus the prior."""
    residual = _heights(unknown, points)
    cap = _caps(residual) ** 2
    data = np.sum(weights * cap * residual**2 / (residual**2 + cap))
    prior = (unknown[0] / PITCH_SIGMA) ** 2 + (unknown[1] / ROLL_SIGMA) ** 2
    return float(data + prior)


def _descend(
    start: np.ndarray, points: np.ndarray, weights: np.ndarray, free: tuple[str, ...]
) -> np.ndarray:
    unknown = start.copy()
    moving = np.array(["pitch" in free, "roll" in free, True])
    prior = np.array([1 / PITCH_SIGMA**2, 1 / ROLL_SIGMA**2, 1e-6])
    for _ in range(_ROUNDS):
        residual = _heights(unknown, points)
        cap = _caps(residual) ** 2
        robust = weights * (cap / (residual**2 + cap)) ** 2
        rows = _slopes(unknown, points)[:, moving]
        held = prior[moving] * np.where(moving[moving], unknown[moving], 0.0)
        held[-1] = 0.0
        normal = (rows * robust[:, None]).T @ rows + np.diag(prior[moving])
        step = -np.linalg.solve(normal, rows.T @ (robust * residual) + held)
        unknown[moving] += step
        unknown[:2] = np.clip(unknown[:2], -_STEEPEST, _STEEPEST)
    return unknown


def _slopes(unknown: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Change of the scaled heights with pitch, roll and camera height, ``(N, 3)``."""
    tiny = 1e-5
    here = _heights(unknown, points)
    steps = tiny * np.eye(3)
    return np.stack([(_heights(unknown + step, points) - here) / tiny for step in steps], axis=-1)
