"""What a people back end saw in one window of frames, as columns in an .npz.

Floats are kept as float32 (pixels to 1/500 px, metres to 0.1 um); the back end's state keeps its
own types, because the next window has to continue from it to the bit.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from choreoscope.datatypes.errors import InputError, ShapeError
from choreoscope.datatypes.people import (
    Mask,
    ObservationRows,
    PeopleInFrame,
    PeopleState,
    PersonObservation,
)
from choreoscope.formats.npz import names_starting, open_arrays, write_arrays

SCHEMA = "choreoscope.observations"
VERSION = 1
STATE = "state."
COLUMNS: dict[str, tuple[int, ...]] = {
    "box_xyxy": (4,),
    "score": (),
    "points_px": (0, 2),
    "points_m": (0, 3),
    "visibility": (0,),
    "hands_px": (2, 21, 2),
    "hands_m": (2, 21, 3),
    "hands_score": (2,),
    "appearance": (0,),
}
"""Float columns, one row per person and frame, with the shape of a row when there is none."""


def write_observations(path: Path, seen: Sequence[PeopleInFrame]) -> None:
    """Write one window; of the states only the last one is kept.

    Parameters
    ----------
    path : Path
        Written in place.
    seen : sequence of PeopleInFrame
        Frames rise strictly.

    Raises
    ------
    ShapeError
        If frames do not rise, if people of one window have unlike numbers of points, or if the
        state holds Python objects.
    """
    frames = np.array([entry.frame for entry in seen], dtype=np.int64)
    if np.any(np.diff(frames) <= 0):
        raise ShapeError(f"{path.name}: frames of a window must rise strictly")
    people = [person for entry in seen for person in entry.people]
    state = seen[-1].state if seen else {}
    columns = {name: _stacked(path, name, people, empty) for name, empty in COLUMNS.items()}
    write_arrays(
        path,
        SCHEMA,
        VERSION,
        {
            "frames": frames,
            "people_per_frame": np.array([len(entry.people) for entry in seen], dtype=np.int64),
            "tracklet": np.array([person.tracklet for person in people], dtype=np.int64),
            **columns,
            **_face_members(people),
            **_mask_members(people),
            **{STATE + key: value for key, value in state.items()},
        },
    )


def read_observations(path: Path) -> tuple[PeopleInFrame, ...]:
    """Read a window back; every frame's state is empty but the last one's.

    Raises
    ------
    InputError
        If the file is absent, damaged or of another kind.
    """
    with open_arrays(path, SCHEMA, VERSION) as stored:
        people = _people(stored)
        frames, counts = stored["frames"], stored["people_per_frame"]
        if int(counts.sum()) != len(people) or len(frames) != len(counts):
            raise InputError(f"{path}: frames and people do not add up; remove it and run again")
        ends = np.cumsum(counts)
        last = _state(stored)
    return tuple(
        PeopleInFrame(
            frame=int(frame),
            people=tuple(people[end - count : end]),
            state=last if index == len(frames) - 1 else {},
        )
        for index, (frame, end, count) in enumerate(zip(frames, ends, counts, strict=True))
    )


def read_state(path: Path) -> PeopleState:
    """Read only the state after the window's last frame.

    Raises
    ------
    InputError
        If the file is absent, damaged or of another kind.
    """
    with open_arrays(path, SCHEMA, VERSION) as stored:
        return _state(stored)


def read_rows(paths: Iterable[Path]) -> ObservationRows:
    """Read what identities are decided from, of several windows, without masks, hands and faces.

    Windows in which nobody was seen add nothing. Rows come in the order of the windows, then of
    frames, then of people, which is also the order in which `read_observations` lists them.

    Raises
    ------
    InputError
        If a file is absent, damaged or of another kind, or windows have unlike numbers of points.
    """
    names = ("box_xyxy", "score", "points_px", "points_m", "visibility", "appearance")
    parts: dict[str, list[np.ndarray]] = {
        name: [] for name in ("frame", "tracklet", "in_mask", *names)
    }
    for path in paths:
        with open_arrays(path, SCHEMA, VERSION) as stored:
            if len(stored["tracklet"]) == 0:
                continue
            parts["frame"].append(np.repeat(stored["frames"], stored["people_per_frame"]))
            parts["in_mask"].append(_in_mask(stored))
            for name in ("tracklet", *names):
                parts[name].append(stored[name])
    if not parts["frame"]:
        return _no_rows()
    if any(len({part.shape[1:] for part in column}) > 1 for column in parts.values()):
        raise InputError("windows of one clip differ in their number of points; run the clip again")
    column = {name: np.concatenate(part) for name, part in parts.items()}
    return ObservationRows(
        frames=column["frame"],
        tracklets=column["tracklet"],
        boxes_xyxy=column["box_xyxy"],
        score=column["score"],
        points_px=column["points_px"],
        points_m=column["points_m"],
        visibility=column["visibility"],
        appearance=column["appearance"],
        in_mask=column["in_mask"],
    )


def _no_rows() -> ObservationRows:
    empty = {name: np.zeros((0, *row), dtype=np.float32) for name, row in COLUMNS.items()}
    return ObservationRows(
        frames=np.zeros(0, dtype=np.int64),
        tracklets=np.zeros(0, dtype=np.int64),
        boxes_xyxy=empty["box_xyxy"],
        score=empty["score"],
        points_px=empty["points_px"],
        points_m=empty["points_m"],
        visibility=empty["visibility"],
        appearance=empty["appearance"],
        in_mask=empty["score"],
    )


def _stacked(
    path: Path, name: str, people: Sequence[PersonObservation], empty: tuple[int, ...]
) -> np.ndarray:
    values = [np.asarray(getattr(person, name), dtype=np.float32) for person in people]
    if len({value.shape for value in values}) > 1:
        raise ShapeError(f"{path.name}: people of one window differ in the shape of '{name}'")
    return np.stack(values) if values else np.zeros((0, *empty), dtype=np.float32)


def _face_members(people: Sequence[PersonObservation]) -> dict[str, np.ndarray]:
    faces = [(row, person.face_px) for row, person in enumerate(people)]
    seen = [(row, face) for row, face in faces if face is not None]
    points = [np.asarray(face, dtype=np.float32) for _, face in seen]
    return {
        "face_row": np.array([row for row, _ in seen], dtype=np.int64),
        "face_px": np.stack(points) if points else np.zeros((0, 468, 2), dtype=np.float32),
    }


def _mask_members(people: Sequence[PersonObservation]) -> dict[str, np.ndarray]:
    masks = [(row, person.mask) for row, person in enumerate(people)]
    seen = [(row, mask) for row, mask in masks if mask is not None]
    runs = [np.asarray(mask.counts, dtype=np.uint32) for _, mask in seen]
    size = [(mask.height, mask.width) for _, mask in seen]
    return {
        "mask_row": np.array([row for row, _ in seen], dtype=np.int64),
        "mask_size": np.array(size, dtype=np.int64).reshape(-1, 2),
        "mask_runs": np.array([len(run) for run in runs], dtype=np.int64),
        "mask_counts": np.concatenate(runs) if runs else np.zeros(0, dtype=np.uint32),
    }


def _people(stored: Mapping[str, np.ndarray]) -> list[PersonObservation]:
    column = {name: stored[name] for name in ("tracklet", *COLUMNS)}
    faces = dict(zip(stored["face_row"].tolist(), stored["face_px"], strict=True))
    masks = _masks(stored)
    return [
        PersonObservation(
            tracklet=int(tracklet),
            box_xyxy=column["box_xyxy"][row],
            score=float(column["score"][row]),
            points_px=column["points_px"][row],
            points_m=column["points_m"][row],
            visibility=column["visibility"][row],
            hands_px=column["hands_px"][row],
            hands_m=column["hands_m"][row],
            hands_score=column["hands_score"][row],
            face_px=faces.get(row),
            appearance=column["appearance"][row],
            mask=masks.get(row),
        )
        for row, tracklet in enumerate(column["tracklet"])
    ]


def _masks(stored: Mapping[str, np.ndarray]) -> dict[int, Mask]:
    ends = np.cumsum(stored["mask_runs"])
    counts = stored["mask_counts"].astype(np.int64)
    rows = zip(stored["mask_row"], stored["mask_size"], ends, stored["mask_runs"], strict=True)
    return {
        int(row): Mask(height=int(size[0]), width=int(size[1]), counts=counts[end - length : end])
        for row, size, end, length in rows
    }


def _in_mask(stored: Mapping[str, np.ndarray]) -> np.ndarray:
    """Share of each row's points inside the picture that lie on its mask, ``(N,)``."""
    points = stored["points_px"].astype(np.float64)
    shares = np.full(len(points), np.nan)
    for row, mask in _masks(stored).items():
        x, y = np.floor(points[row]).T
        shown = (x >= 0) & (x < mask.width) & (y >= 0) & (y < mask.height)
        if shown.any():
            # Runs go down the columns; runs with odd numbers are inside.
            places = x[shown] * mask.height + y[shown]
            runs = np.searchsorted(np.cumsum(mask.counts), places, side="right")
            shares[row] = np.mean(runs % 2)
    return shares


def _state(stored: Mapping[str, np.ndarray]) -> PeopleState:
    return {key: stored[name] for key, name in names_starting(stored, STATE).items()}
