"""All terms of one person around the present state: cost, and if wanted normal equations."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from choreoscope.motion.bodies.points import Pose, place_points, pose_body
from choreoscope.motion.solve import body_terms, people_terms, point_terms, time_terms
from choreoscope.motion.solve.evidence import DepthOrder
from choreoscope.motion.solve.mechanics import Pull, hinges
from choreoscope.motion.solve.normal import Normal
from choreoscope.motion.solve.options import SolveOptions
from choreoscope.motion.solve.state import Shared, Track


@dataclasses.dataclass(frozen=True, slots=True)
class Neighbourhood:
    """What people are to each other, fixed while a step is found.

    Attributes
    ----------
    orders : tuple of DepthOrder
        Who stands before whom.
    touching : frozenset of frozenset of str
        Pairs that may touch.
    """

    orders: Sequence[DepthOrder]
    touching: frozenset[frozenset[str]]


@dataclasses.dataclass(slots=True)
class Assembled:
    """Costs by term, and the normal equations if they were wanted.

    Attributes
    ----------
    costs : dict of str to float
        Half of squared residuals in sigmas.
    normal : Normal or None
        Of the person.
    """

    costs: dict[str, float]
    normal: Normal | None

    @property
    def cost(self) -> float:
        """Sum of all terms."""
        return sum(self.costs.values())


def pose_of(track: Track) -> Pose:
    """Place the joints of a person in all rows."""
    return pose_body(track.model, track.shape, track.root, track.rotations)


def joint_places(tracks: Mapping[str, Track]) -> dict[str, np.ndarray]:
    """Joints of everybody, ``(T, J, 3)``, world."""
    return {
        name: place_points(track.joints, track.shape, pose_of(track))
        for name, track in tracks.items()
    }


def assemble(  # noqa: PLR0913
    track: Track,
    tracks: Mapping[str, Track],
    places: Mapping[str, np.ndarray],
    shared: Shared,
    around: Neighbourhood,
    options: SolveOptions,
    *,
    linearise: bool = True,
) -> Assembled:
    """Collect every term of one person.

    Parameters
    ----------
    track : Track
        The person.
    tracks : mapping of str to Track
        Everybody, for the terms between people.
    places : mapping of str to (T, J, 3) float
        From `joint_places`.
    shared : Shared
        State of floor and camera.
    around : Neighbourhood
        Order and touch.
    options : SolveOptions
        Switches and sigmas.
    linearise : bool
        False: costs alone.
    """
    pose = pose_of(track)
    normal = Normal.empty(track.layout, len(track.times)) if linearise else None
    costs: dict[str, float] = {}
    costs |= _point_terms(track, pose, shared, options, normal)
    costs |= _time_terms(track, pose, shared, options, normal)
    known = body_terms.habits(track.model, track.layout.joints)
    costs["posture"] = body_terms.posture(track, known, options, normal)
    costs |= _people_terms(track, tracks, places, pose, around, options, normal)
    return Assembled(costs=costs, normal=normal)


def _point_terms(
    track: Track, pose: Pose, shared: Shared, options: SolveOptions, normal: Normal | None
) -> dict[str, float]:
    costs: dict[str, float] = {}
    terms = options.terms
    if terms.pixels or terms.places:
        seen = hinges(track.model, track.seen, track.shape, track.layout)
        points = seen.place(pose)
        pulls = {}
        if terms.pixels:
            pulls["pixels"] = point_terms.pixels(track, shared, points, options)
        if terms.places:
            pulls["places"] = point_terms.places(track, points, options)
        costs |= {name: pull.cost for name, pull in pulls.items()}
        if normal is not None:
            first, *more = pulls.values()
            pull = first.plus(more[0]) if more else first
            seen.pull_back(pose, pull, (normal.matrix, normal.vector))
    if terms.floor or terms.above_floor:
        soles = hinges(track.model, track.ground, track.shape, track.layout)
        pull = point_terms.ground(track, shared, soles.place(pose), options)
        costs["floor"] = pull.cost
        if normal is not None:
            soles.pull_back(pose, pull, (normal.matrix, normal.vector))
    return costs


def _time_terms(
    track: Track, pose: Pose, shared: Shared, options: SolveOptions, normal: Normal | None
) -> dict[str, float]:
    costs: dict[str, float] = {}
    if options.terms.smoothness:
        costs["smoothness"] = time_terms.smoothness(track, options, normal)
    if options.terms.contacts:
        soles = hinges(track.model, track.ground, track.shape, track.layout)
        costs["standing"] = time_terms.standing(
            track, pose, soles, soles.place(pose), options, normal
        )
    if options.terms.flight:
        centre = hinges(track.model, track.mass, track.shape, track.layout)
        costs["flight"] = time_terms.flight(track, pose, centre, shared, options, normal)
    return costs


def _people_terms(  # noqa: PLR0913, PLR0917 - the whole state is needed
    track: Track,
    tracks: Mapping[str, Track],
    places: Mapping[str, np.ndarray],
    pose: Pose,
    around: Neighbourhood,
    options: SolveOptions,
    normal: Normal | None,
) -> dict[str, float]:
    others = {name: other for name, other in tracks.items() if other.person != track.person}
    if not others or not (options.terms.apart or options.terms.order):
        return {}
    own = place_points(track.joints, track.shape, pose)
    costs = {"apart": 0.0, "order": 0.0}
    weight, force = np.zeros((*own.shape, 3)), np.zeros(own.shape)
    for name, other in others.items():
        pair = frozenset((track.person, other.person))
        theirs = places[name]
        found = []
        if options.terms.apart and pair not in around.touching:
            found.append(("apart", people_terms.apart(track, own, other, theirs, options)))
        if options.terms.order:
            found += [
                (
                    "order",
                    people_terms.behind(track, own, other, theirs, order, options.sigmas.order),
                )
                for order in around.orders
                if frozenset((order.front, order.behind)) == pair
            ]
        for term, (cost, more, push) in found:
            costs[term] += cost
            weight += more
            force += push
    if normal is not None and np.any(weight):
        joints = hinges(track.model, track.joints, track.shape, track.layout)
        joints.pull_back(pose, Pull(0.0, weight, force), (normal.matrix, normal.vector))
    return costs
