"""What following people has to know of earlier frames, as plain arrays."""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from choreoscope.backends.people.blaze.crops import Crop
from choreoscope.datatypes.errors import ShapeError

COLUMNS = 12
HALF = 0.5
NEW = 1
INERTIA = 0.5
"""Share of the old value kept when velocity and spin are averaged."""
SLOW = 0.9
"""The same for the body's scale, which should only follow real changes of distance."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """One tracklet between two frames.

    Attributes
    ----------
    number : int
        Name of the tracklet.
    crop : Crop
        Where the body was to be looked for after the last frame it was seen in.
    velocity : tuple of 2 float
        Movement of the crop, pixels for each frame.
    spin : float
        Turning of the crop, radians for each frame.
    missed : int
        Frames since it was last seen.
    height : float
        Larger side of the box round its points, pixels.
    scale : float
        Pixels for each metre of the body, averaged over about ten frames.
    trust : int
        Tests passed less tests failed; below 0 it is no person.
    """

    number: int
    crop: Crop
    velocity: tuple[float, float]
    spin: float
    missed: int
    height: float
    scale: float
    trust: int

    def ahead(self, frames: float) -> Crop:
        """Return the crop after that many frames of steady movement and turning."""
        return Crop(
            self.crop.x + frames * self.velocity[0],
            self.crop.y + frames * self.velocity[1],
            self.crop.side,
            self.crop.angle + frames * self.spin,
        )

    @property
    def expected(self) -> Crop:
        """Where to look in the next frame.

        Half a frame's movement is added: a whole one overshoots at the ends of fast movements.
        """
        return self.ahead(self.missed + HALF)


class Memory(NamedTuple):
    """Everything known after a frame.

    Attributes
    ----------
    followed : tuple of Followed
        By rising number.
    next_number : int
        Number the next new tracklet gets.
    windows : tuple of Crop
        Where the detector looks next time.
    """

    followed: tuple[Followed, ...]
    next_number: int
    windows: tuple[Crop, ...]

    def arrays(self) -> Mapping[str, np.ndarray]:
        """Return it as plain arrays."""
        rows = [
            [
                one.number,
                *one.crop,
                *one.velocity,
                one.spin,
                one.missed,
                one.height,
                one.scale,
                one.trust,
            ]
            for one in self.followed
        ]
        return {
            "followed": np.array(rows, dtype=np.float64).reshape(-1, COLUMNS),
            "next_number": np.array(self.next_number, dtype=np.int64),
            "windows": np.array(self.windows, dtype=np.float64).reshape(-1, 4),
        }

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> "Memory":
        """Read it back.

        Raises
        ------
        ShapeError
            If the arrays are not what `arrays` makes.
        """
        missing = {"followed", "next_number", "windows"} - set(arrays)
        if missing or arrays["followed"].shape[1:] != (COLUMNS,):
            raise ShapeError(
                f"state of the people back end: expected followed (N {COLUMNS}), next_number and "
                f"windows, got {sorted((name, array.shape) for name, array in arrays.items())}"
            )
        followed = tuple(
            Followed(
                number=int(row[0]),
                crop=Crop(*row[1:5]),
                velocity=(row[5], row[6]),
                spin=row[7],
                missed=int(row[8]),
                height=row[9],
                scale=row[10],
                trust=int(row[11]),
            )
            for row in arrays["followed"].tolist()
        )
        windows = tuple(Crop(*row) for row in arrays["windows"].tolist())
        return cls(followed, int(arrays["next_number"]), windows)


def moved(number: int, old: Followed | None, crop: Crop, height: float, scale: float) -> Followed:
    """Bring a tracklet up to date with the pose just read.

    Parameters
    ----------
    number : int
        Name of the tracklet.
    old : Followed or None
        What was known before; None for a new one.
    crop : Crop
        Where the pose says to look next.
    height, scale : float
        Of the pose, pixels and pixels for each metre.
    """
    if old is None:
        return Followed(
            number=number,
            crop=crop,
            velocity=(0.0, 0.0),
            spin=0.0,
            missed=0,
            height=height,
            scale=scale,
            trust=NEW,
        )
    frames = old.missed + 1
    keep = INERTIA**frames
    turn = (crop.angle - old.crop.angle + np.pi) % (2 * np.pi) - np.pi
    return Followed(
        number=number,
        crop=crop,
        velocity=(
            keep * old.velocity[0] + (1 - keep) * (crop.x - old.crop.x) / frames,
            keep * old.velocity[1] + (1 - keep) * (crop.y - old.crop.y) / frames,
        ),
        spin=keep * old.spin + (1 - keep) * turn / frames,
        missed=0,
        height=height,
        scale=SLOW * old.scale + (1 - SLOW) * scale,
        trust=old.trust,
    )
