"""What one pass over a film tells: frames that decode, where shots begin, how the view moves."""

import dataclasses
from fractions import Fraction
from typing import Literal

import numpy as np
from jaxtyping import Int

from choreoscope.datatypes.arrays import check_arrays
from choreoscope.datatypes.errors import ShapeError
from choreoscope.datatypes.frames import FrameRange, FrameSet

Movement = Literal["still", "moving", "unknown"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """Frames from cut to cut.

    Attributes
    ----------
    frames : FrameRange
        Source frames, undecodable ones included.
    movement : {"still", "moving", "unknown"}
        Whether the background moves; "unknown" where too little of it has texture.
    speed_px_s : float or None
        How fast the background moves in all but the fastest tenth of the shot, pixels of the full
        picture per second; None where unknown.
    """

    frames: FrameRange
    movement: Movement
    speed_px_s: float | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ShotsResult:
    """One pass over a film.

    Attributes
    ----------
    decoded, undecodable : FrameSet
        Frames that came out of the decoder, and frames of the index that did not.
    pts : (N,) int
        Time stamps of the decoded frames in units of `time_base`, in frame order.
    shots : tuple of Shot
        In order, touching each other; empty when no frame decodes.
    """

    decoded: FrameSet
    undecodable: FrameSet
    pts: Int[np.ndarray, "N"]
    time_base: Fraction
    shots: tuple[Shot, ...]

    def __post_init__(self) -> None:
        check_arrays(self)
        if len(self.pts) != len(self.decoded):
            raise ShapeError(
                f"ShotsResult: {len(self.pts)} time stamps for {len(self.decoded)} decoded frames"
            )
        if len(self.decoded & self.undecodable):
            raise ShapeError("ShotsResult: a frame is both decoded and undecodable")

    @property
    def cuts(self) -> tuple[int, ...]:
        """First frames of all shots but the first."""
        return tuple(shot.frames.start for shot in self.shots[1:])
