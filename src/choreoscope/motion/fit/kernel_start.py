"""Where to begin, compiled: the turn of every part in closed form, down the tree."""

import math
from typing import NamedTuple

import numpy as np

from choreoscope.motion.fit.kernel_algebra import (
    GEMAN_MCCLURE,
    compiled,
    matrix_of,
    multiply,
    robust,
)
from choreoscope.motion.fit.kernel_cases import Case, Unknowns
from choreoscope.motion.fit.kernel_points import (
    Bound,
    Evidence,
    Work,
    place_points,
    pose_frame,
)

_TURNS = 12
_TINY = 1e-12
_ATTEMPTS, _FAR = 3, 0.15
"""Rounds of each part's turn, and the distance in metres at which a place counts for a quarter."""
_STIFFNESS = 0.03
"""Pull of a part towards its parent, of the pull of a part seen all round."""


class Parts(NamedTuple):
    """Points of each part (joint): ``points[first[j]:first[j + 1]]`` and how much they belong.

    Row J is the trunk as a whole, which gives the root its first turn.
    """

    first: np.ndarray
    points: np.ndarray
    shares: np.ndarray
    rest: np.ndarray


@compiled
def greatest_eigenvector(matrix: np.ndarray, out: np.ndarray) -> None:
    """Find the unit eigenvector of the greatest eigenvalue of a symmetric 4 x 4 matrix.

    By Jacobi's turns.
    """
    a, vectors = matrix.copy(), np.eye(4)
    for _ in range(_TURNS):
        off, size = 0.0, 0.0
        for i in range(4):
            size += a[i, i] * a[i, i]
            for j in range(i):
                off += a[i, j] * a[i, j]
        if off <= _TINY * _TINY * size:
            break
        for i in range(3):
            for j in range(i + 1, 4):
                _annul(a, vectors, i, j)
    best = 0
    for i in range(1, 4):
        if a[i, i] > a[best, best]:
            best = i
    for i in range(4):
        out[i] = vectors[i, best]


@compiled
def _annul(a: np.ndarray, vectors: np.ndarray, i: int, j: int) -> None:
    if a[i, j] == 0.0:
        return
    ratio = (a[j, j] - a[i, i]) / (2.0 * a[i, j])
    tangent = math.copysign(1.0, ratio) / (abs(ratio) + math.sqrt(ratio * ratio + 1.0))
    cosine = 1.0 / math.sqrt(tangent * tangent + 1.0)
    sine = tangent * cosine
    for k in range(4):
        left, right = a[k, i], a[k, j]
        a[k, i], a[k, j] = cosine * left - sine * right, sine * left + cosine * right
    for k in range(4):
        left, right = a[i, k], a[j, k]
        a[i, k], a[j, k] = cosine * left - sine * right, sine * left + cosine * right
        left, right = vectors[k, i], vectors[k, j]
        vectors[k, i], vectors[k, j] = cosine * left - sine * right, sine * left + cosine * right


@compiled
def quaternion_of_products(m: np.ndarray, out: np.ndarray) -> None:
    """Find the rotation R that makes ``trace(R^T m)`` greatest (Horn 1987, with quaternions)."""
    n = np.zeros((4, 4))
    n[0, 0] = m[0, 0] + m[1, 1] + m[2, 2]
    n[1, 1] = m[0, 0] - m[1, 1] - m[2, 2]
    n[2, 2] = m[1, 1] - m[0, 0] - m[2, 2]
    n[3, 3] = m[2, 2] - m[0, 0] - m[1, 1]
    n[0, 1] = n[1, 0] = m[2, 1] - m[1, 2]
    n[0, 2] = n[2, 0] = m[0, 2] - m[2, 0]
    n[0, 3] = n[3, 0] = m[1, 0] - m[0, 1]
    n[1, 2] = n[2, 1] = m[0, 1] + m[1, 0]
    n[1, 3] = n[3, 1] = m[0, 2] + m[2, 0]
    n[2, 3] = n[3, 2] = m[1, 2] + m[2, 1]
    greatest_eigenvector(n, out)


@compiled
def _turn_part(
    parts: Parts, j: int, seen: Evidence, frame: int, pull: np.ndarray, out: np.ndarray
) -> None:
    """Turn a part onto its places, outliers counting less each round, and pulled as told."""
    products, turn = np.zeros((3, 3)), np.zeros((3, 3))
    sums, apart = np.zeros(7), np.zeros(3)
    begin, end = parts.first[j], parts.first[j + 1]
    for attempt in range(_ATTEMPTS):
        products.fill(0.0)
        total = _centre(parts, j, seen, frame, turn, sums)
        size = 0.0
        for n in range(begin, end):
            p = parts.points[n]
            weight = parts.shares[n] * seen.weights[frame, p]
            if weight == 0.0:
                continue
            for i in range(3):
                apart[i] = parts.rest[p, i] - sums[i]
            if attempt > 0:
                weight *= _trust(turn, apart, seen.places[frame, p], sums)
            for i in range(3):
                size += weight * apart[i] * apart[i]
                for k in range(3):
                    products[k, i] += weight * (seen.places[frame, p, k] - sums[3 + k]) * apart[i]
        share = 1.0 / size if size > _TINY * total else 0.0
        for i in range(9):
            products[i // 3, i % 3] = products[i // 3, i % 3] * share + pull[i // 3, i % 3]
        quaternion_of_products(products, out)
        if share == 0.0:
            return
        matrix_of(out, turn)
        sums[6] = attempt + 1.0


@compiled
def _trust(turn: np.ndarray, apart: np.ndarray, place: np.ndarray, sums: np.ndarray) -> float:
    """Give the weight left to a point where the last turn and centres would not have put it."""
    square = 0.0
    for i in range(3):
        put = turn[i, 0] * apart[0] + turn[i, 1] * apart[1] + turn[i, 2] * apart[2]
        square += (place[i] - sums[3 + i] - put) ** 2
    return robust(square, _FAR, GEMAN_MCCLURE)[1]


@compiled
def _centre(
    parts: Parts,
    j: int,
    seen: Evidence,
    frame: int,
    turn: np.ndarray,
    sums: np.ndarray,
) -> float:
    """Centres of a part at rest and in the frame into `sums`; return the sum of weights."""
    total = 0.0
    fresh, apart = np.zeros(6), np.zeros(3)
    for n in range(parts.first[j], parts.first[j + 1]):
        p = parts.points[n]
        weight = parts.shares[n] * seen.weights[frame, p]
        if weight == 0.0:
            continue
        if sums[6] > 0.0:
            for i in range(3):
                apart[i] = parts.rest[p, i] - sums[i]
            weight *= _trust(turn, apart, seen.places[frame, p], sums)
        total += weight
        for i in range(3):
            fresh[i] += weight * parts.rest[p, i]
            fresh[3 + i] += weight * seen.places[frame, p, i]
    for i in range(6):
        sums[i] = fresh[i] / total if total > 0.0 else 0.0
    return total


@compiled
def begin(case: Case, parts: Parts, frames: np.ndarray, unknowns: Unknowns, work: Work) -> None:
    """Turn every part onto its points, parents first, and put the root where the body fits best.

    A part that sees its direction alone takes its parent's twist; one that sees nothing follows
    its parent.
    """
    tree, bound, seen = case.tree, case.bounds[0], case.seen
    root, rotations, scale = unknowns.root, unknowns.rotations, math.exp(case.plan.log_scale)
    count = len(tree.parents)
    pull = np.zeros((3, 3))
    wholes, back = np.zeros((count, 4)), np.zeros(4)
    for n in range(len(frames)):
        frame = frames[n]
        for i in range(9):
            pull[i // 3, i % 3] = _TINY if i % 4 == 0 else 0.0
        _turn_part(parts, count, seen, frame, pull, wholes[0])
        for j in range(count):
            parent = max(tree.parents[j], 0)
            if tree.free[j]:
                matrix_of(wholes[parent], pull)
                for i in range(9):
                    pull[i // 3, i % 3] *= _STIFFNESS
                _turn_part(parts, j, seen, frame, pull, wholes[j])
            else:
                for i in range(4):
                    wholes[j, i] = wholes[parent, i]
            back[0] = wholes[parent, 0]
            for i in range(1, 4):
                back[i] = -wholes[parent, i]
            multiply(back, wholes[j], rotations[frame, j])
        for i in range(4):
            rotations[frame, 0, i] = wholes[0, i]
        pose_frame(tree, rotations[frame], scale, work)
        _put_root(bound, seen, frame, scale, root[frame], work)


@compiled
def _put_root(
    bound: Bound, seen: Evidence, frame: int, scale: float, root: np.ndarray, work: Work
) -> None:
    """Put the posed body where its points lie best."""
    total = 0.0
    root.fill(0.0)
    place_points(bound, seen.weights[frame], scale, work)
    for p in range(len(bound.used)):
        weight = seen.weights[frame, p]
        if weight == 0.0:
            continue
        total += weight
        for i in range(3):
            root[i] += weight * (seen.places[frame, p, i] - work.spots[p, i])
    for i in range(3):
        root[i] /= total
