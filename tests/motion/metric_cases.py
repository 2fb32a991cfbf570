"""Made-up dancers and moves of the whole space, for the tests of the metrics."""

import numpy as np

from choreoscope.geometry import rotation

PELVIS = (0, 1)
JOINTS = 6


def dancer(frames: int = 60, *, seed: int = 4, rate: float = 30.0) -> tuple[np.ndarray, np.ndarray]:
    """Joints ``(T, 6, 3)`` that walk and wave, in metres, and their times."""
    rng = np.random.default_rng(seed)
    times = np.arange(frames) / rate
    body = rng.normal(size=(JOINTS, 3)) * 0.4
    phase = rng.uniform(0, 6, size=(JOINTS, 3))
    sway = 0.1 * np.sin(times[:, None, None] * 5 + phase)
    path = np.stack([1.2 * times, 1 + 0.05 * np.sin(6 * times), np.cos(times)], axis=-1)
    return body + sway + path[:, None], times


def turned(points: np.ndarray, seed: int, *, scale: float = 1.0) -> np.ndarray:
    """The same points in another world."""
    rng = np.random.default_rng(seed)
    turn = rotation.to_matrix(rotation.normalized(rng.normal(size=4)))
    return scale * points @ turn.T + rng.normal(size=3) * 3
