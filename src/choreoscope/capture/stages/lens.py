"""The lens, as given, read from a file or assumed, and whether the camera moves."""

import dataclasses
from pathlib import Path

import numpy as np
from pydantic import Field

from choreoscope.datatypes.camera import Lens
from choreoscope.formats.lens_json import read_lens, write_lens
from choreoscope.formats.shots_json import read_shots
from choreoscope.geometry.projection import (
    FULL_FRAME_WIDTH_MM,
    assumed_lens,
    lens_from_focal_mm,
)
from choreoscope.pipeline.stage import Contents, Job, Options, Stage


class FocalCorrection(Options):
    """Focal length put right by hand, pixels or millimetres; both None: nothing to put right."""

    focal_px: float | None = None
    focal_mm: float | None = None
    sensor_mm: float = FULL_FRAME_WIDTH_MM


class LensOptions(Options):
    """The lens in numbers, resolved from what the user said; all empty means assumed."""

    fx: float | None = Field(default=None, description="focal length, pixels; None: assumed")
    fy: float | None = Field(default=None, description="focal length, pixels")
    cx: float | None = Field(default=None, description="principal point, pixels")
    cy: float | None = Field(default=None, description="principal point, pixels")
    distortion: tuple[float, ...] = Field(default=(), description="OpenCV k1 k2 p1 p2 [k3 ...]")
    source: str = Field(default="assumed", description="where it comes from")
    static_camera: bool = Field(default=False, description="the user says the camera stands still")
    corrections: FocalCorrection = Field(
        default=FocalCorrection(),
        description="focal length put right by hand; filled from corrections.yaml alone",
    )

    @classmethod
    def of(cls, lens: Lens | None, *, static_camera: bool) -> "LensOptions":
        """Options that hold a lens, or say that it is assumed."""
        if lens is None:
            return cls(static_camera=static_camera)
        return cls(
            fx=lens.fx,
            fy=lens.fy,
            cx=lens.cx,
            cy=lens.cy,
            distortion=tuple(float(value) for value in lens.distortion),
            source=lens.source,
            static_camera=static_camera,
        )


def run(job: Job) -> None:
    """Write the lens, and how fast the background of the shot moves."""
    options: LensOptions = job.options
    video = job.video
    lens = assumed_lens(video.width, video.height)
    if options.fx and options.fy and options.cx is not None and options.cy is not None:
        lens = Lens(
            width=video.width,
            height=video.height,
            fx=options.fx,
            fy=options.fy,
            cx=options.cx,
            cy=options.cy,
            distortion=np.array(options.distortion),
            source=options.source,
        )
    lens = _corrected(job, lens, options.corrections)
    speed = 0.0 if options.static_camera else _background_speed(job)
    write_lens(job.output("lens"), lens, background_px_s=speed)


def _corrected(job: Job, lens: Lens, correction: FocalCorrection) -> Lens:
    """Give the lens another focal length; centre, shape of pixels and distortion stay."""
    focal = correction.focal_px
    if correction.focal_mm is not None:
        size = (lens.width, lens.height)
        focal = lens_from_focal_mm(correction.focal_mm, *size, correction.sensor_mm).fx
    if focal is None:
        return lens
    if lens.source != "assumed":
        job.note(
            f"focal length {focal:.0f} px from the corrections, not {lens.fx:.0f} px "
            f"({lens.source})"
        )
    return dataclasses.replace(lens, fx=focal, fy=focal * lens.fy / lens.fx, source="corrections")


def _background_speed(job: Job) -> float:
    """Speed of the background in this shot, pixels per second; 0 where it stands still."""
    for shot in read_shots(job.input("shots")).shots:
        if job.frames.start in shot.frames and shot.movement == "moving":
            return shot.speed_px_s or 0.0
    return 0.0


def check(kind: str, path: Path) -> None:
    """Read the lens back."""
    del kind
    read_lens(path)


def contents(kind: str, path: Path) -> Contents:
    """Say for pictures of which size the lens is."""
    del kind
    lens, _ = read_lens(path)
    return Contents(size=(lens.width, lens.height))


STAGE = Stage(
    name="lens",
    version=1,
    reads=("shots",),
    writes=("lens",),
    options=LensOptions,
    run=run,
    check=check,
    contents=contents,
    meaning="the lens as given or assumed; whether the camera moves",
)
