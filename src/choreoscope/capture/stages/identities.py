"""Who is who: tracklets joined into persons, one track, mask track and landmark file for each."""

import dataclasses
from pathlib import Path

import numpy as np

from choreoscope.capture.assembly import assemble
from choreoscope.capture.association import JoinOptions, join_tracklets
from choreoscope.capture.overruling import overruled
from choreoscope.datatypes.errors import OutputError
from choreoscope.datatypes.frames import FrameSet
from choreoscope.formats.masks_json import read_masks, write_masks
from choreoscope.formats.observations import read_observations, read_rows
from choreoscope.formats.people_json import PeopleFile, read_people, write_people
from choreoscope.formats.sequence import SequenceFile, read_sequence, write_sequence
from choreoscope.pipeline.stage import Contents, Job, Stage

POINT_SET = "blazepose33"


def run(job: Job) -> None:
    """Decide who is who, then write everybody's observations person by person."""
    video = job.video
    windows = [path for _, path in sorted(job.inputs("observations").items())]
    rows = read_rows(windows)
    joined = join_tracklets(rows, video.times(job.frames), job.frames, job.options)
    persons, by_hand = overruled(joined.persons, rows, job.frames, job.options.corrections)
    people = assemble(persons, (read_observations(path) for path in windows))
    for done, (person, seen) in enumerate(people.items(), start=1):
        frames = seen.sequence.frames
        seconds = (video.pts[frames] - video.pts[0]) * float(video.time_base)
        write_sequence(
            job.output("sequence", person=person),
            SequenceFile(
                sequence=seen.sequence, extras=seen.extras, times=seconds, point_set=POINT_SET
            ),
        )
        size = (video.height, video.width)
        write_masks(job.output("masks", person=person), person, seen.masks, size)
        job.progress(done, len(people), "person")
    write_people(
        job.output("identities"),
        PeopleFile(
            persons={name: len(seen.sequence.frames) for name, seen in people.items()},
            decisions=tuple(
                dataclasses.asdict(decision) for decision in (*joined.decisions, *by_hand)
            ),
        ),
    )


def check(kind: str, path: Path) -> None:
    """Read a file back by its own reader.

    Raises
    ------
    OutputError
        If a landmark file holds no row.
    """
    if kind == "identities":
        read_people(path)
    elif kind == "masks":
        read_masks(path)
    elif not len(read_sequence(path).sequence.frames):
        raise OutputError(f"{path}: a person without a single frame")


def contents(kind: str, path: Path) -> Contents:
    """Say in which frames a person is seen, and how large the pictures of the masks are."""
    if kind == "identities":
        read_people(path)
        return Contents()
    if kind == "masks":
        track = read_masks(path)
        sizes = {(mask.width, mask.height) for mask in track.masks}
        return Contents(frames=FrameSet.of(track.frames.tolist()), size=max(sizes, default=None))
    sequence = read_sequence(path).sequence
    return Contents(
        frames=FrameSet.of(sequence.frames.tolist()),
        finite=bool(np.isfinite(sequence.points_px).any() and np.isfinite(sequence.points_m).any()),
    )


STAGE = Stage(
    name="identities",
    version=1,
    reads=("observations",),
    writes=("identities", "sequence", "masks"),
    options=JoinOptions,
    run=run,
    check=check,
    contents=contents,
    meaning="join what was followed into persons, through gaps, exits and returns",
)
