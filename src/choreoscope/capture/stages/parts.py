"""Body parts: what every pixel of a performer is, as a Cryptomatte of named classes."""

import numpy as np

from choreoscope.capture.passes.interfaces import Answer
from choreoscope.capture.passes.origin import origin_of
from choreoscope.capture.passes.pass_files import WINDOW_FRAMES, check, contents
from choreoscope.capture.passes.running import run_pass
from choreoscope.capture.passes.shot import KNOWS
from choreoscope.formats.cryptomatte import write_cryptomatte
from choreoscope.pipeline.stage import Job, NoOptions, Stage

WRITES = ("parts",)
CRYPTOMATTE = "CryptoPart"


def run(job: Job) -> None:
    """Ask the back end about every frame."""
    model = job.model()
    header = origin_of(model)
    names: tuple[str, ...] = model.part_names

    def write(frame: int, answer: Answer) -> None:
        # Every name in every file: all of a shot's files then have the same manifest.
        write_cryptomatte(
            job.output("parts", frame=frame),
            CRYPTOMATTE,
            coverage_of(answer["parts"], names),
            rate=job.video.rate,
            header=header,
        )

    run_pass(job, write, gives="parts")


def coverage_of(parts: np.ndarray, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Turn places in names into one matte per name.

    Parameters
    ----------
    parts : (H, W) int32
        -1 where there is nothing.
    names : tuple of str
        Classes.

    Returns
    -------
    dict of str to (H, W) float32
        1 inside, 0 outside.
    """
    # One plane of zeros stands for all that are not there: frames are large, names many.
    nothing = np.broadcast_to(np.float32(0), parts.shape)
    there = set(np.unique(parts).tolist())
    return {
        name: (parts == place).astype(np.float32) if place in there else nothing
        for place, name in enumerate(names)
    }


STAGE = Stage(
    name="parts",
    version=1,
    reads=(),
    optional=KNOWS,
    writes=WRITES,
    options=NoOptions,
    run=run,
    check=check,
    contents=contents,
    task="parts",
    granularity="window",
    window_frames=WINDOW_FRAMES,
    windows="independent",
    meaning="tell body parts apart: named classes per pixel, left and right the performer's",
)
