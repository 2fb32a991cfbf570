"""``landmarks.npz``: everything one person was seen to do, as plain numpy arrays.

The keys are explained for users in ``docs/landmarks_npz.md``; a test keeps that page and this file
in step. The same sequence always gives the same bytes.
"""

import dataclasses
from pathlib import Path

import numpy as np

from choreoscope.datatypes.errors import ShapeError
from choreoscope.datatypes.people import PersonExtras, PersonSequence
from choreoscope.formats.npz import open_arrays, write_arrays

SCHEMA = "choreoscope.landmarks"
VERSION = 1
FLOATS = (
    "boxes_xyxy",
    "score",
    "points_px",
    "points_m",
    "visibility",
    "hands_px",
    "hands_m",
    "hands_score",
)
"""Fields of `PersonSequence` that are kept as float32: 1/500 px, 0.1 um."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SequenceFile:
    """Everything a ``landmarks.npz`` holds.

    Attributes
    ----------
    sequence : PersonSequence
        Boxes, body and hands.
    extras : PersonExtras
        Face and clothes.
    times : (N,) float
        Seconds of each row from the film's first frame, by the film's own time stamps.
    point_set : str
        Name of the order of the body points, for example "blazepose33".
    """

    sequence: PersonSequence
    extras: PersonExtras
    times: np.ndarray
    point_set: str


def write_sequence(path: Path, content: SequenceFile) -> None:
    """Write one person's landmarks.

    Raises
    ------
    ShapeError
        If there is not one time per row, or a face belongs to a frame that is no row.
    """
    sequence, extras = content.sequence, content.extras
    if len(content.times) != len(sequence.frames):
        raise ShapeError(
            f"{sequence.person}: {len(content.times)} times for {len(sequence.frames)} rows"
        )
    if not np.isin(extras.face_frames, sequence.frames).all():
        raise ShapeError(f"{sequence.person}: a face belongs to a frame without a body")
    write_arrays(
        path,
        SCHEMA,
        VERSION,
        {
            "person": np.array(sequence.person),
            "point_set": np.array(content.point_set),
            "frames": np.asarray(sequence.frames, dtype=np.int64),
            "times": np.asarray(content.times, dtype=np.float64),
            **{name: getattr(sequence, name).astype(np.float32) for name in FLOATS},
            "face_frames": np.asarray(extras.face_frames, dtype=np.int64),
            "face_px": extras.face_px.astype(np.float32),
            "appearance": extras.appearance.astype(np.float32),
        },
    )


def read_sequence(path: Path) -> SequenceFile:
    """Read one person's landmarks back.

    Raises
    ------
    InputError
        If the file is absent, damaged, or of another kind or version.
    """
    with open_arrays(path, SCHEMA, VERSION) as stored:
        return SequenceFile(
            sequence=PersonSequence(
                person=str(stored["person"]),
                frames=stored["frames"],
                boxes_xyxy=stored["boxes_xyxy"],
                score=stored["score"],
                points_px=stored["points_px"],
                points_m=stored["points_m"],
                visibility=stored["visibility"],
                hands_px=stored["hands_px"],
                hands_m=stored["hands_m"],
                hands_score=stored["hands_score"],
            ),
            extras=PersonExtras(
                face_frames=stored["face_frames"],
                face_px=stored["face_px"],
                appearance=stored["appearance"],
            ),
            times=stored["times"],
            point_set=str(stored["point_set"]),
        )
