"""Floor of the classic recipe: a plane through toe joints, without asking whether they touch it.

Kept as it was for comparison: lifted feet and jumps count, toe joints are above the sole, and who
stays on a line leaves the tilt to chance. Our own floor is that of the shot solve.
"""

import dataclasses

import numpy as np

INLIER = 0.025
"""Metres from the plane."""
DRAWS = 5000
MOST_TILT = 60.0
"""Degrees away from the prior up from which the prior is kept."""
SPAN, BINS = 0.2, 100
"""Metres around the median height, and bins in them."""
_MOST_TOES = 4000
_ROOM = 4_000_000
_SMALL = 1e-9
_LEAST_TOES = 3


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A plane: points x with ``up . x = height``.

    Attributes
    ----------
    up : (3,) float
        Unit normal.
    height : float
        Metres along it from the origin.
    source : str
        "plane", "prior up" (plane too steep or too few toes) or "nothing" (no toe at all).
    """

    up: np.ndarray
    height: float
    source: str


def find_ground(toes: np.ndarray, prior_up: np.ndarray, seed: int = 0) -> Ground:
    """RANSAC plane through toe joints, refit to its inliers, and the commonest height on it.

    Parameters
    ----------
    toes : (N, 3) float
        Metres, any frame of reference; rows with NaN do not count.
    prior_up : (3,) float
        Unit, the same frame of reference.
    seed : int
        Of the draws.

    Returns
    -------
    Ground
        Height 0 without any toe.
    """
    seen = toes[np.isfinite(toes).all(axis=-1)]
    if not len(seen):
        return Ground(up=prior_up, height=0.0, source="nothing")
    up, source = prior_up, "prior up"
    if len(seen) >= _LEAST_TOES:
        normal = _plane_normal(seen[:: -(-len(seen) // _MOST_TOES)], np.random.default_rng(seed))
        normal = normal if normal @ prior_up >= 0 else -normal
        if normal @ prior_up >= np.cos(np.radians(MOST_TILT)):
            up, source = normal, "plane"
    return Ground(up=up, height=_commonest(seen @ up), source=source)


def _plane_normal(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    picks = rng.integers(0, len(points), size=(DRAWS, 3))
    a, b, c = (points[picks[:, corner]] for corner in range(3))
    normals = np.cross(b - a, c - a)
    length = np.linalg.norm(normals, axis=-1)
    usable = length > _SMALL
    normals = normals[usable] / length[usable, None]
    if not len(normals):
        return np.zeros(3)
    offsets = np.sum(normals * a[usable], axis=-1)
    counts = np.zeros(len(normals), dtype=np.int64)
    step = max(1, _ROOM // len(points))
    for start in range(0, len(normals), step):
        some = slice(start, start + step)
        off = np.abs(points @ normals[some].T - offsets[some])
        counts[some] = (off < INLIER).sum(axis=0)
    best = int(np.argmax(counts))
    near = points[np.abs(points @ normals[best] - offsets[best]) < INLIER]
    _, _, axes = np.linalg.svd(near - near.mean(axis=0), full_matrices=True)
    return np.asarray(axes[2])


def _commonest(heights: np.ndarray) -> float:
    middle = float(np.median(heights))
    counts, edges = np.histogram(heights, bins=BINS, range=(middle - SPAN, middle + SPAN))
    fullest = int(np.argmax(counts))
    return float(edges[fullest : fullest + 2].mean())
