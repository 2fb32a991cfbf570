"""Compiled: blocks in time to the lower band that LAPACK wants."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numpy as np
from numba import njit, prange

_P = ParamSpec("_P")
_R = TypeVar("_R")


def _spread_over_cores(function: Callable[_P, _R]) -> Callable[_P, _R]:
    return cast("Callable[_P, _R]", njit(cache=True, parallel=True)(function))


@_spread_over_cores
def pack(
    matrix: np.ndarray, next_1: np.ndarray, next_2: np.ndarray, band: np.ndarray, pose: int
) -> None:
    """Write blocks to ``band (bandwidth + 1, T * pose)``: row d, column i is entry (i + d, i)."""
    frames = matrix.shape[0]
    deepest = band.shape[0]
    for frame in prange(frames):
        start = frame * pose
        for column in range(pose):
            at = start + column
            for row in range(column, pose):
                band[row - column, at] = matrix[frame, row, column]
            if frame + 1 < frames:
                for row in range(pose):
                    depth = pose + row - column
                    if depth < deepest:
                        band[depth, at] = next_1[frame, row, column]
            if frame + 2 < frames:
                for row in range(pose):
                    depth = 2 * pose + row - column
                    if depth < deepest:
                        band[depth, at] = next_2[frame, row, column]
