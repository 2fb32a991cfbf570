"""Where people are in the small pictures the camera is solved from: no evidence there."""

from collections.abc import Iterable, Mapping

import numpy as np

from choreoscope.datatypes.people import Mask, MaskTrack, Track
from choreoscope.geometry.masks import decode_inside

_GROW = 0.015
"""Share of the picture's width a mask is grown by: soft edges, hair, a bit of shadow."""


class PeopleMasks:
    """Everybody's masks, and boxes in frames in which somebody has no mask.

    Parameters
    ----------
    size : (int, int)
        Width and height of the small pictures.
    film : (int, int)
        Width and height of the film, in whose pixels masks and boxes are.
    """

    def __init__(self, size: tuple[int, int], film: tuple[int, int]) -> None:
        self._size = size
        self._scale = np.array(size) / np.array(film)
        self._masks: dict[int, list[Mask]] = {}
        self._boxes: dict[int, list[np.ndarray]] = {}

    @classmethod
    def of(
        cls,
        size: tuple[int, int],
        film: tuple[int, int],
        masks: Mapping[str, MaskTrack],
        tracks: Iterable[Track],
    ) -> "PeopleMasks":
        """Gather everybody; a box counts only in frames without a mask of that person."""
        people = cls(size, film)
        for track in masks.values():
            for frame, mask in zip(track.frames.tolist(), track.masks, strict=True):
                people._masks.setdefault(frame, []).append(mask)
        for one in tracks:
            masked = set(masks[one.person].frames.tolist()) if one.person in masks else set()
            for frame, box in zip(one.frames.tolist(), one.boxes_xyxy, strict=True):
                if frame not in masked and np.all(np.isfinite(box)):
                    people._boxes.setdefault(frame, []).append(box)
        return people

    def background(self, frame: int) -> np.ndarray:
        """Picture that is 255 where nobody is and 0 on people, ``(h, w)`` uint8."""
        import cv2

        width, height = self._size
        people: np.ndarray = np.zeros((height, width), dtype=np.uint8)
        for mask in self._masks.get(frame, ()):
            patch, (left, top) = decode_inside(mask)
            if patch.size:
                corners = (left, top, left + patch.shape[1], top + patch.shape[0])
                self._paste(people, patch.astype(np.uint8), np.array(corners, dtype=np.float64))
        for box in self._boxes.get(frame, ()):
            self._paste(people, np.ones((1, 1), dtype=np.uint8), box)
        grow = 2 * max(1, round(_GROW * width)) + 1
        if people.any():
            people = np.asarray(cv2.dilate(people, np.ones((grow, grow), dtype=np.uint8)))
        return np.where(people > 0, 0, 255).astype(np.uint8)

    def _paste(self, people: np.ndarray, patch: np.ndarray, box: np.ndarray) -> None:
        """Lay a patch that fills a box of the film over the small picture."""
        import cv2

        first = np.floor(box[:2] * self._scale).astype(int)
        last = np.maximum(np.ceil(box[2:] * self._scale).astype(int), first + 1)
        small = cv2.resize(patch, tuple((last - first).tolist()), interpolation=cv2.INTER_NEAREST)
        low, high = np.maximum(first, 0), np.minimum(last, self._size)
        if np.all(high > low):
            cut = small[
                low[1] - first[1] : high[1] - first[1], low[0] - first[0] : high[0] - first[0]
            ]
            people[low[1] : high[1], low[0] : high[0]] |= cut
