"""What the faces seen are, compiled: depth, normals, ids, flow. Imported inside functions."""

import math
from typing import NamedTuple

import numpy as np

from choreoscope.rendering.soft_kernels import (
    NOTHING,
    Planes,
    Rays,
    Seen,
    bend,
    blend,
    compiled,
    ray,
    shares,
    unit,
)


class Surfaces(NamedTuple):
    """All triangles of a scene and what is on them.

    Attributes
    ----------
    faces : (F, 3) int
        Vertices of each face.
    normals : (N, 3) float
        Camera axes.
    normal_faces : (F, 3) int
        Normal of each corner.
    colours : (C, 3) float
        Linear light, 0 to 1.
    colour_faces : (F, 3) int
        Colour of each corner.
    uv : (V, 3) float
        Texture coordinates of each vertex, 0 to 1; the third is 0.
    texture : (F,) int
        Number of the texture, -1 for none.
    instance, part : (F,) int
        What the face belongs to.
    """

    faces: np.ndarray
    normals: np.ndarray
    normal_faces: np.ndarray
    colours: np.ndarray
    colour_faces: np.ndarray
    uv: np.ndarray
    texture: np.ndarray
    instance: np.ndarray
    part: np.ndarray


class Measures(NamedTuple):
    """Pictures of numbers; see `rendering.soft.Rendered`."""

    depth: np.ndarray
    normals: np.ndarray
    instance: np.ndarray
    part: np.ndarray


class Departure(NamedTuple):
    """Where everything is in the next picture.

    Attributes
    ----------
    corners : (V, 3) float
        Vertices, camera axes of the next picture.
    turn : (3, 3) float
        Next camera's axes from this one's.
    lens : (4,) float
        fx, fy, cx, cy of the next picture.
    bending : (8,) float
        Its coefficients.
    """

    corners: np.ndarray
    turn: np.ndarray
    lens: np.ndarray
    bending: np.ndarray


@compiled
def measure(
    seen: Seen,
    planes: Planes,
    rays: Rays,
    surfaces: Surfaces,
    out: Measures,
    rows: tuple[int, int],
) -> None:
    """Fill in depth, normals and ids of some rows; empty pixels are left as they are."""
    for row in range(rows[0], rows[1]):
        for column in range(seen.face.shape[1]):
            f = seen.face[row, column]
            if f == NOTHING:
                continue
            x, y = ray(rays, column, row)
            share = shares(planes.edges[f], x, y)
            normal = unit(blend(surfaces.normals, surfaces.normal_faces[f], share), planes.front[f])
            out.depth[row, column] = 1.0 / seen.inverse_depth[row, column]
            for i in range(3):
                out.normals[row, column, i] = normal[i]
            out.instance[row, column] = surfaces.instance[f]
            out.part[row, column] = surfaces.part[f]


@compiled
def depart(  # noqa: PLR0913, PLR0917 - kernels take arrays, not objects
    seen: Seen,
    planes: Planes,
    rays: Rays,
    faces: np.ndarray,
    next_picture: Departure,
    flow: np.ndarray,
    rows: tuple[int, int],
) -> None:
    """Fill in the way of each pixel to the next picture, ``(H, W, 2)``, pixels.

    What lies behind the next camera becomes NaN. Where nothing is seen, it is infinitely far.
    """
    lens = next_picture.lens
    for row in range(rows[0], rows[1]):
        for column in range(seen.face.shape[1]):
            f = seen.face[row, column]
            x, y = ray(rays, column, row)
            if f == NOTHING:
                turn = next_picture.turn
                there = (
                    turn[0, 0] * x + turn[0, 1] * y + turn[0, 2],
                    turn[1, 0] * x + turn[1, 1] * y + turn[1, 2],
                    turn[2, 0] * x + turn[2, 1] * y + turn[2, 2],
                )
            else:
                share = shares(planes.edges[f], x, y)
                there = blend(next_picture.corners, faces[f], share)
            if there[2] <= 0.0:
                flow[row, column, 0] = math.nan
                flow[row, column, 1] = math.nan
                continue
            bent = bend(there[0] / there[2], there[1] / there[2], next_picture.bending)
            flow[row, column, 0] = bent[0] * lens[0] + lens[2] - (column + 0.5 + rays.shift_x)
            flow[row, column, 1] = bent[1] * lens[1] + lens[3] - (row + 0.5 + rays.shift_y)


@compiled
def vertex_normals(vertices: np.ndarray, faces: np.ndarray, normals: np.ndarray) -> None:
    """Sum the normals of the faces round each vertex, by area, into zeros ``(V, 3)``."""
    for f in range(faces.shape[0]):
        a, b, c = vertices[faces[f, 0]], vertices[faces[f, 1]], vertices[faces[f, 2]]
        ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
        vx, vy, vz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
        for i in range(3):
            normals[faces[f, i], 0] += uy * vz - uz * vy
            normals[faces[f, i], 1] += uz * vx - ux * vz
            normals[faces[f, i], 2] += ux * vy - uy * vx
