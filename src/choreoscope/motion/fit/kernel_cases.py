"""Records of a fit under way, compiled checks of its residuals, and how wide its loss is."""

import math
from typing import NamedTuple

import numpy as np

from choreoscope.motion.fit.kernel_algebra import LEAST_SQUARES, compiled, robust
from choreoscope.motion.fit.kernel_points import (
    Bound,
    Evidence,
    Prior,
    State,
    Tree,
    Work,
    place_points,
    pose_frame,
)

_NARROWER, _WIDEST, _TYPICAL = 0.4, 2.5, 3.0
"""Robust widths: from one round to the next, least at first, and of typical residuals at first."""
_SLACK = 1e-12


class Plan(NamedTuple):
    """How to step: loss and its final width, when to end; `log_scale` is the track's."""

    kind: int
    width: float
    rounds: int
    tolerance: float
    log_scale: float


class Case(NamedTuple):
    """Everything that stays the same while steps are taken."""

    tree: Tree
    bounds: tuple[Bound, Bound]
    seen: Evidence
    prior: Prior
    plan: Plan


class Unknowns(NamedTuple):
    """What every frame is solved for."""

    root: np.ndarray
    rotations: np.ndarray
    jitter: np.ndarray


class Outcome(NamedTuple):
    """How every frame ended."""

    losses: np.ndarray
    rounds: np.ndarray
    rms: np.ndarray


class Reduced(NamedTuple):
    """What frames leave over: ``step = steps - answers^T border step``, and the border's share."""

    frames: np.ndarray
    losses: np.ndarray
    sound: np.ndarray
    steps: np.ndarray
    answers: np.ndarray
    corners: np.ndarray
    pulls: np.ndarray


@compiled
def width_of(plan: Plan, widest: float, turn: int) -> float:
    """Give the robust width of one round: narrower by and by, down to the plan's."""
    return float(max(plan.width, widest * _NARROWER ** max(turn, 0)))


@compiled
def state_of(unknowns: Unknowns, frame: int, plan: Plan, widest: float, turn: int) -> State:
    """Give the state of one frame, to be compared with the round before."""
    jitter = unknowns.jitter[frame]
    return State(
        unknowns.root[frame],
        unknowns.rotations[frame],
        jitter,
        math.exp(plan.log_scale + jitter),
        width_of(plan, widest, turn - 1),
        width_of(plan, widest, turn),
        plan.kind,
    )


@compiled
def widest_of(case: Case, frame: int, unknowns: Unknowns, work: Work) -> float:
    """Give the robust width to begin with: at first the body itself is the outlier.

    From the geometric mean of residuals, which few bad points cannot move.
    """
    plan, seen, count = case.plan, case.seen, len(case.bounds[0].used)
    if plan.kind == LEAST_SQUARES:
        return float(plan.width)
    state = state_of(unknowns, frame, plan, plan.width, 0)
    pose_frame(case.tree, state.rotations, state.scale, work)
    place_points(case.bounds[0], seen.weights[frame], state.scale, work)
    total, points = 0.0, 0
    for p in range(count):
        weight = seen.weights[frame, p]
        if weight == 0.0:
            continue
        square = 0.0
        for i in range(3):
            square += (seen.places[frame, p, i] - state.root[i] - work.spots[p, i]) ** 2
        total += math.log(weight * square + _SLACK)
        points += 1
    typical = math.exp(0.5 * total / points) if points else 0.0
    return float(max(_WIDEST * plan.width, _TYPICAL * typical))


@compiled
def find_widest(
    case: Case, frames: np.ndarray, unknowns: Unknowns, outcome: np.ndarray, work: Work
) -> None:
    """Give `widest_of` for many frames."""
    for n in range(len(frames)):
        outcome[frames[n]] = widest_of(case, frames[n], unknowns, work)


@compiled
def judge(case: Case, frames: np.ndarray, unknowns: Unknowns, outcome: Outcome, work: Work) -> None:
    """Find the root mean square distance of places, weighted as the fit weighed them, metres."""
    bound, seen, plan = case.bounds[0], case.seen, case.plan
    for n in range(len(frames)):
        frame = frames[n]
        state = state_of(unknowns, frame, plan, plan.width, 0)
        pose_frame(case.tree, state.rotations, state.scale, work)
        place_points(bound, seen.weights[frame], state.scale, work)
        squares, total = 0.0, 0.0
        for p in range(len(bound.used)):
            weight = seen.weights[frame, p]
            if weight == 0.0:
                continue
            square = 0.0
            for i in range(3):
                square += (seen.places[frame, p, i] - state.root[i] - work.spots[p, i]) ** 2
            weight *= robust(weight * square, state.width, state.kind)[1]
            squares += weight * square
            total += weight
        outcome.rms[frame] = math.sqrt(squares / total) if total > 0.0 else np.nan
