"""Body parts: what every pixel of a performer is, as a Cryptomatte of named classes."""

from pathlib import Path

import numpy as np

from choreoscope.capture.passes.interfaces import Answer
from choreoscope.capture.passes.origin import origin_of
from choreoscope.capture.passes.running import run_pass
from choreoscope.capture.passes.shot import KNOWS
from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.datatypes.frames import FrameSet
from choreoscope.formats.cryptomatte import read_cryptomatte, write_cryptomatte
from choreoscope.formats.passes import check_pass, house_picture, is_finite
from choreoscope.pipeline.stage import Contents, Job, NoOptions, Stage

WINDOW_FRAMES = 64
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
    for note in getattr(model, "notes", ()):
        job.note(note)


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


def check(kind: str, path: Path) -> None:
    """Read a frame back, manifest included.

    Raises
    ------
    OutputError
        If it does not read back.
    """
    check_pass(kind, path)
    try:
        read_cryptomatte(path, CRYPTOMATTE)
    except InputError as error:
        raise OutputError(f"{path.name} does not read back: {error}") from error


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
