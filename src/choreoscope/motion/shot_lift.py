"""Everybody in a clip, from landmarks to motions, solved together with camera and floor."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from choreoscope.datatypes.camera import CameraPath, CameraTrack, Lens
from choreoscope.datatypes.people import PersonSequence
from choreoscope.geometry import rotation
from choreoscope.motion.classic.recipe import nlf_classic
from choreoscope.motion.corrections import FREE, contact_note, foot_states, known_floor
from choreoscope.motion.fitting import Fit
from choreoscope.motion.floor import Floor, KnownFloor
from choreoscope.motion.lift import FrameTimes, LiftOptions, fitted_people
from choreoscope.motion.solve.evidence import (
    DepthOrder,
    FloorKnowledge,
    PersonEvidence,
    ShotEvidence,
)
from choreoscope.motion.solve.landmark_evidence import person_evidence
from choreoscope.motion.solve.options import SolveOptions
from choreoscope.motion.solve.scale import first_scale
from choreoscope.motion.solve.setup import Stage
from choreoscope.motion.solve.shot import solve_shot
from choreoscope.motion.solve.solution import PersonSolution, ShotSolution
from choreoscope.motion.world import CameraRows, common_floor, every_frame

SolveMethod = Literal["solve", "nlf_classic"]

_LEVEL_SIGMA, _SEEN_SIGMA, _TOLD_SIGMA, _FILE_SIGMA = 0.10, 0.03, 0.0005, 0.01
"""Radians of tilt: camera taken as level, people's balance seen, told by hand, a camera file."""
_TOLD_HEIGHT_SIGMA = 0.0003


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ShotLift:
    """What a clip was lifted to.

    Attributes
    ----------
    solution : ShotSolution
        People, camera and floor.
    fits : dict of str to Fit
        Everybody alone in camera axes, as it began.
    notes : tuple of str
        Sentences for the report.
    """

    solution: ShotSolution
    fits: dict[str, Fit]
    notes: tuple[str, ...]


def standing_camera(lens: Lens, frames: int) -> CameraPath:
    """Make the path of a camera that stands still, for clips nobody looked at the camera of."""
    track = CameraTrack(
        width=lens.width,
        height=lens.height,
        intrinsics=np.tile(lens.intrinsics, (frames, 1, 1)),
        camera_from_world=np.tile(np.diag([1.0, -1.0, -1.0, 1.0]), (frames, 1, 1)),
        distortion=lens.distortion,
        source=lens.source,
        metric=True,
    )
    return CameraPath(
        camera=track,
        movement="locked",
        known=np.ones(frames, dtype=bool),
        residual_px=np.full(frames, np.nan),
        focal_sigma=0.0,
    )


def lift_shot(  # noqa: PLR0913
    sequences: Sequence[PersonSequence],
    lens: Lens,
    path: CameraPath,
    times: FrameTimes,
    options: LiftOptions,
    *,
    solve: SolveOptions | None = None,
    orders: tuple[DepthOrder, ...] = (),
    progress: Callable[[int, int], None] | None = None,
) -> ShotLift:
    """Lift everybody in a clip, together with its camera and its floor.

    Parameters
    ----------
    sequences : sequence of PersonSequence
        33 BlazePose body points and 21 points per hand; persons without a row are left out.
    lens : Lens
        Of the film; its distortion is undone.
    path : CameraPath
        How the camera moves, up to gravity and, when it travels, size.
    times : FrameTimes
        Of all frames of the clip.
    options : LiftOptions
        Heights and corrections.
    solve : SolveOptions or None
        Of the solve.
    orders : tuple of DepthOrder
        Who was seen before whom.
    progress : callable or None
        Called with parts done and parts in all.

    Raises
    ------
    InputError
        As `choreoscope.motion.lift.lift_people`.
    """
    evidence, fits = shot_evidence(sequences, lens, path, times, options)
    seen = dataclasses.replace(evidence, orders=orders)
    solution = solve_shot(seen, solve, progress)
    return ShotLift(solution=solution, fits=fits, notes=solution.notes)


def shot_evidence(
    sequences: Sequence[PersonSequence],
    lens: Lens,
    path: CameraPath,
    times: FrameTimes,
    options: LiftOptions,
) -> tuple[ShotEvidence, dict[str, Fit]]:
    """Gather the evidence of a clip; parameters as those of `lift_shot`."""
    own = _lens_of(path, lens)
    unzoomed = [_unzoomed(sequence, own, path, times) for sequence in sequences]
    fits, notes = fitted_people(unzoomed, own, times, options)
    corrections = options.corrections
    told = {**options.heights, **corrections.heights}
    pinhole = path.camera.intrinsics
    people: list[PersonEvidence] = []
    for name, fit in fits.items():
        rows = fit.evidence.frames - times.first_frame
        matrix = pinhole[rows]
        one = person_evidence(
            fit,
            (float(own.fx), float(own.fy)),
            (float(own.cx), float(own.cy)),
            told.get(name),
        )
        first, last = int(fit.evidence.frames[0]), int(fit.evidence.frames[-1])
        states = foot_states(corrections, name, first, last - first + 1)
        notes += contact_note(name, states)
        people.append(
            dataclasses.replace(
                one,
                pixels=_zoomed(one.pixels, own, matrix),
                pixel_sigma=one.pixel_sigma * (matrix[:, 0, 0] / own.fx)[:, None],
                feet=states[rows - rows[0]] if (states != FREE).any() else None,
            )
        )
    floor = _floor_prior(fits, people, path, times, known_floor(corrections, own))
    evidence = ShotEvidence(
        people=tuple(people),
        camera=path.camera,
        times=times,
        floor=floor,
        focal_sigma=path.focal_sigma if path.movement != "locked" else 0.0,
        notes=tuple(notes),
    )
    return evidence, fits


def _lens_of(path: CameraPath, lens: Lens) -> Lens:
    """Give the lens the focal length in the middle of the shot, as the camera solve left it."""
    matrix = np.median(path.camera.intrinsics, axis=0)
    return dataclasses.replace(
        lens,
        fx=float(matrix[0, 0]),
        fy=float(matrix[1, 1]),
        cx=float(matrix[0, 2]),
        cy=float(matrix[1, 2]),
        distortion=path.camera.distortion,
    )


def _unzoomed(
    sequence: PersonSequence, lens: Lens, path: CameraPath, times: FrameTimes
) -> PersonSequence:
    """Film pixels as one lens would have made them, whatever the zoom of each frame."""
    times.at(sequence.frames)
    matrix = path.camera.intrinsics[sequence.frames - times.first_frame]
    flat = (sequence.points_px - matrix[:, None, :2, 2]) / matrix[:, None, [0, 1], [0, 1]]
    pixels = flat * np.array([lens.fx, lens.fy]) + np.array([lens.cx, lens.cy])
    return dataclasses.replace(sequence, points_px=pixels)


def _zoomed(pixels: np.ndarray, lens: Lens, matrix: np.ndarray) -> np.ndarray:
    """Pixels of one pinhole as those of each frame's own."""
    flat = (pixels - np.array([lens.cx, lens.cy])) / np.array([lens.fx, lens.fy])
    return np.asarray(flat * matrix[:, None, [0, 1], [0, 1]] + matrix[:, None, :2, 2])


def _floor_prior(
    fits: dict[str, Fit],
    people: list[PersonEvidence],
    path: CameraPath,
    times: FrameTimes,
    told: KnownFloor | None,
) -> FloorKnowledge:
    """Gather what is known of gravity: told, from a camera file, or from how people stand."""
    first = path.camera.camera_from_world[0]
    if told is not None:
        floor = Floor(
            pitch=told.pitch, roll=told.roll, camera_height=told.camera_height or 0.0, sources=()
        )
        up = first[:3, :3].T @ floor.world_from_camera[1, :3]
        height = None
        if told.camera_height is not None:
            origin = -first[:3, :3].T @ first[:3, 3]
            height = float(up @ origin) - told.camera_height
        return FloorKnowledge(
            up=up, up_sigma=_TOLD_SIGMA, height=height, height_sigma=_TOLD_HEIGHT_SIGMA
        )
    if path.upright:
        return FloorKnowledge(up=np.array([0.0, 1.0, 0.0]), up_sigma=_FILE_SIGMA)
    rows = _in_first_camera(fits, people, path, times)
    floor, _ = common_floor(rows, level_feet=True)
    seen = set(floor.sources) & {"pitch", "roll", "balance"}
    up = first[:3, :3].T @ floor.world_from_camera[1, :3]
    return FloorKnowledge(
        up=up / np.linalg.norm(up), up_sigma=_SEEN_SIGMA if seen else _LEVEL_SIGMA
    )


def _in_first_camera(
    fits: dict[str, Fit], people: list[PersonEvidence], path: CameraPath, times: FrameTimes
) -> dict[str, CameraRows]:
    """Everybody as the first frame's camera would see them, were it to stand still."""
    rows = {name: every_frame(fit, times) for name, fit in fits.items()}
    if path.movement == "locked" or not rows:
        return rows
    shot = ShotEvidence(
        people=tuple(people),
        camera=path.camera,
        times=times,
        floor=FloorKnowledge(up=np.array([0.0, 1.0, 0.0])),
    )
    stage = Stage.of(shot)
    starts = {one.person: (one, one.start) for one in people if one.start is not None}
    scale = first_scale(shot, stage, starts)
    first = path.camera.camera_from_world[0, :3, :3]
    moved = {}
    for name, row in rows.items():
        own = row.first_frame - times.first_frame + np.arange(len(row.times))
        view = stage.view(shot, own)
        to_first = first @ stage.turn.T @ np.swapaxes(view.turn, -1, -2)
        root = np.einsum("tab,tb->ta", to_first, row.root)
        root += scale * view.centre @ (first @ stage.turn.T).T
        turned = row.rotations.copy()
        turned[:, 0] = rotation.multiply(rotation.from_matrix(to_first), turned[:, 0])
        moved[name] = dataclasses.replace(row, root=root, rotations=turned)
    return moved


def lift_classic(
    sequences: Sequence[PersonSequence],
    lens: Lens,
    path: CameraPath,
    times: FrameTimes,
    options: LiftOptions,
) -> tuple[dict[str, PersonSolution], CameraTrack, tuple[str, ...]]:
    """Lift by the NLF pipeline's recipe; parameters as those of `lift_shot`."""
    evidence, _ = shot_evidence(sequences, lens, path, times, options)
    result = nlf_classic(evidence)
    people = {}
    for one in evidence.people:
        motion = result.motions.get(one.person)
        if motion is None:
            continue
        shape = result.shapes[one.person]
        unknown = np.full(motion.frame_count, np.nan)
        people[one.person] = PersonSolution(
            motion=motion,
            model=one.model,
            shape=shape,
            stature=one.model.stature(shape),
            pixels=unknown,
            metres=unknown,
            doubts=(),
        )
    return people, result.camera, result.notes
