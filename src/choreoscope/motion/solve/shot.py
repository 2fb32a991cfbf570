"""Solve a shot: evidence in, people, camera and floor in one metric world out."""

import dataclasses
import time
from collections.abc import Callable, Mapping

import numpy as np

from choreoscope.motion.solve import windows
from choreoscope.motion.solve.assembly import Neighbourhood
from choreoscope.motion.solve.evidence import (
    FloorKnowledge,
    PersonEvidence,
    ShotEvidence,
    StartPose,
)
from choreoscope.motion.solve.finish import finished
from choreoscope.motion.solve.options import SolveOptions
from choreoscope.motion.solve.scale import first_scale
from choreoscope.motion.solve.setup import Stage, track_of
from choreoscope.motion.solve.solution import ShotSolution
from choreoscope.motion.solve.solver import Believed, Solved, descend
from choreoscope.motion.solve.start import start_pose
from choreoscope.motion.solve.state import BORDERS, FOCAL, SCALE, Shared, Track
from choreoscope.motion.solve.touching import (
    Touch,
    find_floor,
    first_floor,
    floor_prior,
    slopes_of,
    with_contacts,
)
from choreoscope.motion.touch.floor import FloorFit

_LEVEL_SIGMA = 1e-4
_LEAST_SIGMA = 1e-4

Progress = Callable[[int, int], None]


@dataclasses.dataclass(slots=True, kw_only=True)
class _State:
    """Where the solve of a shot stands."""

    tracks: dict[str, Track]
    shared: Shared
    floor: FloorFit
    touches: dict[str, Touch]
    first_costs: dict[str, float]
    costs: dict[str, float]
    covariance: np.ndarray
    steps: int = 0


def solve_shot(
    evidence: ShotEvidence,
    options: SolveOptions | None = None,
    progress: Progress | None = None,
) -> ShotSolution:
    """Solve people, camera and floor of one shot together.

    Parameters
    ----------
    evidence : ShotEvidence
        People without a row are left out.
    options : SolveOptions or None
        Switches, sigmas, windows; None: the default ones.
    progress : callable or None
        Called with parts done and parts in all.

    Returns
    -------
    ShotSolution
        Every number finite, whatever was seen.

    Raises
    ------
    InputError
        If a body cannot be put on a floor, or a first guess cannot be made of the evidence.
    """
    began = time.perf_counter()
    options = options or SolveOptions()
    stage = Stage.of(evidence)
    present = [one for one in evidence.people if len(one.frames)]
    starts = {one.person: (one, start_pose(one, evidence)) for one in present}
    state = _begin(evidence, stage, starts, options)
    parts = _Parts(state.tracks, options, progress)
    if state.tracks:
        for number in range(len(options.iterations)):
            _round(state, evidence, stage, options, parts, number)
        _touch(state, evidence, stage)
    return finished(
        evidence,
        stage,
        state.tracks,
        state.shared,
        state.floor,
        state.touches,
        first_costs=state.first_costs,
        costs=state.costs,
        steps=state.steps,
        covariance=state.covariance,
        seconds=time.perf_counter() - began,
    )


class _Parts:
    """Counts parts of the work for the progress bar."""

    def __init__(
        self, tracks: Mapping[str, Track], options: SolveOptions, progress: Progress | None
    ) -> None:
        pieces = 1
        if tracks and not windows.is_short(tracks, options):
            pieces += len(windows.stretches(tracks, options))
        self.total = sum(options.iterations) * pieces
        self.done, self.progress = 0, progress

    def __call__(self) -> None:
        self.done += 1
        if self.progress is not None:
            self.progress(min(self.done, self.total), self.total)


def _begin(
    evidence: ShotEvidence,
    stage: Stage,
    starts: dict[str, tuple[PersonEvidence, StartPose]],
    options: SolveOptions,
) -> _State:
    scale = first_scale(evidence, stage, starts) if options.terms.camera_scale else 1.0
    tracks = {
        name: track_of(one, evidence, stage, start, scale) for name, (one, start) in starts.items()
    }
    knowledge = knowledge_in(stage, evidence.floor)
    floor = first_floor(tracks, knowledge)
    return _State(
        tracks=tracks,
        shared=Shared(floor=slopes_of(floor), log_scale=float(np.log(scale))),
        floor=floor,
        touches={},
        first_costs={},
        costs={},
        covariance=np.zeros((len(BORDERS), len(BORDERS))),
    )


def knowledge_in(stage: Stage, known: FloorKnowledge) -> FloorKnowledge:
    """Tell a floor's height from the solve's origin instead of the path's."""
    if known.height is None:
        return known
    up = known.up / np.linalg.norm(known.up)
    return dataclasses.replace(known, height=known.height - float(up @ stage.origin))


def _touch(state: _State, evidence: ShotEvidence, stage: Stage) -> None:
    """Find contacts, flights and the spread of the floor's evidence anew."""
    for name, track in state.tracks.items():
        state.tracks[name], state.touches[name] = with_contacts(track, state.shared, state.floor)
    knowledge = knowledge_in(stage, evidence.floor)
    height = float(state.shared.floor[0])
    state.floor = find_floor(state.tracks, state.touches, floor_prior(knowledge, height))


def _round(
    state: _State,
    evidence: ShotEvidence,
    stage: Stage,
    options: SolveOptions,
    parts: _Parts,
    number: int,
) -> None:
    _touch(state, evidence, stage)
    steps = options.iterations[number]
    if number == 0:
        state.shared = dataclasses.replace(state.shared, floor=slopes_of(state.floor))
    believed = _believed(state, evidence, stage, options)
    around = Neighbourhood(evidence.orders, evidence.touching)
    if number == 0 and len(options.iterations) > 1:
        # Bodies that start on the wrong side of each other have to pass through first.
        options = dataclasses.replace(
            options, terms=dataclasses.replace(options.terms, apart=False)
        )
    short = windows.is_short(state.tracks, options)
    pieces = state.tracks if short else windows.sample(state.tracks, options)
    solved = descend(pieces, state.shared, believed, around, options, iterations=steps, tick=parts)
    state.shared, state.covariance = solved.shared, solved.covariance
    _note(state, solved)
    if short:
        state.tracks = solved.tracks
        return
    shapes = {track.person: track.shape for track in solved.tracks.values()}
    for name, track in state.tracks.items():
        state.tracks[name] = dataclasses.replace(track, shape=shapes[name])
    if number or len(options.iterations) == 1:
        _sweep(state, believed, around, options, parts, steps)


def _sweep(
    state: _State,
    believed: Believed,
    around: Neighbourhood,
    options: SolveOptions,
    parts: _Parts,
    steps: int,
) -> None:
    """Solve window after window with everything shared held."""
    still = dataclasses.replace(believed, free=np.zeros(len(BORDERS), dtype=bool), shapes=False)
    for name, track in state.tracks.items():
        state.tracks[name] = dataclasses.replace(
            track, root=track.root.copy(), rotations=track.rotations.copy()
        )
    costs: dict[str, float] = {}
    for start, keep, stop in windows.stretches(state.tracks, options):
        pieces, held = windows.window(state.tracks, start, stop)
        if not pieces:
            continue
        solved = descend(
            pieces, state.shared, still, around, options, held, iterations=steps, tick=parts
        )
        for name, piece in solved.tracks.items():
            windows.put_back(state.tracks[name], piece, keep)
        for name, cost in solved.costs.items():
            costs[name] = costs.get(name, 0.0) + cost
        state.steps += solved.steps
    state.costs = costs


def _note(state: _State, solved: Solved) -> None:
    if not state.first_costs:
        state.first_costs = {"all": solved.first_cost}
    state.costs = solved.costs
    state.steps += solved.steps


def _believed(
    state: _State, evidence: ShotEvidence, stage: Stage, options: SolveOptions
) -> Believed:
    """Prior of floor and camera; the tilt may move only along measured directions."""
    knowledge = knowledge_in(stage, evidence.floor)
    prior = floor_prior(knowledge)
    information = np.zeros((len(BORDERS), len(BORDERS)))
    information[0, 0] = 1 / max(prior.height_sigma, _LEAST_SIGMA) ** 2
    for direction, measured in zip(state.floor.directions, state.floor.measured, strict=True):
        flat = direction[[0, 2]]
        sigma = max(prior.tilt_sigma, _LEVEL_SIGMA) if measured else _LEVEL_SIGMA
        information[1:3, 1:3] += np.outer(flat, flat) / sigma**2
    information[SCALE, SCALE] = 1 / options.sigmas.camera_scale**2
    focal = evidence.focal_sigma
    information[FOCAL, FOCAL] = 1 / max(focal, _LEAST_SIGMA) ** 2
    free = np.ones(len(BORDERS), dtype=bool)
    free[SCALE] = not evidence.camera.metric and options.terms.camera_scale
    free[FOCAL] = focal > 0
    mean = np.array([prior.height, 0.0, 0.0, state.shared.log_scale, 0.0])
    return Believed(mean=mean, information=information, free=free)
