"""The empty stage of a shot whose camera stands still: what each pixel shows behind the people."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

ROWS = 64
"""At a time, so that memory stays flat in the height of the picture."""


class CleanPlate(NamedTuple):
    """A picture without people.

    Attributes
    ----------
    picture : (H, W, 3) uint8
        0 where nothing is known.
    is_known : (H, W) bool
        Where some frame showed the background.
    """

    picture: np.ndarray
    is_known: np.ndarray


def clean_plate(frames: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> CleanPlate:
    """Take the median over time of what is outside people, per pixel and channel.

    Only for locked cameras: where the camera moves, the median mixes places. A few dozen frames
    spread over the shot do as well as all of it.

    Parameters
    ----------
    frames : sequence of (H, W, 3) uint8
        Of one shot.
    masks : sequence of (H, W) bool
        People in the same frames; better too large than too small, for the sake of edges and
        shadows.

    Returns
    -------
    CleanPlate
        The lower of the two middle values where their number is even: no colour is made up.

    Raises
    ------
    ValueError
        If there are no frames, or masks do not belong to them.
    """
    if not len(frames) or len(frames) != len(masks):
        raise ValueError(f"expected frames and a mask for each, got {len(frames)}, {len(masks)}")
    height, width = frames[0].shape[:2]
    for frame, mask in zip(frames, masks, strict=True):
        if frame.shape != (height, width, 3) or frame.dtype != np.uint8:
            raise ValueError(f"expected ({height}, {width}, 3) uint8, got {frame.shape}")
        if mask.shape != (height, width) or mask.dtype != np.bool_:
            raise ValueError(f"expected a mask ({height}, {width}) bool, got {mask.shape}")
    picture = np.zeros((height, width, 3), dtype=np.uint8)
    is_known = np.zeros((height, width), dtype=bool)
    for top in range(0, height, ROWS):
        rows = slice(top, min(top + ROWS, height))
        hidden = np.stack([mask[rows] for mask in masks])
        values = np.stack([frame[rows] for frame in frames])
        # What is hidden goes to the end of the order; the middle is that of the rest.
        values[hidden] = 255
        values.sort(axis=0)
        count = (~hidden).sum(axis=0)
        middle = np.maximum(count - 1, 0) // 2
        found = np.take_along_axis(values, middle[None, ..., None], axis=0)[0]
        is_known[rows] = count > 0
        picture[rows] = np.where(is_known[rows, :, None], found, 0)
    return CleanPlate(picture, is_known)
