"""What pixels add to one frame, compiled: a ray weighs nothing along itself."""

import numpy as np

from choreoscope.motion.fit.kernel_algebra import compiled, robust
from choreoscope.motion.fit.kernel_points import (
    Bound,
    Evidence,
    State,
    Tree,
    Work,
    move_by_border,
    place_points,
)

_SCALE = 3
NEAREST = 0.05
"""Points nearer to the camera than this carry no pixel, metres."""


@compiled
def gather_rays(
    tree: Tree, bound: Bound, seen: Evidence, frame: int, state: State, work: Work
) -> tuple[float, float]:
    """Add what pixels say, each through its own chain of joints; losses as `assemble`."""
    loss = sharp = 0.0
    camera = seen.cameras[frame]
    place, at = np.zeros(3), np.zeros(3)
    place_points(bound, seen.ray_weights[frame], state.scale, work)
    move_by_border(bound, seen.ray_weights[frame], state.scale, work)
    for p in range(len(bound.used)):
        weight = seen.ray_weights[frame, p]
        if weight == 0.0:
            continue
        for i in range(3):
            place[i] = work.spots[p, i]
        for i in range(3):
            at[i] = camera[i, 3]
            for k in range(3):
                at[i] += camera[i, k] * (state.root[k] + place[k])
        if at[2] < NEAREST:
            continue
        ex = seen.rays[frame, p, 0] - at[0] / at[2]
        ey = seen.rays[frame, p, 1] - at[1] / at[2]
        square = weight * (ex * ex + ey * ey)
        loss += robust(square, state.last_width, state.kind)[0]
        own, share = robust(square, state.width, state.kind)
        sharp += own
        count = _chain_of(tree, bound, p, place, work)
        _add_rows(camera, at, (weight * share, ex, ey), count, work.moved[p], work)
    return loss, sharp


@compiled
def _chain_of(tree: Tree, bound: Bound, p: int, place: np.ndarray, work: Work) -> int:
    """Find columns and derivatives ``work.rows[2:5]`` of one point by what moves it."""
    count, base = 0, 3 * len(tree.parents)
    rows, columns = work.rows, work.chain
    arm = np.zeros(3)
    for j in range(len(tree.parents)):
        hangs = False
        arm.fill(0.0)
        for a in range(bound.used[p]):
            if tree.above[j, bound.joints[p, a]]:
                hangs = True
                for i in range(3):
                    arm[i] += work.arms[p, a, i] - work.arms[p, a, 3] * work.places[j, i]
        if not hangs or not tree.free[j]:
            continue
        turn = work.turns[j]
        for c in range(3):
            columns[count] = 3 * tree.slot[j] + c
            for i in range(3):
                k, m = (i + 1) % 3, (i + 2) % 3
                rows[2 + i, count] = turn[k, c] * arm[m] - turn[m, c] * arm[k]
            count += 1
    for c in range(4):
        columns[count] = base + c
        for i in range(3):
            rows[2 + i, count] = place[i] if c == _SCALE else (1.0 if i == c else 0.0)
        count += 1
    return count


@compiled
def _project(
    camera: np.ndarray, at: np.ndarray, ways: np.ndarray, count: int, out: np.ndarray
) -> None:
    """Turn moves in the world into moves in the picture; `out` may begin where `ways` does."""
    for c in range(count):
        x, y, z = ways[0, c], ways[1, c], ways[2, c]
        depth = camera[2, 0] * x + camera[2, 1] * y + camera[2, 2] * z
        for i in range(2):
            across = camera[i, 0] * x + camera[i, 1] * y + camera[i, 2] * z
            out[i, c] = (across - at[i] / at[2] * depth) / at[2]


@compiled
def _add_rows(
    camera: np.ndarray,
    at: np.ndarray,
    pull: tuple[float, float, float],
    count: int,
    moved: np.ndarray,
    work: Work,
) -> None:
    """Project the derivatives of one point into the picture and add their products."""
    rows, columns = work.rows, work.chain
    weight, ex, ey = pull
    borders = moved.shape[1]
    _project(camera, at, rows[2:], count, rows)
    _project(camera, at, moved, borders, moved)
    for b in range(borders):
        work.corner_gradient[b] += weight * (moved[0, b] * ex + moved[1, b] * ey)
        for c in range(b + 1):
            work.corner[b, c] += weight * (moved[0, b] * moved[0, c] + moved[1, b] * moved[1, c])
    for c in range(count):
        x, y, row = weight * rows[0, c], weight * rows[1, c], columns[c]
        work.gradient[row] += x * ex + y * ey
        for other in range(count):
            if columns[other] <= row:
                work.normal[row, columns[other]] += x * rows[0, other] + y * rows[1, other]
        for b in range(borders):
            work.border[row, b] += x * moved[0, b] + y * moved[1, b]
