"""Levenberg-Marquardt on the whole shot: people one after the other, then what they share.

Each person's frames are eliminated first (`normal.eliminate`); what is left of everybody meets in
one small system for shapes, floor, camera scale and focal length, and its step goes back into
every frame.
"""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from choreoscope.motion.solve.assembly import (
    Assembled,
    Neighbourhood,
    assemble,
    joint_places,
)
from choreoscope.motion.solve.body_terms import build
from choreoscope.motion.solve.normal import Eliminated, eliminate
from choreoscope.motion.solve.options import SolveOptions
from choreoscope.motion.solve.state import BORDERS, SCALE, Shared, Track

_FIRST_DAMPING, _LEAST_DAMPING, _MOST_DAMPING = 1e-6, 1e-9, 1e6
_EASIER, _HARDER = 0.2, 8.0
_DONE = 3e-4
_LONGEST_TURN, _LONGEST_MOVE = 0.6, 1.0
_HELD = 1e14


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Believed:
    """Prior of what is shared, with which unknowns may move at all.

    Attributes
    ----------
    mean : (5,) float
        Floor, log scale and log focal length.
    information : (5, 5) float
        Its inverse covariance.
    free : (5,) bool
        Others stay.
    shapes : bool
        Whether people's shapes may move.
    """

    mean: np.ndarray
    information: np.ndarray
    free: np.ndarray
    shapes: bool = True

    def off(self, shared: Shared) -> np.ndarray:
        """Distance from the mean."""
        now = np.array([*shared.floor, shared.log_scale, shared.log_focal])
        return np.asarray(now - self.mean)

    def cost(self, shared: Shared) -> float:
        """Half of the squared distance in sigmas."""
        off = self.off(shared)
        return 0.5 * float(off @ self.information @ off)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """Result of a descent.

    Attributes
    ----------
    tracks : dict of str to Track
        People.
    shared : Shared
        Floor and camera.
    costs : dict of str to float
        By term, summed over people, at the end.
    first_cost, last_cost : float
        In sum.
    steps : int
        Accepted.
    covariance : (5, 5) float
        Of what is shared.
    """

    tracks: dict[str, Track]
    shared: Shared
    costs: dict[str, float]
    first_cost: float
    last_cost: float
    steps: int
    covariance: np.ndarray


def descend(  # noqa: PLR0913
    tracks: Mapping[str, Track],
    shared: Shared,
    believed: Believed,
    around: Neighbourhood,
    options: SolveOptions,
    held: Mapping[str, np.ndarray] | None = None,
    *,
    iterations: int,
    tick: Callable[[], None] | None = None,
) -> Solved:
    """Go downhill until the cost no longer falls.

    Parameters
    ----------
    tracks : mapping of str to Track
        State to start from.
    shared : Shared
        As well.
    believed : Believed
        Prior of what is shared.
    around : Neighbourhood
        Order and touch.
    options : SolveOptions
        Switches and sigmas.
    held : mapping of str to (T,) bool, or None
        Frames that must not move.
    iterations : int
        Most steps.
    tick : callable or None
        Called after each step.
    """
    from threadpoolctl import threadpool_limits

    # The matrices are small: on a busy machine several BLAS threads wait for each other for
    # a hundred times as long as one needs for the work.
    with threadpool_limits(limits=1, user_api="blas"):
        return _descend(tracks, shared, believed, around, options, held or {}, iterations, tick)


def _descend(  # noqa: PLR0913, PLR0917 - as `descend`
    tracks: Mapping[str, Track],
    shared: Shared,
    believed: Believed,
    around: Neighbourhood,
    options: SolveOptions,
    held: Mapping[str, np.ndarray],
    iterations: int,
    tick: Callable[[], None] | None,
) -> Solved:
    state, at = dict(tracks), shared
    damping = _FIRST_DAMPING
    places = joint_places(state)
    costs = _costs(state, places, at, around, believed, options)
    first = now = sum(costs.values())
    steps = 0
    covariance = np.zeros((len(BORDERS), len(BORDERS)))
    for _ in range(iterations):
        systems = {
            name: assemble(track, state, places, at, around, options)
            for name, track in state.items()
        }
        better = None
        while better is None and damping < _MOST_DAMPING:
            better = _try(state, systems, at, believed, held, options, damping)
            if better is not None:
                tried, moved, covariance = better
                tried_places = joint_places(tried)
                tried_costs = _costs(tried, tried_places, moved, around, believed, options)
                if not sum(tried_costs.values()) < now:
                    better = None
            if better is None:
                damping *= _HARDER
        if better is None:
            break
        state, at, places, costs = tried, moved, tried_places, tried_costs
        before, now = now, sum(costs.values())
        damping = max(damping * _EASIER, _LEAST_DAMPING)
        steps += 1
        if tick is not None:
            tick()
        if before - now < _DONE * before:
            break
    return Solved(
        tracks=state,
        shared=at,
        costs=costs,
        first_cost=first,
        last_cost=now,
        steps=steps,
        covariance=covariance,
    )


def _costs(
    tracks: Mapping[str, Track],
    places: Mapping[str, np.ndarray],
    shared: Shared,
    around: Neighbourhood,
    believed: Believed,
    options: SolveOptions,
) -> dict[str, float]:
    total: dict[str, float] = {"shared": believed.cost(shared)}
    seen = _frames_seen(tracks)
    total["build"] = sum(
        build(track, seen[person], options)[0] for person, track in _persons(tracks).items()
    )
    for track in tracks.values():
        part = assemble(track, tracks, places, shared, around, options, linearise=False)
        for name, cost in part.costs.items():
            total[name] = total.get(name, 0.0) + cost
    return total


def _persons(tracks: Mapping[str, Track]) -> dict[str, Track]:
    """One piece of each person; pieces of one person share one shape."""
    return {track.person: track for track in tracks.values()}


def _try(  # noqa: PLR0913, PLR0917 - state, equations and how
    tracks: Mapping[str, Track],
    systems: Mapping[str, Assembled],
    shared: Shared,
    believed: Believed,
    held: Mapping[str, np.ndarray],
    options: SolveOptions,
    damping: float,
) -> tuple[dict[str, Track], Shared, np.ndarray] | None:
    """One step with this damping, or None if the equations cannot be solved with it."""
    left: dict[str, Eliminated] = {}
    for name, system in systems.items():
        if system.normal is None:
            return None
        frozen = held.get(name, np.zeros(len(tracks[name].times), dtype=bool))
        try:
            free = np.r_[np.full(tracks[name].layout.shapes, believed.shapes), believed.free]
            left[name] = eliminate(system.normal, damping, frozen, free)
        except np.linalg.LinAlgError:
            return None
    try:
        border, covariance = _border_step(tracks, left, shared, believed, options, damping)
    except np.linalg.LinAlgError:
        return None
    moved: dict[str, Track] = {}
    common = border[: len(BORDERS)]
    places = _places_of_shapes(tracks)
    for name, track in tracks.items():
        shape = border[places[track.person]]
        own = np.concatenate([shape, common])
        pose = left[name].step + left[name].follow @ own
        if not np.isfinite(pose).all():
            return None
        moved[name] = track.stepped(_no_longer(pose), shape)
    return moved, shared.stepped(common), covariance


def _no_longer(pose: np.ndarray) -> np.ndarray:
    """Limit how far one step may go; the line it goes along stays."""
    move = np.linalg.norm(pose[:, :3], axis=1, keepdims=True)
    turns = pose[:, 3:].reshape(len(pose), -1, 3)
    angle = np.linalg.norm(turns, axis=-1, keepdims=True)
    turns = turns * np.minimum(1, _LONGEST_TURN / np.maximum(angle, 1e-12))
    return np.concatenate(
        [
            pose[:, :3] * np.minimum(1, _LONGEST_MOVE / np.maximum(move, 1e-12)),
            turns.reshape(len(pose), -1),
        ],
        axis=1,
    )


def _frames_seen(tracks: Mapping[str, Track]) -> dict[str, int]:
    """Frames with evidence of each person, over all pieces."""
    seen: dict[str, int] = {}
    for track in tracks.values():
        some = track.pixel_information.any(axis=1) | track.place_information.any(axis=1)
        seen[track.person] = seen.get(track.person, 0) + int(some.sum())
    return seen


def _places_of_shapes(tracks: Mapping[str, Track]) -> dict[str, slice]:
    """Where each person's shape stands among the border unknowns, after the shared ones."""
    places, start = {}, len(BORDERS)
    for person, track in _persons(tracks).items():
        places[person] = slice(start, start + track.layout.shapes)
        start += track.layout.shapes
    return places


def _border_step(
    tracks: Mapping[str, Track],
    left: Mapping[str, Eliminated],
    shared: Shared,
    believed: Believed,
    options: SolveOptions,
    damping: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Step of shared unknowns, then of every shape; and the covariance of the shared ones."""
    common = len(BORDERS)
    places = _places_of_shapes(tracks)
    total = max((place.stop for place in places.values()), default=common)
    matrix, vector = np.zeros((total, total)), np.zeros(total)
    matrix[:common, :common] = believed.information
    vector[:common] = believed.information @ believed.off(shared)
    matrix[range(common), range(common)] += np.where(believed.free, 0.0, _HELD)
    for name, track in tracks.items():
        own = np.r_[places[track.person], :common]
        matrix[np.ix_(own, own)] += left[name].matrix
        vector[own] += left[name].vector
    seen = _frames_seen(tracks)
    for person, track in _persons(tracks).items():
        own = places[person]
        _, gradient, curvature = build(track, seen[person], options)
        matrix[own, own] += curvature
        vector[own] += gradient
        if not believed.shapes:
            matrix[range(own.start, own.stop), range(own.start, own.stop)] += _HELD
    covariance = np.linalg.inv(matrix)[:common, :common]
    matrix[range(total), range(total)] *= 1 + damping
    step = np.linalg.solve(matrix, -vector)
    step[SCALE] = np.clip(step[SCALE], -0.5, 0.5)
    return step, covariance
