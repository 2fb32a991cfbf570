"""Light on the faces seen, compiled: textures, a lamp with soft shadows, sky and floor light.

Imported inside functions. Light is linear throughout; the shadow map (Williams 1978) is read at
several places round the point (Reeves et al. 1987), spread as sunflower seeds (Vogel 1979) that
every pixel turns by an angle of its own.
"""

import math
from typing import NamedTuple

import numpy as np

from choreoscope.rendering.soft_kernels import (
    NOTHING,
    Planes,
    Rays,
    Seen,
    blend,
    compiled,
    ray,
    shares,
    unit,
)
from choreoscope.rendering.soft_measures import Surfaces

_TAPS = 8
_GOLDEN_ANGLE = 2.399963229728653
_BLOCK = 16
_OFFSET_ALONG_NORMAL = 0.012
_BIAS = 0.012
"""Metres by which a surface must lie behind the map's to be in its shadow."""


class Textures(NamedTuple):
    """Pictures and their halved copies in one row.

    Attributes
    ----------
    texels : (N, 3) uint8
        sRGB, row by row.
    levels : (n_textures, 16, 3) int
        First texel, width and height of each copy, the largest first; the last is repeated.
    linear : (256,) float
        Linear light of an sRGB value.
    """

    texels: np.ndarray
    levels: np.ndarray
    linear: np.ndarray


class Lamp(NamedTuple):
    """A light without size but with soft shadows, and the light from above and below.

    Attributes
    ----------
    position : (3,) float
        Camera axes, metres.
    colour, above, below : (3,) float
        Linear light of the lamp, of the sky and of the floor.
    up : (3,) float
        The world's up in camera axes.
    lamp_from_camera : (4, 4) float
        To the axes of the shadow map.
    focal : float
        Of the shadow map, pixels; 0 for no shadows.
    softness : float
        Radius of the blur, metres.
    map : (S, S) float
        1 / depth seen from the lamp.
    blocks : (S / 16, S / 16) float
        Greatest value of the map in and round each block.
    horizon, zenith : (3,) float
        Backdrop where nothing stands, linear.
    """

    position: np.ndarray
    colour: np.ndarray
    above: np.ndarray
    below: np.ndarray
    up: np.ndarray
    lamp_from_camera: np.ndarray
    focal: float
    softness: float
    map: np.ndarray
    blocks: np.ndarray
    horizon: np.ndarray
    zenith: np.ndarray


class Ground(NamedTuple):
    """Where bodies near the floor keep the sky's light away.

    Attributes
    ----------
    open : (Z, X) float
        Share of the sky that is seen, 0 to 1.
    corner : (2,) float
        World x and z of the first value, metres.
    cell : float
        Metres; 0 for none.
    world_from_camera : (4, 4) float
        Camera axes to world.
    """

    open: np.ndarray
    corner: np.ndarray
    cell: float
    world_from_camera: np.ndarray


@compiled
def moved(matrix: np.ndarray, p: tuple[float, float, float]) -> tuple[float, float, float]:
    """Move a point by a ``(4, 4)`` transform."""
    return (
        matrix[0, 0] * p[0] + matrix[0, 1] * p[1] + matrix[0, 2] * p[2] + matrix[0, 3],
        matrix[1, 0] * p[0] + matrix[1, 1] * p[1] + matrix[1, 2] * p[2] + matrix[1, 3],
        matrix[2, 0] * p[0] + matrix[2, 1] * p[1] + matrix[2, 2] * p[2] + matrix[2, 3],
    )


@compiled
def texel(textures: Textures, level: np.ndarray, u: float, v: float) -> tuple[float, float, float]:
    """Bilinear value of one copy, linear light; beyond the border the border goes on."""
    width, height = level[1], level[2]
    x = min(max(u * width - 0.5, 0.0), width - 1.0)
    y = min(max(v * height - 0.5, 0.0), height - 1.0)
    left, top = int(x), int(y)
    right, bottom = min(left + 1, width - 1), min(top + 1, height - 1)
    fx, fy = x - left, y - top
    a, b = level[0] + top * width + left, level[0] + top * width + right
    c, d = level[0] + bottom * width + left, level[0] + bottom * width + right
    t, linear = textures.texels, textures.linear
    wa, wb, wc, wd = (1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy
    return (
        wa * linear[t[a, 0]] + wb * linear[t[b, 0]] + wc * linear[t[c, 0]] + wd * linear[t[d, 0]],
        wa * linear[t[a, 1]] + wb * linear[t[b, 1]] + wc * linear[t[c, 1]] + wd * linear[t[d, 1]],
        wa * linear[t[a, 2]] + wb * linear[t[b, 2]] + wc * linear[t[c, 2]] + wd * linear[t[d, 2]],
    )


@compiled
def footprint(
    edges: np.ndarray, uv: tuple[float, float, float], corner_uv: np.ndarray, face: np.ndarray
) -> tuple[float, float, float, float]:
    """Change of ``(u, v)`` with the ray's x and with its y, times the sum of the shares."""
    ux = vx = uy = vy = 0.0
    for i in range(3):
        du = corner_uv[face[i], 0] - uv[0]
        dv = corner_uv[face[i], 1] - uv[1]
        ux += edges[i, 0] * du
        vx += edges[i, 0] * dv
        uy += edges[i, 1] * du
        vy += edges[i, 1] * dv
    return ux, vx, uy, vy


@compiled
def textured(
    textures: Textures,
    surfaces: Surfaces,
    f: int,
    edges: np.ndarray,
    rays: Rays,
    at: tuple[float, float],
) -> tuple[float, float, float]:
    """Texture at a ray, from the two copies nearest in fineness (Williams 1983)."""
    x, y = at
    face = surfaces.faces[f]
    total = 0.0
    for i in range(3):
        total += edges[i, 0] * x + edges[i, 1] * y + edges[i, 2]
    uv = blend(surfaces.uv, face, shares(edges, x, y))
    levels = textures.levels[surfaces.texture[f]]
    ux, vx, uy, vy = footprint(edges, uv, surfaces.uv, face)
    across = math.hypot(ux * levels[0, 1], vx * levels[0, 2]) / (total * rays.fx)
    down = math.hypot(uy * levels[0, 1], vy * levels[0, 2]) / (total * rays.fy)
    fineness = min(max(0.5 * math.log2(max(across * down, 1e-12)), 0.0), 14.0)
    level = int(fineness)
    t = fineness - level
    near = texel(textures, levels[level], uv[0], uv[1])
    far = texel(textures, levels[level + 1], uv[0], uv[1])
    return (
        (1 - t) * near[0] + t * far[0],
        (1 - t) * near[1] + t * far[1],
        (1 - t) * near[2] + t * far[2],
    )


@compiled
def lit_share(lamp: Lamp, p: tuple[float, float, float], angle: float) -> float:
    """Share of the lamp's light that reaches a point, camera axes."""
    if lamp.focal <= 0.0:
        return 1.0
    x, y, z = moved(lamp.lamp_from_camera, p)
    if z <= 0.0:
        return 1.0
    size = lamp.map.shape[0]
    column = x / z * lamp.focal + 0.5 * size
    row = y / z * lamp.focal + 0.5 * size
    if not (0.0 <= column < size and 0.0 <= row < size):
        return 1.0
    limit = 1.0 / (z - _BIAS)
    if lamp.blocks[int(row) // _BLOCK, int(column) // _BLOCK] <= limit:
        return 1.0
    radius = min(lamp.softness * lamp.focal / z, _BLOCK - 1.0)
    lit = 0
    for tap in range(_TAPS):
        turn = angle + tap * _GOLDEN_ANGLE
        away = radius * math.sqrt((tap + 0.5) / _TAPS)
        i = min(max(int(row + away * math.sin(turn)), 0), size - 1)
        j = min(max(int(column + away * math.cos(turn)), 0), size - 1)
        if lamp.map[i, j] <= limit:
            lit += 1
    return lit / _TAPS


@compiled
def openness(ground: Ground, p: tuple[float, float, float]) -> float:
    """Share of the sky that a point on the floor sees."""
    if ground.cell <= 0.0:
        return 1.0
    x, y, z = moved(ground.world_from_camera, p)
    column, row = (x - ground.corner[0]) / ground.cell, (z - ground.corner[1]) / ground.cell
    height, width = ground.open.shape
    on_floor = abs(y) < 1e-3  # noqa: PLR2004 - a millimetre
    if not on_floor or not (0.0 <= column < width - 1 and 0.0 <= row < height - 1):
        return 1.0
    i, j = int(row), int(column)
    fy, fx = row - i, column - j
    upper = (1 - fx) * ground.open[i, j] + fx * ground.open[i, j + 1]
    lower = (1 - fx) * ground.open[i + 1, j] + fx * ground.open[i + 1, j + 1]
    return float((1 - fy) * upper + fy * lower)


@compiled
def dither(column: int, row: int, sample: int) -> float:
    """Angle of its own for every pixel (interleaved gradient noise, Jimenez 2014)."""
    x, y = column + 5.588238 * sample, row + 3.321 * sample
    inner = 0.06711056 * x + 0.00583715 * y
    whole = 52.9829189 * (inner - math.floor(inner))
    return 2 * math.pi * (whole - math.floor(whole))


@compiled
def shine(
    lamp: Lamp,
    ground: Ground,
    p: tuple[float, float, float],
    normal: tuple[float, float, float],
    angle: float,
) -> tuple[float, float, float]:
    """Light that a surface receives: hemisphere light and Lambert's law."""
    up = normal[0] * lamp.up[0] + normal[1] * lamp.up[1] + normal[2] * lamp.up[2]
    sky = (0.5 + 0.5 * up) * openness(ground, p)
    earth = 0.5 - 0.5 * up
    way = unit((lamp.position[0] - p[0], lamp.position[1] - p[1], lamp.position[2] - p[2]), 1.0)
    slope = max(normal[0] * way[0] + normal[1] * way[1] + normal[2] * way[2], 0.0)
    if slope > 0.0:
        off = _OFFSET_ALONG_NORMAL
        lifted = (p[0] + off * normal[0], p[1] + off * normal[1], p[2] + off * normal[2])
        slope *= lit_share(lamp, lifted, angle)
    return (
        sky * lamp.above[0] + earth * lamp.below[0] + slope * lamp.colour[0],
        sky * lamp.above[1] + earth * lamp.below[1] + slope * lamp.colour[1],
        sky * lamp.above[2] + earth * lamp.below[2] + slope * lamp.colour[2],
    )


@compiled
def paint(  # noqa: PLR0913, PLR0917 - kernels take arrays, not objects
    seen: Seen,
    planes: Planes,
    rays: Rays,
    surfaces: Surfaces,
    textures: Textures,
    lamp: Lamp,
    ground: Ground,
    sample: int,
    light: np.ndarray,
    rows: tuple[int, int],
) -> None:
    """Add one sample's linear light to ``(H, W, 3)`` of some rows."""
    for row in range(rows[0], rows[1]):
        for column in range(seen.face.shape[1]):
            f = seen.face[row, column]
            x, y = ray(rays, column, row)
            if f == NOTHING:
                way = unit((x, y, 1.0), 1.0)
                up = way[0] * lamp.up[0] + way[1] * lamp.up[1] + way[2] * lamp.up[2]
                t = min(max(up, 0.0), 1.0)
                for i in range(3):
                    light[row, column, i] += (1 - t) * lamp.horizon[i] + t * lamp.zenith[i]
                continue
            edges = planes.edges[f]
            share = shares(edges, x, y)
            normal = unit(blend(surfaces.normals, surfaces.normal_faces[f], share), planes.front[f])
            colour = blend(surfaces.colours, surfaces.colour_faces[f], share)
            if surfaces.texture[f] >= 0:
                print_on = textured(textures, surfaces, f, edges, rays, (x, y))
                colour = (
                    colour[0] * print_on[0],
                    colour[1] * print_on[1],
                    colour[2] * print_on[2],
                )
            z = 1.0 / seen.inverse_depth[row, column]
            got = shine(lamp, ground, (x * z, y * z, z), normal, dither(column, row, sample))
            for i in range(3):
                light[row, column, i] += colour[i] * got[i]


@compiled
def develop(
    light: np.ndarray, samples: int, table: np.ndarray, colour: np.ndarray, rows: tuple[int, int]
) -> None:
    """Turn the sum of linear light into sRGB by a table over 0 to 1."""
    last = table.shape[0] - 1
    for row in range(rows[0], rows[1]):
        for column in range(light.shape[1]):
            for i in range(3):
                value = light[row, column, i] / samples
                place = int(min(max(value, 0.0), 1.0) * last + 0.5)
                colour[row, column, i] = table[place]
