"""Motion vectors: where every pixel goes in the next frame, and where it was in the one before."""

from pathlib import Path

from choreoscope.capture.passes.interfaces import Answer
from choreoscope.capture.passes.origin import origin_of
from choreoscope.capture.passes.running import run_pass
from choreoscope.capture.passes.shot import KNOWS
from choreoscope.datatypes.frames import FrameSet
from choreoscope.formats.passes import AXES, check_pass, house_picture, is_finite, write_pass
from choreoscope.pipeline.stage import Contents, Job, NoOptions, Stage

WINDOW_FRAMES = 64
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
