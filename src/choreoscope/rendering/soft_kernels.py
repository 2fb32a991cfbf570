"""Triangles to samples, compiled: which face every pixel sees.

No triangle is ever projected. A pixel is a ray ``r = (x, y, 1)`` in camera axes and a triangle
``a, b, c`` three planes through the eye: ``b x c``, ``c x a``, ``a x b``. Their products with the
ray are the perspective-correct shares of the corners, their sum over ``a . (b x c)`` is 1 / depth
(Olano and Greer, "Triangle scan conversion using 2D homogeneous coordinates", 1997). So triangles
that reach behind the camera need no clipping, and a lens bends rays instead of surfaces. Products
of two neighbours' common plane differ in sign alone, so that no pixel falls between them.

Only kernels stand here: the module is imported inside functions, because numba takes its time.
"""

import math
from collections.abc import Callable
from typing import NamedTuple, ParamSpec, TypeVar, cast

import numpy as np
from numba import njit

_P = ParamSpec("_P")
_R = TypeVar("_R")
_EDGE_ON = 1e-15
"""Volume below which a triangle is seen from its edge, cubic metres."""
NOTHING = -1


def compiled(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compile; the result is kept on disk and lets other threads run."""
    return cast("Callable[_P, _R]", njit(cache=True, nogil=True, error_model="numpy")(function))


class Rays(NamedTuple):
    """How pixels become rays.

    Attributes
    ----------
    fx, fy, cx, cy : float
        Pixels; (0, 0) is the image corner.
    shift_x, shift_y : float
        From the pixel's centre to the sample, pixels.
    bending : (8,) float
        OpenCV's k1 k2 p1 p2 k3 k4 k5 k6.
    bent : (H, W, 2) float
        Rays of a lens that bends; empty for a pinhole.
    reach : (4,) float
        Least x, least y, greatest x, greatest y of all rays.
    near : float
        Least depth that is seen, metres.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    shift_x: float
    shift_y: float
    bending: np.ndarray
    bent: np.ndarray
    reach: np.ndarray
    near: float


class Planes(NamedTuple):
    """Triangles made ready for one eye.

    Attributes
    ----------
    edges : (F, 3, 3) float
        Planes through the eye and two corners, turned so that inside is positive; row i is
        opposite to corner i.
    gain : (F,) float
        What turns their sum into 1 / metres.
    boxes : (F, 4) int
        First column, first row, last column, last row; last before first for what is not seen.
    front : (F,) float
        1 for faces seen from the front, -1 from behind.
    """

    edges: np.ndarray
    gain: np.ndarray
    boxes: np.ndarray
    front: np.ndarray


class Seen(NamedTuple):
    """What every pixel sees: ``(H, W)`` 1 / depth and number of the face, -1 for none."""

    inverse_depth: np.ndarray
    face: np.ndarray


@compiled
def bend(x: float, y: float, k: np.ndarray) -> tuple[float, float]:
    """Bend a ray as `geometry.projection.project` does."""
    r2 = x * x + y * y
    radial = (1 + r2 * (k[0] + r2 * (k[1] + r2 * k[4]))) / (
        1 + r2 * (k[5] + r2 * (k[6] + r2 * k[7]))
    )
    return (
        x * radial + 2 * k[2] * x * y + k[3] * (r2 + 2 * x * x),
        y * radial + k[2] * (r2 + 2 * y * y) + 2 * k[3] * x * y,
    )


@compiled
def ray(rays: Rays, column: int, row: int) -> tuple[float, float]:
    """Ray of a pixel's sample, ``z = 1``."""
    if rays.bent.shape[0] > 0:
        return rays.bent[row, column, 0], rays.bent[row, column, 1]
    return (
        (column + 0.5 + rays.shift_x - rays.cx) / rays.fx,
        (row + 0.5 + rays.shift_y - rays.cy) / rays.fy,
    )


@compiled
def span(corners: np.ndarray, face: np.ndarray, near: float) -> tuple[float, float, float, float]:
    """Least and greatest ``x / z`` and ``y / z`` of the part of a triangle beyond `near`."""
    x0, y0, x1, y1 = math.inf, math.inf, -math.inf, -math.inf
    for i in range(3):
        here, there = corners[face[i]], corners[face[(i + 1) % 3]]
        if here[2] >= near:
            x, y = here[0] / here[2], here[1] / here[2]
            x0, y0, x1, y1 = min(x0, x), min(y0, y), max(x1, x), max(y1, y)
        if (here[2] >= near) != (there[2] >= near):
            t = (near - here[2]) / (there[2] - here[2])
            x = (here[0] + t * (there[0] - here[0])) / near
            y = (here[1] + t * (there[1] - here[1])) / near
            x0, y0, x1, y1 = min(x0, x), min(y0, y), max(x1, x), max(y1, y)
    return x0, y0, x1, y1


@compiled
def pixel_box(
    bounds: tuple[float, float, float, float], rays: Rays, size: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Columns and rows in which rays within bounds can lie."""
    x0, y0 = max(bounds[0], rays.reach[0]), max(bounds[1], rays.reach[1])
    x1, y1 = min(bounds[2], rays.reach[2]), min(bounds[3], rays.reach[3])
    if not (x0 <= x1 and y0 <= y1):
        return 0, 0, -1, -1
    left, top, right, bottom, margin = x0, y0, x1, y1, 1e-3
    if rays.bent.shape[0] > 0:
        left, top, right, bottom = math.inf, math.inf, -math.inf, -math.inf
        for i in range(3):
            for j in range(3):
                x, y = bend(x0 + 0.5 * i * (x1 - x0), y0 + 0.5 * j * (y1 - y0), rays.bending)
                left, top, right, bottom = min(left, x), min(top, y), max(right, x), max(bottom, y)
        margin = 1.0 + 0.05 * max((right - left) * rays.fx, (bottom - top) * rays.fy)
    column = math.ceil(left * rays.fx + rays.cx - rays.shift_x - 0.5 - margin)
    row = math.ceil(top * rays.fy + rays.cy - rays.shift_y - 0.5 - margin)
    last_column = math.floor(right * rays.fx + rays.cx - rays.shift_x - 0.5 + margin)
    last_row = math.floor(bottom * rays.fy + rays.cy - rays.shift_y - 0.5 + margin)
    return max(column, 0), max(row, 0), min(last_column, size[0] - 1), min(last_row, size[1] - 1)


@compiled
def set_planes(corners: np.ndarray, face: np.ndarray, edges: np.ndarray) -> float:
    """Fill in the three planes of a triangle; return six times its volume with the eye."""
    for i in range(3):
        a, b = corners[face[(i + 1) % 3]], corners[face[(i + 2) % 3]]
        edges[i, 0] = a[1] * b[2] - a[2] * b[1]
        edges[i, 1] = a[2] * b[0] - a[0] * b[2]
        edges[i, 2] = a[0] * b[1] - a[1] * b[0]
    first = corners[face[0]]
    return float(first[0] * edges[0, 0] + first[1] * edges[0, 1] + first[2] * edges[0, 2])


@compiled
def set_up(  # noqa: PLR0913, PLR0917 - kernels take arrays, not objects
    corners: np.ndarray,
    faces: np.ndarray,
    culled: np.ndarray,
    rays: Rays,
    size: tuple[int, int],
    planes: Planes,
    part: tuple[int, int],
) -> None:
    """Make the triangles ``part[0]`` up to ``part[1]`` ready.

    Parameters
    ----------
    corners : (V, 3) float
        Metres, camera axes.
    faces : (F, 3) int
        Counter-clockwise seen from the front.
    culled : (F,) int
        1 leaves out what is seen from behind, -1 what is seen from the front, 0 nothing.
    size : (int, int)
        Width and height, pixels.
    """
    for f in range(part[0], part[1]):
        planes.boxes[f, 2] = -1
        planes.boxes[f, 3] = -1
        planes.boxes[f, 0] = 0
        planes.boxes[f, 1] = 0
        bounds = span(corners, faces[f], rays.near)
        if bounds[0] > bounds[2]:
            continue
        volume = set_planes(corners, faces[f], planes.edges[f])
        if abs(volume) < _EDGE_ON or volume * culled[f] > 0:
            continue
        if volume < 0:
            for i in range(3):
                for j in range(3):
                    planes.edges[f, i, j] = -planes.edges[f, i, j]
        planes.gain[f] = 1.0 / abs(volume)
        planes.front[f] = 1.0 if volume < 0 else -1.0
        box = pixel_box(bounds, rays, size)
        for i in range(4):
            planes.boxes[f, i] = box[i]


@compiled
def see(planes: Planes, rays: Rays, seen: Seen, rows: tuple[int, int]) -> None:
    """Find the nearest face in every pixel of the rows ``rows[0]`` up to ``rows[1]``.

    A pixel belongs to a face if its sample lies inside or on its border; of equally near ones the
    first stays.
    """
    nearest = 1.0 / rays.near
    for f in range(planes.boxes.shape[0]):
        box = planes.boxes[f]
        e = planes.edges[f]
        for row in range(max(box[1], rows[0]), min(box[3] + 1, rows[1])):
            for column in range(box[0], box[2] + 1):
                x, y = ray(rays, column, row)
                # The order of these sums is that of a neighbour's: see the top of the module.
                w0 = e[0, 0] * x + e[0, 1] * y + e[0, 2]
                w1 = e[1, 0] * x + e[1, 1] * y + e[1, 2]
                w2 = e[2, 0] * x + e[2, 1] * y + e[2, 2]
                if w0 < 0.0 or w1 < 0.0 or w2 < 0.0:
                    continue
                inverse = (w0 + w1 + w2) * planes.gain[f]
                if inverse > seen.inverse_depth[row, column] and inverse <= nearest:
                    seen.inverse_depth[row, column] = inverse
                    seen.face[row, column] = f


@compiled
def shares(edges: np.ndarray, x: float, y: float) -> tuple[float, float, float]:
    """Perspective-correct shares of the three corners at a ray; they sum to 1."""
    w0 = edges[0, 0] * x + edges[0, 1] * y + edges[0, 2]
    w1 = edges[1, 0] * x + edges[1, 1] * y + edges[1, 2]
    w2 = edges[2, 0] * x + edges[2, 1] * y + edges[2, 2]
    total = w0 + w1 + w2
    return w0 / total, w1 / total, w2 / total


@compiled
def blend(
    values: np.ndarray, face: np.ndarray, share: tuple[float, float, float]
) -> tuple[float, float, float]:
    """Mix three rows of ``(N, 3)`` values."""
    a, b, c = values[face[0]], values[face[1]], values[face[2]]
    return (
        share[0] * a[0] + share[1] * b[0] + share[2] * c[0],
        share[0] * a[1] + share[1] * b[1] + share[2] * c[1],
        share[0] * a[2] + share[1] * b[2] + share[2] * c[2],
    )


@compiled
def unit(vector: tuple[float, float, float], sign: float) -> tuple[float, float, float]:
    """Make a vector unit and turn it round where the sign is -1."""
    x, y, z = vector
    length = math.sqrt(x * x + y * y + z * z)
    if length == 0.0:
        return 0.0, 0.0, 0.0
    return sign * x / length, sign * y / length, sign * z / length
