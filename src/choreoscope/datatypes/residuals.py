"""How one person's motion agrees with what was seen, frame by frame, before and after the solve."""

import dataclasses

import numpy as np
from jaxtyping import Float

from choreoscope.datatypes.arrays import check_arrays
from choreoscope.datatypes.errors import ShapeError
from choreoscope.datatypes.frames import FrameRange


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Footing:
    """Where a person is and how the feet stand, in one state of the solve.

    Attributes
    ----------
    root : (T, 3) float
        World position of joint 0, metres.
    soles : (T, 2) float
        Height of the lowest point of the left and the right sole over the floor, metres;
        negative below it.
    speeds : (T, 2) float
        Horizontal speed of the slowest point of each sole, m/s: the mean of the steps to the frame
        and from it; 0 for a single frame.
    """

    root: Float[np.ndarray, "T 3"]
    soles: Float[np.ndarray, "T 2"]
    speeds: Float[np.ndarray, "T 2"]

    def __post_init__(self) -> None:
        check_arrays(self)
        for name in ("root", "soles", "speeds"):
            if not np.isfinite(getattr(self, name)).all():
                raise ShapeError(f"Footing.{name}: holds values that are not finite")
        if np.any(self.speeds < 0):
            raise ShapeError("Footing.speeds: must not be below 0")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PersonResiduals:
    """One person's agreement with the evidence, one row per source frame from ``first_frame`` on.

    Attributes
    ----------
    first_frame : int
        Source frame of row 0.
    times : (T,) float
        Seconds from the film's first frame.
    pixels : (T,) float
        Median distance of the body's points from the detector's, pixels; NaN where nothing was
        seen.
    metres : (T,) float
        Median distance from the detector's 3D estimates, each frame's place and size taken out,
        metres; NaN where there is none.
    before : Footing or None
        First guess, put into the solved world; None where it was not kept.
    after : Footing
        Result.
    doubts : tuple of FrameRange
        Source frames that should not be trusted.
    stature : float, > 0
        Standing height of the body, metres.
    """

    first_frame: int
    times: Float[np.ndarray, "T"]
    pixels: Float[np.ndarray, "T"]
    metres: Float[np.ndarray, "T"]
    before: Footing | None
    after: Footing
    doubts: tuple[FrameRange, ...]
    stature: float

    def __post_init__(self) -> None:
        check_arrays(self)
        count = len(self.times)
        for name, footing in (("before", self.before), ("after", self.after)):
            if footing is not None and len(footing.root) != count:
                raise ShapeError(
                    f"PersonResiduals.{name}: {len(footing.root)} rows for {count} frames"
                )
        if not (np.isfinite(self.times).all() and np.all(np.diff(self.times) > 0)):
            raise ShapeError("PersonResiduals.times: must be finite and rise")
        for name in ("pixels", "metres"):
            values = getattr(self, name)
            if np.any(np.isinf(values)) or np.any(values < 0):
                raise ShapeError(f"PersonResiduals.{name}: must be at least 0, or NaN if unseen")
        if not (np.isfinite(self.stature) and self.stature > 0):
            raise ShapeError(f"PersonResiduals.stature: must be above 0, got {self.stature}")
        own = FrameRange(self.first_frame, self.first_frame + count)
        for part in self.doubts:
            if part.start < own.start or part.stop > own.stop or len(part) == 0:
                raise ShapeError(f"PersonResiduals: frames {part} are not inside {own}")
