"""Compiled inner loops: how points depend on pose and shape, and what that adds up to.

Every term about a point comes down to a 3x3 information matrix and a 3-vector of force on that
point; pulling them back through the point's Jacobian gives the normal equations of the pose.
Joints turn by right perturbations, ``q <- q exp(delta)``, so a point moves by
``(R_j delta) x a_j``, with the lever ``a_j`` from joint j to the share of the point below it.
"""

from collections.abc import Callable
from typing import NamedTuple, ParamSpec, TypeVar, cast

import numpy as np
from numba import njit, prange

_P = ParamSpec("_P")
_R = TypeVar("_R")


def _compiled(function: Callable[_P, _R]) -> Callable[_P, _R]:
    return cast("Callable[_P, _R]", njit(cache=True)(function))


def _spread_over_cores(function: Callable[_P, _R]) -> Callable[_P, _R]:
    return cast("Callable[_P, _R]", njit(cache=True, parallel=True)(function))


class Posed(NamedTuple):
    """Points of a body and the pose they are in.

    Attributes
    ----------
    turns, places, shape_places : (T, J, 3, 3), (T, J, 3) and (T, J, 3, S) float
        Of `Pose`.
    joints, mass : (P, K)
        Of `BodyPoints`.
    lever, shape_lever : (P, K, 3) and (P, K, 3, S) float
        Moment from each joint at rest, and its change with shape.
    first_mover : (P + 1,) int
        Where the movers of each point begin.
    mover_joint, mover_column : (Q,) int
        Joints that move a point, and the first of their three columns.
    below : (J, J) bool
        Whether the second joint hangs below the first or is it.
    shape_start : int
        First column of shape.
    """

    turns: np.ndarray
    places: np.ndarray
    shape_places: np.ndarray
    joints: np.ndarray
    mass: np.ndarray
    lever: np.ndarray
    shape_lever: np.ndarray
    first_mover: np.ndarray
    mover_joint: np.ndarray
    mover_column: np.ndarray
    below: np.ndarray
    shape_start: int


@_compiled
def _arm(body: Posed, frame: int, point: int, joint: int, arm: np.ndarray) -> None:
    """Write the lever from a joint to the share of a point below it."""
    arm[:] = 0.0
    for slot in range(body.joints.shape[1]):
        other = body.joints[point, slot]
        if not body.below[joint, other]:
            continue
        turn = body.turns[frame, other]
        for row in range(3):
            arm[row] += (
                turn[row, 0] * body.lever[point, slot, 0]
                + turn[row, 1] * body.lever[point, slot, 1]
                + turn[row, 2] * body.lever[point, slot, 2]
                + body.mass[point, slot]
                * (body.places[frame, other, row] - body.places[frame, joint, row])
            )


@_compiled
def _fill(body: Posed, frame: int, point: int, columns: np.ndarray, jacobian: np.ndarray) -> int:
    """Fill columns and Jacobian ``(3, L)`` of one point; return how many columns there are."""
    arm = np.zeros(3)
    for axis in range(3):
        columns[axis] = axis
        for row in range(3):
            jacobian[row, axis] = 1.0 if row == axis else 0.0
    count = 3
    for mover in range(body.first_mover[point], body.first_mover[point + 1]):
        joint = body.mover_joint[mover]
        _arm(body, frame, point, joint, arm)
        turn = body.turns[frame, joint]
        for axis in range(3):
            columns[count] = body.mover_column[mover] + axis
            jacobian[0, count] = turn[1, axis] * arm[2] - turn[2, axis] * arm[1]
            jacobian[1, count] = turn[2, axis] * arm[0] - turn[0, axis] * arm[2]
            jacobian[2, count] = turn[0, axis] * arm[1] - turn[1, axis] * arm[0]
            count += 1
    for shape in range(body.shape_lever.shape[3]):
        columns[count] = body.shape_start + shape
        for row in range(3):
            total = 0.0
            for slot in range(body.joints.shape[1]):
                other = body.joints[point, slot]
                turn = body.turns[frame, other]
                for axis in range(3):
                    total += turn[row, axis] * body.shape_lever[point, slot, axis, shape]
                total += body.mass[point, slot] * body.shape_places[frame, other, row, shape]
            jacobian[row, count] = total
        count += 1
    return count


class Pulls(NamedTuple):
    """What terms say about points.

    Attributes
    ----------
    weight, force : (T, P, 3, 3) and (T, P, 3) float
        Information, and information times residual.
    cross : (T, P, B, 3) float
        Information between points and the border unknowns of the last B columns.
    nuisance, nuisance_weight, nuisance_prior : (T, P, 3, Q), (T, P, 3, 3) and (Q,) float
        Directions of unknowns of the frame alone, which are eliminated; the share of `weight`
        that knows of them; and their own information.
    """

    weight: np.ndarray
    force: np.ndarray
    cross: np.ndarray
    nuisance: np.ndarray
    nuisance_weight: np.ndarray
    nuisance_prior: np.ndarray


@_compiled
def _add_point(  # noqa: PLR0917, PLR0913 - scratch arrays are made once per frame
    pulls: Pulls,
    frame: int,
    point: int,
    count: int,
    columns: np.ndarray,
    jacobian: np.ndarray,
    weighted: np.ndarray,
    matrix: np.ndarray,
    vector: np.ndarray,
) -> None:
    w, force, cross = pulls.weight[frame, point], pulls.force[frame, point], pulls.cross
    width = matrix.shape[0]
    borders = cross.shape[2]
    for column in range(count):
        at = columns[column]
        a, b, c = jacobian[0, column], jacobian[1, column], jacobian[2, column]
        for row in range(3):
            weighted[row, column] = w[row, 0] * a + w[row, 1] * b + w[row, 2] * c
        vector[at] += a * force[0] + b * force[1] + c * force[2]
        for other in range(column + 1):
            value = a * weighted[0, other] + b * weighted[1, other] + c * weighted[2, other]
            to = columns[other]
            matrix[at, to] += value
            if other != column:
                matrix[to, at] += value
        for border in range(borders):
            told = cross[frame, point, border]
            value = a * told[0] + b * told[1] + c * told[2]
            to = width - borders + border
            matrix[at, to] += value
            matrix[to, at] += value


@_compiled
def _couple(  # noqa: PLR0917, PLR0913 - scratch arrays are made once per frame
    pulls: Pulls,
    frame: int,
    point: int,
    count: int,
    columns: np.ndarray,
    jacobian: np.ndarray,
    coupling: np.ndarray,
    inner: np.ndarray,
) -> None:
    w, directions = pulls.nuisance_weight[frame, point], pulls.nuisance[frame, point]
    extras = directions.shape[1]
    for extra in range(extras):
        d0, d1, d2 = directions[0, extra], directions[1, extra], directions[2, extra]
        a = w[0, 0] * d0 + w[0, 1] * d1 + w[0, 2] * d2
        b = w[1, 0] * d0 + w[1, 1] * d1 + w[1, 2] * d2
        c = w[2, 0] * d0 + w[2, 1] * d1 + w[2, 2] * d2
        for column in range(count):
            coupling[extra, columns[column]] += (
                a * jacobian[0, column] + b * jacobian[1, column] + c * jacobian[2, column]
            )
        for other in range(extras):
            inner[extra, other] += (
                a * directions[0, other] + b * directions[1, other] + c * directions[2, other]
            )


@_spread_over_cores
def accumulate(body: Posed, pulls: Pulls, matrix: np.ndarray, vector: np.ndarray) -> None:
    """Add what points say to ``matrix (T, M, M)`` and ``vector (T, M)``."""
    frames, points = pulls.weight.shape[:2]
    width = matrix.shape[1]
    extras = pulls.nuisance.shape[3]
    for frame in prange(frames):
        columns = np.zeros(width, dtype=np.int64)
        jacobian, weighted = np.zeros((3, width)), np.zeros((3, width))
        coupling, inner = np.zeros((extras, width)), np.zeros((extras, extras))
        seen = False
        for point in range(points):
            w = pulls.weight[frame, point]
            if w[0, 0] == 0.0 and w[1, 1] == 0.0 and w[2, 2] == 0.0:
                continue
            seen = True
            count = _fill(body, frame, point, columns, jacobian)
            _add_point(
                pulls,
                frame,
                point,
                count,
                columns,
                jacobian,
                weighted,
                matrix[frame],
                vector[frame],
            )
            if extras > 0:
                _couple(pulls, frame, point, count, columns, jacobian, coupling, inner)
        if extras > 0 and seen:
            for extra in range(extras):
                inner[extra, extra] += pulls.nuisance_prior[extra]
            solved = np.linalg.solve(inner, coupling)
            for row in range(width):
                for column in range(width):
                    total = 0.0
                    for extra in range(extras):
                        total += coupling[extra, row] * solved[extra, column]
                    matrix[frame, row, column] -= total


@_spread_over_cores
def jacobians(body: Posed, wanted: np.ndarray, result: np.ndarray) -> None:
    """Write the Jacobian of every wanted point to ``result (T, P, 3, M)``."""
    frames, points = wanted.shape
    for frame in prange(frames):
        columns = np.zeros(result.shape[3], dtype=np.int64)
        jacobian = np.zeros((3, result.shape[3]))
        for point in range(points):
            if wanted[frame, point]:
                count = _fill(body, frame, point, columns, jacobian)
                for column in range(count):
                    for row in range(3):
                        result[frame, point, row, columns[column]] += jacobian[row, column]


class Steps(NamedTuple):
    """Speeds of points from each frame to the next.

    Attributes
    ----------
    seconds : (F,) float
        Between the frames.
    weight, speed : (F, P) and (F, P, 3) float
        Information, and metres per second.
    """

    seconds: np.ndarray
    weight: np.ndarray
    speed: np.ndarray


@_compiled
def _fill_step(
    body: Posed, frame: int, point: int, seconds: float, step: tuple[np.ndarray, np.ndarray]
) -> int:
    """Fill columns ``(2, M)`` and Jacobians ``(2, 3, M)`` of a point's speed."""
    columns, jacobian = step
    count = 0
    for late in range(2):
        count = _fill(body, frame + late, point, columns[late], jacobian[late])
        sign = 1.0 / seconds if late == 1 else -1.0 / seconds
        for row in range(3):
            for column in range(count):
                jacobian[late, row, column] *= sign
    # Shape moves both frames: its columns are the difference, kept with the first.
    for column in range(count):
        if columns[0, column] >= body.shape_start:
            for row in range(3):
                jacobian[0, row, column] += jacobian[1, row, column]
                jacobian[1, row, column] = 0.0
    return count


@_compiled
def _dot(one: np.ndarray, first: int, other: np.ndarray, second: int) -> float:
    total: float = one[0, first] * other[0, second]
    total += one[1, first] * other[1, second]
    total += one[2, first] * other[2, second]
    return total


@_compiled
def _add_step(
    w: float,
    speed: np.ndarray,
    count: int,
    start: int,
    step: tuple[np.ndarray, np.ndarray],
    own: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray],
) -> None:
    """Add one point's speed to the two frames it lies between, and to the block between them."""
    columns, jacobian = step
    first, first_vector, second, second_vector, between = own
    for column in range(count):
        for late in range(2):
            matrix = second if late == 1 else first
            vector = second_vector if late == 1 else first_vector
            at, rows = columns[late, column], jacobian[late]
            for row in range(3):
                vector[at] += w * rows[row, column] * speed[row]
            for other in range(count):
                matrix[at, columns[late, other]] += w * _dot(rows, column, rows, other)
        at = columns[1, column]
        for other in range(count):
            to = columns[0, other]
            value = w * _dot(jacobian[1], column, jacobian[0], other)
            if at < start and to < start:
                between[at, to] += value
            elif at < start:
                second[at, to] += value
                second[to, at] += value


@_spread_over_cores
def accumulate_speeds(
    body: Posed, steps: Steps, matrix: np.ndarray, vector: np.ndarray, next_1: np.ndarray
) -> None:
    """Add what speeds say to frames and to ``next_1``, the blocks between them.

    Two frames meet in one matrix, so even and odd steps are taken one after the other.
    """
    frames, points = steps.weight.shape
    width = matrix.shape[1]
    for parity in range(2):
        for half in prange((frames - parity + 1) // 2):
            frame = 2 * half + parity
            step = (np.zeros((2, width), dtype=np.int64), np.zeros((2, 3, width)))
            for point in range(points):
                w = steps.weight[frame, point]
                if w != 0.0:
                    count = _fill_step(body, frame, point, steps.seconds[frame], step)
                    own = (
                        matrix[frame],
                        vector[frame],
                        matrix[frame + 1],
                        vector[frame + 1],
                        next_1[frame],
                    )
                    speed = steps.speed[frame, point]
                    _add_step(w, speed, count, body.shape_start, step, own)
