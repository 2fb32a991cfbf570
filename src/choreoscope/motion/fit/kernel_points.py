"""Normal equations of one frame, compiled.

A point is ``p = root + sum_k v_k`` with ``v_k = s (R_k l_k + m_k Q_k)``: levers ``l`` and masses
``m`` of the point, world-from-joint turns ``R``, joints ``Q`` from the root, scale ``s``. A small
turn d of joint j in its own axes moves it by ``-[a_j]x R_j d`` with the arm
``a_j = sum over descendants k of (v_k - m_k s Q_j)``; the root moves it by the identity, log scale
by ``p - root``, shape by ``B = sum_k s (R_k dl_k + m_k dQ_k)``.

Where every point weighs the same in all directions, sums over points of products of arms need
only the 4 x 4 moments ``sum_p w h_k h_l^T`` of ``h_k = (v_k, m_k)`` per pair of joints that share
points; sums over descendants then run down the tree once for all points (the idea of composite
rigid bodies: R. Featherstone, "Rigid Body Dynamics Algorithms", 2008, chapter 6). So the cost of
a vertex is that of its own joints, not of its whole chain. Rays of a camera, which weigh nothing
along themselves, go through their chain one by one.
"""

from typing import NamedTuple

import numpy as np

from choreoscope.motion.fit.kernel_algebra import (
    compiled,
    matrix_of,
)


class Tree(NamedTuple):
    """Joints and the order of unknowns: 3 per joint (`slot` times 3), root, log scale."""

    parents: np.ndarray
    slot: np.ndarray
    free: np.ndarray
    above: np.ndarray
    coupled: np.ndarray
    first: np.ndarray
    offsets: np.ndarray
    offset_directions: np.ndarray


class Bound(NamedTuple):
    """Points bound to joints at one shape; joints of a point ascend.

    Shares (point, its n-th joint) are listed by joint, and pairs of shares of one point by their
    two joints, so that sums over points run in registers.
    """

    used: np.ndarray
    joints: np.ndarray
    mass: np.ndarray
    lever: np.ndarray
    lever_directions: np.ndarray
    first_share: np.ndarray
    shares: np.ndarray
    first_pair: np.ndarray
    pair_joints: np.ndarray
    pairs: np.ndarray


class Evidence(NamedTuple):
    """What was seen: places with weights (1 / sigma^2, 0 = missing), rays likewise."""

    places: np.ndarray
    weights: np.ndarray
    rays: np.ndarray
    ray_weights: np.ndarray
    cameras: np.ndarray


class Prior(NamedTuple):
    """Weights of what is known before; a negative one of the frame's scale holds that still."""

    pose_weight: float
    reference: np.ndarray
    jitter_weight: float


class State(NamedTuple):
    """One frame under way; `scale` has the track's share in it, `jitter` is the log of the rest."""

    root: np.ndarray
    rotations: np.ndarray
    jitter: float
    scale: float
    last_width: float
    width: float
    kind: int


class Work(NamedTuple):
    """Room for one frame. `border` columns: shape, then log scale of the track.

    `arms`, `moved`, `spots`, `forces` and `weights` are of single points.
    """

    turns: np.ndarray
    places: np.ndarray
    place_directions: np.ndarray
    arms: np.ndarray
    moved: np.ndarray
    spots: np.ndarray
    forces: np.ndarray
    weights: np.ndarray
    pairs: np.ndarray
    pulls: np.ndarray
    border_pulls: np.ndarray
    normal: np.ndarray
    gradient: np.ndarray
    border: np.ndarray
    corner: np.ndarray
    corner_gradient: np.ndarray
    chain: np.ndarray
    rows: np.ndarray


@compiled
def pose_frame(tree: Tree, rotations: np.ndarray, scale: float, work: Work) -> None:
    """Find turns of all joints, and their scaled places from the root with derivatives by shape."""
    turns, places, directions = work.turns, work.places, work.place_directions
    local = np.zeros((3, 3))
    shapes = directions.shape[2]
    matrix_of(rotations[0], turns[0])
    places[0].fill(0.0)
    directions[0].fill(0.0)
    for joint in range(1, len(tree.parents)):
        parent = tree.parents[joint]
        matrix_of(rotations[joint], local)
        for i in range(3):
            step = 0.0
            for k in range(3):
                step += turns[parent, i, k] * tree.offsets[joint, k]
                turns[joint, i, k] = (
                    turns[parent, i, 0] * local[0, k]
                    + turns[parent, i, 1] * local[1, k]
                    + turns[parent, i, 2] * local[2, k]
                )
            places[joint, i] = places[parent, i] + scale * step
            for b in range(shapes):
                step = 0.0
                for k in range(3):
                    step += turns[parent, i, k] * tree.offset_directions[joint, k, b]
                directions[joint, i, b] = directions[parent, i, b] + scale * step


@compiled
def place_points(bound: Bound, weights: np.ndarray, scale: float, work: Work) -> None:
    """Shares ``h_k`` of all points of any weight into ``work.arms``, sums into ``work.spots``.

    Loops over points stay inside one function each: handing these records from one compiled
    function to the next costs more than a point does.
    """
    arms, turns, places, spots = work.arms, work.turns, work.places, work.spots
    used, joints, lever, masses = bound.used, bound.joints, bound.lever, bound.mass
    for p in range(len(used)):
        if weights[p] == 0.0:
            continue
        x = y = z = 0.0
        for a in range(used[p]):
            k, mass = joints[p, a], masses[p, a]
            l0, l1, l2 = lever[p, a, 0], lever[p, a, 1], lever[p, a, 2]
            vx = turns[k, 0, 0] * l0 + turns[k, 0, 1] * l1 + turns[k, 0, 2] * l2
            vy = turns[k, 1, 0] * l0 + turns[k, 1, 1] * l1 + turns[k, 1, 2] * l2
            vz = turns[k, 2, 0] * l0 + turns[k, 2, 1] * l1 + turns[k, 2, 2] * l2
            vx = mass * places[k, 0] + scale * vx
            vy = mass * places[k, 1] + scale * vy
            vz = mass * places[k, 2] + scale * vz
            arms[p, a, 0], arms[p, a, 1], arms[p, a, 2], arms[p, a, 3] = vx, vy, vz, mass
            x += vx
            y += vy
            z += vz
        spots[p, 0], spots[p, 1], spots[p, 2] = x, y, z


@compiled
def move_by_border(bound: Bound, weights: np.ndarray, scale: float, work: Work) -> None:
    """Fill ``work.moved``: derivatives of points by shape and by the track's log scale."""
    moved, turns, directions = work.moved, work.turns, work.place_directions
    used, joints, masses, ways = bound.used, bound.joints, bound.mass, bound.lever_directions
    shapes = moved.shape[2] - 1
    for p in range(len(used) if shapes >= 0 else 0):
        if weights[p] == 0.0:
            continue
        for i in range(3):
            for b in range(shapes):
                moved[p, i, b] = 0.0
            moved[p, i, shapes] = work.spots[p, i]
        for a in range(used[p]):
            k, mass = joints[p, a], masses[p, a]
            for i in range(3):
                t0, t1, t2 = turns[k, i, 0] * scale, turns[k, i, 1] * scale, turns[k, i, 2] * scale
                for b in range(shapes):
                    moved[p, i, b] += (
                        mass * directions[k, i, b]
                        + t0 * ways[p, a, 0, b]
                        + t1 * ways[p, a, 1, b]
                        + t2 * ways[p, a, 2, b]
                    )


@compiled
def sum_pairs(bound: Bound, work: Work) -> None:
    """Moments ``sum_p w h_k h_l^T`` of every two joints that share points, k <= l."""
    arms, weights, pairs, first = work.arms, work.weights, bound.pairs, bound.first_pair
    for n in range(len(bound.pair_joints)):
        s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = 0.0
        s20 = s21 = s22 = s23 = s30 = s31 = s32 = s33 = 0.0
        for entry in range(first[n], first[n + 1]):
            p, a, c = pairs[entry, 0], pairs[entry, 1], pairs[entry, 2]
            weight = weights[p]
            x0, x1 = weight * arms[p, a, 0], weight * arms[p, a, 1]
            x2, x3 = weight * arms[p, a, 2], weight * arms[p, a, 3]
            y0, y1, y2, y3 = arms[p, c, 0], arms[p, c, 1], arms[p, c, 2], arms[p, c, 3]
            s00, s01, s02, s03 = s00 + x0 * y0, s01 + x0 * y1, s02 + x0 * y2, s03 + x0 * y3
            s10, s11, s12, s13 = s10 + x1 * y0, s11 + x1 * y1, s12 + x1 * y2, s13 + x1 * y3
            s20, s21, s22, s23 = s20 + x2 * y0, s21 + x2 * y1, s22 + x2 * y2, s23 + x2 * y3
            s30, s31, s32, s33 = s30 + x3 * y0, s31 + x3 * y1, s32 + x3 * y2, s33 + x3 * y3
        out = work.pairs[bound.pair_joints[n, 0], bound.pair_joints[n, 1]]
        out[0, 0], out[0, 1], out[0, 2], out[0, 3] = s00, s01, s02, s03
        out[1, 0], out[1, 1], out[1, 2], out[1, 3] = s10, s11, s12, s13
        out[2, 0], out[2, 1], out[2, 2], out[2, 3] = s20, s21, s22, s23
        out[3, 0], out[3, 1], out[3, 2], out[3, 3] = s30, s31, s32, s33


@compiled
def sum_pulls(bound: Bound, work: Work) -> None:
    """Moments ``sum_p w h_k r^T`` of every joint, and the same with the border's columns."""
    arms, forces, weights, moved = work.arms, work.forces, work.weights, work.moved
    pulls, border_pulls, shares = work.pulls, work.border_pulls, bound.shares
    borders = moved.shape[2]
    for k in range(len(pulls)):
        for entry in range(bound.first_share[k], bound.first_share[k + 1]):
            p, a = shares[entry, 0], shares[entry, 1]
            weight = weights[p]
            if weight == 0.0:
                continue
            f0, f1, f2 = forces[p, 0], forces[p, 1], forces[p, 2]
            for i in range(4):
                arm = arms[p, a, i]
                pulls[k, i, 0] += arm * f0
                pulls[k, i, 1] += arm * f1
                pulls[k, i, 2] += arm * f2
                heavy = weight * arm
                for j in range(3):
                    for b in range(borders):
                        border_pulls[k, i, j, b] += heavy * moved[p, j, b]


@compiled
def sum_border(work: Work, count: int) -> None:
    """Products of the border's columns with each other and with residuals."""
    forces, weights, moved = work.forces, work.weights, work.moved
    corner, gradient = work.corner, work.corner_gradient
    borders = moved.shape[2]
    for p in range(count if borders else 0):
        weight = weights[p]
        if weight == 0.0:
            continue
        for i in range(3):
            force = forces[p, i]
            for b in range(borders):
                heavy = weight * moved[p, i, b]
                gradient[b] += force * moved[p, i, b]
                for c in range(b + 1):
                    corner[b, c] += heavy * moved[p, i, c]


@compiled
def sum_descendants(tree: Tree, work: Work) -> None:
    """Turn moments of joints into moments of their subtrees, rows then columns."""
    pairs, count = work.pairs, len(tree.parents)
    for k in range(count):
        for other in range(k + 1, count):
            for entry in range(16):
                pairs[other, k, entry % 4, entry // 4] = pairs[k, other, entry // 4, entry % 4]
    flat = pairs.reshape(count, count * 16)
    pulls = work.pulls.reshape(count, 12)
    border_pulls = work.border_pulls.reshape(count, work.border_pulls.size // count)
    for k in range(count - 1, 0, -1):
        _add_row(pulls, tree.parents[k], k)
        _add_row(border_pulls, tree.parents[k], k)
        _add_row(flat, tree.parents[k], k)
    for i in range(count):
        row = flat[i].reshape(count, 16)
        for k in range(count - 1, 0, -1):
            _add_row(row, tree.parents[k], k)


@compiled
def _add_row(table: np.ndarray, target: int, source: int) -> None:
    for column in range(table.shape[1]):
        table[target, column] += table[source, column]


@compiled
def _spread(i: int, j: int, work: Work, block: np.ndarray) -> None:
    """``C_ij = sum_p w a_i a_j^T`` from the moments of two subtrees."""
    pair, pi, pj = work.pairs[i, j], work.places[i], work.places[j]
    for a in range(3):
        for b in range(3):
            block[a, b] = (
                pair[a, b] - pi[a] * pair[3, b] - pair[a, 3] * pj[b] + pi[a] * pair[3, 3] * pj[b]
            )


@compiled
def _into_joint_axes(
    turn: np.ndarray, vector: np.ndarray, out: np.ndarray, row: int, column: int
) -> None:
    """``R^T vector`` into three rows of one column."""
    for a in range(3):
        out[row + a, column] += (
            turn[0, a] * vector[0] + turn[1, a] * vector[1] + turn[2, a] * vector[2]
        )


@compiled
def assemble_joints(tree: Tree, work: Work) -> None:
    """Blocks between joints: ``R_i^T (tr(C) I - C^T) R_j``."""
    count = len(tree.parents)
    block, half = np.zeros((3, 3)), np.zeros((3, 3))
    for i in range(count):
        for j in range(count):
            if tree.slot[j] > tree.slot[i] or not tree.coupled[i, j]:
                continue
            _spread(i, j, work, block)
            trace = block[0, 0] + block[1, 1] + block[2, 2]
            ri, rj = work.turns[i], work.turns[j]
            for a in range(3):
                for b in range(3):
                    half[a, b] = trace * rj[a, b] - (
                        block[0, a] * rj[0, b] + block[1, a] * rj[1, b] + block[2, a] * rj[2, b]
                    )
            row, column = 3 * tree.slot[i], 3 * tree.slot[j]
            for a in range(3):
                for b in range(3):
                    work.normal[row + a, column + b] += (
                        ri[0, a] * half[0, b] + ri[1, a] * half[1, b] + ri[2, a] * half[2, b]
                    )


@compiled
def assemble_rest(tree: Tree, work: Work) -> None:
    """Rows of root and scale, gradient and border."""
    count = len(tree.parents)
    base = 3 * count
    borders = work.moved.shape[2]
    block, vector = np.zeros((3, 3)), np.zeros(3)
    for i in range(count):
        if not tree.free[i]:
            continue
        row, turn, at = 3 * tree.slot[i], work.turns[i], work.places[i]
        pull = work.pulls[i]
        _cross_of_moment(pull, at, vector)
        for a in range(3):
            work.gradient[row + a] += (
                turn[0, a] * vector[0] + turn[1, a] * vector[1] + turn[2, a] * vector[2]
            )
        for b in range(borders):
            _cross_of_moment(work.border_pulls[i, :, :, b], at, vector)
            _into_joint_axes(turn, vector, work.border, row, b)
        _spread(i, 0, work, block)
        vector[0] = block[1, 2] - block[2, 1]
        vector[1] = block[2, 0] - block[0, 2]
        vector[2] = block[0, 1] - block[1, 0]
        pair = work.pairs[i, 0]
        arm0 = pair[0, 3] - at[0] * pair[3, 3]
        arm1 = pair[1, 3] - at[1] * pair[3, 3]
        arm2 = pair[2, 3] - at[2] * pair[3, 3]
        for a in range(3):
            t0, t1, t2 = turn[0, a], turn[1, a], turn[2, a]
            work.normal[base + 3, row + a] += t0 * vector[0] + t1 * vector[1] + t2 * vector[2]
            work.normal[base, row + a] += arm2 * t1 - arm1 * t2
            work.normal[base + 1, row + a] += arm0 * t2 - arm2 * t0
            work.normal[base + 2, row + a] += arm1 * t0 - arm0 * t1
    whole, pull = work.pairs[0, 0], work.pulls[0]
    for a in range(3):
        work.normal[base + a, base + a] += whole[3, 3]
        work.normal[base + 3, base + a] += whole[a, 3]
        work.normal[base + 3, base + 3] += whole[a, a]
        work.gradient[base + a] += pull[3, a]
        work.gradient[base + 3] += pull[a, a]
        for b in range(borders):
            work.border[base + a, b] += work.border_pulls[0, 3, a, b]
            work.border[base + 3, b] += work.border_pulls[0, a, a, b]


@compiled
def _cross_of_moment(pull: np.ndarray, at: np.ndarray, vector: np.ndarray) -> None:
    """``sum_p w (a x r)`` from ``sum_p w h r^T``."""
    for a in range(3):
        b, c = (a + 1) % 3, (a + 2) % 3
        vector[a] = (pull[b, c] - at[b] * pull[3, c]) - (pull[c, b] - at[c] * pull[3, b])
