"""From the solve's state to its result: the world set on its floor, confidence, residuals."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.motion import Motion
from choreoscope.geometry import rotation
from choreoscope.motion.bodies.points import place_points
from choreoscope.motion.skeletons import CONTACT_JOINTS
from choreoscope.motion.solve import point_terms
from choreoscope.motion.solve.assembly import pose_of
from choreoscope.motion.solve.evidence import ShotEvidence
from choreoscope.motion.solve.options import SolveOptions
from choreoscope.motion.solve.setup import Stage
from choreoscope.motion.solve.solution import PersonSolution, ShotSolution, SolveReport
from choreoscope.motion.solve.state import FOCAL, SCALE, Shared, Track
from choreoscope.motion.solve.touching import Touch
from choreoscope.motion.touch.contacts import PART_JOINTS, runs
from choreoscope.motion.touch.flight import flights
from choreoscope.motion.touch.floor import FloorFit

_AGREES = 2.5
"""Sigmas of residual at which confidence is halved."""
_DOUBTFUL, _DOUBT_SECONDS = 0.25, 0.15
_JOIN_SECONDS = 0.2


def finished(  # noqa: PLR0913
    evidence: ShotEvidence,
    stage: Stage,
    tracks: Mapping[str, Track],
    shared: Shared,
    floor: FloorFit,
    touches: Mapping[str, Touch],
    *,
    first_costs: dict[str, float],
    costs: dict[str, float],
    steps: int,
    covariance: np.ndarray,
    seconds: float,
) -> ShotSolution:
    """Set the world on its floor and collect what is to be known."""
    level = _level(stage, evidence, shared)
    people = {
        name: _person(track, shared, touches[name], level, evidence)
        for name, track in tracks.items()
    }
    return ShotSolution(
        people=people,
        camera=_camera(evidence, stage, shared, level),
        floor=floor,
        tilt_degrees=float(np.degrees(np.arccos(np.clip(shared.up[1], -1.0, 1.0)))),
        report=SolveReport(
            first_costs=first_costs,
            costs=costs,
            steps=steps,
            seconds=seconds,
            person_frames=sum(len(track.times) for track in tracks.values()),
            scale_sigma=float(np.sqrt(max(covariance[SCALE, SCALE], 0.0))),
            focal_sigma=float(np.sqrt(max(covariance[FOCAL, FOCAL], 0.0))),
            focal=float(np.exp(shared.log_focal)),
            flight_scales={
                name: _flight_scales(track, touches[name], floor) for name, track in tracks.items()
            },
        ),
        notes=evidence.notes,
    )


def _level(stage: Stage, evidence: ShotEvidence, shared: Shared) -> np.ndarray:
    """World from solve world ``(4, 4)``: floor at y = 0, first camera above the origin.

    The first camera looks along -Z, so that somebody who faces it faces +Z.
    """
    turn = rotation.to_matrix(rotation.between(shared.up, np.array([0.0, 1.0, 0.0])))
    ahead = turn @ stage.turn @ evidence.camera.camera_from_world[0, 2, :3]
    angle = np.arctan2(-ahead[0], -ahead[2]) if np.hypot(ahead[0], ahead[2]) > 1e-6 else 0.0  # noqa: PLR2004
    about = rotation.to_matrix(rotation.from_rotation_vector(np.array([0.0, -angle, 0.0])))
    matrix = np.eye(4)
    matrix[:3, :3] = about @ turn
    matrix[1, 3] = -float(shared.up[1] * shared.floor[0])
    return matrix


def _camera(evidence: ShotEvidence, stage: Stage, shared: Shared, level: np.ndarray) -> CameraTrack:
    camera = evidence.camera
    view = stage.view(evidence, np.arange(len(camera.intrinsics)))
    centre = np.exp(shared.log_scale) * view.centre @ level[:3, :3].T + level[:3, 3]
    matrix = np.tile(np.eye(4), (len(centre), 1, 1))
    matrix[:, :3, :3] = view.turn @ level[:3, :3].T
    matrix[:, :3, 3] = -np.einsum("tab,tb->ta", matrix[:, :3, :3], centre)
    lens = camera.intrinsics.copy()
    lens[:, [0, 1], [0, 1]] *= np.exp(shared.log_focal)
    return CameraTrack(
        width=camera.width,
        height=camera.height,
        intrinsics=lens,
        camera_from_world=matrix,
        distortion=camera.distortion,
        source=camera.source,
        metric=True,
    )


def _person(
    track: Track, shared: Shared, touch: Touch, level: np.ndarray, evidence: ShotEvidence
) -> PersonSolution:
    options = SolveOptions()
    points = place_points(track.seen, track.shape, pose_of(track))
    shown = _pixel_residuals(track, shared, points)
    metres = _place_residuals(track, points, options)
    confidence = track.confidence * _agreement(track, shown)[:, None]
    root, rotations = _levelled(track.root, track.rotations, level)
    names, columns = _contact_columns(track, touch)
    motion = Motion(
        skeleton=track.model.skeleton(track.shape),
        rate=evidence.times.rate,
        first_frame=track.first_frame,
        times=track.times,
        root_position=root,
        rotations=rotations,
        confidence=np.clip(confidence, 0.0, 1.0),
        contacts=columns,
        contact_joints=names,
    )
    first_root, first_rotations = _levelled(track.rest_root, track.rest, level)
    return PersonSolution(
        motion=motion,
        model=track.model,
        shape=track.shape,
        stature=track.model.stature(track.shape),
        pixels=_middle(shown, track.pixel_information > 0),
        metres=_middle(metres, track.place_information > 0),
        doubts=_doubts(track, confidence),
        start=dataclasses.replace(
            motion,
            skeleton=track.model.skeleton(track.rest_shape),
            root_position=first_root,
            rotations=first_rotations,
            contacts=None,
            contact_joints=(),
        ),
        start_shape=track.rest_shape,
    )


def _levelled(
    root: np.ndarray, rotations: np.ndarray, level: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Root path and rotations in the world instead of the solve's."""
    turned = rotations.copy()
    turned[:, 0] = rotation.multiply(rotation.from_matrix(level[:3, :3]), turned[:, 0])
    turned = rotation.with_continuous_signs(rotation.normalized(turned))
    return root @ level[:3, :3].T + level[:3, 3], turned


def _pixel_residuals(track: Track, shared: Shared, points: np.ndarray) -> np.ndarray:
    away = track.view.seen_from(points, shared)
    depth = np.maximum(away[..., 2:], 1e-3)
    focal = track.view.focal[:, None] * np.exp(shared.log_focal)
    shown = focal * away[..., :2] / depth + track.view.middle[:, None]
    return np.asarray(np.linalg.norm(shown - track.pixels, axis=-1))


def _place_residuals(track: Track, points: np.ndarray, options: SolveOptions) -> np.ndarray:
    """Distance of each point from its 3D estimate, each frame's offset and size taken out."""
    pull = point_terms.places(track, points, options)
    heavy = np.linalg.norm(pull.force, axis=-1)
    largest = np.maximum(np.linalg.norm(pull.weight, ord=2, axis=(-2, -1)), 1e-12)
    return np.asarray(heavy / largest)


def _middle(values: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Median of each row over what is seen, NaN where nothing is."""
    result = np.full(len(values), np.nan)
    some = seen.any(axis=1)
    if some.any():
        result[some] = np.nanmedian(np.where(seen, values, np.nan)[some], axis=1)
    return result


def _agreement(track: Track, shown: np.ndarray) -> np.ndarray:
    """How far each frame agrees with its pixels, ``(T,)``: 1 in full, 1/2 at 2.5 sigmas."""
    seen = track.pixel_information > 0
    sigmas = _middle(shown * np.sqrt(track.pixel_information), seen)
    return np.asarray(1 / (1 + (np.nan_to_num(sigmas) / _AGREES) ** 2))


def _contact_columns(track: Track, touch: Touch) -> tuple[tuple[str, ...], np.ndarray]:
    """Contacts by the joint that moves the part, what was told by hand taken over."""
    contacts = touch.contacts
    names, columns = [], []
    for column, part in enumerate(contacts.names):
        side, _, end = part.partition("_")
        own = [
            at
            for at, name in enumerate(track.ground.names)
            if name.startswith(f"{side}_") and _belongs(name, end)
        ]
        chance = contacts.chance[:, column]
        told = track.told[:, own[0]] if own else np.full(len(chance), np.nan)
        names.append(f"{side}_{PART_JOINTS[end]}")
        columns.append(np.where(np.isfinite(told), np.nan_to_num(told), chance))
    order = sorted(range(len(names)), key=lambda at: (_place(names[at]), at))
    chances = np.clip(np.stack(columns, axis=1), 0.0, 1.0)
    return tuple(names[at] for at in order), chances[:, order]


def _place(joint: str) -> int:
    """Feet come first, in the order all readers know."""
    return CONTACT_JOINTS.index(joint) if joint in CONTACT_JOINTS else len(CONTACT_JOINTS)


def _belongs(name: str, part: str) -> bool:
    end = name.partition("_")[2]
    if part == "heel":
        return end.startswith("heel")
    return part == "ball" and end.startswith(("ball", "toe"))


def _doubts(track: Track, confidence: np.ndarray) -> tuple[FrameRange, ...]:
    """Stretches in which the body as a whole is hardly seen or does not agree with its pixels."""
    body = np.median(confidence[:, track.layout.joints], axis=1)
    doubtful = body < _DOUBTFUL
    step = float(np.median(np.diff(track.times))) if len(track.times) > 1 else 1.0
    gaps = runs(~doubtful)
    for start, stop in gaps:
        if (stop - start) * step < _JOIN_SECONDS and start > 0 and stop < len(doubtful):
            doubtful[start:stop] = True
    return tuple(
        FrameRange(track.first_frame + start, track.first_frame + stop)
        for start, stop in runs(doubtful)
        if (stop - start) * step >= _DOUBT_SECONDS
    )


def _flight_scales(track: Track, touch: Touch, floor: FloorFit) -> tuple[float, ...]:
    centre = place_points(track.mass, track.shape, pose_of(track))[:, 0]
    found = flights(
        track.times, touch.contacts, floor.heights(centre), track.confidence.max(axis=1)
    )
    return tuple(one.scale for one in found)
