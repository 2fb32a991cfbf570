"""Long clips: what is shared is settled on a few stretches, then every stretch in its turn."""

from collections.abc import Mapping

import numpy as np

from choreoscope.motion.solve.options import SolveOptions
from choreoscope.motion.solve.state import Track

_CONTEXT = 2
"""Frames of the past that acceleration reaches back to."""
_STRETCHES = 4


def clip_span(tracks: Mapping[str, Track]) -> tuple[int, int]:
    """First and last source frame, half-open, in which anybody is."""
    first = min(track.first_frame for track in tracks.values())
    last = max(track.first_frame + len(track.times) for track in tracks.values())
    return first, last


def is_short(tracks: Mapping[str, Track], options: SolveOptions) -> bool:
    """Whether all of it can be solved at once."""
    first, last = clip_span(tracks)
    return last - first <= options.window + options.overlap


def sample(tracks: Mapping[str, Track], options: SolveOptions) -> dict[str, Track]:
    """Pieces of everybody from stretches spread over the clip, about one window long in sum.

    Where somebody is in none of the stretches, the middle of the own track is added.
    """
    first, last = clip_span(tracks)
    length = max(options.window // _STRETCHES, 3)
    starts = np.linspace(first, max(first, last - length), _STRETCHES).astype(int)
    pieces: dict[str, Track] = {}
    for name, track in tracks.items():
        for number, start in enumerate(starts):
            piece = cut(track, int(start), int(start) + length)
            if piece is not None and len(piece.times) >= _CONTEXT + 1:
                pieces[f"{name}#{number}"] = piece
        if not any(key.startswith(f"{name}#") for key in pieces):
            middle = track.first_frame + len(track.times) // 2
            piece = cut(track, middle - length // 2, middle + length // 2 + 1)
            pieces[f"{name}#own"] = track if piece is None else piece
    return pieces


def cut(track: Track, start: int, stop: int) -> Track | None:
    """Rows of source frames ``start:stop``, or None if the person is not there."""
    low = max(start - track.first_frame, 0)
    high = min(stop - track.first_frame, len(track.times))
    return track.rows(low, high) if low < high else None


def stretches(tracks: Mapping[str, Track], options: SolveOptions) -> list[tuple[int, int, int]]:
    """Windows as source frames: first, end of what is kept, end of what is solved."""
    first, last = clip_span(tracks)
    found = []
    start = first
    while start < last:
        keep = min(start + options.window, last)
        if last - keep <= options.overlap:
            keep = last
        found.append((start, keep, min(keep + options.overlap, last)))
        start = keep
    return found


def window(
    tracks: Mapping[str, Track], start: int, stop: int
) -> tuple[dict[str, Track], dict[str, np.ndarray]]:
    """Everybody in a window with the context before it, and which frames are held."""
    pieces: dict[str, Track] = {}
    held: dict[str, np.ndarray] = {}
    for name, track in tracks.items():
        piece = cut(track, start - _CONTEXT, stop)
        if piece is None or piece.first_frame + len(piece.times) <= start:
            continue
        pieces[name] = piece
        held[name] = piece.first_frame + np.arange(len(piece.times)) < start
    return pieces, held


def put_back(track: Track, piece: Track, stop: int) -> None:
    """Copy a solved piece's state into the whole track, up to source frame `stop`."""
    low = piece.first_frame - track.first_frame
    count = min(len(piece.times), stop - piece.first_frame)
    if count > 0:
        track.root[low : low + count] = piece.root[:count]
        track.rotations[low : low + count] = piece.rotations[:count]
