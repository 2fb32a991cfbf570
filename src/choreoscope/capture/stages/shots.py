"""One pass over the film: which frames decode, where shots begin, whether the camera moves."""

from pathlib import Path

from pydantic import Field

from choreoscope.capture.shots import SMALL_SIDE, CutCorrections, ShotFinder, ShotOptions
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.video import Video
from choreoscope.formats.shots_json import read_shots, write_shots
from choreoscope.formats.sound import is_silent
from choreoscope.pipeline.stage import Contents, Job, Options, Stage


class ShotsOptions(Options):
    """Choices of the shots stage."""

    finder: ShotOptions = Field(default_factory=ShotOptions, description="how cuts are found")
    corrections: CutCorrections = Field(
        default=CutCorrections(),
        description="cuts put right by hand; filled from corrections.yaml alone",
    )


def run(job: Job) -> None:
    """Decode every wanted frame once, small, and write where shots begin."""
    from choreoscope.formats.video_reader import FilmReader

    video = job.video
    finder = ShotFinder(video.width, video.time_base, job.options.finder)
    size = small_size(video)
    total = len(job.frames)
    with FilmReader(video, threads=job.settings.workers, size=size) as reader:
        for frame, picture in reader.frames(job.frames):
            finder.add(frame, int(video.pts[frame]), picture)
            job.progress(frame + 1 - job.frames.start, total, "frame")
    shots = finder.finish(job.frames, job.options.corrections)
    if not len(shots.decoded):
        raise InputError(f"{video.path}: not one of the frames {job.frames} decodes")
    if is_silent(video):
        job.note("the film's sound track is silent")
    for hole in shots.undecodable.ranges:
        job.failed(hole, "the film does not decode here")
    write_shots(job.output("shots"), shots)


def small_size(video: Video) -> tuple[int, int]:
    """Width and height of the pictures shots are found in."""
    scale = min(1.0, SMALL_SIDE / max(video.width, video.height))
    return max(16, round(video.width * scale)), max(16, round(video.height * scale))


def check(kind: str, path: Path) -> None:
    """Read the shots back."""
    del kind
    read_shots(path)


def contents(kind: str, path: Path) -> Contents:
    """Say which frames decode."""
    del kind
    return Contents(frames=read_shots(path).decoded)


STAGE = Stage(
    name="shots",
    version=1,
    reads=(),
    writes=("shots",),
    options=ShotsOptions,
    run=run,
    check=check,
    contents=contents,
    meaning="decode every frame once; find shot cuts and camera movement",
)
