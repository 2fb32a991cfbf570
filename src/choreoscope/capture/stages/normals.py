"""Normals: which way every surface faces, in the camera's axes."""

from pathlib import Path

from choreoscope.capture.passes.interfaces import Answer
from choreoscope.capture.passes.origin import origin_of
from choreoscope.capture.passes.running import run_pass
from choreoscope.capture.passes.shot import KNOWS
from choreoscope.datatypes.frames import FrameSet
from choreoscope.formats.passes import AXES, check_pass, house_picture, is_finite, write_pass
from choreoscope.pipeline.stage import Contents, Job, NoOptions, Stage

WINDOW_FRAMES = 64
WRITES = ("normals",)
DIRECTIONS = "camera space, x right, y up, z to the viewer"


def run(job: Job) -> None:
    """Ask the back end about every frame."""
    header = {AXES: DIRECTIONS, **origin_of(job.model())}

    def write(frame: int, answer: Answer) -> None:
        write_pass(
            "normals",
            job.output("normals", frame=frame),
            answer["normals"],
            rate=job.video.rate,
            header=header,
        )

    run_pass(job, write, gives="normals")
    for note in getattr(job.model(), "notes", ()):
        job.note(note)


def check(kind: str, path: Path) -> None:
    """Read a frame back."""
    check_pass(kind, path)


def contents(kind: str, path: Path) -> Contents:
    """Say what a file holds, for comparing it with the film."""
    picture = house_picture(kind, path)
    return Contents(
        frames=FrameSet.of([int(path.stem.rpartition(".")[2])]),
        size=picture.size,
        channels=len(picture.channels),
        finite=is_finite(picture),
    )


STAGE = Stage(
    name="normals",
    version=1,
    reads=(),
    optional=KNOWS,
    writes=WRITES,
    options=NoOptions,
    run=run,
    check=check,
    contents=contents,
    task="normals",
    granularity="window",
    window_frames=WINDOW_FRAMES,
    windows="independent",
    meaning="find the normals: which way every surface faces, in the camera's axes",
)
