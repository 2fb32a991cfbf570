"""Rounds of the fit, compiled: normal equations of frames, their elimination, damped steps."""

import math

import numpy as np

from choreoscope.motion.fit.kernel_algebra import (
    compiled,
    factorise,
    robust,
    solve,
    turned_by,
    vector_between,
)
from choreoscope.motion.fit.kernel_cases import (
    Case,
    Outcome,
    Reduced,
    Unknowns,
    state_of,
    widest_of,
)
from choreoscope.motion.fit.kernel_points import (
    Prior,
    State,
    Tree,
    Work,
    assemble_joints,
    assemble_rest,
    move_by_border,
    place_points,
    pose_frame,
    sum_border,
    sum_descendants,
    sum_pairs,
    sum_pulls,
)
from choreoscope.motion.fit.kernel_rays import gather_rays

_RIDGE = 1e-9
"""Least diagonal, of the sum of weights: keeps still what nothing sees."""
_FIRST_DAMPING, _CALMER, _FIERCER, _MOST_DAMPING = 1e-3, 0.2, 10.0, 1e6
_LONGEST_STEP = 0.8
"""Radians one step may turn a joint; likewise the log of the frame's scale."""
_SLACK = 1e-12
_LEAST_GAIN = 0.03
"""A step that promises less of twice the log likelihood is the last: nothing could tell."""


@compiled
def _add_prior(tree: Tree, prior: Prior, frame: int, state: State, work: Work) -> float:
    """Add the mild prior of the pose and that of the frame's scale; return their loss."""
    loss, count = 0.0, len(tree.parents)
    apart = np.zeros(3)
    for j in range(count):
        row = 3 * tree.slot[j]
        if not tree.free[j]:
            for c in range(3):
                work.normal[row + c, row + c] = 1.0
            continue
        if j == 0:
            continue
        vector_between(prior.reference[frame % len(prior.reference), j], state.rotations[j], apart)
        for c in range(3):
            loss += prior.pose_weight * apart[c] * apart[c]
            # exp(d) moves the vector by J^-1 d and J^-T leaves it: the gradient is exact.
            work.gradient[row + c] -= prior.pose_weight * apart[c]
            work.normal[row + c, row + c] += prior.pose_weight
    row = 3 * count + 3
    if prior.jitter_weight < 0.0:
        for c in range(row):
            work.normal[row, c] = 0.0
        work.normal[row, row], work.gradient[row] = 1.0, 0.0
        work.border[row].fill(0.0)
        return loss
    work.gradient[row] -= prior.jitter_weight * state.jitter
    work.normal[row, row] += prior.jitter_weight
    return loss + prior.jitter_weight * state.jitter**2


@compiled
def _clear(work: Work) -> None:
    work.gradient.fill(0.0)
    work.corner_gradient.fill(0.0)
    work.normal.fill(0.0)
    work.border.fill(0.0)
    work.corner.fill(0.0)
    work.pairs.fill(0.0)
    work.pulls.fill(0.0)
    work.border_pulls.fill(0.0)


@compiled
def assemble(case: Case, frame: int, state: State, work: Work) -> tuple[float, float]:
    """Put the normal equations of one frame into `work`.

    Returns
    -------
    loss, sharp : float
        Twice the negative log likelihood with the robust width of the last step and of this one:
        the first is to be compared with what the last step promised, the second with the next.
    """
    tree, seen, bound = case.tree, case.seen, case.bounds[0]
    _clear(work)
    pose_frame(tree, state.rotations, state.scale, work)
    loss = sharp = 0.0
    place_points(bound, seen.weights[frame], state.scale, work)
    move_by_border(bound, seen.weights[frame], state.scale, work)
    root, spots, forces, weights = state.root, work.spots, work.forces, work.weights
    for p in range(len(bound.used)):
        weight = seen.weights[frame, p]
        weights[p] = forces[p, 0] = forces[p, 1] = forces[p, 2] = 0.0
        if weight == 0.0:
            continue
        x = seen.places[frame, p, 0] - root[0] - spots[p, 0]
        y = seen.places[frame, p, 1] - root[1] - spots[p, 1]
        z = seen.places[frame, p, 2] - root[2] - spots[p, 2]
        square = weight * (x * x + y * y + z * z)
        loss += robust(square, state.last_width, state.kind)[0]
        own, share = robust(square, state.width, state.kind)
        sharp += own
        weight *= share
        weights[p] = weight
        forces[p, 0], forces[p, 1], forces[p, 2] = weight * x, weight * y, weight * z
    sum_pairs(bound, work)
    sum_pulls(bound, work)
    sum_border(work, len(bound.used))
    sum_descendants(tree, work)
    assemble_joints(tree, work)
    assemble_rest(tree, work)
    if len(case.bounds[1].used):
        before, after = gather_rays(tree, case.bounds[1], seen, frame, state, work)
        loss, sharp = loss + before, sharp + after
    same = _add_prior(tree, case.prior, frame, state, work)
    return loss + same, sharp + same


@compiled
def _factorise_damped(tree: Tree, damping: float, work: Work) -> bool:
    normal = work.normal
    least = _RIDGE * (work.pairs[0, 0, 3, 3] + 1.0)
    for i in range(len(tree.first)):
        normal[i, i] += damping * normal[i, i] + least
    return factorise(normal, tree.first)


@compiled
def step_frame(
    tree: Tree, start: Unknowns, frame: int, step: np.ndarray, target: Unknowns
) -> float:
    """Move one frame; return the largest part of the step, radians or metres."""
    count = len(tree.parents)
    largest, longest = 0.0, 0.0
    for j in range(count):
        row = 3 * tree.slot[j]
        turn = math.sqrt(step[row] ** 2 + step[row + 1] ** 2 + step[row + 2] ** 2)
        longest = max(longest, turn)
    base = 3 * count
    longest = max(longest, abs(step[base + 3]))
    share = min(1.0, _LONGEST_STEP / max(longest, _SLACK))
    for j in range(count):
        row = 3 * tree.slot[j]
        turned_by(
            start.rotations[frame, j],
            share * step[row],
            share * step[row + 1],
            share * step[row + 2],
            target.rotations[frame, j],
        )
    for i in range(3):
        target.root[frame, i] = start.root[frame, i] + share * step[base + i]
        largest = max(largest, abs(step[base + i]))
    target.jitter[frame] = start.jitter[frame] + share * step[base + 3]
    return float(max(longest, largest))


@compiled
def _take(source: Unknowns, target: Unknowns, frame: int) -> None:
    for i in range(3):
        target.root[frame, i] = source.root[frame, i]
    for j in range(source.rotations.shape[1]):
        for i in range(4):
            target.rotations[frame, j, i] = source.rotations[frame, j, i]
    target.jitter[frame] = source.jitter[frame]


@compiled
def refine(
    case: Case,
    frames: np.ndarray,
    unknowns: Unknowns,
    trial: Unknowns,
    outcome: Outcome,
    work: Work,
) -> None:
    """Levenberg-Marquardt of every frame by itself, in place; `trial` is room of equal size."""
    tree, plan = case.tree, case.plan
    for index in range(len(frames)):
        frame = frames[index]
        turn, damping, moved, loss = 0, _FIRST_DAMPING, np.inf, np.inf
        gain = np.inf
        tried = False
        widest = widest_of(case, frame, unknowns, work)
        while turn < plan.rounds and damping < _MOST_DAMPING:
            ahead = 1 if tried else 0
            state = state_of(trial if tried else unknowns, frame, plan, widest, turn + ahead)
            before, sharp = assemble(case, frame, state, work)
            small = moved < plan.tolerance or gain < _LEAST_GAIN
            if tried and before > loss and not small:
                damping *= _FIERCER
                tried = False
                continue
            loss = sharp
            if tried:
                _take(trial, unknowns, frame)
                damping *= _CALMER
                turn += 1
                if small and state.last_width <= plan.width:
                    break
            tried = _factorise_damped(tree, damping, work)
            if tried:
                gain = solve(work.normal, tree.first, work.gradient)
                moved = step_frame(tree, unknowns, frame, work.gradient, trial)
            else:
                damping *= _FIERCER
        outcome.rounds[frame] = turn
        outcome.losses[frame] = loss


@compiled
def eliminate(
    case: Case,
    stage: tuple[int, float, float],
    rows: np.ndarray,
    unknowns: Unknowns,
    out: Reduced,
    work: Work,
) -> None:
    """Boil frames ``out.frames[rows]`` down to what they say about shape and the track's scale.

    `stage` is the round, the damping and the width of the first round.
    """
    tree = case.tree
    turn, damping, widest = stage
    size, borders = len(tree.first), out.answers.shape[1]
    for n in range(len(rows)):
        row = rows[n]
        frame = out.frames[row]
        state = state_of(unknowns, frame, case.plan, widest, turn)
        before, sharp = assemble(case, frame, state, work)
        out.losses[row, 0], out.losses[row, 1] = before, sharp
        out.sound[row] = _factorise_damped(tree, damping, work)
        if not out.sound[row]:
            continue
        step = out.steps[row]
        for i in range(size):
            step[i] = work.gradient[i]
        solve(work.normal, tree.first, step)
        for b in range(borders):
            for c in range(b + 1):
                out.corners[row, b, c] = out.corners[row, c, b] = work.corner[b, c]
            pull = work.corner_gradient[b]
            for i in range(size):
                pull -= work.border[i, b] * out.steps[row, i]
            out.pulls[row, b] = pull
        _eliminate_border(tree, row, out, work)


@compiled
def _eliminate_border(tree: Tree, row: int, out: Reduced, work: Work) -> None:
    """Take from the border's own equations what the frame can explain itself."""
    borders, size = out.answers.shape[1], out.answers.shape[2]
    for b in range(borders):
        column = out.answers[row, b]
        for i in range(size):
            column[i] = work.border[i, b]
        solve(work.normal, tree.first, column)
        for c in range(borders):
            total = 0.0
            for i in range(size):
                total += work.border[i, c] * column[i]
            out.corners[row, c, b] -= total
