"""What a person puts right by hand, as read from a ``corrections.yaml`` and replayed on every run.

Frames are source frames, ranges half-open. An entry without a range holds for the whole film.
"""

import dataclasses
import math
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TypeVar

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange

EVERYBODY = "all"
"""Stands for every person of a clip; nobody can be called so."""
PARTS: Mapping[str, tuple[str, ...]] = {
    "left_foot": ("left_foot", "left_toes"),
    "left_heel": ("left_foot",),
    "left_toes": ("left_toes",),
    "right_foot": ("right_foot", "right_toes"),
    "right_heel": ("right_foot",),
    "right_toes": ("right_toes",),
}
"""Parts of the body that can touch the floor, to the contact joints of a `Motion` each stands for.

There the column ``left_foot`` is the heel alone; for people a foot is all of it.
"""
SHORTEST_PERSON, TALLEST_PERSON = 0.4, 2.6
"""Body heights that are believed, metres."""
FULL_FRAME_MM = 36.0
LONGEST_NAME = 40
_DEVICES = {"con", "prn", "aux", "nul"} | {
    f"{port}{n}" for port in ("com", "lpt") for n in "123456789"
}
_FEWEST_FLOOR_POINTS = 3


def check_name(name: str) -> None:
    """Make sure that a name can be a person's id and so a folder's name on every system.

    Raises
    ------
    InputError
        If it is too long, holds anything but letters, digits, ``-`` and ``_``, or means something
        else already.
    """
    plain = all(letter.isalnum() or letter in "-_" for letter in name)
    if (
        not name
        or not plain
        or len(name) > LONGEST_NAME
        or name != unicodedata.normalize("NFC", name)
    ):
        raise InputError(
            f"'{name}' cannot name a person: expected up to {LONGEST_NAME} letters, digits, - and _"
        )
    if name.casefold() in _DEVICES | {EVERYBODY}:
        raise InputError(f"'{name}' cannot name a person, it is a reserved word")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """Exchange what was seen of two persons."""

    one: str
    other: str

    def __post_init__(self) -> None:
        if self.one == self.other:
            raise InputError(f"expected two different persons, got '{self.one}' twice")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """What was seen of `person` belongs to `into`."""

    person: str
    into: str

    def __post_init__(self) -> None:
        if self.person == self.into:
            raise InputError(f"expected two different persons, got '{self.person}' twice")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    """Old id to new name; all at once, so that two names can change places."""

    names: Mapping[str, str]

    def __post_init__(self) -> None:
        taken: set[str] = set()
        for old, new in self.names.items():
            check_name(new)
            if old == new or new.casefold() in taken:
                raise InputError(f"'{new}' is given twice; every person needs a name of their own")
            taken.add(new.casefold())


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A part of the body touches what carries it, or does not."""

    person: str
    part: str
    touching: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A part of the body touches what carries it and does not move."""

    person: str
    part: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Focal:
    """Focal length, in pixels or in millimetres on a sensor of this width."""

    focal_px: float | None = None
    focal_mm: float | None = None
    sensor_mm: float = FULL_FRAME_MM

    def __post_init__(self) -> None:
        if (self.focal_px is None) == (self.focal_mm is None):
            raise InputError("expected either focal_px or focal_mm")
        for length in (self.focal_px, self.focal_mm, self.sensor_mm):
            if length is not None and not 0 < length < math.inf:
                raise InputError(f"expected a length above 0, got {length:g}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Heights:
    """Person id to standing height in metres."""

    metres: Mapping[str, float]

    def __post_init__(self) -> None:
        for person, height in self.metres.items():
            if not SHORTEST_PERSON <= height <= TALLEST_PERSON:
                raise InputError(
                    f"expected a body height of {SHORTEST_PERSON} to {TALLEST_PERSON} m, "
                    f"got {height:g} for {person}"
                )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FloorPoints:
    """Three or more points of the floor, metres, camera axes (x right, y down, z forward)."""

    points: tuple[tuple[float, float, float], ...]

    def __post_init__(self) -> None:
        if len(self.points) < _FEWEST_FLOOR_POINTS:
            raise InputError(f"expected three or more points of the floor, got {len(self.points)}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """Two points of the horizon, pixels; they may lie outside the picture."""

    points: tuple[tuple[float, float], tuple[float, float]]

    def __post_init__(self) -> None:
        if self.points[0] == self.points[1]:
            raise InputError("expected two different points of the horizon, got one twice")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CutChanges:
    """First frames of shots that were not found, and cuts that are none."""

    add: tuple[int, ...] = ()
    remove: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        both = sorted(set(self.add) & set(self.remove))
        if both:
            raise InputError(f"the cut at frame {both[0]} is both added and removed")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Distrust:
    """What was seen of a person (or of `EVERYBODY`) is not to be believed."""

    person: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DepthKey:
    """From this frame's depth: ``corrected = scale * depth + offset``, offset in metres."""

    frame: int
    scale: float = 1.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        if not (0 < self.scale < math.inf and math.isfinite(self.offset)):
            raise InputError(
                f"expected a scale above 0 and an offset in metres, got {self.scale:g} and "
                f"{self.offset:g}"
            )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DepthKeys:
    """Keys of depth by rising frame; linear between them, constant before and after."""

    keys: tuple[DepthKey, ...]

    def __post_init__(self) -> None:
        frames = [key.frame for key in self.keys]
        if not frames or any(after <= before for before, after in pairwise(frames)):
            raise InputError(f"expected keys at rising frames, got {frames}")


Action = (
    Swap | Merge | Rename | Contact | Pin | Focal | Heights | FloorPoints | Horizon | CutChanges
    | Distrust | DepthKeys
)  # fmt: skip
AnyAction = TypeVar("AnyAction", bound=Action)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """One entry.

    Attributes
    ----------
    action : Action
        What is put right.
    frames : FrameRange or None
        Source frames it holds for; None for the whole film.
    note, author : str
        For people.
    line : int
        Where it stands in its file; 0 when it comes from elsewhere.
    """

    action: Action
    frames: FrameRange | None = None
    note: str = ""
    author: str = ""
    line: int = dataclasses.field(default=0, compare=False)

    def within(self, clip: FrameRange) -> FrameRange | None:
        """Frames of a clip that this entry touches, None when it touches none."""
        if self.frames is None:
            return clip
        start, stop = max(clip.start, self.frames.start), min(clip.stop, self.frames.stop)
        return FrameRange(start, stop) if start < stop else None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Corrections:
    """All entries of a file, in its order.

    Attributes
    ----------
    source : str
        Name of the file, for messages.
    """

    entries: tuple[Correction, ...] = ()
    source: str = "corrections.yaml"

    def touching(
        self, clip: FrameRange, action: type[AnyAction]
    ) -> Iterator[tuple[Correction, AnyAction, FrameRange]]:
        """Entries of one kind that touch a clip, with their action and the frames they touch."""
        for entry in self.entries:
            frames = entry.within(clip)
            if isinstance(entry.action, action) and frames is not None:
                yield entry, entry.action, frames

    def error(self, entry: Correction, text: str) -> InputError:
        """Make an error that says where the entry stands."""
        return InputError(f"{self.source}, line {entry.line}: {text}")


def depth_scale_offset(corrections: Corrections, frames: Sequence[int] | np.ndarray) -> np.ndarray:
    """Work out what is to be done to the depth of each frame.

    Parameters
    ----------
    corrections : Corrections
        Keys of entries with the same range belong together; where two ranges overlap, the later
        entry holds.
    frames : (N,) int
        Source frames, in any order.

    Returns
    -------
    (N, 2) float
        Scale (no unit) and offset (metres): ``corrected = scale * depth + offset``. 1 and 0 where
        nothing is to be done.
    """
    wanted = np.asarray(frames, dtype=np.int64).reshape(-1)
    found = np.tile([1.0, 0.0], (len(wanted), 1))
    for span, keys in _depth_keys(corrections):
        inside = (
            np.ones(len(wanted), dtype=bool)
            if span is None
            else (wanted >= span.start) & (wanted < span.stop)
        )
        at = np.array([key.frame for key in keys], dtype=np.float64)
        for column, name in enumerate(("scale", "offset")):
            values = np.array([getattr(key, name) for key in keys])
            found[inside, column] = np.interp(wanted[inside], at, values)
    return found


def _depth_keys(
    corrections: Corrections,
) -> list[tuple[FrameRange | None, list[DepthKey]]]:
    """Keys by range, in the order in which the ranges come last in the file."""
    groups: dict[FrameRange | None, dict[int, DepthKey]] = {}
    for entry in corrections.entries:
        if isinstance(entry.action, DepthKeys):
            keys = groups.pop(entry.frames, {})
            groups[entry.frames] = keys | {key.frame: key for key in entry.action.keys}
    return [(span, [keys[frame] for frame in sorted(keys)]) for span, keys in groups.items()]
