"""Each person's motion as BVH, every joint of every frame compared after writing."""

from pathlib import Path

from choreoscope.datatypes.errors import OutputError
from choreoscope.formats.bvh import check_bvh, write_bvh
from choreoscope.formats.bvh_reader import BvhFile, read_bvh
from choreoscope.formats.motion_npz import read_motion
from choreoscope.pipeline.stage import Contents, Job, NoOptions, Stage


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
    """Read the file back.

    Raises
    ------
    OutputError
        If it breaks off.
    """
    del kind
    _whole(path)


def contents(kind: str, path: Path) -> Contents:
    """Say how many frames there are; which ones, the format cannot say."""
    del kind
    return Contents(count=_whole(path).motion.frame_count)


def _whole(path: Path) -> BvhFile:
    found = read_bvh(path)
    if not found.is_whole:
        raise OutputError(f"{path}: {found.notes[0]}")
    return found


STAGE = Stage(
    name="bvh",
    version=1,
    reads=("motion",),
    writes=("bvh",),
    options=NoOptions,
    run=run,
    check=check,
    contents=contents,
    meaning="the motion as BVH, compared joint by joint",
)
