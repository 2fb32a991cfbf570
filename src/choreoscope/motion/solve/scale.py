"""A first guess of how large a camera's path is: feet that rest are seen to rest.

A path known up to its size moves everybody through the world by as much as it is too long or
short. At the right size soles come to rest again and again; that size is searched for.
"""

import numpy as np

from choreoscope.motion.bodies.points import place_points, points_of_regressor, pose_body
from choreoscope.motion.solve.evidence import PersonEvidence, ShotEvidence, StartPose
from choreoscope.motion.solve.setup import Stage

_APART_SECONDS = 0.2
_SLOW = 0.25
_SHORTEST, _LONGEST = 0.02, 300.0
_TRIES = 90
_MOST_ROWS = 600


def first_scale(
    evidence: ShotEvidence, stage: Stage, starts: dict[str, tuple[PersonEvidence, StartPose]]
) -> float:
    """Guess the size of the camera's path.

    Returns
    -------
    float
        1 for a path in metres, or one that does not move.
    """
    if evidence.camera.metric:
        return 1.0
    whole = stage.view(evidence, np.arange(len(evidence.times.seconds)))
    length = float(np.linalg.norm(np.diff(whole.centre, axis=0), axis=1).sum())
    found = (_pairs(evidence, stage, person, start) for person, start in starts.values())
    pairs = [pair for pair in found if pair is not None]
    if length <= 0 or not pairs:
        return 1.0
    sizes = np.geomspace(_SHORTEST, _LONGEST, _TRIES) / length
    for _ in range(3):
        votes = [_votes(float(size), pairs) for size in sizes]
        best = int(np.argmax(votes))
        low, high = sizes[max(best - 1, 0)], sizes[min(best + 1, len(sizes) - 1)]
        sizes = np.geomspace(low, high, 21)
    return float(sizes[int(np.argmax([_votes(float(size), pairs) for size in sizes]))])


def _pairs(
    evidence: ShotEvidence, stage: Stage, person: PersonEvidence, start: StartPose
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Soles relative to the camera and the camera itself, later less earlier, and the seconds."""
    rows = person.frames - evidence.times.first_frame
    if len(rows) > _MOST_ROWS:
        rows = rows[:_MOST_ROWS]
    seconds = evidence.times.seconds[rows]
    later = np.searchsorted(seconds, seconds + _APART_SECONDS)
    first = np.flatnonzero(later < len(seconds))
    if not len(first):
        return None
    soles = points_of_regressor(person.model, person.model.points["soles"])
    count = len(rows)
    pose = pose_body(person.model, start.shape, start.root[:count], start.rotations[:count])
    view = stage.view(evidence, rows)
    away = np.einsum("tba,tpb->tpa", view.turn, place_points(soles, start.shape, pose))
    second = later[first]
    return (
        away[second] - away[first],
        (view.centre[second] - view.centre[first])[:, None],
        (seconds[second] - seconds[first])[:, None],
    )


def _votes(size: float, pairs: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> float:
    """Count soles at rest if the path has this size."""
    return sum(_resting(size, *pair) for pair in pairs)


def _resting(size: float, away: np.ndarray, centre: np.ndarray, seconds: np.ndarray) -> float:
    speed = np.linalg.norm(away + size * centre, axis=-1) / seconds
    return float((1 / (1 + (speed / _SLOW) ** 2)).sum())
