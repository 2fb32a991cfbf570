"""Loose ends: sightings of an instant, cut off from the rest of a person's track by a gap.

Somebody who walks out of the picture leaves a hand or a heel behind for a frame or two; what the
back end reads from such a sliver is a guess, and a guess at the end of a track throws its path far
off.
"""

import dataclasses

import numpy as np

from choreoscope.capture.association import JoinResult
from choreoscope.datatypes.people import Decision, ObservationRows

LOOSE_S = 0.1
"""Ends no longer than this are loose (s)."""


def without_loose_ends(
    joined: JoinResult, rows: ObservationRows, times: np.ndarray, first_frame: int
) -> JoinResult:
    """Drop first and last pieces of a track that are an instant long and stand alone.

    Parameters
    ----------
    joined : JoinResult
        Persons as row numbers of `rows`.
    rows : ObservationRows
        All rows of the clip.
    times : (F,) float
        Seconds of every frame of the clip.
    first_frame : int
        Source frame of the first of these times.
    """
    persons, decisions = {}, list(joined.decisions)
    for person, own in joined.persons.items():
        kept = _kept(rows.frames[own], times, first_frame)
        persons[person] = own[kept]
        if not kept.all():
            decisions.append(_decision(person, rows, own[~kept], times, first_frame))
    return dataclasses.replace(joined, persons=persons, decisions=tuple(decisions))


def _kept(frames: np.ndarray, times: np.ndarray, first_frame: int) -> np.ndarray:
    kept = np.ones(len(frames), dtype=bool)
    pieces = np.split(np.arange(len(frames)), np.flatnonzero(np.diff(frames) > 1) + 1)
    period = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    longest = max(pieces, key=len)
    for ends in (pieces, pieces[::-1]):
        for piece in ends:
            seconds = times[frames[piece[-1]] - first_frame] - times[frames[piece[0]] - first_frame]
            if piece is longest or seconds + period > LOOSE_S:
                break
            kept[piece] = False
    return kept


def _decision(
    person: str, rows: ObservationRows, own: np.ndarray, times: np.ndarray, first_frame: int
) -> Decision:
    seconds = ", ".join(f"{times[frame - first_frame]:.2f}" for frame in rows.frames[own])
    return Decision(
        kind="drop",
        tracklets=tuple(int(number) for number in np.unique(rows.tracklets[own])),
        score=0.5,
        reason=f"{person}: {len(own)} loose sightings at {seconds} s, cut off from the rest",
    )
