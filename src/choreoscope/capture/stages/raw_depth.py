"""Depth as the back end gives it, frame by frame, before it is fitted to the shot."""

from pathlib import Path

import numpy as np

from choreoscope.capture.passes.interfaces import Answer
from choreoscope.capture.passes.origin import origin_of
from choreoscope.capture.passes.running import run_pass
from choreoscope.capture.passes.shot import KNOWS
from choreoscope.datatypes.frames import FrameSet
from choreoscope.formats.pass_state_npz import read_pass_state
from choreoscope.formats.raw_depth import RawDepth, check_raw_depth, read_raw_depth, write_raw_depth
from choreoscope.pipeline.stage import Contents, Job, NoOptions, Stage

WINDOW_FRAMES = 64


def run(job: Job) -> None:
    """Ask the back end about every frame."""
    model = job.model()
    origin = origin_of(model)["origin"]

    def write(frame: int, answer: Answer) -> None:
        depth = RawDepth(
            raw=np.asarray(answer["depth"], dtype=np.float32),
            # Known once the model has begun, not before.
            space=str(model.depth_space),
            origin=origin,
        )
        write_raw_depth(job.output("raw_depth", frame=frame), depth, job.video.rate)

    run_pass(job, write, state_kind="depth_state", gives="depth")


def check(kind: str, path: Path) -> None:
    """Read a frame, or a window's state, back."""
    if kind == "raw_depth":
        check_raw_depth(path)
    else:
        read_pass_state(path)


def contents(kind: str, path: Path) -> Contents:
    """Say what a file holds, for comparing it with the film."""
    if kind != "raw_depth":
        return Contents()
    raw = read_raw_depth(path).raw
    # A back end may know nothing of a frame in which nobody is: that is no damage.
    return Contents(
        frames=FrameSet.of([int(path.stem.rpartition(".")[2])]),
        size=(raw.shape[1], raw.shape[0]),
        channels=1,
    )


STAGE = Stage(
    name="raw_depth",
    version=1,
    reads=(),
    optional=KNOWS,
    writes=("raw_depth", "depth_state"),
    options=NoOptions,
    run=run,
    check=check,
    contents=contents,
    task="depth",
    granularity="window",
    window_frames=WINDOW_FRAMES,
    windows="chained",
    meaning="ask the depth back end about every frame; its own numbers, not yet metres",
)
