"""Contacts, flights and floor, found anew from the present state between rounds of the solve."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from choreoscope.motion.bodies.points import place_points
from choreoscope.motion.solve.assembly import pose_of
from choreoscope.motion.solve.evidence import FloorKnowledge
from choreoscope.motion.solve.state import Shared, Track
from choreoscope.motion.touch.contacts import (
    TOUCHING,
    ContactLimits,
    Contacts,
    contact_groups,
    detect_contacts,
    sole_weights,
)
from choreoscope.motion.touch.flight import flights
from choreoscope.motion.touch.floor import FloorFit, FloorPrior, fit_floor

_UNKNOWN_HEIGHT, _GUESSED_HEIGHT = 30.0, -1.5
_ON_FLOOR = 0.25
"""Metres: what carries somebody lower than this is the floor."""
_SOLES = ("left_heel", "left_ball", "right_heel", "right_ball")


@dataclasses.dataclass(frozen=True, slots=True)
class Touch:
    """What was found for one person: contacts, and places of the ground points ``(T, G, 3)``."""

    contacts: Contacts
    points: np.ndarray


def find_contacts(track: Track, shared: Shared, floor: FloorFit) -> Touch:
    """Find what one person touches in the present state."""
    points = place_points(track.ground, track.shape, pose_of(track))
    limits = ContactLimits(camera=np.exp(shared.log_scale) * track.view.centre)
    groups = contact_groups(track.ground.names)
    contacts = detect_contacts(track.times, points, groups, _visibility(track), floor, limits)
    return Touch(contacts, points)


def _visibility(track: Track) -> np.ndarray:
    """How well the joint of each ground point is seen, ``(T, G)``."""
    main = track.ground.joints[np.arange(len(track.ground)), np.argmax(track.ground.mass, axis=1)]
    return np.asarray(track.confidence[:, main])


def with_contacts(track: Track, shared: Shared, floor: FloorFit) -> tuple[Track, Touch]:
    """Take contacts, what carries them, and flights from the present state.

    What was told by hand wins.
    """
    touch = find_contacts(track, shared, floor)
    contacts = touch.contacts
    groups = contact_groups(track.ground.names)
    touching = np.zeros_like(track.touching)
    support = np.zeros_like(track.support)
    for column, name in enumerate(groups):
        own = list(groups[name])
        chance = contacts.chance[:, column] * (contacts.chance[:, column] >= TOUCHING)
        low = contacts.shares[:, own] / np.maximum(
            contacts.shares[:, own].max(axis=1, keepdims=True), 1e-9
        )
        touching[:, own] = chance[:, None] * low
    for span in contacts.spans:
        if abs(span.height) > _ON_FLOOR:
            support[span.start : span.stop, list(groups[span.name])] = span.height
    known = np.isfinite(track.told)
    touching = np.where(known, np.nan_to_num(track.told), touching)
    centre = place_points(track.mass, track.shape, pose_of(track))[:, 0]
    flying = np.zeros(len(track.times), dtype=bool)
    for one in flights(track.times, contacts, floor.heights(centre), track.confidence.max(axis=1)):
        flying[one.start : one.stop] = True
    return dataclasses.replace(track, touching=touching, support=support, flying=flying), touch


def find_floor(
    tracks: Mapping[str, Track], touches: Mapping[str, Touch], prior: FloorPrior
) -> FloorFit:
    """Fit one plane to everybody's soles in contact."""
    points, weights, owners = [np.zeros((0, 3))], [np.zeros(0)], [np.zeros(0, dtype=np.int64)]
    for number, (name, touch) in enumerate(touches.items()):
        groups = contact_groups(tracks[name].ground.names)
        own = sole_weights(tracks[name].times, touch.contacts, groups)
        soles = [column for part in _SOLES for column in groups.get(part, ())]
        points.append(touch.points[:, soles].reshape(-1, 3))
        weights.append(own[:, soles].reshape(-1))
        owners.append(np.full(points[-1].shape[0], number))
    return fit_floor(np.concatenate(points), np.concatenate(weights), prior, np.concatenate(owners))


def first_floor(tracks: Mapping[str, Track], knowledge: FloorKnowledge) -> FloorFit:
    """Guess a level floor under everybody's feet, from low points of the soles."""
    lowest = [np.full(1, _GUESSED_HEIGHT)]
    for track in tracks.values():
        points = place_points(track.ground, track.shape, pose_of(track))
        seen = track.confidence.max(axis=1) > 0
        if seen.any():
            lowest.append(points[seen, :, 1].min(axis=1))
    told = knowledge.height
    heights = np.concatenate(lowest[1:] or lowest)
    height = float(np.quantile(heights, 0.25)) if told is None else told
    return fit_floor(np.zeros((0, 3)), np.zeros(0), floor_prior(knowledge, height))


def floor_prior(knowledge: FloorKnowledge, height: float = 0.0) -> FloorPrior:
    """Say what is believed of the floor, in the world of the solve (Y up as believed)."""
    told = knowledge.height is not None
    return FloorPrior(
        up=np.array([0.0, 1.0, 0.0]),
        tilt_sigma=knowledge.up_sigma,
        height=float(knowledge.height) if knowledge.height is not None else height,
        height_sigma=knowledge.height_sigma if told else _UNKNOWN_HEIGHT,
    )


def slopes_of(floor: FloorFit) -> np.ndarray:
    """Height at the origin and slopes ``(3,)`` of a plane that is not upright."""
    nx, ny, nz = floor.normal
    return np.array([floor.height / ny, -nx / ny, -nz / ny])
