"""``body.npz``: which body model a person has, and the numbers that give it that person's shape."""

import dataclasses
from pathlib import Path

import numpy as np
from jaxtyping import Float

from choreoscope.datatypes.arrays import check_arrays
from choreoscope.datatypes.errors import InputError, OutputError, ShapeError
from choreoscope.formats.npz import open_arrays, write_arrays

SCHEMA = "choreoscope.person_body"
SCHEMA_VERSION = 1
TIERS = ("commercial", "ask", "research")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BodyFile:
    """The body of one person.

    The skeleton of the person's motion is that of the model with this shape and scale.

    Attributes
    ----------
    person : str
        Stable id of the person in the clip's folder.
    model : str
        For example "house-adult" or "smpl-neutral".
    shape : (S,) float
        Of the model, standard deviations.
    scale : float, > 0
        Everything is made larger by this.
    stature : float, > 0
        Standing height with this shape and scale, metres.
    tier : str
        Licence tier of what is made with the model: "commercial", "ask" or "research".
    """

    person: str
    model: str
    shape: Float[np.ndarray, "S"]
    scale: float
    stature: float
    tier: str

    def __post_init__(self) -> None:
        check_arrays(self)
        sizes = np.array([self.scale, self.stature])
        if not (np.isfinite(self.shape).all() and np.isfinite(sizes).all() and sizes.min() > 0):
            raise ShapeError(
                f"body of {self.person}: expected a finite shape and a scale and stature above 0"
            )
        if self.tier not in TIERS:
            raise ShapeError(
                f"body of {self.person}: expected a tier of {', '.join(TIERS)}, got '{self.tier}'"
            )


def write_body(path: Path, body: BodyFile) -> None:
    """Write a body; equal bodies give equal bytes.

    Parameters
    ----------
    path : Path
        Written as named, whatever the ending.
    body : BodyFile
        Of one person.
    """
    arrays = {
        "person": np.array(body.person),
        "model": np.array(body.model),
        "shape": body.shape.astype(np.float64),
        "scale": np.array(body.scale, dtype=np.float64),
        "stature": np.array(body.stature, dtype=np.float64),
        "tier": np.array(body.tier),
    }
    write_arrays(Path(path), SCHEMA, SCHEMA_VERSION, arrays)


def read_body(path: Path) -> BodyFile:
    """Read the body of one person.

    Raises
    ------
    InputError
        If the file is absent, damaged, no body file, or of another version.
    """
    with open_arrays(Path(path), SCHEMA, SCHEMA_VERSION) as stored:
        return BodyFile(
            person=str(stored["person"]),
            model=str(stored["model"]),
            shape=stored["shape"],
            scale=float(stored["scale"]),
            stature=float(stored["stature"]),
            tier=str(stored["tier"]),
        )


def check_body(path: Path) -> BodyFile:
    """Re-read a file just written.

    Raises
    ------
    OutputError
        If it does not read back.
    """
    try:
        return read_body(path)
    except InputError as cause:
        raise OutputError(str(cause)) from cause
