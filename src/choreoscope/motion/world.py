"""From camera space into the common world: floor, feet, contacts, settled paths."""

import dataclasses
from fractions import Fraction

import numpy as np

from choreoscope.datatypes.errors import ShapeError
from choreoscope.datatypes.motion import Motion, Skeleton
from choreoscope.geometry import rotation
from choreoscope.geometry.kinematics import world_joints
from choreoscope.motion.contacts import detect_contacts, support_height
from choreoscope.motion.corrections import FREE, OFF, ON, PINNED
from choreoscope.motion.feet import (
    planted,
    resting_pitch,
    seen_feet,
    sole_points,
    with_feet_turned,
)
from choreoscope.motion.fitting import Fit
from choreoscope.motion.floor import (
    Floor,
    FloorEvidence,
    KnownFloor,
    fit_floor,
    resting_weights,
    speeds_across,
)
from choreoscope.motion.grounding import settle_path
from choreoscope.motion.pins import hold_feet
from choreoscope.motion.proportions import Proportions
from choreoscope.motion.skeletons import CONTACT_JOINTS, SIDES
from choreoscope.motion.smoothing import bridge_rotations, bridge_values

_MOST_FLOOR_POINTS = 1500
_MIDDLE_AT_SHOULDERS = 0.35
_MOST_LEAN = np.radians(40.0)
_STRAIGHT = 0.95


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FrameTimes:
    """When the frames of a clip are.

    Attributes
    ----------
    first_frame : int
        Source frame of the first entry.
    seconds : (F,) float
        From the film's first frame, by its own time stamps, strictly rising.
    rate : Fraction
        Nominal frames per second.
    """

    first_frame: int
    seconds: np.ndarray
    rate: Fraction

    def at(self, frames: np.ndarray) -> np.ndarray:
        """Seconds of source frames.

        Raises
        ------
        ShapeError
            If a frame lies outside the clip.
        """
        rows = np.asarray(frames) - self.first_frame
        if rows.size and (rows.min() < 0 or rows.max() >= len(self.seconds)):
            raise ShapeError(
                f"expected frames {self.first_frame}:{self.first_frame + len(self.seconds)}, "
                f"got {int(frames.min())} to {int(frames.max())}"
            )
        return np.asarray(self.seconds[rows])


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CameraRows:
    """A person in camera space, one row per frame from the first to the last seen.

    Attributes
    ----------
    skeleton, sizes : Skeleton, Proportions
        Of the person.
    first_frame : int
        Source frame of row 0.
    times : (T,) float
        Seconds.
    root : (T, 3) float
        Metres, camera axes.
    rotations : (T, J, 4) float
        For the root camera-from-joint.
    confidence : (T, J) float
        0 in bridged rows.
    feet : (T, 4) int
        What is known by hand of the points of the soles, from `corrections.foot_states`.
    """

    skeleton: Skeleton
    sizes: Proportions
    first_frame: int
    times: np.ndarray
    root: np.ndarray
    rotations: np.ndarray
    confidence: np.ndarray
    feet: np.ndarray


def every_frame(fit: Fit, times: FrameTimes) -> CameraRows:
    """One row per source frame; frames without the person are bridged with confidence 0.

    Nothing is known of the feet by hand.
    """
    frames = fit.evidence.frames
    first, last = int(frames[0]), int(frames[-1])
    at = frames - first
    count, joints = last - first + 1, fit.rotations.shape[1]
    rotations = rotation.identity(count, joints)
    root, confidence = np.zeros((count, 3)), np.zeros((count, joints))
    rotations[at], root[at], confidence[at] = fit.rotations, fit.root, fit.confidence
    known = np.zeros(count, dtype=bool)
    known[at] = True
    seconds = times.at(np.arange(first, last + 1))
    return CameraRows(
        skeleton=fit.skeleton,
        sizes=fit.measured.proportions,
        first_frame=first,
        times=seconds,
        root=bridge_values(seconds, root, known),
        rotations=bridge_rotations(seconds, rotations, np.repeat(known[:, None], joints, axis=1)),
        confidence=confidence,
        feet=np.full((count, len(CONTACT_JOINTS)), FREE),
    )


def common_floor(
    people: dict[str, CameraRows], *, level_feet: bool, known: KnownFloor | None = None
) -> tuple[Floor, dict[str, CameraRows]]:
    """Find the floor, and lay resting feet flat on it.

    How the feet lie depends on the floor and the floor on the feet, so both are done twice.

    Parameters
    ----------
    people : dict of str to CameraRows
        Everybody in the clip.
    level_feet : bool
        False leaves feet as the detector sees them.
    known : KnownFloor or None
        What is known by hand of the floor.

    Returns
    -------
    floor : Floor
    people : dict of str to CameraRows
        With the detector's bias of the feet taken out, one angle per person.
    """
    level = dict(people)
    floor = fit_floor(_floor_evidence(level), known)
    for _ in range(2 if level_feet else 0):
        up = floor.world_from_camera[1, :3]
        level = {person: _with_level_feet(row, up) for person, row in people.items()}
        floor = fit_floor(_floor_evidence(level), known)
    return floor, level


def _soles(row: CameraRows) -> tuple[np.ndarray, np.ndarray]:
    """Sole points in camera space ``(T, 4, 3)`` and their seconds of rest ``(T, 4)``."""
    soles = sole_points(row.skeleton, row.sizes, row.root, row.rotations)
    seen = seen_feet(row.skeleton, row.confidence)
    return soles, resting_weights(row.times, soles, seen) * (row.feet != OFF)


def _with_level_feet(row: CameraRows, up: np.ndarray) -> CameraRows:
    soles, resting = _soles(row)
    turned = with_feet_turned(row.skeleton, row.rotations, resting_pitch(soles, up, resting))
    return dataclasses.replace(row, rotations=turned)


def _floor_evidence(people: dict[str, CameraRows]) -> FloorEvidence:
    points, weights = [np.zeros((0, 3))], [np.zeros(0)]
    uprights, standing = [np.zeros((0, 3))], [np.zeros(0)]
    for row in people.values():
        soles, resting = _soles(row)
        points.append(soles.reshape(-1, 3))
        weights.append(resting.reshape(-1))
        direction, seconds = _balance(row, soles, resting)
        uprights.append(direction)
        standing.append(seconds)
    place, weight = np.concatenate(points), np.concatenate(weights)
    chosen = np.flatnonzero(weight > 0)
    thin = max(1, -(-len(chosen) // _MOST_FLOOR_POINTS))
    return FloorEvidence(
        points=place[chosen[::thin]],
        weights=weight[chosen[::thin]] * thin,
        uprights=np.concatenate(uprights),
        upright_weights=np.concatenate(standing),
    )


def _balance(
    row: CameraRows, soles: np.ndarray, resting: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Directions from between the feet to the middle of the body, and seconds they count.

    Who stands or walks has one leg straight and a foot at rest, and stays above the feet on the
    whole; squatting, running and tumbling do not count.
    """
    positions, _ = world_joints(row.skeleton, row.root, row.rotations)
    shoulders = positions[:, [row.skeleton.index(f"{side}_upper_arm") for side in SIDES]]
    middle = (1 - _MIDDLE_AT_SHOULDERS) * row.root + _MIDDLE_AT_SHOULDERS * shoulders.mean(axis=1)
    direction = middle - soles.mean(axis=1)
    direction /= np.maximum(np.linalg.norm(direction, axis=-1, keepdims=True), 1e-9)
    upright = (-direction[:, 1] > np.cos(_MOST_LEAN)) & _one_leg_straight(row, positions)
    trunk = row.confidence[:, [0, row.skeleton.index("spine_high")]].min(axis=1)
    return direction, np.where(upright, resting.max(axis=1) * trunk, 0.0)


def _one_leg_straight(row: CameraRows, positions: np.ndarray) -> np.ndarray:
    longest = row.sizes.thigh + row.sizes.shin
    straight = np.zeros(len(positions), dtype=bool)
    for side in SIDES:
        hip, ankle = (positions[:, row.skeleton.index(f"{side}_{j}")] for j in ("thigh", "foot"))
        straight |= np.linalg.norm(hip - ankle, axis=-1) > _STRAIGHT * longest
    return straight


def in_world(row: CameraRows, floor: Floor, rate: Fraction, *, grounding: bool) -> Motion:
    """Move a person into the world, find contacts and settle feet and path.

    Parameters
    ----------
    row : CameraRows
        From `common_floor`.
    floor : Floor
        Of the clip.
    rate : Fraction
        Nominal frames per second.
    grounding : bool
        False leaves feet and path where the lens alone puts them.

    Returns
    -------
    Motion
        Contacts of `CONTACT_JOINTS`, 0 where the person was not seen, unless known by hand.
    """
    world = floor.world_from_camera
    camera = world[:3, 3]
    root = row.root @ world[:3, :3].T + camera
    rotations = row.rotations.copy()
    rotations[:, 0] = rotation.multiply(rotation.from_matrix(world[:3, :3]), rotations[:, 0])
    contacts = _contacts(row, root, rotations, camera)
    if grounding:
        rotations = planted(row.skeleton, row.times, rotations, contacts)
        soles = sole_points(row.skeleton, row.sizes, root, rotations)
        seen = seen_feet(row.skeleton, row.confidence)
        root = root + settle_path(row.times, root, camera, soles, contacts, seen)
        root, rotations = hold_feet(
            row.skeleton, row.sizes, row.times, (root, rotations), row.feet == PINNED
        )
        contacts = _contacts(row, root, rotations, camera)
    return Motion(
        skeleton=row.skeleton,
        rate=rate,
        first_frame=row.first_frame,
        times=row.times,
        root_position=root,
        rotations=rotation.with_continuous_signs(rotation.normalized(rotations)),
        confidence=row.confidence,
        contacts=contacts,
        contact_joints=CONTACT_JOINTS,
    )


def _contacts(
    row: CameraRows, root: np.ndarray, rotations: np.ndarray, camera: np.ndarray
) -> np.ndarray:
    soles = sole_points(row.skeleton, row.sizes, root, rotations)
    seen = seen_feet(row.skeleton, row.confidence)
    heights = soles[..., 1]
    resting = resting_weights(row.times, soles - camera, seen) * (row.feet != OFF)
    support = support_height(row.times, heights, resting)
    speeds = speeds_across(row.times, soles - camera)
    detected = detect_contacts(row.times, heights, speeds, support) * (seen > 0)
    return np.where(row.feet == FREE, detected, row.feet >= ON)
