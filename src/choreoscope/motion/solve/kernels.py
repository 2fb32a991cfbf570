"""Compiled inner loops: how points depend on pose and shape, and what that adds up to.

Every term about a point comes down to a 3x3 information matrix and a 3-vector of force on that
point; pulling them back through the point's Jacobian gives the normal equations of the pose.
Joints turn by right perturbations, ``q <- q exp(delta)``, so a point moves by
``(R_j delta) x a_j``, with the lever ``a_j`` from joint j to the share of the point below it.
"""

import numpy as np
from numba import njit, prange


@njit(cache=True, inline="always")
def _fill(  # noqa: PLR0913
    frame,
    point,
    turns,
    places,
    shape_places,
    joints,
    mass,
    lever,
    shape_lever,
    first_mover,
    mover_joint,
    mover_column,
    below,
    columns,
    jacobian,
    shape_start,
):
    """Fill columns and Jacobian ``(3, L)`` of one point; return how many columns there are."""
    shapes = shape_lever.shape[3]
    slots = joints.shape[1]
    for axis in range(3):
        columns[axis] = axis
        for row in range(3):
            jacobian[row, axis] = 1.0 if row == axis else 0.0
    count = 3
    for mover in range(first_mover[point], first_mover[point + 1]):
        joint = mover_joint[mover]
        ax, ay, az = 0.0, 0.0, 0.0
        for slot in range(slots):
            m = mass[point, slot]
            other = joints[point, slot]
            if not below[joint, other]:
                continue
            l0, l1, l2 = lever[point, slot, 0], lever[point, slot, 1], lever[point, slot, 2]
            r = turns[frame, other]
            ax += r[0, 0] * l0 + r[0, 1] * l1 + r[0, 2] * l2
            ay += r[1, 0] * l0 + r[1, 1] * l1 + r[1, 2] * l2
            az += r[2, 0] * l0 + r[2, 1] * l1 + r[2, 2] * l2
            ax += m * (places[frame, other, 0] - places[frame, joint, 0])
            ay += m * (places[frame, other, 1] - places[frame, joint, 1])
            az += m * (places[frame, other, 2] - places[frame, joint, 2])
        r = turns[frame, joint]
        for axis in range(3):
            columns[count] = mover_column[mover] + axis
            ux, uy, uz = r[0, axis], r[1, axis], r[2, axis]
            jacobian[0, count] = uy * az - uz * ay
            jacobian[1, count] = uz * ax - ux * az
            jacobian[2, count] = ux * ay - uy * ax
            count += 1
    for shape in range(shapes):
        columns[count] = shape_start + shape
        for row in range(3):
            total = 0.0
            for slot in range(slots):
                other = joints[point, slot]
                r = turns[frame, other]
                total += (
                    r[row, 0] * shape_lever[point, slot, 0, shape]
                    + r[row, 1] * shape_lever[point, slot, 1, shape]
                    + r[row, 2] * shape_lever[point, slot, 2, shape]
                    + mass[point, slot] * shape_places[frame, other, row, shape]
                )
            jacobian[row, count] = total
        count += 1
    return count


@njit(cache=True, parallel=True)
def accumulate(  # noqa: PLR0913
    turns,
    places,
    shape_places,
    joints,
    mass,
    lever,
    shape_lever,
    first_mover,
    mover_joint,
    mover_column,
    below,
    weight,
    force,
    cross,
    nuisance,
    nuisance_prior,
    matrix,
    vector,
    shape_start,
):
    """Add what points say to ``matrix (T, M, M)`` and ``vector (T, M)``.

    ``weight (T, P, 3, 3)``, ``force (T, P, 3)``; ``cross (T, P, B, 3)`` couples points to border
    unknowns in the last B columns; ``nuisance (T, P, 3, Q)`` are directions of unknowns of the
    frame alone, which are eliminated.
    """
    frames, points = weight.shape[0], weight.shape[1]
    width = matrix.shape[1]
    borders, extras = cross.shape[2], nuisance.shape[3]
    for frame in prange(frames):
        columns = np.zeros(width, dtype=np.int64)
        jacobian = np.zeros((3, width))
        weighted = np.zeros((3, width))
        coupling = np.zeros((extras, width))
        inner = np.zeros((extras, extras))
        seen = False
        for point in range(points):
            w = weight[frame, point]
            if w[0, 0] == 0.0 and w[1, 1] == 0.0 and w[2, 2] == 0.0:
                continue
            seen = True
            count = _fill(
                frame,
                point,
                turns,
                places,
                shape_places,
                joints,
                mass,
                lever,
                shape_lever,
                first_mover,
                mover_joint,
                mover_column,
                below,
                columns,
                jacobian,
                shape_start,
            )
            for column in range(count):
                for row in range(3):
                    weighted[row, column] = (
                        w[row, 0] * jacobian[0, column]
                        + w[row, 1] * jacobian[1, column]
                        + w[row, 2] * jacobian[2, column]
                    )
                vector[frame, columns[column]] += (
                    jacobian[0, column] * force[frame, point, 0]
                    + jacobian[1, column] * force[frame, point, 1]
                    + jacobian[2, column] * force[frame, point, 2]
                )
            for column in range(count):
                at = columns[column]
                for other in range(column + 1):
                    value = (
                        jacobian[0, column] * weighted[0, other]
                        + jacobian[1, column] * weighted[1, other]
                        + jacobian[2, column] * weighted[2, other]
                    )
                    to = columns[other]
                    matrix[frame, at, to] += value
                    if other != column:
                        matrix[frame, to, at] += value
                for border in range(borders):
                    value = (
                        jacobian[0, column] * cross[frame, point, border, 0]
                        + jacobian[1, column] * cross[frame, point, border, 1]
                        + jacobian[2, column] * cross[frame, point, border, 2]
                    )
                    to = width - borders + border
                    matrix[frame, at, to] += value
                    matrix[frame, to, at] += value
            for extra in range(extras):
                for column in range(count):
                    coupling[extra, columns[column]] += (
                        nuisance[frame, point, 0, extra] * weighted[0, column]
                        + nuisance[frame, point, 1, extra] * weighted[1, column]
                        + nuisance[frame, point, 2, extra] * weighted[2, column]
                    )
                for other in range(extras):
                    for row in range(3):
                        for col in range(3):
                            inner[extra, other] += (
                                nuisance[frame, point, row, extra]
                                * w[row, col]
                                * nuisance[frame, point, col, other]
                            )
        if extras > 0 and seen:
            for extra in range(extras):
                inner[extra, extra] += nuisance_prior[extra]
            solved = np.linalg.solve(inner, coupling)
            for row in range(width):
                for column in range(width):
                    total = 0.0
                    for extra in range(extras):
                        total += coupling[extra, row] * solved[extra, column]
                    matrix[frame, row, column] -= total


@njit(cache=True, parallel=True)
def jacobians(  # noqa: PLR0913
    turns,
    places,
    shape_places,
    joints,
    mass,
    lever,
    shape_lever,
    first_mover,
    mover_joint,
    mover_column,
    below,
    wanted,
    result,
    shape_start,
):
    """Write the Jacobian of every wanted point to ``result (T, P, 3, M)``."""
    frames, points = wanted.shape
    for frame in prange(frames):
        columns = np.zeros(result.shape[3], dtype=np.int64)
        jacobian = np.zeros((3, result.shape[3]))
        for point in range(points):
            if not wanted[frame, point]:
                continue
            count = _fill(
                frame,
                point,
                turns,
                places,
                shape_places,
                joints,
                mass,
                lever,
                shape_lever,
                first_mover,
                mover_joint,
                mover_column,
                below,
                columns,
                jacobian,
                shape_start,
            )
            for column in range(count):
                for row in range(3):
                    result[frame, point, row, columns[column]] += jacobian[row, column]


@njit(cache=True, parallel=True)
def accumulate_speeds(  # noqa: PLR0913
    turns,
    places,
    shape_places,
    joints,
    mass,
    lever,
    shape_lever,
    first_mover,
    mover_joint,
    mover_column,
    below,
    seconds,
    weight,
    speed,
    matrix,
    vector,
    next_1,
    shape_start,
):
    """Add what the speeds ``(F, P, 3)`` of points between frames t and t + 1 say.

    ``weight (F, P)`` is their information. Two frames meet in one matrix, so even and odd steps
    are taken one after the other.
    """
    steps, points = weight.shape
    width = matrix.shape[1]
    for parity in range(2):
        for half in prange((steps - parity + 1) // 2):
            frame = 2 * half + parity
            slower = 1.0 / seconds[frame]
            columns = np.zeros((2, width), dtype=np.int64)
            jacobian = np.zeros((2, 3, width))
            for point in range(points):
                w = weight[frame, point]
                if w == 0.0:
                    continue
                count = 0
                for late in range(2):
                    count = _fill(
                        frame + late,
                        point,
                        turns,
                        places,
                        shape_places,
                        joints,
                        mass,
                        lever,
                        shape_lever,
                        first_mover,
                        mover_joint,
                        mover_column,
                        below,
                        columns[late],
                        jacobian[late],
                        shape_start,
                    )
                    sign = slower if late == 1 else -slower
                    for row in range(3):
                        for column in range(count):
                            jacobian[late, row, column] *= sign
                # Shape moves both frames: its columns are the difference, kept with the first.
                for column in range(count):
                    if columns[0, column] >= shape_start:
                        for row in range(3):
                            jacobian[0, row, column] += jacobian[1, row, column]
                            jacobian[1, row, column] = 0.0
                for late in range(2):
                    for column in range(count):
                        at = columns[late, column]
                        force = 0.0
                        for row in range(3):
                            force += jacobian[late, row, column] * speed[frame, point, row]
                        vector[frame + late, at] += w * force
                        for other in range(count):
                            to = columns[late, other]
                            value = 0.0
                            for row in range(3):
                                value += jacobian[late, row, column] * jacobian[late, row, other]
                            matrix[frame + late, at, to] += w * value
                for column in range(count):
                    at = columns[1, column]
                    if at >= shape_start:
                        continue
                    for other in range(count):
                        to = columns[0, other]
                        value = 0.0
                        for row in range(3):
                            value += jacobian[1, row, column] * jacobian[0, row, other]
                        if to < shape_start:
                            next_1[frame, at, to] += w * value
                        else:
                            matrix[frame + 1, at, to] += w * value
                            matrix[frame + 1, to, at] += w * value
