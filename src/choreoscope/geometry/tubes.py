"""Closed tubes of changing, elliptical section: the stuff simple figures are made of."""

import dataclasses

import numpy as np

from choreoscope.geometry import rotation

_CAP_RINGS = 3
_TURNS_WITHIN = 0.02
"""Length over which the direction of the rings goes round a corner of the path, metres."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tube:
    """A closed surface, and how far along the centre line each vertex lies.

    Attributes
    ----------
    vertices : (V, 3) float
        Metres.
    faces : (F, 3) int
        Counter-clockwise seen from outside.
    along : (V,) float
        Length of the path up to the vertex; below 0 and above the whole length in the caps.
    """

    vertices: np.ndarray
    faces: np.ndarray
    along: np.ndarray


def lengths_along(points: np.ndarray) -> np.ndarray:
    """Length of a broken line up to each of its ``(P, 3)`` points, ``(P,)``."""
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    return np.concatenate([[0.0], np.cumsum(steps)])


def tube(
    points: np.ndarray,
    sections: np.ndarray,
    side: np.ndarray,
    *,
    spacing: float,
    segments: int,
    roundness: float = 1.0,
) -> Tube:
    """Sweep an ellipse along a broken line and round both ends off.

    Parameters
    ----------
    points : (P, 3) float
        Path, P >= 2, metres, no two neighbours equal.
    sections : (S, 3) float
        Place along the path (metres, rising), half width, half depth; between them a curve
        without overshoot (PCHIP; Fritsch and Carlson 1980), outside them constant.
    side : (3,) float
        Direction of the width. Made square to the path; parallel to it, any direction is taken.
    spacing : float
        Greatest distance between rings, metres.
    segments : int
        Corners of each ring.
    roundness : float
        How far the caps stand out, as a share of the smaller half axis; 1 gives half a ball.

    Returns
    -------
    Tube
        Closed.
    """
    from scipy.interpolate import PchipInterpolator

    total = lengths_along(points)[-1]
    inner = np.linspace(0.0, total, max(2, int(np.ceil(total / spacing)) + 1))
    within = np.clip(inner, sections[0, 0], sections[-1, 0])
    sizes = PchipInterpolator(sections[:, 0], sections[:, 1:])(within)
    angles = np.arange(1, _CAP_RINGS + 1) / (_CAP_RINGS + 1) * np.pi / 2
    shrink, bulge = np.sin(angles)[:, None], np.cos(angles)
    start, end = roundness * sizes[0].min(), roundness * sizes[-1].min()
    along = np.concatenate([-start * bulge, inner, total + end * bulge[::-1]])
    sizes = np.concatenate([sizes[0] * shrink, sizes, sizes[-1] * shrink[::-1]])
    rings = _rings(points, along, sizes, side, segments)
    poles = _centres(points, np.array([-start, total + end]))
    return Tube(
        vertices=np.concatenate([rings.reshape(-1, 3), poles]),
        faces=_faces(len(along), segments),
        along=np.concatenate([np.repeat(along, segments), [-start, total + end]]),
    )


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Average the faces round each vertex, weighted by area, to unit normals ``(V, 3)``."""
    corners = vertices[faces]
    areas = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, faces[:, corner], areas)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.where(length > 0, normals / np.where(length > 0, length, 1.0), [0.0, 1.0, 0.0])


def _centres(points: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Points on the path, which runs on straight beyond both ends."""
    lengths = lengths_along(points)
    piece = np.clip(np.searchsorted(lengths, along, side="right") - 1, 0, len(points) - 2)
    share = (along - lengths[piece]) / (lengths[piece + 1] - lengths[piece])
    return np.asarray(points[piece] + share[:, None] * (points[piece + 1] - points[piece]))


def _rings(
    points: np.ndarray, along: np.ndarray, sizes: np.ndarray, side: np.ndarray, segments: int
) -> np.ndarray:
    ahead = _centres(points, along + _TURNS_WITHIN) - _centres(points, along - _TURNS_WITHIN)
    axes = rotation.to_matrix(rotation.from_axes(ahead, np.tile(side, (len(along), 1)), "zx"))
    angles = np.arange(segments) / segments * 2 * np.pi
    width = np.cos(angles)[None, :, None] * (sizes[:, :1] * axes[..., 0])[:, None]
    depth = np.sin(angles)[None, :, None] * (sizes[:, 1:] * axes[..., 1])[:, None]
    return np.asarray(_centres(points, along)[:, None] + width + depth)


def _faces(rings: int, segments: int) -> np.ndarray:
    corner = np.arange(segments)
    after = (corner + 1) % segments
    start = (np.arange(rings - 1) * segments)[:, None]
    a, b = start + corner, start + after
    walls = np.stack([a, b, b + segments, a, b + segments, a + segments], axis=-1).reshape(-1, 3)
    last = (rings - 1) * segments
    first_pole, last_pole = (
        np.full(segments, rings * segments),
        np.full(segments, rings * segments + 1),
    )
    return np.concatenate(
        [
            walls,
            np.stack([first_pole, after, corner], axis=-1),
            np.stack([last_pole, last + corner, last + after], axis=-1),
        ]
    )
