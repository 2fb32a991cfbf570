"""Whose a matte is that came from outside: divided between the performers of the shot."""

from pathlib import Path

import numpy as np

from choreoscope.capture.passes.interfaces import ShotContext
from choreoscope.capture.passes.ownership import divided
from choreoscope.capture.passes.pass_files import WINDOW_FRAMES, check, contents
from choreoscope.capture.passes.shot import KNOWS, shot_context
from choreoscope.capture.stages.mattes import everybody
from choreoscope.datatypes.frames import FrameSet
from choreoscope.formats.passes import read_pass, write_ids
from choreoscope.pipeline.stage import Job, NoOptions, Stage


def run(job: Job) -> None:
    """Divide every frame's matte; frames without one are told."""
    shot = shot_context(job)
    mattes = {int(frame): path for frame, path in job.inputs("alpha").items()}
    done, total = 0, sum(len(window) for window in job.windows)
    for window in job.windows:
        for frame in window:
            if frame in mattes:
                _write(job, frame, mattes[frame], shot)
            done += 1
            job.progress(done, total, "frame")
        for hole in (FrameSet.of([window]) - FrameSet.of(mattes)).ranges:
            job.failed(hole, "no matte came for it")
        job.commit(window)


def _write(job: Job, frame: int, path: Path, shot: ShotContext) -> None:
    alpha = _at_size(read_pass("alpha", path)[..., 0], shot.size)
    persons = tuple(sorted(shot.performers))
    write_ids(
        "people",
        job.output("people", frame=frame),
        everybody(divided(alpha, shot.people_in(frame)), persons, (shot.size[1], shot.size[0])),
        rate=job.video.rate,
        header={"origin": "a matte from outside, divided by the tracks' masks"},
    )


def _at_size(alpha: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bring a matte to the film's size: other programs may deliver larger or smaller ones."""
    import cv2

    if (alpha.shape[1], alpha.shape[0]) == size:
        return alpha
    return np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA))


STAGE = Stage(
    name="ownership",
    version=1,
    reads=("alpha",),
    optional=KNOWS,
    writes=("people",),
    options=NoOptions,
    run=run,
    check=check,
    contents=contents,
    granularity="window",
    window_frames=WINDOW_FRAMES,
    windows="independent",
    meaning="divide a matte that came from outside between the performers",
)
