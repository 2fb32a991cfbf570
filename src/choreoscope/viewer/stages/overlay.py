"""The film with everybody drawn on it, sound kept."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from choreoscope.datatypes.errors import OutputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.people import Mask, PersonSequence
from choreoscope.formats.masks_json import read_masks
from choreoscope.formats.sequence import read_sequence
from choreoscope.geometry.masks import decode_inside
from choreoscope.pipeline.stage import Contents, Job, NoOptions, Stage
from choreoscope.viewer.overlay import (
    PersonDrawing,
    draw_people,
    draw_stamp,
    outline_of,
    overlay_size,
)
from choreoscope.viewer.palette import PersonColour, colours_for

if TYPE_CHECKING:
    import numpy as np


class _Person:
    """One person's drawings by source frame."""

    def __init__(
        self, sequence: PersonSequence, masks: Mapping[int, Mask], colour: PersonColour
    ) -> None:
        self._sequence = sequence
        self._masks = masks
        self._colour = colour
        self._rows = {int(frame): row for row, frame in enumerate(sequence.frames)}

    def at(self, frame: int) -> PersonDrawing | None:
        """Say what to draw in a frame; None where the person is not seen."""
        row = self._rows.get(frame)
        if row is None:
            return None
        sequence = self._sequence
        outline: tuple[np.ndarray, ...] = ()
        if frame in self._masks:
            patch, corner = decode_inside(self._masks[frame])
            outline = outline_of(patch, corner=corner) if patch.size else ()
        return PersonDrawing(
            person=sequence.person,
            colour=self._colour,
            box_xyxy=sequence.boxes_xyxy[row],
            points_px=sequence.points_px[row],
            visibility=sequence.visibility[row],
            hands_px=sequence.hands_px[row],
            outline=outline,
            confidence=float(sequence.score[row]),
        )


def run(job: Job) -> None:
    """Decode small, draw, encode; memory does not grow with the film."""
    from choreoscope.formats.video_reader import FilmReader
    from choreoscope.formats.video_writer import FilmWriter

    video = job.video
    size = overlay_size(video.width, video.height)
    people = _people(job)
    with (
        FilmReader(video, threads=job.settings.workers, size=size) as reader,
        FilmWriter(
            job.output("overlay"),
            size=size,
            rate=video.rate,
            time_base=video.time_base,
            sound_of=video,
            frames=job.frames,
        ) as writer,
    ):
        for frame, picture in reader.frames(job.frames):
            seen = [drawing for person in people if (drawing := person.at(frame)) is not None]
            # Decoded pictures may be views of memory that is not ours to draw on.
            canvas = picture if picture.flags.writeable else picture.copy()
            draw_people(canvas, seen, size[0] / video.width)
            draw_stamp(canvas, frame=frame, seconds=float(video.time_of(frame)))
            writer.write(canvas, int(video.pts[frame]))
            job.progress(frame + 1 - job.frames.start, len(job.frames), "frame")
        for hole in reader.undecodable.ranges:
            job.failed(hole, "the film does not decode here")


def _people(job: Job) -> list[_Person]:
    sequences = job.inputs("sequence")
    colours = colours_for(sequences)
    people = []
    for person, path in sequences.items():
        track = read_masks(job.input("masks", person=person))
        masks = dict(zip(track.frames.tolist(), track.masks, strict=True))
        people.append(_Person(read_sequence(path).sequence, masks, colours[person]))
    return people


def check(kind: str, path: Path) -> None:
    """Open the film and look at its packets.

    Raises
    ------
    OutputError
        If it breaks off before the last picture of its index.
    """
    from choreoscope.formats.video import probe

    del kind
    film = probe(path)
    if film.declared_frames not in (None, film.frame_count):
        raise OutputError(
            f"{path.name}: expected the {film.declared_frames} pictures of its index, "
            f"got {film.frame_count}"
        )


def contents(kind: str, path: Path) -> Contents:
    """Decode every picture.

    Raises
    ------
    OutputError
        If one does not decode.
    """
    from choreoscope.formats.video import probe
    from choreoscope.formats.video_reader import FilmReader

    del kind
    film = probe(path)
    with FilmReader(film) as reader:
        count = sum(1 for _ in reader.frames(FrameRange(0, film.frame_count)))
        if reader.undecodable:
            raise OutputError(f"{path.name}: pictures {reader.undecodable} do not decode")
    return Contents(count=count, size=(film.width, film.height), channels=3)


STAGE = Stage(
    name="overlay",
    version=1,
    reads=("identities", "sequence", "masks"),
    writes=("overlay",),
    options=NoOptions,
    run=run,
    check=check,
    contents=contents,
    picture_size=overlay_size,
    meaning="skeletons, boxes and ids drawn on the film, sound kept",
)
