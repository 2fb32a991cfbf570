"""Confidence over time as paths of a vector drawing."""

import dataclasses

import numpy as np

from choreoscope.datatypes.frames import FrameRange
from choreoscope.viewer.report_data import PersonEntry

MOST_POINTS = 600
_HAND_WORDS = ("hand", "thumb", "index", "middle", "ring", "pinky", "little", "finger")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """One person's curves; NaN where there is nothing to show.

    Attributes
    ----------
    frames : (N,) int
        Source frames of the clip.
    body, hands : (N,) float
        0 to 1, mean over the body's joints and over the hands'.
    """

    frames: np.ndarray
    body: np.ndarray
    hands: np.ndarray


def curves_of(entry: PersonEntry, frames: FrameRange) -> Curves:
    """Confidence of body and hands in every frame of the clip.

    From the motion where there is one, else from what was seen. NaN where the person was not seen.
    """
    body = np.full(len(frames), np.nan)
    hands = np.full(len(frames), np.nan)
    numbers = np.arange(frames.start, frames.stop)
    if entry.motion is None:
        places, rows = _common(numbers, entry.sequence.frames)
        body[places] = entry.sequence.visibility[rows].mean(axis=1)
        hands[places] = entry.sequence.hands_score[rows].mean(axis=1)
        return Curves(frames=numbers, body=body, hands=hands)
    motion = entry.motion
    own = np.arange(motion.first_frame, motion.first_frame + motion.frame_count)
    places, rows = _common(numbers, own)
    confidence = motion.confidence[rows]
    seen = np.any(confidence > 0, axis=1)
    of_hand = np.array(
        [any(word in name.lower() for word in _HAND_WORDS) for name in motion.skeleton.joints]
    )
    for curve, joints in ((body, ~of_hand), (hands, of_hand)):
        if joints.any():
            curve[places[seen]] = confidence[seen][:, joints].mean(axis=1)
    return Curves(frames=numbers, body=body, hands=hands)


def line_path(values: np.ndarray, *, height: float = 100.0) -> str:
    """Draw a curve: x in frames from 0, y down from 1.0 at the top; broken at NaN.

    Longer curves are brought down to `MOST_POINTS` means.
    """
    xs, _, _, mean = _thinned(values)
    pieces = []
    for piece in _stretches(mean):
        if piece.stop - piece.start == 1:
            # A single frame still has to be seen: a dash as wide as the frame.
            x, y = xs[piece.start], _level(mean[piece.start], height)
            pieces.append(f"M{_number(x - 0.5)} {y}H{_number(x + 0.5)}")
            continue
        spots = [
            f"{_number(xs[k])} {_level(mean[k], height)}" for k in range(*piece.indices(len(xs)))
        ]
        pieces.append("M" + "L".join(spots))
    return "".join(pieces)


def band_path(values: np.ndarray, *, height: float = 100.0) -> str:
    """Draw the area between the least and the greatest value of each thinned stretch."""
    xs, low, high, mean = _thinned(values)
    pieces = []
    for piece in _stretches(mean):
        places = range(piece.start, piece.stop)
        there = [f"{_number(xs[k])} {_level(high[k], height)}" for k in places]
        back = [f"{_number(xs[k])} {_level(low[k], height)}" for k in reversed(places)]
        pieces.append("M" + "L".join([*there, *back]) + "Z")
    return "".join(pieces)


def _common(numbers: np.ndarray, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    _, places, rows = np.intersect1d(numbers, own, assume_unique=True, return_indices=True)
    return places, rows


def _thinned(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    size = -(-len(values) // MOST_POINTS)
    padded = np.full(-(-len(values) // size) * size, np.nan)
    padded[: len(values)] = values
    table = padded.reshape(-1, size)
    known = np.isfinite(table)
    some = known.any(axis=1)
    count = np.maximum(known.sum(axis=1), 1)
    filled = np.where(known, table, 0.0)
    mean = np.where(some, filled.sum(axis=1) / count, np.nan)
    low = np.where(some, np.where(known, table, np.inf).min(axis=1), np.nan)
    high = np.where(some, np.where(known, table, -np.inf).max(axis=1), np.nan)
    xs = (np.arange(len(table)) + 0.5) * size
    return np.minimum(xs, len(values) - 0.5), low, high, mean


def _stretches(values: np.ndarray) -> list[slice]:
    known = np.concatenate([[False], np.isfinite(values), [False]])
    edges = np.flatnonzero(known[1:] != known[:-1])
    return [slice(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _level(value: float, height: float) -> str:
    return _number(height * (1.0 - float(np.clip(value, 0.0, 1.0))))


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
