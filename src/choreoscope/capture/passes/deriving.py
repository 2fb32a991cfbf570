"""Frames of a pass made from the files of another, window by window."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from choreoscope.capture.passes.write_behind import WriteBehind
from choreoscope.datatypes.artifacts import frame_name
from choreoscope.datatypes.frames import FrameSet
from choreoscope.pipeline.stage import Job


def derive_frames(
    job: Job,
    files: Mapping[str, Path],
    make: Callable[[Sequence[int]], Iterable[tuple[int, tuple[np.ndarray, ...]]]],
    write: Callable[..., None],
    *,
    absent: str,
) -> None:
    """Make the missing windows of a job out of files that stand.

    Parameters
    ----------
    job : Job
        Of a window stage.
    files : dict of str to Path
        By frame; only frames that have one are made.
    make : callable
        ``make(frames)`` gives each of the frames of a window, in order, with its arrays.
    write : callable
        ``write(frame, *arrays)`` writes the outputs of a frame, maybe in another thread while
        others are made and written.
    absent : str
        Why a frame without a file is not made.
    """
    with WriteBehind(job.settings.workers) as behind:
        for window in job.windows:
            there = [frame for frame in window if frame_name(frame) in files]
            for frame, arrays in make(there):
                behind.do(write, frame, *arrays)
                job.progress(frame + 1 - job.frames.start, len(job.frames), "frame")
            behind.settle()
            for hole in (FrameSet.of([window]) - FrameSet.of(there)).ranges:
                job.failed(hole, absent)
            job.commit(window)
