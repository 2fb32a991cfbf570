"""Who stands before whom: body points that lie under somebody else's mask are hidden."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from choreoscope.datatypes.people import Mask, MaskTrack, PersonSequence
from choreoscope.geometry.masks import decode_inside
from choreoscope.motion.solve.evidence import DepthOrder

_LEAST_SHARE, _CLEARER = 0.15, 2.0
"""Share of somebody's points that must be hidden, and how many times more than of the other."""


def depth_orders(
    sequences: Sequence[PersonSequence], masks: Mapping[str, MaskTrack]
) -> tuple[DepthOrder, ...]:
    """Read depth order out of masks that cut each other.

    Parameters
    ----------
    sequences : sequence of PersonSequence
        Points in pixels.
    masks : mapping of str to MaskTrack
        By person id; who has none takes no part.

    Returns
    -------
    tuple of DepthOrder
        At most two per pair, one for each order; only frames in which it is clear.
    """
    by_person = {
        name: dict(zip(track.frames.tolist(), track.masks, strict=True))
        for name, track in masks.items()
    }
    orders = []
    for one, other in itertools.combinations(sequences, 2):
        first, second = by_person.get(one.person), by_person.get(other.person)
        if first is None or second is None:
            continue
        hidden = _hidden_shares((one, first), (other, second))
        orders += _orders(one.person, other.person, hidden)
    return tuple(orders)


_Seen = tuple[PersonSequence, dict[int, Mask]]


def _hidden_shares(one: _Seen, other: _Seen) -> list[tuple[int, float, float]]:
    """Frame, share of the first's points under the second's mask, and the other way round."""
    found = []
    for frame in np.intersect1d(one[0].frames, other[0].frames).tolist():
        a = int(np.searchsorted(one[0].frames, frame))
        b = int(np.searchsorted(other[0].frames, frame))
        if not _meet(one[0].boxes_xyxy[a], other[0].boxes_xyxy[b]):
            continue
        mask_a, mask_b = one[1].get(frame), other[1].get(frame)
        if mask_a is None or mask_b is None:
            continue
        hidden = _under(one[0].points_px[a], mask_b, mask_a)
        hides = _under(other[0].points_px[b], mask_a, mask_b)
        found.append((frame, hidden, hides))
    return found


def _meet(one: np.ndarray, other: np.ndarray) -> bool:
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    return bool(np.all(high > low))


def _under(points: np.ndarray, cover: Mask, own: Mask) -> float:
    """Share of points that lie on one mask and not on the other."""
    known = points[np.isfinite(points).all(axis=-1)]
    if not len(known):
        return 0.0
    return float(np.mean(_inside(known, cover) & ~_inside(known, own)))


def _inside(points: np.ndarray, mask: Mask) -> np.ndarray:
    dense, (x0, y0) = decode_inside(mask)
    x, y = (np.floor(points) - (x0, y0)).astype(np.int64).T
    held = (x >= 0) & (y >= 0) & (x < dense.shape[1]) & (y < dense.shape[0])
    result = np.zeros(len(points), dtype=bool)
    result[held] = dense[y[held], x[held]]
    return result


def _orders(one: str, other: str, shares: list[tuple[int, float, float]]) -> list[DepthOrder]:
    found = []
    for front, behind, hidden, hides in ((other, one, 1, 2), (one, other, 2, 1)):
        clear = [
            (row[0], row[hidden])
            for row in shares
            if row[hidden] >= _LEAST_SHARE and row[hidden] > _CLEARER * row[hides]
        ]
        if clear:
            found.append(
                DepthOrder(
                    front=front,
                    behind=behind,
                    frames=np.array([frame for frame, _ in clear]),
                    weight=np.minimum(1.0, np.array([share for _, share in clear]) / 0.5),
                )
            )
    return found
