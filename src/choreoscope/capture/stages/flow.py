"""Motion vectors: where every pixel goes in the next frame, and where it was in the one before."""

from choreoscope.capture.passes.interfaces import Answer
from choreoscope.capture.passes.origin import origin_of
from choreoscope.capture.passes.pass_files import WINDOW_FRAMES, check, contents
from choreoscope.capture.passes.running import run_pass
from choreoscope.capture.passes.shot import KNOWS
from choreoscope.formats.passes import AXES, write_pass
from choreoscope.pipeline.stage import Job, NoOptions, Stage

WRITES = ("flow", "flow_back")
DIRECTIONS = "x right, y down, pixels"


def run(job: Job) -> None:
    """Ask the back end about every frame; beside the shot's ends there is no motion, 0."""
    header = {AXES: DIRECTIONS, **origin_of(job.model())}

    def write(frame: int, answer: Answer) -> None:
        for name in WRITES:
            write_pass(
                name,
                job.output(name, frame=frame),
                answer[name],
                rate=job.video.rate,
                header=header,
            )

    run_pass(job, write, neighbours=True, gives="flow")


STAGE = Stage(
    name="flow",
    version=1,
    reads=(),
    optional=KNOWS,
    writes=WRITES,
    options=NoOptions,
    run=run,
    check=check,
    contents=contents,
    task="flow",
    granularity="window",
    window_frames=WINDOW_FRAMES,
    windows="independent",
    meaning="find the motion vectors: where pixels go in the next frame, and were in the last",
)
