"""Landmarks to people of constant shape in a metric world, with camera and floor."""

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from choreoscope.datatypes.camera import CameraPath, CameraTrack, Lens
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.people import PersonSequence
from choreoscope.formats.body_npz import BodyFile, read_body, write_body
from choreoscope.formats.camera_json import read_camera, write_camera
from choreoscope.formats.camera_path_json import read_camera_path
from choreoscope.formats.fit_json import read_fit, write_fit
from choreoscope.formats.lens_json import read_lens
from choreoscope.formats.masks_json import read_masks
from choreoscope.formats.motion_npz import read_motion, write_motion
from choreoscope.formats.residuals_npz import check_residuals, write_residuals
from choreoscope.formats.sequence import read_sequence
from choreoscope.motion.corrections import LiftCorrections
from choreoscope.motion.lift import FrameTimes, LiftOptions, LiftResult, lift_people
from choreoscope.motion.shot_lift import ShotLift, lift_classic, lift_shot, standing_camera
from choreoscope.motion.solve.evidence import DepthOrder
from choreoscope.motion.solve.occlusion import depth_orders
from choreoscope.motion.solve.options import SolveOptions, Terms
from choreoscope.motion.solve.record import person_record, shot_record
from choreoscope.motion.solve.solution import PersonSolution
from choreoscope.motion.summary import fit_record, floor_record, solve_notes
from choreoscope.pipeline.stage import Contents, Job, Options, Stage


class LiftStageOptions(Options):
    """Choices of the lift stage."""

    method: Literal["solve", "nlf_classic", "separate"] = Field(
        default="solve",
        description=(
            "solve: people, camera and floor together; nlf_classic: the NLF pipeline's recipe; "
            "separate: everybody alone, then a floor"
        ),
    )
    heights: dict[str, float] = Field(
        default_factory=dict, description="body height in metres by person id"
    )
    smoothing: bool = Field(default=True, description="false leaves every frame to itself")
    grounding: bool = Field(default=True, description="false leaves feet where the lens puts them")
    corrections: LiftCorrections = Field(
        default=LiftCorrections(),
        description="what is put right by hand; filled from corrections.yaml alone",
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Clip:
    """What every method is told."""

    sequences: list[PersonSequence]
    lens: Lens
    path: CameraPath
    times: FrameTimes
    options: LiftOptions
    orders: tuple[DepthOrder, ...]


def run(job: Job) -> None:
    """Lift everybody of the clip together, because they share one floor and one camera."""
    clip = _clip(job)
    options: LiftStageOptions = job.options
    for note in clip.path.notes:
        job.note(note)
    if options.method == "separate":
        _write_separate(job, lift_people(clip.sequences, clip.lens, clip.times, clip.options))
    elif options.method == "nlf_classic":
        people, camera, notes = lift_classic(
            clip.sequences, clip.lens, clip.path, clip.times, clip.options
        )
        _write(job, people, camera, notes)
        write_fit(
            job.output("fit"), {}, {name: {"stature": one.stature} for name, one in people.items()}
        )
    else:
        terms = Terms(
            smoothness=options.smoothing,
            contacts=options.grounding,
            floor=options.grounding,
            above_floor=options.grounding,
        )
        lifted = lift_shot(
            clip.sequences,
            clip.lens,
            clip.path,
            clip.times,
            clip.options,
            solve=SolveOptions(terms=terms),
            orders=clip.orders,
            progress=lambda done, total: job.progress(done, total, "step"),
        )
        _write_solved(job, lifted, clip)


def _clip(job: Job) -> _Clip:
    lens, background_px_s = read_lens(job.input("lens"))
    sequences = [read_sequence(path).sequence for path in job.inputs("sequence").values()]
    present = {sequence.person for sequence in sequences}
    given = job.options.heights
    found = job.inputs("camera_path")
    path = (
        read_camera_path(next(iter(found.values())))
        if found
        else standing_camera(lens, len(job.frames))
    )
    masks = {person: read_masks(path) for person, path in job.inputs("masks").items()}
    return _Clip(
        orders=depth_orders(sequences, masks),
        sequences=sequences,
        lens=lens,
        path=path,
        times=FrameTimes(
            first_frame=job.frames.start,
            seconds=job.video.times(job.frames),
            rate=job.video.rate,
        ),
        options=LiftOptions(
            heights={name: metres for name, metres in given.items() if name in present},
            camera_moves=background_px_s > 0,
            smoothing=job.options.smoothing,
            grounding=job.options.grounding,
            corrections=job.options.corrections,
        ),
    )


def _write_solved(job: Job, lifted: ShotLift, clip: _Clip) -> None:
    solution = lifted.solution
    facts = {
        name: fit_record(person, lifted.fits[name], _height_source(name, clip))
        for name, person in solution.people.items()
    }
    notes = (*lifted.notes, *solve_notes(solution, lifted.fits, clip.path, clip.lens))
    _write(job, solution.people, solution.camera, notes)
    write_fit(job.output("fit"), floor_record(solution), facts, shot_record(solution))
    for name, person in solution.people.items():
        write_residuals(job.output("residuals", person=name), person_record(person), person=name)


def _write(
    job: Job,
    people: Mapping[str, PersonSolution],
    camera: CameraTrack,
    notes: tuple[str, ...],
) -> None:
    for note in notes:
        job.note(note)
    write_camera(job.output("camera"), camera)
    for name, one in people.items():
        write_motion(job.output("motion", person=name), one.motion, person=name)
        body = BodyFile(
            person=name,
            model=one.model.name,
            shape=one.shape,
            scale=1.0,
            stature=one.stature,
            tier=one.model.tier,
        )
        write_body(job.output("body", person=name), body)


def _write_separate(job: Job, lifted: LiftResult) -> None:
    for note in lifted.notes:
        job.note(note)
    write_camera(job.output("camera"), lifted.camera)
    options: LiftStageOptions = job.options
    floor = {
        "camera_height": lifted.floor.camera_height,
        "pitch_degrees": math.degrees(lifted.floor.pitch),
        "roll_degrees": math.degrees(lifted.floor.roll),
    }
    known = {**options.heights, **options.corrections.heights}
    facts = {
        person: {
            **dataclasses.asdict(residuals),
            "height_source": "given" if person in known else "assumed",
        }
        for person, residuals in lifted.residuals.items()
    }
    write_fit(job.output("fit"), floor, facts)
    for person, motion in lifted.motions.items():
        write_motion(job.output("motion", person=person), motion, person=person)


def _height_source(person: str, clip: _Clip) -> str:
    if person in clip.options.corrections.heights:
        return "corrected"
    return "given" if person in clip.options.heights else "assumed"


def check(kind: str, path: Path) -> None:
    """Read a file back by its own reader."""
    if kind == "camera":
        read_camera(path)
    elif kind == "fit":
        read_fit(path)
    elif kind == "body":
        read_body(path)
    elif kind == "residuals":
        check_residuals(path)
    else:
        read_motion(path)


def contents(kind: str, path: Path) -> Contents:
    """Say for which frames there is a camera or a pose."""
    if kind == "camera":
        camera = read_camera(path)
        values = np.concatenate([camera.intrinsics.ravel(), camera.camera_from_world.ravel()])
        return Contents(
            count=len(camera.intrinsics),
            size=(camera.width, camera.height),
            finite=not values.size or bool(np.isfinite(values).any()),
        )
    if kind in ("fit", "body", "residuals"):
        check(kind, path)
        return Contents()
    motion = read_motion(path)
    last = motion.first_frame + motion.frame_count
    return Contents(frames=FrameSet.of([FrameRange(motion.first_frame, last)]))


STAGE = Stage(
    name="lift",
    version=3,
    reads=("identities", "sequence", "lens"),
    optional=("camera_path", "masks"),
    writes=("motion", "camera", "fit", "body", "residuals"),
    options=LiftStageOptions,
    run=run,
    check=check,
    contents=contents,
    meaning="people of constant shape in metres over a floor at y = 0; the camera",
)
