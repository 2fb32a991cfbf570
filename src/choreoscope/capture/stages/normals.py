"""Normals: which way every surface faces, in the camera's axes."""

from choreoscope.capture.passes.interfaces import Answer
from choreoscope.capture.passes.origin import origin_of
from choreoscope.capture.passes.pass_files import WINDOW_FRAMES, check, contents
from choreoscope.capture.passes.running import run_pass
from choreoscope.capture.passes.shot import KNOWS
from choreoscope.formats.passes import AXES, write_pass
from choreoscope.pipeline.stage import Job, NoOptions, Stage

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
