"""Whether near things move against far ones: what tells a camera that travels from one that turns.

A turn (with any zoom) moves every point by a homography of one known form, whatever its distance.
What a turn leaves over, and two views of a rigid scene from two places would not, is parallax.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from choreoscope.capture.camera.links import far_pairs
from choreoscope.capture.camera.rotations import TurnGraph, turn_between
from choreoscope.capture.camera.tracks import Sighting, shared

LEAST_PX = 0.5
LEAST_SHARE = 0.01
LEAST_OVER_RIGID, LEAST_OVER_RIGID_ZOOMED = 2.0, 3.0
"""Parallax counts from this many small pixels, this share of how far the picture moved, and this
many times what a rigid scene leaves over (patches followed through a zoom lie worse)."""
_MOST_PAIRS = 16
_EPIPOLAR_PX = 1.0
_FEWEST = 20
_HALF = 0.5
_OF_POINTS, _OF_PAIRS = 75, 70
"""Percentiles: most of a background is often far away, and a walk often covers part of a shot."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Parallax:
    """Pairs of keyframes far apart, summed up; small pixels.

    Attributes
    ----------
    turn_px : float
        How far points are from where the best turn (and zoom) puts them.
    rigid_px : float
        How far they are from the epipolar lines of two views of a rigid scene.
    moved_px : float
        How far they moved in all.
    pairs : int
        Number of pairs looked at.
    zooms : bool
        Whether the turns had a focal length of their own.
    """

    turn_px: float
    rigid_px: float
    moved_px: float
    pairs: int
    zooms: bool = False

    @property
    def excess_px(self) -> float:
        """Part of `turn_px` that is no noise: lines leave only one of two directions."""
        return float(np.sqrt(max(0.0, self.turn_px**2 - 2.0 * self.rigid_px**2)))

    @property
    def travels(self) -> bool:
        """Whether the camera has to have changed its place."""
        over = LEAST_OVER_RIGID_ZOOMED if self.zooms else LEAST_OVER_RIGID
        least = max(LEAST_PX, LEAST_SHARE * self.moved_px, over * self.rigid_px)
        return self.pairs > 0 and self.excess_px > least


def measure_parallax(keys: Sequence[Sighting], graph: TurnGraph) -> Parallax:
    """Measure what turns cannot explain.

    Parameters
    ----------
    keys : sequence of Sighting
        Keyframes, straightened.
    graph : TurnGraph
        Their solved turns, for the focal lengths; each pair's turn is fitted anew, so that no
        drift of the graph passes for parallax.
    """
    pairs = far_pairs(keys)
    chosen = np.unique(np.linspace(0, len(pairs) - 1, _MOST_PAIRS).round().astype(int))
    rows = []
    for first, second in (pairs[index] for index in chosen) if pairs else ():
        _, here, there = shared(keys[first], keys[second])
        if len(here) >= _FEWEST:
            focals = (float(graph.focals[first]), float(graph.focals[second]))
            rows.append(_pair(here, there, focals))
    if not rows:
        return Parallax(turn_px=0.0, rigid_px=0.0, moved_px=0.0, pairs=0)
    turn, rigid, moved = np.percentile(np.array(rows), _OF_PAIRS, axis=0)
    return Parallax(
        turn_px=float(turn),
        rigid_px=float(rigid),
        moved_px=float(moved),
        pairs=len(rows),
        zooms=bool(np.ptp(graph.focals) > 0),
    )


def _pair(
    here: np.ndarray, there: np.ndarray, focals: tuple[float, float]
) -> tuple[float, float, float]:
    import cv2

    turn = turn_between(here, there, focals)
    rays = np.concatenate([here / focals[0], np.ones((len(here), 1))], axis=1) @ turn.T
    off = np.linalg.norm(rays[:, :2] / np.maximum(rays[:, 2:], 1e-3) * focals[1] - there, axis=1)
    moved = float(np.median(np.linalg.norm(there - here, axis=1)))
    matrix, inlier = cv2.findFundamentalMat(here, there, cv2.USAC_MAGSAC, _EPIPOLAR_PX, 0.999, 2000)
    good = np.ones(len(here), dtype=bool)
    if matrix is None or matrix.shape != (3, 3):
        # Without one epipolar geometry nothing says that what moves is the camera.
        return float(np.median(off)), float(np.median(off)), moved
    if inlier is not None and np.mean(inlier) > _HALF:
        good = inlier[:, 0] == 1
    lines = _line_distances(matrix, here[good], there[good])
    return (
        float(np.percentile(off[good], _OF_POINTS)),
        float(np.percentile(lines, _OF_POINTS)),
        moved,
    )


def _line_distances(matrix: np.ndarray, here: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Sampson distances to the epipolar lines, pixels (Hartley and Zisserman 2004, 11.4.3)."""
    one = np.concatenate([here, np.ones((len(here), 1))], axis=1)
    two = np.concatenate([there, np.ones((len(there), 1))], axis=1)
    to_second, to_first = one @ matrix.T, two @ matrix
    gradient = np.sum(to_second[:, :2] ** 2 + to_first[:, :2] ** 2, axis=1)
    product = np.abs(np.sum(two * to_second, axis=1))
    return np.asarray(product / np.sqrt(np.maximum(gradient, 1e-12)))
