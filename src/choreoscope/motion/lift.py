"""Everybody in a clip, each alone, from landmarks to motions in one metric world.

Evidence in, `Motion` and camera out; no files, no back ends. People are fitted one by one, then a
floor is laid under them: the method "separate". `choreoscope.motion.shot_lift` begins with the
same fits and solves people, camera and floor together.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from choreoscope.datatypes.camera import CameraTrack, Lens
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.motion import Motion
from choreoscope.datatypes.people import PersonSequence
from choreoscope.geometry.projection import project
from choreoscope.motion.corrections import (
    LiftCorrections,
    check_people,
    contact_note,
    corrected_heights,
    foot_states,
    known_floor,
    without_distrusted,
)
from choreoscope.motion.evidence import gather
from choreoscope.motion.feet import sole_points
from choreoscope.motion.fitting import Fit, fit_person
from choreoscope.motion.floor import Floor
from choreoscope.motion.grounding import slide_speeds
from choreoscope.motion.proportions import PRIOR_STATURE
from choreoscope.motion.refinement import place_points
from choreoscope.motion.sides import exchanged_sides, with_sides_mended
from choreoscope.motion.world import FrameTimes, common_floor, every_frame, in_world

__all__ = ["FrameTimes", "LiftOptions", "LiftResult", "Residuals", "lift_people"]

_TRUSTED = 0.4


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LiftOptions:
    """What changes the result.

    Attributes
    ----------
    heights : mapping of person id to float
        Standing heights in metres, where known.
    camera_moves : bool
        Whether the film's camera is known to move. Nothing is corrected for it; a note says so.
    smoothing : bool
        False leaves every frame to itself (control experiments).
    grounding : bool
        False leaves feet where the lens alone puts them (control experiments).
    corrections : LiftCorrections
        What is put right by hand; it wins over everything else.
    """

    heights: Mapping[str, float] = dataclasses.field(default_factory=dict)
    camera_moves: bool = False
    smoothing: bool = True
    grounding: bool = True
    corrections: LiftCorrections = dataclasses.field(default_factory=LiftCorrections)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Residuals:
    """How well one person's motion agrees with what was seen.

    Attributes
    ----------
    pixels : float
        Median distance of reprojected body points from the detector's, pixels.
    metres : float
        Median distance of body points from the detector's metric ones, scaled to the person's
        size, both about the middle of the hips.
    stature, detector_stature : float
        Standing height of the skeleton, and by the detector's own metres.
    slide : float
        Median horizontal speed of standing feet, m/s; NaN without contacts.
    """

    pixels: float
    metres: float
    stature: float
    detector_stature: float
    slide: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LiftResult:
    """Motions by person id, the camera of every frame of the clip, and what is to be known.

    Attributes
    ----------
    motions : dict of str to Motion
        World: floor y = 0, origin on the floor below the camera, which looks along -Z.
    camera : CameraTrack
        One row per frame of the clip, all alike.
    floor : Floor
        How the world was laid out.
    notes : tuple of str
        Sentences for the report.
    residuals : dict of str to Residuals
        By person id.
    """

    motions: dict[str, Motion]
    camera: CameraTrack
    floor: Floor
    notes: tuple[str, ...]
    residuals: dict[str, Residuals]


def lift_people(
    sequences: Sequence[PersonSequence],
    lens: Lens,
    times: FrameTimes,
    options: LiftOptions,
) -> LiftResult:
    """Lift everybody in a clip from landmarks to joint rotations in metres.

    Parameters
    ----------
    sequences : sequence of PersonSequence
        33 BlazePose body points and 21 points per hand; persons without a row are left out.
    lens : Lens
        One for the clip.
    times : FrameTimes
        Of all frames of the clip.
    options : LiftOptions
        Heights and switches.

    Returns
    -------
    LiftResult
        Every number finite, whatever was seen.

    Raises
    ------
    InputError
        If a height is given for somebody who is not there, or is no height; if a correction
        cannot be replayed.
    """
    fits, notes = fitted_people(sequences, lens, times, options)
    corrections = options.corrections
    rows = {person: every_frame(fit, times) for person, fit in fits.items()}
    for person, row in rows.items():
        states = foot_states(corrections, person, row.first_frame, len(row.times))
        rows[person] = dataclasses.replace(row, feet=states)
        notes += contact_note(person, states)
    known = known_floor(corrections, lens)
    floor, rows = common_floor(rows, level_feet=options.grounding, known=known)
    motions = {
        person: in_world(row, floor, times.rate, grounding=options.grounding)
        for person, row in rows.items()
    }
    residuals = {person: _residuals(fit, lens, motions[person]) for person, fit in fits.items()}
    return LiftResult(
        motions=motions,
        camera=_camera(lens, floor, len(times.seconds)),
        floor=floor,
        notes=(*notes, *_notes(fits, lens, floor, options)),
        residuals=residuals,
    )


def fitted_people(
    sequences: Sequence[PersonSequence],
    lens: Lens,
    times: FrameTimes,
    options: LiftOptions,
) -> tuple[dict[str, Fit], list[str]]:
    """Fit everybody alone, in camera axes: what every method of lifting begins with.

    Parameters and errors as those of `lift_people`.

    Returns
    -------
    fits : dict of str to Fit
        By person id; persons without a row are left out.
    notes : list of str
        What was mended or corrected on the way.
    """
    present = [sequence for sequence in sequences if len(sequence.frames)]
    _check_names(present, options)
    corrections = options.corrections
    check_people(corrections, [sequence.person for sequence in present])
    heights, overruled = corrected_heights(options.heights, corrections)
    believed, notes = without_distrusted(present, corrections)
    notes += overruled
    fits: dict[str, Fit] = {}
    for sequence in believed:
        evidence = gather(sequence, lens, times.at(sequence.frames))
        wrong = exchanged_sides(evidence)
        if wrong.any():
            notes.append(
                f"{sequence.person}: left and right exchanged in {wrong.sum()} frames by the "
                "detector, put right; they count half"
            )
        fits[sequence.person] = fit_person(
            with_sides_mended(evidence, wrong),
            heights.get(sequence.person),
            smoothing=options.smoothing,
        )
    return fits, notes


def _check_names(sequences: list[PersonSequence], options: LiftOptions) -> None:
    known = [sequence.person for sequence in sequences]
    for person in options.heights:
        if person not in known:
            raise InputError(
                f"a height is given for '{person}', who is not in this clip; "
                f"known: {', '.join(known) or 'nobody'}"
            )


def _camera(lens: Lens, floor: Floor, frames: int) -> CameraTrack:
    camera_from_world = np.linalg.inv(floor.world_from_camera)
    return CameraTrack(
        width=lens.width,
        height=lens.height,
        intrinsics=np.tile(lens.intrinsics, (frames, 1, 1)),
        camera_from_world=np.tile(camera_from_world, (frames, 1, 1)),
        distortion=lens.distortion,
        source=lens.source,
        metric=True,
    )


def _residuals(fit: Fit, lens: Lens, motion: Motion) -> Residuals:
    points = place_points(fit.rig, fit.root, fit.rotations)
    seen = fit.evidence.weights >= _TRUSTED
    image = fit.evidence.image
    rays = np.concatenate([image, np.ones((*image.shape[:2], 1))], axis=-1)
    off = np.linalg.norm(project(points, lens) - project(rays, lens), axis=-1)[seen]
    hips = points[:, 23:25].mean(axis=1, keepdims=True)
    apart = np.linalg.norm(points - hips - fit.evidence.points, axis=-1)[seen]
    feet = sole_points(
        motion.skeleton, fit.measured.proportions, motion.root_position, motion.rotations
    )
    return Residuals(
        pixels=float(np.nanmedian(off)) if off.size else float("nan"),
        metres=float(np.median(apart)) if apart.size else float("nan"),
        stature=fit.measured.proportions.stature,
        detector_stature=fit.measured.detector_stature,
        slide=slide_speeds(motion.times, feet, motion.contacts),
    )


def _notes(fits: dict[str, Fit], lens: Lens, floor: Floor, options: LiftOptions) -> list[str]:
    notes = []
    for person, fit in fits.items():
        if fit.measured.assumed:
            notes.append(
                f"{person}: height assumed, {fit.measured.proportions.stature:.2f} m "
                f"(detector {fit.measured.detector_stature:.2f} m, prior {PRIOR_STATURE:.2f} m); "
                f"distances and sizes scale with it, give --height {person}=METRES to fix it"
            )
    if lens.source == "assumed":
        notes.append(
            f"lens assumed, focal length {lens.fx:.0f} px; distances scale with it, "
            "give --focal-mm, --fov or --camera to fix it"
        )
    if fits:
        notes.append(_floor_note(floor))
    if options.camera_moves:
        notes.append("the camera moves: world paths are relative to the moving camera")
    return notes


def _floor_note(floor: Floor) -> str:
    if "given tilt" in floor.sources:
        return _given_floor_note(floor)
    if "height" not in floor.sources:
        return "no foot at rest was seen: floor guessed 1.5 m below a level camera"
    height = f"floor {floor.camera_height:.2f} m below the camera"
    means = {"pitch": "feet at different depths", "roll": "feet side by side", "balance": "balance"}
    seen = [text for name, text in means.items() if name in floor.sources]
    if not seen:
        return f"{height}; camera assumed level, because nobody stands still or moves far"
    tilt = f"{np.degrees(floor.pitch):.1f} degrees down, {np.degrees(floor.roll):.1f} sideways"
    return f"{height}; tilt of the camera {tilt}, from {', '.join(seen)} and a level prior"


def _given_floor_note(floor: Floor) -> str:
    tilt = f"{np.degrees(floor.pitch):.1f} degrees down, {np.degrees(floor.roll):.1f} sideways"
    heights = {"given height": "as corrected", "height": "from feet at rest"}
    source = next((text for name, text in heights.items() if name in floor.sources), "guessed")
    depth = f"{floor.camera_height:.2f} m below the camera"
    return f"tilt of the camera as corrected, {tilt}; floor {depth}, {source}"
