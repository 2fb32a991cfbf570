"""Stages for measuring the engine: they do next to nothing, or a known amount of work."""

import hashlib
from pathlib import Path

import numpy as np

from choreoscope.datatypes.artifacts import KINDS, ArtifactKind
from choreoscope.datatypes.errors import OutputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.pipeline.recipe import Recipe
from choreoscope.pipeline.stage import Job, NoOptions, Options, Stage

WINDOW = 64
LIGHT = ("bench_a", "bench_b", "bench_c")
ROUNDS_PER_FRAME = 12
SIDE = 200

for _name in (*LIGHT, "bench_work"):
    KINDS.setdefault(
        _name,
        ArtifactKind(
            name=_name, path=f"work/{_name}/{{window}}.txt", per="window", meaning="measured"
        ),
    )


class WindowOptions(Options):
    """How many frames a window has."""

    window_frames: int = WINDOW


FRAME_KINDS = tuple(f"bench_pass_{number}" for number in range(5))
FRAME_WINDOW = 32
for _name in FRAME_KINDS:
    KINDS.setdefault(
        _name,
        ArtifactKind(
            name=_name, path=f"passes/{_name}/{{frame}}.txt", per="frame", meaning="measured"
        ),
    )


def _write(job: Job, kind: str, text: str, name: str) -> None:
    job.output(kind, window=name).write_text(text)


def light(job: Job) -> None:
    """Write the number of every frame, and tell the progress of each."""
    kind = job_kind(job)
    for window in job.windows:
        for frame in window:
            job.progress(frame + 1, len(job.frames), "frame")
        text = "".join(f"{frame}\n" for frame in window)
        _write(job, kind, text, f"{window.start:08d}-{window.stop:08d}")
        job.commit(window)


def job_kind(job: Job) -> str:
    """Say which of the light stages this is: each has options of its own type."""
    return str(type(job.options).__name__).lower()


def work(job: Job) -> None:
    """Multiply matrices on one core, a known number of times for each frame."""
    for window in job.windows:
        text = digest_of(window)
        job.progress(window.stop, len(job.frames), "frame")
        _write(job, "bench_work", text, f"{window.start:08d}-{window.stop:08d}")
        job.commit(window)


def digest_of(window: FrameRange) -> str:
    """Do the work of a window, without an engine around it."""
    digest = hashlib.sha256()
    for frame in window:
        matrix = np.random.default_rng(frame).standard_normal((SIDE, SIDE))
        for _ in range(ROUNDS_PER_FRAME):
            matrix = np.tanh(matrix @ matrix / SIDE)
        digest.update(matrix.tobytes())
    return digest.hexdigest()


def check(kind: str, path: Path) -> None:
    """Read a file back."""
    if not path.read_text():
        raise OutputError(f"{path.name} is no {kind}")


class Bench_A(WindowOptions):  # noqa: N801 - its name is the kind
    """Options of the first."""


class Bench_B(WindowOptions):  # noqa: N801 - its name is the kind
    """Options of the second."""


class Bench_C(WindowOptions):  # noqa: N801 - its name is the kind
    """Options of the third."""


def light_recipe() -> Recipe:
    """Three stages in a row that do next to nothing."""
    kinds = zip(LIGHT, (Bench_A, Bench_B, Bench_C), strict=True)
    stages = []
    for number, (name, options) in enumerate(kinds):
        stages.append(
            Stage(
                name=name,
                version=1,
                reads=LIGHT[number - 1 : number] if number else (),
                writes=(name,),
                options=options,
                run=light,
                check=check,
                meaning="measured",
                granularity="window",
                window_frames=WINDOW,
            )
        )
    return Recipe(name="light", stages=tuple(stages))


def passes(job: Job) -> None:
    """Write five small files for every frame, as a delivery from another program does."""
    for window in job.windows:
        for frame in window:
            for kind in FRAME_KINDS:
                job.output(kind, frame=frame).write_text(f"{frame}\n")
        job.commit(window)


def passes_recipe() -> Recipe:
    """One stage with five files for every frame."""
    stage = Stage(
        name="bench_passes",
        version=1,
        reads=(),
        writes=FRAME_KINDS,
        options=NoOptions,
        run=passes,
        check=check,
        meaning="measured",
        granularity="window",
        window_frames=FRAME_WINDOW,
    )
    return Recipe(name="passes", stages=(stage,))


def work_recipe() -> Recipe:
    """One stage whose windows do not depend on each other."""
    stage = Stage(
        name="bench_work",
        version=1,
        reads=(),
        writes=("bench_work",),
        options=WindowOptions,
        run=work,
        check=check,
        meaning="measured",
        granularity="window",
        windows="independent",
        window_frames=WINDOW,
    )
    return Recipe(name="work", stages=(stage,))
