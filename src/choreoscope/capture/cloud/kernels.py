"""Depth to points, compiled: one pass over the pixels instead of a dozen over whole arrays.

Rows are counted first and filled afterwards, so that bands of rows can be worked on at the same
time and still land one behind the other. Imported inside functions: numba takes its time.
"""

import math
from collections.abc import Callable
from typing import NamedTuple, ParamSpec, TypeVar, cast

import numpy as np
from numba import njit

_P = ParamSpec("_P")
_R = TypeVar("_R")


def _compiled(function: Callable[_P, _R]) -> Callable[_P, _R]:
    return cast("Callable[_P, _R]", njit(cache=True, nogil=True, error_model="numpy")(function))


class Law(NamedTuple):
    """How stored depth becomes metres along z.

    Attributes
    ----------
    scale, offset : float
        ``scale * stored + offset``.
    inverse : bool
        One over that.
    along_ray : bool
        Whether it is a distance from the camera's centre rather than a planar depth.
    """

    scale: float
    offset: float
    inverse: bool
    along_ray: bool


class Grid(NamedTuple):
    """Which pixels are looked at, and what lies in them.

    Attributes
    ----------
    depth : (H, W) float32
        As stored; 0, NaN and infinity are nothing.
    rays : (H, W, 2) float32
        x / z and y / z.
    colour : (H, W, 3) uint8
        sRGB.
    alpha : (H, W) float32
        (0, 0) where everything is to be taken.
    owner : (H, W) uint8
        Number of the group each pixel belongs to, 255 for none; (0, 0) for one group.
    step, first : int
        Every how many pixels one is taken, and the first one.
    least_alpha : float
        Pixels below are nothing.
    """

    depth: np.ndarray
    rays: np.ndarray
    colour: np.ndarray
    alpha: np.ndarray
    owner: np.ndarray
    step: int
    first: int
    least_alpha: float


@_compiled
def metres(stored: float, x: float, y: float, law: Law) -> float:
    """Planar depth in metres, 0 where there is none."""
    if not (0.0 < abs(stored) < math.inf):
        return 0.0
    z = law.scale * stored + law.offset
    if law.inverse:
        z = 1.0 / z if z > 0.0 else 0.0
    if law.along_ray:
        z /= math.sqrt(1.0 + x * x + y * y)
    return z if 0.0 < z < 1e9 else 0.0  # noqa: PLR2004 - programs write 1e10 for nothing


@_compiled
def _depth_at(grid: Grid, law: Law, row: int, column: int) -> float:
    if grid.alpha.size and not grid.alpha[row, column] >= grid.least_alpha:
        return 0.0
    return metres(
        grid.depth[row, column], grid.rays[row, column, 0], grid.rays[row, column, 1], law
    )


@_compiled
def count(grid: Grid, law: Law, start: int, stop: int, counts: np.ndarray) -> None:
    """Count the points of every group in rows of the grid; ``counts`` is (groups, rows)."""
    for line in range(start, stop):
        row = grid.first + line * grid.step
        for column in range(grid.first, grid.depth.shape[1], grid.step):
            group = grid.owner[row, column] if grid.owner.size else 0
            if group < counts.shape[0] and _depth_at(grid, law, row, column) > 0.0:
                counts[group, line] += 1


class Filled(NamedTuple):
    """Where the points go: (N, 3) float32, (N, 3) uint8, (N,) float32."""

    points: np.ndarray
    colours: np.ndarray
    widths: np.ndarray


@_compiled
def fill(  # noqa: PLR0913, PLR0917 - compiled functions take no names
    grid: Grid,
    law: Law,
    start: int,
    stop: int,
    places: np.ndarray,
    out: Filled,
    size_per_metre: float,
) -> None:
    """Write the points of rows; ``places`` (groups, rows) says where each row's begin."""
    for line in range(start, stop):
        row = grid.first + line * grid.step
        at = places[:, line].copy()
        for column in range(grid.first, grid.depth.shape[1], grid.step):
            group = grid.owner[row, column] if grid.owner.size else 0
            if group >= places.shape[0]:
                continue
            z = _depth_at(grid, law, row, column)
            if z > 0.0:
                here = at[group]
                at[group] += 1
                out.points[here, 0] = grid.rays[row, column, 0] * z
                out.points[here, 1] = grid.rays[row, column, 1] * z
                out.points[here, 2] = z
                out.colours[here, 0] = grid.colour[row, column, 0]
                out.colours[here, 1] = grid.colour[row, column, 1]
                out.colours[here, 2] = grid.colour[row, column, 2]
                out.widths[here] = size_per_metre * z
