"""What a network may be told of the lens."""

import math

from choreoscope.capture.passes.interfaces import ShotContext

ASSUMED = "assumed"
"""Source of a camera whose lens nobody measured."""


def focal_px(shot: ShotContext | None, frame: int) -> float | None:
    """Return the horizontal focal length in a frame, pixels; None without a camera.

    An assumed lens counts too: bodies and floor were solved with it, and depth has to agree with
    those before all.
    """
    if shot is None or shot.camera is None:
        return None
    return float(shot.camera.intrinsics[frame - shot.frames.start, 0, 0])


def fov_degrees(shot: ShotContext | None, frame: int) -> float | None:
    """Return the horizontal field of view in a frame, degrees; None without a camera."""
    focal = focal_px(shot, frame)
    if shot is None or focal is None:
        return None
    return math.degrees(2 * math.atan(shot.size[0] / (2 * focal)))


def is_known_lens(shot: ShotContext) -> bool:
    """Whether the shot's focal length was given or solved, and not just assumed."""
    return shot.camera is not None and shot.camera.source != ASSUMED
