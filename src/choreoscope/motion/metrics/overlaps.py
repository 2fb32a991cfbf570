"""Frames of tracks as the tracking scores need them: who is there, and how alike every two are."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from choreoscope.datatypes.people import Mask, MaskTrack, Track
from choreoscope.geometry.masks import area, intersection_over_union

Similar = Callable[[int, list[str], list[str]], np.ndarray]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FrameOverlap:
    """One frame.

    Attributes
    ----------
    truth : (n,) int
        Numbers of the true people in it, rising.
    result : (m,) int
        Numbers of the result's people in it, rising.
    similarity : (n, m) float
        0 to 1.
    """

    truth: np.ndarray
    result: np.ndarray
    similarity: np.ndarray


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Overlaps:
    """A whole clip; people are numbered in the order they were given.

    Attributes
    ----------
    truth_count, result_count : int
        People on either side.
    frames : tuple of FrameOverlap
        In order of time.
    """

    truth_count: int
    result_count: int
    frames: tuple[FrameOverlap, ...]

    @property
    def truth_boxes(self) -> int:
        """True appearances, all frames together."""
        return sum(len(frame.truth) for frame in self.frames)

    @property
    def result_boxes(self) -> int:
        """Appearances in the result, all frames together."""
        return sum(len(frame.result) for frame in self.frames)


def overlaps_of_boxes(result: Sequence[Track], truth: Sequence[Track]) -> Overlaps:
    """Compare tracks by the intersection over union of their boxes.

    Parameters
    ----------
    result, truth : sequence of Track
        Frames are source frames; a person is there in the frames its track names.
    """
    own = {track.person: _rows(track.frames) for track in result}
    true = {track.person: _rows(track.frames) for track in truth}
    own_boxes = {track.person: track.boxes_xyxy for track in result}
    true_boxes = {track.person: track.boxes_xyxy for track in truth}

    def similar(frame: int, there: list[str], seen: list[str]) -> np.ndarray:
        return box_overlaps(
            np.array([true_boxes[name][true[name][frame]] for name in there]).reshape(-1, 4),
            np.array([own_boxes[name][own[name][frame]] for name in seen]).reshape(-1, 4),
        )

    return _assembled(true, own, similar)


def overlaps_of_masks(result: Mapping[str, MaskTrack], truth: Mapping[str, MaskTrack]) -> Overlaps:
    """Compare tracks by the intersection over union of their masks.

    Parameters
    ----------
    result, truth : mapping of str to MaskTrack
        By person; someone whose mask is empty is not there.
    """
    own = {name: _masks(track) for name, track in result.items()}
    true = {name: _masks(track) for name, track in truth.items()}

    def similar(frame: int, there: list[str], seen: list[str]) -> np.ndarray:
        return np.array(
            [[intersection_over_union(true[a][frame], own[b][frame]) for b in seen] for a in there]
        ).reshape(len(there), len(seen))

    return _assembled(true, own, similar)


def overlaps_of_places(
    result: Mapping[str, np.ndarray], truth: Mapping[str, np.ndarray], *, within: float = 1.0
) -> Overlaps:
    """Compare tracks by how near the roots are in space.

    Parameters
    ----------
    result, truth : mapping of str to (T, 3) float
        Root by person, metres, rows of the same moments; NaN where somebody is not there.
    within : float
        Metres at which the similarity is 0; it falls in a straight line from 1. A threshold of
        0.5 therefore means half of it (J. Luiten et al. 2021, section 4, on points).
    """
    own = {name: _present(path) for name, path in result.items()}
    true = {name: _present(path) for name, path in truth.items()}

    def similar(frame: int, there: list[str], seen: list[str]) -> np.ndarray:
        first = np.array([truth[name][frame] for name in there]).reshape(-1, 1, 3)
        second = np.array([result[name][frame] for name in seen]).reshape(1, -1, 3)
        apart = np.linalg.norm(first - second, axis=-1)
        return np.asarray(np.maximum(0.0, 1.0 - apart / within))

    return _assembled(true, own, similar)


def box_overlaps(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes ``(n, 4)`` and ``(m, 4)``, xyxy pixels: ``(n, m)``."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    common = np.maximum(high - low, 0.0).prod(axis=-1)
    sizes = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=-1) for boxes in (first, second)]
    union = sizes[0][:, None] + sizes[1][None, :] - common
    return np.where(union > 0, common / np.where(union > 0, union, 1.0), 0.0)


def _rows(frames: np.ndarray) -> dict[int, int]:
    return {int(frame): row for row, frame in enumerate(frames)}


def _masks(track: MaskTrack) -> dict[int, Mask]:
    pairs = zip(track.frames.tolist(), track.masks, strict=True)
    return {frame: mask for frame, mask in pairs if area(mask)}


def _present(path: np.ndarray) -> dict[int, int]:
    return {int(row): int(row) for row in np.flatnonzero(np.isfinite(path).all(axis=-1))}


def _assembled(
    truth: Mapping[str, Mapping[int, object]],
    result: Mapping[str, Mapping[int, object]],
    similar: Similar,
) -> Overlaps:
    """Line the people of every frame up."""
    true, own = list(truth), list(result)
    known = sorted({frame for rows in (*truth.values(), *result.values()) for frame in rows})
    frames = []
    for frame in known:
        there = [number for number, name in enumerate(true) if frame in truth[name]]
        seen = [number for number, name in enumerate(own) if frame in result[name]]
        alike = similar(frame, [true[n] for n in there], [own[n] for n in seen])
        frames.append(
            FrameOverlap(
                truth=np.array(there, dtype=np.int64),
                result=np.array(seen, dtype=np.int64),
                similarity=alike,
            )
        )
    return Overlaps(truth_count=len(true), result_count=len(own), frames=tuple(frames))
