"""People in every frame: the back end's observations, window by window, before identities."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np
from pydantic import Field

from choreoscope.capture.guard import Answers, PeopleGuard
from choreoscope.datatypes.errors import BackendFailedError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.people import PeopleState
from choreoscope.formats.observations import read_observations, read_state, write_observations
from choreoscope.pipeline.stage import Contents, Job, Options, Stage

WINDOW_FRAMES = 64


class PeopleOptions(Options):
    """Choices of the people stage."""

    window_frames: int = Field(
        default=WINDOW_FRAMES, ge=1, description="frames kept at once; a kill loses at most these"
    )


def window_name(window: FrameRange) -> str:
    """File name of a window; sorts in time."""
    return f"{window.start:08d}-{window.stop:08d}"


def run(job: Job) -> None:
    """Make each stretch of missing windows, from the state stored before it."""
    from choreoscope.formats.video_reader import FilmReader

    first_failure, usable = "", 0
    with FilmReader(job.video, threads=job.settings.workers) as reader:
        for windows in _stretches(job.windows):
            stretch = FrameRange(windows[0].start, windows[-1].stop)
            size = (job.video.width, job.video.height)
            state = _state_before(job, windows[0])
            guard = PeopleGuard(job.model(), reader.frames, stretch, state, size)
            for window in windows:
                answers = guard.window(window, partial(_tell, job))
                usable += len(answers.seen)
                first_failure = first_failure or next(iter(answers.failed.values()), "")
                if window == job.windows[-1] and not usable:
                    # Before it is kept: with the last window the record would be complete.
                    _ensure_worth(job, first_failure)
                _keep(job, window, answers, reader.undecodable)
            if extra := guard.finish():
                job.note(extra)


def _stretches(windows: Iterable[FrameRange]) -> list[list[FrameRange]]:
    """Put windows together that follow each other without a gap."""
    stretches: list[list[FrameRange]] = []
    for window in windows:
        if stretches and stretches[-1][-1].stop == window.start:
            stretches[-1].append(window)
        else:
            stretches.append([window])
    return stretches


def _state_before(job: Job, window: FrameRange) -> PeopleState | None:
    finished = job.previous("observations")
    earlier = sorted(name for name in finished if name < window_name(window))
    for name in reversed(earlier):
        # A window without one decodable frame holds no state; the one before it does.
        state = read_state(finished[name])
        if state:
            return state
    return None


def _ensure_worth(job: Job, first_failure: str) -> None:
    """Refuse to finish when the back end failed in all frames, those of earlier runs included."""
    there = any(read_observations(path) for path in job.previous("observations").values())
    if first_failure and not there:
        raise BackendFailedError(f"not one frame could be used; first: {first_failure}")


def _tell(job: Job, frame: int) -> None:
    job.progress(frame + 1 - job.frames.start, len(job.frames), "frame")


def _keep(job: Job, window: FrameRange, answers: Answers, broken: FrameSet) -> None:
    write_observations(job.output("observations", window=window_name(window)), answers.seen)
    for hole in (broken & FrameSet.of([window])).ranges:
        job.failed(hole, "the film does not decode here")
    for frames, why in answers.failures:
        for part in (FrameSet.of([frames]) - broken).ranges:
            job.failed(part, why)
    for note in answers.notes:
        job.note(note)
    job.commit(window)


def check(kind: str, path: Path) -> None:
    """Read a window back; every array must have its shape."""
    del kind
    read_observations(path)


def contents(kind: str, path: Path) -> Contents:
    """Say which frames of a window were looked at, and whether a body has a place in any."""
    del kind
    seen = read_observations(path)
    people = [person for entry in seen for person in entry.people]
    return Contents(
        frames=FrameSet.of(entry.frame for entry in seen),
        finite=not people or any(np.isfinite(person.points_px).any() for person in people),
    )


STAGE = Stage(
    name="people",
    version=1,
    reads=(),
    writes=("observations",),
    options=PeopleOptions,
    run=run,
    check=check,
    contents=contents,
    task="people",
    granularity="window",
    window_frames=WINDOW_FRAMES,
    meaning="find and follow everybody; body, hands, face and mask in every frame",
)
