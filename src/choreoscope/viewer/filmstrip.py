"""Small pictures of the film for the report."""

import numpy as np

from choreoscope.datatypes.errors import OutputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.viewer.report_data import Thumbnail

COUNT = 14
THUMBNAIL_SIDE = 320
POSTER_SIDE = 960
_QUALITY = 80


def thumbnail_frames(frames: FrameRange, count: int = COUNT) -> tuple[int, ...]:
    """Pick frames at even distances, each in the middle of its share of the clip.

    Parameters
    ----------
    frames : FrameRange
        The clip.
    count : int
        How many; a shorter clip gives one for each of its frames.
    """
    wanted = min(count, len(frames))
    return tuple(
        frames.start + (2 * place + 1) * len(frames) // (2 * wanted) for place in range(wanted)
    )


def thumbnail(
    frame_rgb: np.ndarray, *, frame: int, seconds: float, long_side: int = THUMBNAIL_SIDE
) -> Thumbnail:
    """Bring a drawn-over frame down and encode it.

    Parameters
    ----------
    frame_rgb : (H, W, 3) uint8
        RGB, upright; never enlarged.
    frame : int
        Source frame.
    seconds : float
        Time from the film's first frame.
    long_side : int
        Pixels of the longer side at most.

    Raises
    ------
    OutputError
        If the picture cannot be encoded.
    """
    import cv2

    height, width = frame_rgb.shape[:2]
    scale = min(1.0, long_side / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(frame_rgb, size, interpolation=cv2.INTER_AREA)
    bgr = np.ascontiguousarray(small[..., ::-1])
    done, coded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise OutputError(f"frame {frame}: the thumbnail of shape {small.shape} was not encoded")
    return Thumbnail(
        frame=frame, seconds=seconds, jpeg=bytes(coded.tobytes()), width=size[0], height=size[1]
    )
