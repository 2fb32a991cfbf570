"""Mattes: how much of each pixel is foreground, of all performers and of each."""

from collections.abc import Mapping

import numpy as np

from choreoscope.capture.passes.interfaces import Answer
from choreoscope.capture.passes.origin import origin_of
from choreoscope.capture.passes.ownership import divided
from choreoscope.capture.passes.pass_files import WINDOW_FRAMES, check, contents
from choreoscope.capture.passes.running import run_pass
from choreoscope.capture.passes.shot import KNOWS, shot_context
from choreoscope.formats.passes import write_ids, write_pass
from choreoscope.pipeline.stage import Job, NoOptions, Stage

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
        if "foreground" in answer:
            write_pass(
                "foreground",
                job.output("foreground", frame=frame),
                answer["foreground"],
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


def everybody(
    whose: Mapping[str, np.ndarray], persons: tuple[str, ...], shape: tuple[int, int]
) -> dict[str, np.ndarray]:
    """Complete mattes by those who are not there: all files of a shot have the same names."""
    nothing = np.broadcast_to(np.float32(0), shape)
    return {person: whose.get(person, nothing) for person in persons}


STAGE = Stage(
    name="mattes",
    version=1,
    reads=(),
    optional=KNOWS,
    writes=("alpha", "people", "foreground", "matte_state"),
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
