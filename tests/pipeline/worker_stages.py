"""Stages a worker process can import; they die, hang or raise at a frame of one's choice."""

import hashlib
import os
import signal
import time
from pathlib import Path

from choreoscope.datatypes.artifacts import KINDS, ArtifactKind
from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.pipeline.recipe import Recipe
from choreoscope.pipeline.stage import Job, Options, Stage

WINDOW = 8

for _kind in (
    ArtifactKind(name="dots", path="work/dots/{window}.txt", per="window", meaning="chained"),
    ArtifactKind(name="tints", path="tints/tint.{frame}.txt", per="frame", meaning="independent"),
    ArtifactKind(name="total", path="total.txt", per="clip", meaning="whole"),
):
    KINDS.setdefault(_kind.name, _kind)


class Trouble(Options):
    """At a frame, or where a batch is too large, something happens; at most `times` times."""

    window_frames: int = WINDOW
    at: int = -1
    how: str = ""
    times: int = 1_000_000
    tally: str = ""
    largest_batch: int = 1_000_000
    pause: float = 0.0


def come_to(job: Job, frame: int) -> None:
    """Let the trouble happen if it is due."""
    options = job.options
    time.sleep(options.pause)
    if job.settings.batch > options.largest_batch:
        os.kill(os.getpid(), signal.SIGKILL)
    if frame != options.at:
        return
    if options.tally:
        with Path(options.tally).open("a") as tally:
            tally.write("x")
        if len(Path(options.tally).read_text()) > options.times:
            return
    happen(options.how)


def happen(how: str) -> None:
    """Die, hang or raise."""
    match how:
        case "abort":
            os.abort()
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            os._exit(17)
        case "hang":
            time.sleep(3600)
        case "raise":
            raise InputError("the trouble you asked for")
        case "bug":
            raise ZeroDivisionError("a bug")


def _dots(job: Job) -> None:
    for window in job.windows:
        earlier = [path for name, path in job.previous("dots").items() if name < _name(window)]
        state = max(earlier).read_text().split()[-1] if earlier else "start"
        path = job.output("dots", window=_name(window))
        with path.open("w") as file:
            for frame in window:
                come_to(job, frame)
                state = hashlib.sha256(f"{state}{frame}".encode()).hexdigest()[:8]
                file.write(f"{frame} {state}\n")
                job.progress(frame + 1 - job.frames.start, len(job.frames), "frame")
        if window.start == job.frames.start:
            job.note("the first window was made")
        job.commit(window)


def _tints(job: Job) -> None:
    for window in job.windows:
        for frame in window:
            come_to(job, frame)
            tint = hashlib.sha256(f"{frame}".encode()).hexdigest()[:8]
            job.output("tints", frame=frame).write_text(f"{tint}\n")
        if window.start % 3 == 0:
            job.note(f"window from {window.start}")
        job.progress(window.stop - job.frames.start, len(job.frames), "frame")
        job.commit(window)


def _total(job: Job) -> None:
    come_to(job, job.frames.start)
    texts = [path.read_text() for kind in ("dots", "tints") for path in job.inputs(kind).values()]
    job.output("total").write_text(hashlib.sha256("".join(texts).encode()).hexdigest())


def _name(window: FrameRange) -> str:
    return f"{window.start:06d}-{window.stop:06d}"


def _check(kind: str, path: Path) -> None:
    if not path.read_text():
        raise OutputError(f"{path.name} is no {kind}")


def recipe() -> Recipe:
    """Return the chained stage, the independent one, and one that reads both."""
    return Recipe(
        name="workers",
        stages=(
            Stage(
                name="dots",
                version=1,
                reads=(),
                writes=("dots",),
                options=Trouble,
                run=_dots,
                check=_check,
                meaning="chained windows",
                granularity="window",
                window_frames=WINDOW,
            ),
            Stage(
                name="tints",
                version=1,
                reads=(),
                writes=("tints",),
                options=Trouble,
                run=_tints,
                check=_check,
                meaning="independent windows",
                granularity="window",
                windows="independent",
                window_frames=WINDOW,
            ),
            Stage(
                name="total",
                version=1,
                reads=("dots", "tints"),
                writes=("total",),
                options=Trouble,
                run=_total,
                check=_check,
                meaning="whole",
            ),
        ),
    )
