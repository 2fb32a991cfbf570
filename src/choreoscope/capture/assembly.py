"""From rows that belong together to one person's sequence, masks and extras."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from choreoscope.capture.likeness import typical_colours
from choreoscope.datatypes.errors import ShapeError
from choreoscope.datatypes.people import (
    Mask,
    MaskTrack,
    PeopleInFrame,
    PersonExtras,
    PersonObservation,
    PersonSequence,
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AssembledPerson:
    """Everything seen of one person in a clip."""

    sequence: PersonSequence
    masks: MaskTrack
    extras: PersonExtras


def assemble(
    persons: Mapping[str, np.ndarray], windows: Iterable[Sequence[PeopleInFrame]]
) -> dict[str, AssembledPerson]:
    """Gather each person's observations.

    Parameters
    ----------
    persons : mapping of str to (n,) int
        Rows of each person, numbered as `formats.observations.read_rows` lists them: windows in
        order, in each its frames, in each frame its people.
    windows : iterable of sequences of PeopleInFrame
        The same windows in the same order; read one after the other.

    Raises
    ------
    ShapeError
        If a row is named that the windows do not hold.
    """
    owner = {int(row): name for name, rows in persons.items() for row in rows}
    gathered: dict[str, list[tuple[int, PersonObservation]]] = {name: [] for name in persons}
    row = 0
    for window in windows:
        for entry in window:
            for person in entry.people:
                if row in owner:
                    gathered[owner.pop(row)].append((entry.frame, person))
                row += 1
    if owner:
        raise ShapeError(f"row {min(owner)} was asked for, the windows hold {row} rows")
    return {name: _assembled(name, rows) for name, rows in gathered.items() if rows}


def _assembled(name: str, rows: Sequence[tuple[int, PersonObservation]]) -> AssembledPerson:
    frames = np.array([frame for frame, _ in rows], dtype=np.int64)
    people = [person for _, person in rows]
    masks = [(frame, person.mask) for frame, person in rows]
    shown: list[tuple[int, Mask]] = [(frame, mask) for frame, mask in masks if mask is not None]
    sequence = PersonSequence(
        person=name,
        frames=frames,
        boxes_xyxy=np.stack([person.box_xyxy for person in people]),
        score=np.array([person.score for person in people]),
        points_px=np.stack([person.points_px for person in people]),
        points_m=np.stack([person.points_m for person in people]),
        visibility=np.stack([person.visibility for person in people]),
        hands_px=np.stack([person.hands_px for person in people]),
        hands_m=np.stack([person.hands_m for person in people]),
        hands_score=np.stack([person.hands_score for person in people]),
    )
    track = MaskTrack(
        frames=np.array([frame for frame, _ in shown], dtype=np.int64),
        masks=tuple(mask for _, mask in shown),
    )
    return AssembledPerson(sequence=sequence, masks=track, extras=_extras(rows))


def _extras(rows: Sequence[tuple[int, PersonObservation]]) -> PersonExtras:
    faces = [(frame, person.face_px) for frame, person in rows]
    seen = [(frame, face) for frame, face in faces if face is not None]
    histograms = np.stack([person.appearance for _, person in rows]).astype(np.float64)
    typical = np.nan_to_num(typical_colours(np.sqrt(np.maximum(histograms, 0.0)))) ** 2
    return PersonExtras(
        face_frames=np.array([frame for frame, _ in seen], dtype=np.int64),
        face_px=np.stack([face for _, face in seen]) if seen else np.zeros((0, 468, 2)),
        appearance=typical / typical.sum() if typical.sum() > 0 else typical,
    )
