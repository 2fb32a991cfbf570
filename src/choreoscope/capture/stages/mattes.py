"""Mattes: how much of each pixel is foreground, of all performers and of each."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from choreoscope.capture.passes.interfaces import Answer
from choreoscope.capture.passes.origin import origin_of
from choreoscope.capture.passes.ownership import divided
from choreoscope.capture.passes.running import run_pass
from choreoscope.capture.passes.shot import KNOWS, shot_context
from choreoscope.datatypes.frames import FrameSet
from choreoscope.formats.pass_state_npz import check_pass_state
from choreoscope.formats.passes import check_pass, house_picture, is_finite, write_ids, write_pass
from choreoscope.pipeline.stage import Contents, Job, NoOptions, Stage

WINDOW_FRAMES = 64
OWN = "alpha."
"""Begins the names under which a model answers for one performer."""


def run(job: Job) -> None:
    """Ask the back end about every frame; say whose its foreground is where it does not."""
    model, shot = job.model(), shot_context(job)
    header = origin_of(model)
    persons = tuple(sorted(shot.performers))

    def write(frame: int, answer: Answer) -> None:
        alpha = answer["alpha"]
        own = {name.removeprefix(OWN): one for name, one in answer.items() if name.startswith(OWN)}
        whose = own or divided(alpha, shot.people_in(frame))
        write_pass(
            "alpha",
            job.output("alpha", frame=frame),
            alpha[..., None],
            rate=job.video.rate,
            header=header,
        )
        write_ids(
            "people",
            job.output("people", frame=frame),
            everybody(whose, persons, (alpha.shape[0], alpha.shape[1])),
            rate=job.video.rate,
            header=header,
        )

    run_pass(job, write, state_kind="matte_state", shot=shot, gives="alpha")
    for note in getattr(model, "notes", ()):
        job.note(note)


def everybody(
    whose: Mapping[str, np.ndarray], persons: tuple[str, ...], shape: tuple[int, int]
) -> dict[str, np.ndarray]:
    """Complete mattes by those who are not there: all files of a shot have the same names."""
    nothing = np.broadcast_to(np.float32(0), shape)
    return {person: whose.get(person, nothing) for person in persons}


def check(kind: str, path: Path) -> None:
    """Read a frame, or a window's state, back."""
    if kind == "matte_state":
        check_pass_state(path)
    else:
        check_pass(kind, path)


def contents(kind: str, path: Path) -> Contents:
    """Say what a file holds, for comparing it with the film."""
    if kind == "matte_state":
        return Contents()
    picture = house_picture(kind, path)
    return Contents(
        frames=FrameSet.of([int(path.stem.rpartition(".")[2])]),
        size=picture.size,
        channels=len(picture.channels),
        finite=is_finite(picture),
    )


STAGE = Stage(
    name="mattes",
    version=1,
    reads=(),
    optional=KNOWS,
    writes=("alpha", "people", "matte_state"),
    options=NoOptions,
    run=run,
    check=check,
    contents=contents,
    task="matte",
    granularity="window",
    window_frames=WINDOW_FRAMES,
    windows="chained",
    meaning="soft mattes of all performers and of each, as alpha and as Cryptomatte",
)
