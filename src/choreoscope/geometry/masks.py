"""Run-length masks: column by column, background first (the COCO order)."""

import numpy as np

from choreoscope.datatypes.errors import ShapeError
from choreoscope.datatypes.people import Mask

PICTURE_DIMENSIONS = 2


def encode(dense: np.ndarray) -> Mask:
    """Turn a binary picture into runs.

    Parameters
    ----------
    dense : (H, W) bool
        True inside.

    Raises
    ------
    ShapeError
        If it is no picture.
    """
    if dense.ndim != PICTURE_DIMENSIONS:
        raise ShapeError(f"a mask needs shape (H, W), got {dense.shape}")
    height, width = dense.shape
    return encode_patch(dense, 0, 0, width, height)


def encode_patch(patch: np.ndarray, x0: int, y0: int, width: int, height: int) -> Mask:
    """Turn a small binary picture that lies in a big one into runs, without making the big one.

    Parameters
    ----------
    patch : (h, w) bool
        True inside. What lies outside the big picture is cut off.
    x0, y0 : int
        Column and row of the big picture where the patch's first pixel lies; may be negative.
    width, height : int
        Size of the big picture, pixels.
    """
    left, top = max(x0, 0), max(y0, 0)
    right = max(min(x0 + patch.shape[1], width), left)
    bottom = max(min(y0 + patch.shape[0], height), top)
    visible = patch[top - y0 : bottom - y0, left - x0 : right - x0].astype(bool)
    if not visible.any():
        return Mask(height=height, width=width, counts=np.array([height * width]))
    padded = np.zeros((visible.shape[1], visible.shape[0] + 2), dtype=bool)
    padded[:, 1:-1] = visible.T
    # Every column ends and begins empty, so the columns can lie in one row.
    flat = padded.ravel()
    column, row = np.divmod(np.flatnonzero(flat[1:] != flat[:-1]), padded.shape[1])
    edges = (left + column) * height + top + row
    # A run that reaches a column's foot goes on at the head of the next one: such pairs of
    # edges coincide and cancel.
    joined = edges[1:] == edges[:-1]
    kept = np.ones(len(edges), dtype=bool)
    kept[1:] &= ~joined
    kept[:-1] &= ~joined
    bounds = np.concatenate([[0], edges[kept], [height * width]])
    counts = np.diff(bounds)
    return Mask(height=height, width=width, counts=counts if counts[-1] else counts[:-1])


def decode(mask: Mask) -> np.ndarray:
    """Turn runs back into a picture, ``(H, W)`` bool."""
    values = np.arange(len(mask.counts)) % 2 == 1
    return np.repeat(values, mask.counts).reshape(mask.width, mask.height).T


def decode_inside(mask: Mask) -> tuple[np.ndarray, tuple[int, int]]:
    """Turn back only the part of the picture in which the mask lies.

    Returns
    -------
    patch : (h, w) bool
        Empty for an empty mask.
    corner : (int, int)
        Column and row of the patch's first pixel in the picture.
    """
    box = box_xyxy(mask)
    if np.isnan(box[0]):
        return np.zeros((0, 0), dtype=bool), (0, 0)
    left, top, right, bottom = (int(value) for value in box)
    first, last = left * mask.height, right * mask.height
    bounds = np.clip(np.concatenate([[0], np.cumsum(mask.counts)]), first, last)
    values = np.arange(len(mask.counts)) % 2 == 1
    columns = np.repeat(values, np.diff(bounds)).reshape(right - left, mask.height)
    return columns.T[top:bottom], (left, top)


def area(mask: Mask) -> int:
    """Pixels inside."""
    return int(mask.counts[1::2].sum())


def box_xyxy(mask: Mask) -> np.ndarray:
    """Smallest box round the mask, pixel edges, ``(4,)`` float; NaN for an empty mask."""
    starts, stops = _spans(mask)
    if not len(starts):
        return np.full(4, np.nan)
    last = stops - 1
    left, right = starts[0] // mask.height, last[-1] // mask.height
    whole_column = (starts // mask.height) != (last // mask.height)
    top = 0 if whole_column.any() else int((starts % mask.height).min())
    bottom = mask.height - 1 if whole_column.any() else int((last % mask.height).max())
    return np.array([left, top, right + 1, bottom + 1], dtype=np.float64)


def intersection_over_union(first: Mask, second: Mask) -> float:
    """Overlap of two masks of one picture size, 0 to 1; 0 when both are empty.

    Raises
    ------
    ShapeError
        If their sizes differ.
    """
    if (first.height, first.width) != (second.height, second.width):
        raise ShapeError(
            f"masks of {first.width}x{first.height} and {second.width}x{second.height} "
            f"cannot be compared"
        )
    common = _intersection(first, second)
    union = area(first) + area(second) - common
    return common / union if union else 0.0


def _spans(mask: Mask) -> tuple[np.ndarray, np.ndarray]:
    ends = np.cumsum(mask.counts)
    stops = ends[1::2]
    starts = ends[0::2][: len(stops)]
    inside = stops > starts
    return starts[inside], stops[inside]


def _intersection(first: Mask, second: Mask) -> int:
    """Pixels in both: between two neighbouring run ends neither mask changes."""
    ends = [np.cumsum(mask.counts) for mask in (first, second)]
    bounds = np.union1d(*ends)
    lengths = np.diff(np.concatenate([[0], bounds]))
    inside = [np.searchsorted(end, bounds, side="left") % 2 == 1 for end in ends]
    return int(lengths[inside[0] & inside[1]].sum())
