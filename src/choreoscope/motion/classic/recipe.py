"""The recipe `nlf_classic`: filters in time, a fit, a floor afterwards.

Steps 2 to 6, 8 and 9 of the NLF pipeline as our design notes describe them, re-implemented from
that description. Weigh points by uncertainty; fit with one shape and a free size per frame; put
right each frame's distance by its size; smooth the root's distance along each frame's ray; smooth
all points; fit again; smooth the root's distance again; lay a plane through the toes.
"""

import dataclasses

import numpy as np

from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.motion import Motion
from choreoscope.geometry import rotation
from choreoscope.geometry.kinematics import world_joints
from choreoscope.motion.bodies.points import BodyPoints
from choreoscope.motion.classic.filters import pieces_between_teleports, robust_filter
from choreoscope.motion.classic.fitter import Fitter, TrackFit, fit_track
from choreoscope.motion.classic.ground import Ground, find_ground
from choreoscope.motion.classic.kernels import LAST, POINTS, ROOT, Counting, neighbours
from choreoscope.motion.classic.options import ClassicOptions
from choreoscope.motion.classic.rays import distance_factors, repair_factors, scaled_about
from choreoscope.motion.classic.tracks import CameraPath, Track, camera_path, gather_track
from choreoscope.motion.smoothing import bridge_rotations, bridge_values
from choreoscope.motion.solve.evidence import PersonEvidence, ShotEvidence

_TOES = ("left_toes", "right_toes")
_ROOTS = (("pelvis",), ("left_hip", "right_hip"))
_GUESSED_CAMERA_HEIGHT = 1.5


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClassicResult:
    """Motions and camera in one world: right-handed, Y up, metres, floor y = 0.

    Attributes
    ----------
    motions : dict of str to Motion
        By person id. Rows in which nobody was seen are bridged with confidence 0.
    shapes : dict of str to (S,) float
        Of each person's body.
    camera : CameraTrack
        One row per frame of the clip; the first one stands over the origin and looks along -Z.
    floor : str
        What the floor was made from, `Ground.source`.
    cuts : dict of str to tuple of int
        Source frames at which a person teleports.
    notes : tuple of str
        Sentences for the report.
    """

    motions: dict[str, Motion]
    shapes: dict[str, np.ndarray]
    camera: CameraTrack
    floor: str
    cuts: dict[str, tuple[int, ...]]
    notes: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One person before there is a floor: body in the world of the camera's path."""

    person: PersonEvidence
    track: Track
    shape: np.ndarray
    root: np.ndarray
    rotations: np.ndarray
    known: np.ndarray
    pieces: np.ndarray


def nlf_classic(
    evidence: ShotEvidence, options: ClassicOptions | None = None, fitter: Fitter = fit_track
) -> ClassicResult:
    """Run the recipe on everybody in a shot.

    Heights, contacts, depth order and focal uncertainty of the evidence are not used: the recipe
    knew nothing of them.

    Parameters
    ----------
    evidence : ShotEvidence
        As the shot solve gets it. Persons without a place in any frame are left out.
    options : ClassicOptions or None
        None takes the defaults: faults mended.
    fitter : Fitter
        What fits a body to points; the benchmarks put another one here.

    Returns
    -------
    ClassicResult
        Every number finite.
    """
    chosen = options or ClassicOptions()
    path = camera_path(evidence.camera, chosen.camera_scale)
    rows, notes = [], list(evidence.notes)
    for person in evidence.people:
        if np.isfinite(person.place_sigma).any():
            track = gather_track(evidence, person, path, chosen)
            rows.append(_solved(person, track, chosen, fitter))
        else:
            notes.append(f"{person.person}: no 3D point in any frame, left out")
    ground = _ground(rows, evidence, path, chosen)
    turn, shift = _upright(ground, path)
    if ground.source != "plane":
        notes.append(_floor_note(ground))
    motions = {row.person.person: _motion(row, evidence, (turn, shift), chosen) for row in rows}
    return ClassicResult(
        motions=motions,
        shapes={row.person.person: row.shape for row in rows},
        camera=_camera(evidence.camera, path, (turn, shift)),
        floor=ground.source,
        cuts={row.person.person: _cuts(row) for row in rows},
        notes=tuple(notes),
    )


def _solved(person: PersonEvidence, track: Track, options: ClassicOptions, fitter: Fitter) -> _Row:
    """Take one person through steps 3 to 6, 8 and 9."""
    counting: Counting = "frames" if options.faults.kernels_in_frames else "seconds"
    roots = _root_columns(person.points)
    track = _repaired(person, track, fitter) if options.repair_depth else track
    pieces = np.zeros(len(track.times), dtype=np.int64)
    if options.smooth:
        track, pieces = _smoothed(track, roots, counting)
    known = track.held()
    fit = _fitted(person, track, fitter, free_size=False)
    root, rotations = _spread(known, fit.root), _spread(known, fit.rotations)
    if options.settle_root:
        near = neighbours(track.times, LAST, counting).within(pieces)
        about = np.zeros_like(track.centres) if options.faults.last_about_origin else track.centres
        weights = np.where(known, track.weights.mean(axis=1), 0.0)
        root = scaled_about(about, root, distance_factors(near, about, root, weights))
    return _Row(
        person=person,
        track=track,
        shape=fit.shape,
        root=root,
        rotations=rotations,
        known=known,
        pieces=pieces,
    )


def _fitted(person: PersonEvidence, track: Track, fitter: Fitter, *, free_size: bool) -> TrackFit:
    known = track.held()
    return fitter(
        person.model, person.points, track.places[known], track.weights[known], free_size=free_size
    )


def _repaired(person: PersonEvidence, track: Track, fitter: Fitter) -> Track:
    """Step 4: who looks too large is too near; push along the ray until the size is the usual."""
    known = track.held()
    scales = np.ones(len(known))
    scales[known] = _fitted(person, track, fitter, free_size=True).scales
    factors = repair_factors(scales, track.weights.sum(axis=1))
    return dataclasses.replace(track, places=scaled_about(track.centres, track.places, factors))


def _smoothed(track: Track, roots: np.ndarray, counting: Counting) -> tuple[Track, np.ndarray]:
    """Take a track through steps 5 and 6, between teleports."""
    root, weight = _root(track, roots)
    near = neighbours(track.times, ROOT, counting)
    pieces = pieces_between_teleports(near, root, weight)
    factors = distance_factors(near.within(pieces), track.centres, root, weight)
    places = scaled_about(track.centres, track.places, factors)
    near = neighbours(track.times, POINTS, counting).within(pieces)
    places, weights = robust_filter(near, places, track.weights)
    held = np.isfinite(places).all(axis=-1)
    return (
        dataclasses.replace(
            track,
            places=np.where(held[..., None], places, 0.0),
            weights=np.where(held, weights, 0.0),
        ),
        pieces,
    )


def _root_columns(points: BodyPoints) -> np.ndarray:
    for names in _ROOTS:
        if all(name in points.names for name in names):
            return np.array([points.names.index(name) for name in names])
    return np.arange(len(points))


def _root(track: Track, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Root's path; where one of its points is not seen, the mean of those that are."""
    weights = track.weights[:, columns]
    total = weights.sum(axis=1)
    sums = np.einsum("tp,tpc->tc", (weights > 0).astype(float), track.places[:, columns])
    count = (weights > 0).sum(axis=1)
    return sums / np.maximum(count, 1)[:, None], total / len(columns)


def _spread(known: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Rows of what is known into rows of the track; zeros between."""
    wide = np.zeros((len(known), *values.shape[1:]))
    wide[known] = values
    return wide


def _ground(
    rows: list[_Row], evidence: ShotEvidence, path: CameraPath, options: ClassicOptions
) -> Ground:
    prior = -path.turns[0, :, 1] if options.faults.image_up else evidence.floor.up
    toes = [np.zeros((0, 3))]
    for row in rows[:1] if options.faults.first_person_floor else rows:
        skeleton = row.person.model.skeleton(row.shape)
        joints, _ = world_joints(skeleton, row.root[row.known], row.rotations[row.known])
        toes.append(joints[:, [skeleton.index(name) for name in _TOES]].reshape(-1, 3))
    ground = find_ground(np.concatenate(toes), prior / np.linalg.norm(prior), options.seed)
    if ground.source == "nothing":
        return dataclasses.replace(ground, height=-_GUESSED_CAMERA_HEIGHT)
    return ground


def _upright(ground: Ground, path: CameraPath) -> tuple[np.ndarray, np.ndarray]:
    """Turn and shift from the camera path's world into one with the floor at y = 0.

    The first camera, which stands at the path's origin, looks along -Z.
    """
    ahead = path.turns[0, :, 2]
    if abs(ahead @ ground.up) > np.cos(np.radians(1.0)):
        ahead = path.turns[0, :, 1]
    back = -(ahead - (ahead @ ground.up) * ground.up)
    back /= np.linalg.norm(back)
    turn = np.stack([np.cross(ground.up, back), ground.up, back])
    return turn, np.array([0.0, -ground.height, 0.0])


def _motion(
    row: _Row,
    evidence: ShotEvidence,
    world: tuple[np.ndarray, np.ndarray],
    options: ClassicOptions,
) -> Motion:
    turn, shift = world
    track = row.track
    pieces = np.zeros_like(row.pieces) if options.faults.across_teleports else row.pieces
    root, rotations = row.root.copy(), row.rotations.copy()
    for piece in np.unique(pieces):
        rows = pieces == piece
        if not row.known[rows].any():
            continue
        known = row.known[rows]
        everywhere = np.repeat(known[:, None], rotations.shape[1], axis=1)
        root[rows] = bridge_values(track.times[rows], root[rows], known)
        rotations[rows] = bridge_rotations(track.times[rows], rotations[rows], everywhere)
    rotations[:, 0] = rotation.multiply(rotation.from_matrix(turn), rotations[:, 0])
    share = (np.isfinite(row.person.place_sigma)).mean(axis=1)
    confidence = np.zeros(rotations.shape[:2])
    confidence[row.person.frames - track.first_frame] = share[:, None]
    return Motion(
        skeleton=row.person.model.skeleton(row.shape),
        rate=evidence.times.rate,
        first_frame=track.first_frame,
        times=track.times,
        root_position=root @ turn.T + shift,
        rotations=rotation.with_continuous_signs(rotation.normalized(rotations)),
        confidence=confidence,
    )


def _camera(
    camera: CameraTrack, path: CameraPath, world: tuple[np.ndarray, np.ndarray]
) -> CameraTrack:
    turn, shift = world
    world_from_camera = np.tile(np.eye(4), (len(path.centres), 1, 1))
    world_from_camera[:, :3, :3] = turn @ path.turns
    world_from_camera[:, :3, 3] = path.centres @ turn.T + shift
    return dataclasses.replace(
        camera, camera_from_world=np.linalg.inv(world_from_camera), metric=True
    )


def _cuts(row: _Row) -> tuple[int, ...]:
    return tuple((np.flatnonzero(np.diff(row.pieces)) + 1 + row.track.first_frame).tolist())


def _floor_note(ground: Ground) -> str:
    if ground.source == "nothing":
        return f"floor guessed {_GUESSED_CAMERA_HEIGHT} m below the first camera: nobody was seen"
    return "floor: the plane through the toes was too steep or missing, up is the prior's"
