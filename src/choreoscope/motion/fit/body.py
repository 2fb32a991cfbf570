"""The fit of one person: shape of the track first, then every frame by itself.

Gauss-Newton on all unknowns at once. Each frame's pose, place and scale meet other frames only
through shape and track scale, so the normal equations are an arrow: every frame is eliminated by
its own Cholesky factor and the few shared unknowns are solved from what is left (a Schur
complement). Shape comes from evenly chosen frames; with it fixed, frames no longer meet and each
runs its own Levenberg-Marquardt. A closed form begins, part by part down the tree.
"""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.geometry import rotation
from choreoscope.motion.bodies.model import BodyModel
from choreoscope.motion.bodies.points import BodyPoints, place_points, pose_body
from choreoscope.motion.fit.problem import Problem, make_problem
from choreoscope.motion.fit.targets import BodyFit, FitOptions, FitTargets, RayTargets

if TYPE_CHECKING:
    from choreoscope.motion.fit.kernel_cases import Case, Reduced, Unknowns
    from choreoscope.motion.fit.kernel_points import Prior, Work

_LEAST_POINTS = 3
_LOSSES = ("squares", "cauchy", "geman")
_FIRST_DAMPING, _CALMER, _FIERCER, _MOST_DAMPING = 1e-3, 0.2, 10.0, 1e6
_SLACK = 1e-12
_LEAST_GAIN = 0.03
"""Gain of twice the log likelihood per frame below which the shape is found well enough."""
_LONGEST_LOG = 0.4
"""The log of the track's scale may change by so much in one step."""
_SHAPE_PER_TURN = 10.0
"""Shape steps are below tolerance at so many standard deviations per radian."""


@dataclasses.dataclass(slots=True)
class _Shared:
    """Unknowns of the track."""

    shape: np.ndarray
    log_scale: float


def fit_body(
    model: BodyModel,
    targets: FitTargets | None,
    *,
    rays: RayTargets | None = None,
    start: BodyFit | None = None,
    options: FitOptions | None = None,
) -> BodyFit:
    """Fit one body to one person's track.

    Parameters
    ----------
    model : BodyModel
        J joints, S shape values. Pose directions are left out (they are millimetres).
    targets : FitTargets or None
        Places in space, T frames.
    rays : RayTargets or None
        Places in the picture, T frames. They refine; alone they need a `start`.
    start : BodyFit or None
        Where to begin, T frames; None for a closed form from `targets`.
    options : FitOptions or None
        Defaults if None.

    Returns
    -------
    BodyFit
        Always finite. Frames without evidence are bridged.

    Raises
    ------
    InputError
        If there is no frame, no evidence, or nothing to begin from.
    """
    problem = make_problem(model, targets, rays, options or FitOptions())
    _check(problem, targets, rays, start)
    seen = problem.seen
    observed = np.any(seen.weights > 0, axis=1) | np.any(seen.ray_weights > 0, axis=1)
    shared = _Shared(np.zeros(model.shape_count), 0.0)
    if start is not None:
        shared.shape[: len(start.shape)] = start.shape
    unknowns, rooted = _begin(problem, start, shared)
    if not np.any(observed & rooted):
        raise InputError("fit: no frame shows three points; give a start or other evidence")
    chosen = _evenly(np.flatnonzero(observed & rooted), problem.options.shape_frames)
    if problem.options.shape_sigma > 0 or problem.options.track_scale_sigma > 0:
        _find_shape(problem, chosen, unknowns, shared, _prior(problem, start, rooted))
        if start is None:
            kept = [array[chosen].copy() for array in unknowns]
            unknowns, rooted = _begin(problem, None, shared)
            for array, values in zip(unknowns, kept, strict=True):
                array[chosen] = values
    _bridge(unknowns, rooted)
    return _fit_frames(problem, unknowns, shared, observed, _prior(problem, start, rooted))


def place_fit(model: BodyModel, points: BodyPoints, fit: BodyFit) -> np.ndarray:
    """Places of any points of a fitted body, ``(T, P, 3)``, metres."""
    pose = pose_body(model, fit.shape, np.zeros_like(fit.root), fit.rotations)
    return np.asarray(
        fit.root[:, None] + fit.scale[:, None, None] * place_points(points, fit.shape, pose)
    )


def spread_vertices(model: BodyModel, count: int) -> np.ndarray:
    """Choose vertices far from each other: each is the farthest from all before it.

    Parameters
    ----------
    model : BodyModel
        V vertices.
    count : int
        How many; at most V are given.

    Returns
    -------
    (min(count, V),) int
        Ascending. The same for the same body.
    """
    chosen = [int(np.argmax(model.template[:, 1]))]
    distance = np.linalg.norm(model.template - model.template[chosen[0]], axis=1)
    for _ in range(1, min(count, len(model.template))):
        chosen.append(int(np.argmax(distance)))
        reach = np.linalg.norm(model.template - model.template[chosen[-1]], axis=1)
        distance = np.minimum(distance, reach)
    return np.sort(np.array(chosen))


def _check(
    problem: Problem, targets: FitTargets | None, rays: RayTargets | None, start: BodyFit | None
) -> None:
    if targets is None and rays is None:
        raise InputError("fit: expected places or rays, got neither")
    counts = {len(item.sigma) for item in (targets, rays) if item is not None}
    counts |= {len(start.root)} if start is not None else set()
    if counts == {0}:
        raise InputError("fit: expected at least one frame, got none")
    if len(counts) > 1:
        raise InputError(f"fit: expected as many frames in all evidence, got {sorted(counts)}")
    unknown = set(problem.options.joints or ()) - set(problem.model.joints)
    if unknown:
        raise InputError(f"fit: {problem.model.name} has no joint '{min(unknown)}'")


def _evenly(frames: np.ndarray, count: int) -> np.ndarray:
    picks = np.linspace(0, len(frames) - 1, min(count, len(frames)))
    return np.asarray(frames[np.unique(np.round(picks).astype(np.int64))])


def _begin(
    problem: Problem, start: BodyFit | None, shared: _Shared
) -> tuple["Unknowns", np.ndarray]:
    """Give unknowns and the frames whose values mean something."""
    from choreoscope.motion.fit.kernel_cases import Unknowns
    from choreoscope.motion.fit.kernel_start import begin

    frames, joints = len(problem.seen.weights), len(problem.model.joints)
    if start is not None:
        jitter = np.log(start.scale)
        unknowns = Unknowns(np.array(start.root), np.array(start.rotations), jitter)
        shared.log_scale = 0.0
        return unknowns, np.ones(frames, dtype=bool)
    unknowns = Unknowns(np.zeros((frames, 3)), rotation.identity(frames, joints), np.zeros(frames))
    rooted = (problem.seen.weights > 0).sum(axis=1) >= _LEAST_POINTS
    case = _case(problem, shared, _prior(problem, None, rooted), moving=False)
    parts = problem.parts(shared.shape)
    problem.spread(
        np.flatnonzero(rooted),
        lambda share, work: begin(case, parts, share, unknowns, work),
        moving=False,
    )
    return unknowns, rooted


def _prior(problem: Problem, start: BodyFit | None, rooted: np.ndarray) -> "Prior":
    from choreoscope.motion.fit.kernel_points import Prior

    options = problem.options
    reference = rotation.identity(1, len(problem.model.joints))
    if start is not None and rooted.all():
        reference = np.array(start.rotations)
    jitter = options.frame_scale_sigma
    return Prior(options.pose_sigma**-2, reference, jitter**-2 if jitter > 0 else -1.0)


def _case(problem: Problem, shared: _Shared, prior: "Prior", *, moving: bool) -> "Case":
    """Gather what the compiled rounds need; `moving` for those that move shape and track scale."""
    from choreoscope.motion.fit.kernel_cases import Case, Plan

    options = problem.options
    kind = _LOSSES.index(options.loss)
    return Case(
        problem.tree(shared.shape, moving=moving),
        problem.bounds(shared.shape, moving=moving),
        problem.seen,
        prior,
        Plan(kind, options.width, options.rounds, options.tolerance, shared.log_scale),
    )


def _find_shape(
    problem: Problem, frames: np.ndarray, unknowns: "Unknowns", shared: _Shared, prior: "Prior"
) -> None:
    """Gauss-Newton on chosen frames with shape and track scale shared, in place."""
    from choreoscope.motion.fit.kernel_cases import width_of

    options = problem.options
    turn, damping = 0, _FIRST_DAMPING
    case = _case(problem, shared, prior, moving=True)
    widest = _widest(problem, case, frames, unknowns)
    here = _eliminated(problem, case, frames, unknowns, (turn, damping, widest))
    for _ in range(options.rounds):
        moved = gain = np.inf
        better = False
        if here.sound.all():
            trial, then, moved = _stepped(problem, unknowns, shared, here, damping)
            ahead = _case(problem, then, prior, moving=True)
            there = _eliminated(
                problem, ahead, frames, trial, (turn + 1, damping * _CALMER, widest)
            )
            limit = here.losses[:, 1].sum() + _shared_loss(options, shared)
            gain = limit - there.losses[:, 0].sum() - _shared_loss(options, then)
            better = gain > -_SLACK * limit
            gain = gain if better else np.inf
        if better:
            turn, here, damping, case = turn + 1, there, damping * _CALMER, ahead
            shared.shape, shared.log_scale = then.shape, then.log_scale
            for array, values in zip(unknowns, trial, strict=True):
                array[frames] = values[frames]
        small = moved < options.tolerance or gain < _LEAST_GAIN * len(frames)
        if small and width_of(case.plan, widest, turn - 1) <= options.width:
            return
        if not better:
            damping *= _FIERCER
            if damping > _MOST_DAMPING:
                return
            here = _eliminated(problem, case, frames, unknowns, (turn, damping, widest))


def _widest(problem: Problem, case: "Case", frames: np.ndarray, unknowns: "Unknowns") -> float:
    """Robust width to begin with, of all frames together."""
    from choreoscope.motion.fit.kernel_cases import find_widest

    widths = np.zeros(len(unknowns.root))
    problem.spread(
        frames,
        lambda share, work: find_widest(case, share, unknowns, widths, work),
        moving=True,
    )
    return float(np.median(widths[frames]))


def _eliminated(
    problem: Problem,
    case: "Case",
    frames: np.ndarray,
    unknowns: "Unknowns",
    stage: tuple[int, float, float],
) -> "Reduced":
    from choreoscope.motion.fit.kernel_cases import Reduced
    from choreoscope.motion.fit.kernels import eliminate

    count, borders = len(frames), problem.model.shape_count + 1
    size = len(problem.first)
    out = Reduced(
        frames=frames,
        losses=np.zeros((count, 2)),
        sound=np.zeros(count, dtype=np.bool_),
        steps=np.zeros((count, size)),
        answers=np.zeros((count, borders, size)),
        corners=np.zeros((count, borders, borders)),
        pulls=np.zeros((count, borders)),
    )
    problem.spread(
        np.arange(count),
        lambda rows, work: eliminate(case, stage, rows, unknowns, out, work),
        moving=True,
    )
    return out


def _weights_of_shared(options: FitOptions, shapes: int) -> np.ndarray:
    """Prior weights of shape and log scale; infinite ones hold still."""
    spreads = np.append(np.full(shapes, options.shape_sigma), options.track_scale_sigma)
    with np.errstate(divide="ignore"):
        return np.asarray(1.0 / spreads**2)


def _shared_loss(options: FitOptions, shared: _Shared) -> float:
    values = np.append(shared.shape, shared.log_scale)
    weights = _weights_of_shared(options, len(shared.shape))
    free = np.isfinite(weights)
    return float((weights[free] * values[free] ** 2).sum())


def _stepped(
    problem: Problem,
    unknowns: "Unknowns",
    shared: _Shared,
    reduced: "Reduced",
    damping: float,
) -> tuple["Unknowns", _Shared, float]:
    """Solve the shared unknowns, then every frame's; return all moved, and by how much."""
    from choreoscope.motion.fit.kernel_cases import Unknowns
    from choreoscope.motion.fit.kernels import step_frame

    values = np.append(shared.shape, shared.log_scale)
    weights = _weights_of_shared(problem.options, len(shared.shape))
    free = np.isfinite(weights)
    matrix = reduced.corners.sum(axis=0)[np.ix_(free, free)] + np.diag(weights[free])
    if damping > _FIRST_DAMPING:
        matrix += damping * np.diag(np.diag(matrix))
    pull = reduced.pulls.sum(axis=0)[free] - weights[free] * values[free]
    step = np.zeros(len(values))
    step[free] = np.linalg.solve(matrix, pull)
    step *= min(1.0, _LONGEST_LOG / max(abs(float(step[-1])), _SLACK))
    tree = problem.tree(shared.shape, moving=True)
    trial = Unknowns(*(array.copy() for array in unknowns))
    moves = reduced.steps - np.einsum("nbi,b->ni", reduced.answers, step)
    for row, frame in enumerate(reduced.frames):
        step_frame(tree, unknowns, int(frame), moves[row], trial)
    moved = max(float(np.abs(step[:-1]).max(initial=0.0)) / _SHAPE_PER_TURN, abs(float(step[-1])))
    moved_shape = values + step
    return trial, _Shared(moved_shape[:-1], float(moved_shape[-1])), moved


def _fit_frames(
    problem: Problem,
    unknowns: "Unknowns",
    shared: _Shared,
    observed: np.ndarray,
    prior: "Prior",
) -> BodyFit:
    from choreoscope.motion.fit.kernel_cases import Outcome, Unknowns, judge
    from choreoscope.motion.fit.kernels import refine

    count = len(observed)
    outcome = Outcome(
        losses=np.zeros(count), rounds=np.zeros(count, dtype=np.int64), rms=np.full(count, np.nan)
    )
    trial = Unknowns(*(array.copy() for array in unknowns))
    case = _case(problem, shared, prior, moving=False)

    def task(share: np.ndarray, work: "Work") -> None:
        refine(case, share, unknowns, trial, outcome, work)
        judge(case, share, unknowns, outcome, work)

    problem.spread(np.flatnonzero(observed), task, moving=False)
    _bridge(unknowns, observed)
    return BodyFit(
        shape=shared.shape,
        scale=np.exp(shared.log_scale + unknowns.jitter),
        root=unknowns.root,
        rotations=rotation.with_continuous_signs(unknowns.rotations),
        rms=outcome.rms,
        observed=observed,
        rounds=outcome.rounds,
        loss=float(outcome.losses.sum() + _shared_loss(problem.options, shared)),
    )


def _bridge(unknowns: "Unknowns", known: np.ndarray) -> None:
    """Fill frames between known ones evenly, and hold the first and last, in place."""
    if known.all():
        return
    frames, at = np.arange(len(known)), np.flatnonzero(known)
    right = np.clip(np.searchsorted(at, frames), 0, len(at) - 1)
    left = np.clip(right - 1, 0, None)
    left, right = at[left], at[right]
    share = np.clip((frames - left) / np.maximum(right - left, 1), 0.0, 1.0)
    gap = ~known
    left, right, share = left[gap], right[gap], share[gap]
    root, rotations, jitter = unknowns.root, unknowns.rotations, unknowns.jitter
    root[gap] = root[left] + share[:, None] * (root[right] - root[left])
    jitter[gap] = jitter[left] + share * (jitter[right] - jitter[left])
    rotations[gap] = rotation.slerp(rotations[left], rotations[right], share[:, None])
