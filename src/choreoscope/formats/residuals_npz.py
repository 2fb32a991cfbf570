"""``residuals.npz``: how well one person's motion agrees with what was seen, frame by frame."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from choreoscope.datatypes.errors import InputError, OutputError, ShapeError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.residuals import Footing, PersonResiduals
from choreoscope.formats.npz import open_arrays, write_arrays

SCHEMA = "choreoscope.residuals"
SCHEMA_VERSION = 1
_STATES = ("before", "after")
_OF_A_STATE = ("root", "soles", "speeds")
_OF_ALL = ("person", "first_frame", "times", "pixels", "metres", "doubts", "stature")
_MEMBERS = frozenset(
    ("schema", "schema_version", *_OF_ALL, *(f"after_{name}" for name in _OF_A_STATE))
)


def write_residuals(path: Path, record: PersonResiduals, *, person: str) -> None:
    """Write a record; equal records give equal bytes.

    Parameters
    ----------
    path : Path
        Written as named, whatever the ending.
    record : PersonResiduals
        Of one person.
    person : str
        Id of the person.
    """
    arrays = {
        "person": np.array(person),
        "first_frame": np.array(record.first_frame, dtype=np.int64),
        "times": record.times.astype(np.float64),
        "pixels": record.pixels.astype(np.float64),
        "metres": record.metres.astype(np.float64),
        "doubts": _bounds(record.doubts),
        "stature": np.array(record.stature, dtype=np.float64),
    }
    for state in _STATES:
        footing: Footing | None = getattr(record, state)
        if footing is not None:
            arrays |= {
                f"{state}_{name}": getattr(footing, name).astype(np.float64) for name in _OF_A_STATE
            }
    write_arrays(Path(path), SCHEMA, SCHEMA_VERSION, arrays)


def read_residuals(path: Path) -> PersonResiduals:
    """Read the record of one person.

    Raises
    ------
    InputError
        If the file is absent, damaged, of another schema or version, or holds an array that is
        not part of the schema.
    """
    with open_arrays(Path(path), SCHEMA, SCHEMA_VERSION) as stored:
        first = {f"before_{name}" for name in _OF_A_STATE}
        unknown = sorted(set(stored) - _MEMBERS - first)
        if unknown:
            raise ShapeError(f"it holds '{unknown[0]}', which is no part of the schema")
        return PersonResiduals(
            first_frame=int(stored["first_frame"]),
            times=stored["times"],
            pixels=stored["pixels"],
            metres=stored["metres"],
            before=_footing(stored, "before") if first & set(stored) else None,
            after=_footing(stored, "after"),
            doubts=_ranges(stored["doubts"]),
            stature=float(stored["stature"]),
        )


def check_residuals(path: Path) -> PersonResiduals:
    """Re-read a file just written.

    Raises
    ------
    OutputError
        If it does not read back.
    """
    try:
        return read_residuals(path)
    except InputError as cause:
        raise OutputError(str(cause)) from cause


def _bounds(parts: tuple[FrameRange, ...]) -> np.ndarray:
    return np.array([(part.start, part.stop) for part in parts], dtype=np.int64).reshape(-1, 2)


def _ranges(bounds: np.ndarray) -> tuple[FrameRange, ...]:
    if bounds.ndim != 2 or bounds.shape[1] != 2 or bounds.dtype.kind != "i":  # noqa: PLR2004
        raise ShapeError(f"expected frame ranges (N, 2), got {bounds.dtype} {bounds.shape}")
    return tuple(FrameRange(int(start), int(stop)) for start, stop in bounds)


def _footing(stored: Mapping[str, np.ndarray], state: str) -> Footing:
    return Footing(**{name: stored[f"{state}_{name}"] for name in _OF_A_STATE})
