"""The film lifted into space: depth through the lens to an animated point cloud (USD)."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from choreoscope.capture.cloud.curves import CurveKey, DepthCurve
from choreoscope.capture.cloud.lifting import LiftFiles, LiftOptions, lift
from choreoscope.capture.cloud.points import Sampling
from choreoscope.capture.cloud.sources import ClipFiles, ClipSource
from choreoscope.datatypes.errors import InputError
from choreoscope.formats.camera_json import read_camera
from choreoscope.formats.usd_points import PointsReader, check_usd_points
from choreoscope.formats.usd_take import FIRST_CODE
from choreoscope.pipeline.stage import Contents, Job, Options, Stage


class CloudOptions(Options):
    """Which pixels become points, and how their depth is put right."""

    step: int = Field(default=2, ge=1, description="take every so many pixels, across and down")
    alpha: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="leave out pixels with less alpha, where there is a matte; 0: take all",
    )
    only: tuple[str, ...] = Field(
        default=(), description="performers to keep, such as [P01]; empty: everything"
    )
    start: int = Field(default=FIRST_CODE, description="time code of the clip's first frame")
    depth_keys: tuple[tuple[float, float, float], ...] = Field(
        default=(),
        description=(
            "scale and offset of depth: source frame, factor, metres; constant outside the keys"
        ),
        json_schema_extra={"expects": "a list such as [[0, 1.0, 0.0], [120, 1.1, -0.2]]"},
    )
    interpolation: Literal["linear", "smooth"] = Field(
        default="linear", description="how depth_keys go over into each other"
    )

    @model_validator(mode="after")
    def _check_keys(self) -> "CloudOptions":
        try:
            self.curve()
        except InputError as error:
            raise ValueError(str(error)) from error
        return self

    def curve(self) -> DepthCurve | None:
        """Give the keys as a curve; None where there are none.

        Raises
        ------
        InputError
            If they do not rise, or a factor is 0.
        """
        if not self.depth_keys:
            return None
        return DepthCurve(
            keys=tuple(
                CurveKey(frame=frame, scale=scale, offset=offset)
                for frame, scale, offset in self.depth_keys
            ),
            interpolation=self.interpolation,
        )


def run(job: Job) -> None:
    """Lift every frame of the clip; frames without depth have no points."""
    options: CloudOptions = job.options
    files = ClipFiles(
        depth=_by_frame(job, "depth"),
        alpha=_by_frame(job, "alpha"),
        people=_by_frame(job, "people"),
        masks=job.inputs("masks"),
        video=job.video,
    )
    source = ClipSource(
        job.clip_id, files, read_camera(job.input("camera")), job.frames, job.video.rate
    )
    # The camera's own performers decide; somebody wished for who is not in this shot is no error.
    only = tuple(person for person in options.only if person in source.persons)
    if options.only and not only:
        job.note(f"none of {', '.join(options.only)} is in this shot: the cloud is of everything")
    lifted = lift(
        source,
        LiftFiles(points=job.output("cloud")),
        LiftOptions(
            curve=options.curve(),
            sampling=Sampling(
                step=options.step, least_alpha=options.alpha, threads=job.settings.workers
            ),
            only=only,
            first_code=options.start,
        ),
        lambda done, total: job.progress(done, total, "frames"),
    )
    for note in lifted.notes:
        job.note(note)
    if lifted.empty:
        job.note(f"{lifted.empty} of {len(lifted.frames)} frames of the cloud are empty")


def _by_frame(job: Job, kind: str) -> dict[int, Path]:
    return {int(frame): path for frame, path in job.inputs(kind).items()}


def check(kind: str, path: Path) -> None:
    """Re-read the file."""
    del kind
    check_usd_points(path)


def contents(kind: str, path: Path) -> Contents:
    """Say how many frames it plays."""
    del kind
    return Contents(count=PointsReader(path).count)


STAGE = Stage(
    name="cloud",
    version=1,
    reads=("depth", "camera"),
    optional=("alpha", "people", "masks"),
    writes=("cloud",),
    options=CloudOptions,
    run=run,
    check=check,
    contents=contents,
    meaning="the film lifted into space as an animated point cloud (USD)",
)
