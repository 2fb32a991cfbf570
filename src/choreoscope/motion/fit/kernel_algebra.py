"""Small compiled pieces of the fit: rotations, robust losses, a Cholesky that knows its zeros."""

import math
from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numpy as np
from numba import njit

_P = ParamSpec("_P")
_R = TypeVar("_R")
_FREE_ORDER = {"reassoc", "contract", "nsz", "arcp"}
"""Sums may be reordered, so that they run in wide registers; NaN and infinity keep their sense."""
LEAST_SQUARES, CAUCHY, GEMAN_MCCLURE = 0, 1, 2
_SMALL_ANGLE = 1e-8


def compiled(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compile; the result is kept on disk and lets other threads run."""
    jit = njit(cache=True, nogil=True, error_model="numpy", fastmath=_FREE_ORDER)
    return cast("Callable[_P, _R]", jit(function))


@compiled
def matrix_of(q: np.ndarray, out: np.ndarray) -> None:
    """Write the rotation matrix of a unit quaternion."""
    w, x, y, z = q[0], q[1], q[2], q[3]
    out[0, 0] = 1.0 - 2.0 * (y * y + z * z)
    out[0, 1] = 2.0 * (x * y - w * z)
    out[0, 2] = 2.0 * (x * z + w * y)
    out[1, 0] = 2.0 * (x * y + w * z)
    out[1, 1] = 1.0 - 2.0 * (x * x + z * z)
    out[1, 2] = 2.0 * (y * z - w * x)
    out[2, 0] = 2.0 * (x * z - w * y)
    out[2, 1] = 2.0 * (y * z + w * x)
    out[2, 2] = 1.0 - 2.0 * (x * x + y * y)


@compiled
def multiply(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """Write the unit product of two quaternions."""
    w = a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3]
    x = a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2]
    y = a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1]
    z = a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0]
    length = math.sqrt(w * w + x * x + y * y + z * z)
    out[0], out[1], out[2], out[3] = w / length, x / length, y / length, z / length


@compiled
def turned_by(q: np.ndarray, x: float, y: float, z: float, out: np.ndarray) -> None:
    """Write ``q exp((x, y, z))``."""
    angle = math.sqrt(x * x + y * y + z * z)
    share = 0.5 if angle < _SMALL_ANGLE else math.sin(0.5 * angle) / angle
    step = np.zeros(4)
    step[0], step[1], step[2], step[3] = math.cos(0.5 * angle), share * x, share * y, share * z
    multiply(q, step, out)


@compiled
def vector_between(reference: np.ndarray, q: np.ndarray, out: np.ndarray) -> None:
    """Write the rotation vector of ``reference^-1 q``, length at most pi."""
    back, apart = np.zeros(4), np.zeros(4)
    back[0], back[1], back[2], back[3] = reference[0], -reference[1], -reference[2], -reference[3]
    multiply(back, q, apart)
    if apart[0] < 0:
        apart *= -1.0
    sine = math.sqrt(apart[1] ** 2 + apart[2] ** 2 + apart[3] ** 2)
    share = 2.0 if sine < _SMALL_ANGLE else 2.0 * math.atan2(sine, apart[0]) / sine
    out[0], out[1], out[2] = share * apart[1], share * apart[2], share * apart[3]


@compiled
def robust(square: float, width: float, kind: int) -> tuple[float, float]:
    """Give the loss of a squared residual in sigmas, and its derivative: the weight left."""
    if kind == LEAST_SQUARES:
        return square, 1.0
    limit = width * width
    share = limit / (limit + square)
    if kind == CAUCHY:
        return limit * math.log1p(square / limit), share
    return square * share, share * share


@compiled
def factorise(matrix: np.ndarray, first: np.ndarray) -> bool:
    """Cholesky in place, lower triangle, zeros before ``first`` of each row kept.

    False if the matrix is not positive.
    """
    for i in range(len(first)):
        for j in range(first[i], i):
            total = matrix[i, j]
            for k in range(max(first[i], first[j]), j):
                total -= matrix[i, k] * matrix[j, k]
            matrix[i, j] = total / matrix[j, j]
        total = matrix[i, i]
        for k in range(first[i], i):
            total -= matrix[i, k] * matrix[i, k]
        if not total > 0.0:
            return False
        matrix[i, i] = math.sqrt(total)
    return True


@compiled
def solve(matrix: np.ndarray, first: np.ndarray, vector: np.ndarray) -> float:
    """Solve with the factor, in place; return ``vector^T matrix^-1 vector``."""
    count, gain = len(first), 0.0
    for i in range(count):
        total = vector[i]
        for k in range(first[i], i):
            total -= matrix[i, k] * vector[k]
        vector[i] = total / matrix[i, i]
        gain += vector[i] * vector[i]
    for i in range(count - 1, -1, -1):
        vector[i] /= matrix[i, i]
        for k in range(first[i], i):
            vector[k] -= matrix[i, k] * vector[i]
    return gain
