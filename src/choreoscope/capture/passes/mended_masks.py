"""Masks of one performer made whole: holes closed, islands removed, short gaps bridged."""

import dataclasses

import numpy as np

from choreoscope.capture.passes.interfaces import Performer
from choreoscope.geometry.masks import decode

ISLAND = 0.02
"""Share of the mask's pixels below which a piece apart is none of the performer's."""
HOLE = 0.004
"""Share of the mask's pixels below which a hole is none: the gap below an arm is larger."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Bridged:
    """A mask for one frame.

    Attributes
    ----------
    mask : (H, W) bool
        The performer's pixels.
    longest : float
        Longer side of the box, pixels.
    is_bridged : bool
        Whether it was moved over from another frame.
    """

    mask: np.ndarray
    longest: float
    is_bridged: bool


def bridged(performer: Performer, frame: int, most: int) -> Bridged | None:
    """Find a performer's mask, or move one over from beside a gap.

    Parameters
    ----------
    performer : Performer
        Masks and boxes by frame.
    frame : int
        Source frame.
    most : int
        Longest gap, frames, that is bridged.

    Returns
    -------
    Bridged or None
        None where there is no mask and the gap is longer, or open at one end.
    """
    if frame in performer.masks:
        box = performer.boxes_xyxy.get(frame)
        mask = decode(performer.masks[frame])
        return Bridged(
            mask=mask, longest=_longest(_box_of(mask) if box is None else box), is_bridged=False
        )
    ways = range(1, most + 1)
    before = next((frame - way for way in ways if frame - way in performer.masks), None)
    after = next((frame + way for way in ways if frame + way in performer.masks), None)
    if before is None or after is None or after - before - 1 > most:
        return None
    near = before if frame - before <= after - frame else after
    # An island would pull the box out to where it lies.
    ends = {end: mended(decode(performer.masks[end])) for end in (before, after)}
    mask = ends[near]
    if not all(end.any() for end in ends.values()):
        return None
    share = (frame - before) / (after - before)
    here = _box_of(ends[before]) * (1 - share) + _box_of(ends[after]) * share
    return Bridged(mask=_moved(mask, _box_of(mask), here), longest=_longest(here), is_bridged=True)


def _longest(box: np.ndarray) -> float:
    return max(1.0, float(max(box[2] - box[0], box[3] - box[1])))


def _box_of(mask: np.ndarray) -> np.ndarray:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return np.zeros(4)
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], dtype=np.float64)


def _moved(mask: np.ndarray, own: np.ndarray, to: np.ndarray) -> np.ndarray:
    import cv2

    scale = (to[2:] - to[:2]) / np.maximum(own[2:] - own[:2], 1.0)
    # Pixel centres lie at halves; OpenCV counts them from 0.
    shift = to[:2] - scale * own[:2] + 0.5 * scale - 0.5
    matrix = np.array([[scale[0], 0.0, shift[0]], [0.0, scale[1], shift[1]]])
    size = (mask.shape[1], mask.shape[0])
    moved = cv2.warpAffine(mask.astype(np.float32), matrix, size, flags=cv2.INTER_LINEAR)
    return np.asarray(moved) >= 0.5  # noqa: PLR2004


def mended(mask: np.ndarray) -> np.ndarray:
    """Remove small islands and close small holes.

    Parameters
    ----------
    mask : (H, W) bool
        The largest piece is always kept.
    """
    whole = int(mask.sum())
    kept = _without_small(mask, ISLAND * whole, connectivity=8)
    # The surroundings are the largest piece of what is not the mask.
    return ~_without_small(~kept, HOLE * whole, connectivity=4)


def _without_small(mask: np.ndarray, least: float, connectivity: int) -> np.ndarray:
    import cv2

    count, labels, facts, _ = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=connectivity
    )
    areas = facts[:, cv2.CC_STAT_AREA]
    if count <= 2:  # noqa: PLR2004 - the rest and one piece
        return mask
    keep = areas >= least
    keep[1 + int(np.argmax(areas[1:]))] = True
    keep[0] = False
    return np.asarray(keep[labels])
