"""Each person's motion as BVH, every joint of every frame compared after writing."""

from pathlib import Path

from choreoscope.formats.bvh import check_bvh, write_bvh
from choreoscope.formats.bvh_reader import read_bvh
from choreoscope.formats.motion_npz import read_motion
from choreoscope.pipeline.stage import Job, NoOptions, Stage


def run(job: Job) -> None:
    """Write one file per person and compare its joints with the motion's."""
    motions = job.inputs("motion")
    for done, (person, path) in enumerate(motions.items(), start=1):
        motion = read_motion(path)
        target = job.output("bvh", person=person)
        note = write_bvh(target, motion)
        check_bvh(target, motion)
        if note is not None:
            job.note(f"{person}: {note}")
        job.progress(done, len(motions), "person")


def check(kind: str, path: Path) -> None:
    """Read the file back."""
    del kind
    read_bvh(path)


STAGE = Stage(
    name="bvh",
    version=1,
    reads=("motion",),
    writes=("bvh",),
    options=NoOptions,
    run=run,
    check=check,
    meaning="the motion as BVH, compared joint by joint",
)
