"""A film (or a folder of frames) and the clips cut from it."""

import dataclasses
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Int

from choreoscope.datatypes.arrays import check_arrays
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Colour:
    """How the stored numbers mean colours; names as FFmpeg prints them ("bt709", "unknown")."""

    matrix: str
    primaries: str
    transfer: str
    full_range: bool
    bits: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Audio:
    """The first sound track. ``silent`` is None until somebody has listened."""

    codec: str
    sample_rate: int
    channels: int
    seconds: float
    silent: bool | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """A film whose frames are known by their own time stamps.

    Attributes
    ----------
    path : str
        Absolute path of the file, or of the folder of frames.
    kind : {"film", "sequence"}
        One container, or one image file per frame.
    width, height : int
        Pixels of the upright picture, after the display rotation.
    rate : Fraction
        Nominal frames per second. Never compute time from it: use `time_of`.
    pts : (N,) int
        Presentation time stamp of every frame in units of `time_base`, strictly rising.
    rotation : int
        Degrees clockwise by which the stored picture has to be turned to stand upright.
    declared_frames : int or None
        What the container's header claims; `frame_count` is what the index holds.
    files : tuple of str
        File names of a sequence in frame order; empty for a film.
    digest : str
        Hash of the content.
    stamp : (int, int) or None
        Bytes, and time of the last change in nanoseconds, when the film was probed; added up over
        the files of a sequence. A quick look tells by it that the film has changed since. None
        for a film that is not on a disk.
    """

    path: str
    kind: Literal["film", "sequence"]
    width: int
    height: int
    rate: Fraction
    pts: Int[np.ndarray, "N"]
    time_base: Fraction
    rotation: int
    codec: str
    colour: Colour
    audio: Audio | None
    declared_frames: int | None
    files: tuple[str, ...] = ()
    digest: str
    stamp: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        check_arrays(self)
        if self.width < 1 or self.height < 1:
            raise InputError(f"{self.path}: picture size {self.width}x{self.height} is empty")
        if self.rate <= 0:
            raise InputError(f"{self.path}: frame rate must be above 0, got {self.rate}")
        if np.any(np.diff(self.pts) <= 0):
            raise InputError(f"{self.path}: time stamps do not rise")

    @property
    def frame_count(self) -> int:
        """Number of frames in the index."""
        return len(self.pts)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The film's file, or the files of a sequence in frame order."""
        root = Path(self.path)
        return tuple(root / name for name in self.files) or (root,)

    def time_of(self, frame: int) -> Fraction:
        """Seconds from the first frame's time stamp, exact."""
        return (int(self.pts[frame]) - int(self.pts[0])) * self.time_base

    def times(self, frames: FrameRange) -> np.ndarray:
        """Seconds from the first frame of the film, ``(len(frames),)`` float64."""
        ticks = self.pts[frames.start : frames.stop] - self.pts[0]
        return np.asarray(ticks * float(self.time_base), dtype=np.float64)

    @property
    def is_constant_rate(self) -> bool:
        """Whether every frame lasts as long as the nominal rate says, within half a tick."""
        step = 1 / (self.rate * self.time_base)
        steps = np.diff(self.pts)
        return bool(np.all(np.abs(steps - float(step)) <= 1.0))


def stamp_of(paths: Iterable[Path]) -> tuple[int, int]:
    """Add up sizes in bytes and times of the last change in nanoseconds.

    Raises
    ------
    OSError
        If a file is not there.
    """
    states = [path.stat() for path in paths]
    return sum(one.st_size for one in states), sum(one.st_mtime_ns for one in states)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One shot of a film: the unit of work."""

    id: str
    video: Video
    frames: FrameRange

    def __post_init__(self) -> None:
        if not 0 <= self.frames.start < self.frames.stop <= self.video.frame_count:
            raise InputError(
                f"clip {self.id}: frames {self.frames} are not inside 0:{self.video.frame_count}"
            )
