"""Landmarks to skeletons of constant bone lengths in a metric world, with its camera."""

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from pydantic import Field

from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.formats.camera_json import read_camera, write_camera
from choreoscope.formats.fit_json import read_fit, write_fit
from choreoscope.formats.lens_json import read_lens
from choreoscope.formats.motion_npz import read_motion, write_motion
from choreoscope.formats.sequence import read_sequence
from choreoscope.motion.corrections import LiftCorrections
from choreoscope.motion.lift import FrameTimes, LiftOptions, lift_people
from choreoscope.pipeline.stage import Contents, Job, Options, Stage


class LiftStageOptions(Options):
    """Choices of the lift stage."""

    heights: dict[str, float] = Field(
        default_factory=dict, description="body height in metres by person id"
    )
    smoothing: bool = Field(default=True, description="false leaves every frame to itself")
    grounding: bool = Field(default=True, description="false leaves feet where the lens puts them")
    corrections: LiftCorrections = Field(
        default=LiftCorrections(),
        description="what is put right by hand; filled from corrections.yaml alone",
    )


def run(job: Job) -> None:
    """Lift everybody of the clip together, because they share one floor."""
    lens, background_px_s = read_lens(job.input("lens"))
    sequences = [read_sequence(path).sequence for path in job.inputs("sequence").values()]
    present = {sequence.person for sequence in sequences}
    corrections: LiftCorrections = job.options.corrections
    heights = {name: metres for name, metres in job.options.heights.items() if name in present}
    lifted = lift_people(
        sequences,
        lens,
        FrameTimes(
            first_frame=job.frames.start,
            seconds=job.video.times(job.frames),
            rate=job.video.rate,
        ),
        LiftOptions(
            heights=heights,
            camera_moves=background_px_s > 0,
            smoothing=job.options.smoothing,
            grounding=job.options.grounding,
            corrections=corrections,
        ),
    )
    for note in lifted.notes:
        job.note(note)
    write_camera(job.output("camera"), lifted.camera)
    write_fit(
        job.output("fit"),
        {
            "camera_height": lifted.floor.camera_height,
            "pitch_degrees": math.degrees(lifted.floor.pitch),
            "roll_degrees": math.degrees(lifted.floor.roll),
        },
        {
            person: {
                **dataclasses.asdict(residuals),
                "height_source": _height_source(person, heights, corrections),
            }
            for person, residuals in lifted.residuals.items()
        },
    )
    for done, (person, motion) in enumerate(lifted.motions.items(), start=1):
        write_motion(job.output("motion", person=person), motion, person=person)
        job.progress(done, len(lifted.motions), "person")


def _height_source(person: str, heights: Mapping[str, float], corrections: LiftCorrections) -> str:
    if person in corrections.heights:
        return "corrected"
    return "given" if person in heights else "assumed"


def check(kind: str, path: Path) -> None:
    """Read a file back by its own reader."""
    if kind == "camera":
        read_camera(path)
    elif kind == "fit":
        read_fit(path)
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
    if kind == "fit":
        read_fit(path)
        return Contents()
    motion = read_motion(path)
    last = motion.first_frame + motion.frame_count
    return Contents(frames=FrameSet.of([FrameRange(motion.first_frame, last)]))


STAGE = Stage(
    name="lift",
    version=1,
    reads=("people", "sequence", "lens"),
    writes=("motion", "camera", "fit"),
    options=LiftStageOptions,
    run=run,
    check=check,
    contents=contents,
    meaning="skeletons of constant bone lengths in metres over a floor at y = 0; the camera",
)
