"""Each person's motion as GLB, every joint of every frame compared after writing."""

from itertools import cycle
from pathlib import Path

from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.formats.body_npz import read_body
from choreoscope.formats.glb import check_glb, check_glb_file, read_glb_motion, write_glb
from choreoscope.formats.motion_npz import read_motion
from choreoscope.motion.body_figure import figure_of_person
from choreoscope.pipeline.stage import Contents, Job, NoOptions, Stage

COLOURS = ((0.10, 0.35, 0.62), (0.72, 0.30, 0.07), (0.10, 0.48, 0.30), (0.62, 0.25, 0.48))
"""Linear light; the first four of the report's palette, repeated when there are more people."""


def run(job: Job) -> None:
    """Write one file per person and compare its joints with the motion's."""
    motions, bodies = job.inputs("motion"), job.inputs("body")
    colours = cycle(COLOURS)
    for done, (person, path) in enumerate(sorted(motions.items()), start=1):
        motion = read_motion(path)
        target = job.output("glb", person=person)
        body = read_body(bodies[person]) if person in bodies else None
        figure, real = figure_of_person(motion.skeleton, body, "full")
        if body is not None and not real:
            job.note(f"{person}: the GLB shows a mannequin, its body is a {body.model}")
        write_glb(target, motion, figure, name=person, colour=next(colours))
        check_glb(target, motion)
        job.progress(done, len(motions), "person")


def check(kind: str, path: Path) -> None:
    """Make sure that any viewer opens it; `run` has compared its joints."""
    del kind
    check_glb_file(path)


def contents(kind: str, path: Path) -> Contents:
    """Say which frames it plays, unless another program wrote it anew."""
    del kind
    try:
        motion = read_glb_motion(path)
    except InputError:
        return Contents()
    last = motion.first_frame + motion.frame_count
    return Contents(frames=FrameSet.of([FrameRange(motion.first_frame, last)]))


STAGE = Stage(
    name="glb",
    version=1,
    reads=("motion",),
    optional=("body",),
    writes=("glb",),
    options=NoOptions,
    run=run,
    check=check,
    contents=contents,
    meaning="a skinned figure that plays the motion, compared joint by joint",
)
