"""Cutting the runs of a people back end where they stop showing one person.

A run may jump from one person to another, slide onto somebody whose clothes differ, or exchange
people with another run while these cross.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from pydantic import Field

from choreoscope.capture.likeness import (
    LikenessOptions,
    Sightings,
    colour_distance,
    end_state,
    motion_cost,
    typical_colours,
)
from choreoscope.datatypes.people import Decision
from choreoscope.pipeline.stage import Options


class CutOptions(Options):
    """When a run is cut."""

    pause_s: float = Field(
        default=0.25, ge=0, description="Longest pause inside a run of the back end (s)."
    )
    jump_cost: float = Field(
        default=12.5, gt=0, description="Motion cost at which a run has jumped to somebody else."
    )
    clothes_change: float = Field(
        default=0.42, gt=0, le=1, description="Hellinger distance at which clothes have changed."
    )
    clothes_span_s: float = Field(
        default=0.5, gt=0, description="Span before and after over which clothes are compared (s)."
    )
    shortest_s: float = Field(
        default=0.25, ge=0, description="Shortest piece that a change of clothes cuts off (s)."
    )
    meeting_m: float = Field(
        default=0.6, gt=0, description="Torsos nearer than this may be exchanged (m)."
    )
    meeting_span_s: float = Field(
        default=1.5, gt=0, description="How far before and after a meeting clothes are read (s)."
    )
    swap_margin: float = Field(
        default=0.15, gt=0, description="How much better clothes must fit exchanged (Hellinger)."
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Cut:
    """A place where a run was cut; of no interest when both rows end in one person after all."""

    before: int
    after: int
    decision: Decision


def cut_runs(
    seen: Sightings, options: CutOptions, likeness: LikenessOptions
) -> tuple[list[np.ndarray], list[Cut]]:
    """Cut the back end's tracklets into runs that show one person each.

    Parameters
    ----------
    seen : Sightings
        All rows of a clip.
    options, likeness : CutOptions, LikenessOptions
        Thresholds.

    Returns
    -------
    list of (n,) int, list of Cut
        Rows of each run by rising frame, no row in two runs; and where cuts were made.
    """
    cuts: list[Cut] = []
    runs: list[np.ndarray] = []
    for number in np.unique(seen.tracklet):
        rows = _one_per_frame(seen, np.flatnonzero(seen.tracklet == number))
        for part in _without_pauses(seen, rows, options.pause_s):
            for smooth in _without_jumps(seen, part, options, likeness, cuts):
                runs.extend(_without_changes(seen, smooth, options, cuts))
    return _uncrossed(seen, runs, options, cuts), cuts


def _one_per_frame(seen: Sightings, rows: np.ndarray) -> np.ndarray:
    best = rows[np.lexsort((rows, -seen.score[rows], seen.frame[rows]))]
    first = np.concatenate([[True], np.diff(seen.frame[best]) > 0])
    return np.asarray(best[first])


def _parts(rows: np.ndarray, places: np.ndarray | Sequence[int]) -> list[np.ndarray]:
    return [part for part in np.split(rows, places) if len(part)]


def _cut_between(seen: Sightings, rows: np.ndarray, place: int, why: str, ratio: float) -> Cut:
    before, after = int(rows[place - 1]), int(rows[place])
    decision = Decision(
        kind="split",
        tracklets=(int(seen.tracklet[before]),),
        score=_sureness(ratio),
        reason=f"cut at {seen.seconds[after]:.2f} s: {why}",
    )
    return Cut(before, after, decision)


def _without_pauses(seen: Sightings, rows: np.ndarray, pause_s: float) -> list[np.ndarray]:
    frames_missing = np.diff(seen.frame[rows]) > 1
    long = frames_missing & (np.diff(seen.seconds[rows]) > pause_s)
    return _parts(rows, np.flatnonzero(long) + 1)


def _without_jumps(
    seen: Sightings,
    rows: np.ndarray,
    options: CutOptions,
    likeness: LikenessOptions,
    cuts: list[Cut],
) -> list[np.ndarray]:
    singles = [end_state(seen, rows[i : i + 1], likeness, last=True) for i in range(len(rows))]
    costs = np.array([motion_cost(one, two, likeness) for one, two in pairwise(singles)])
    places = np.flatnonzero(costs > options.jump_cost) + 1
    for place in places.tolist():
        cost = float(costs[place - 1])
        cuts.append(
            _cut_between(
                seen, rows, int(place), f"jumped, motion cost {cost:.1f}", cost / options.jump_cost
            )
        )
    return _parts(rows, places)


def _without_changes(
    seen: Sightings, rows: np.ndarray, options: CutOptions, cuts: list[Cut]
) -> list[np.ndarray]:
    """Cut where the clothes before differ from the clothes after, the clearest place first."""
    seconds = seen.seconds[rows]
    differences = np.zeros(len(rows))
    # Shorter pieces tell too little of their own clothes to be claimed by anybody.
    first = int(np.searchsorted(seconds, seconds[0] + options.shortest_s))
    last = int(np.searchsorted(seconds, seconds[-1] - options.shortest_s, side="right"))
    for place in range(max(first, _FEWEST_ROWS), min(last, len(rows) - _FEWEST_ROWS) + 1):
        edge = (seconds[place - 1] + seconds[place]) / 2
        near = np.abs(seconds - edge) <= options.clothes_span_s
        before, after = rows[:place][near[:place]], rows[place:][near[place:]]
        if len(before) >= _FEWEST_ROWS and len(after) >= _FEWEST_ROWS:
            distance = colour_distance(
                typical_colours(seen.colours[before]), typical_colours(seen.colours[after])
            )
            differences[place] = 0.0 if np.isnan(distance) else distance
    worst = float(differences.max(initial=0.0))
    if worst <= options.clothes_change:
        return [rows]
    place = int(differences.argmax())
    why = f"clothes changed, distance {worst:.2f}"
    cuts.append(_cut_between(seen, rows, place, why, worst / options.clothes_change))
    halves = _parts(rows, [place])
    return [part for half in halves for part in _without_changes(seen, half, options, cuts)]


_FEWEST_ROWS = 2


def _sureness(ratio: float) -> float:
    """Turn how many times a threshold is exceeded into 0 to 1."""
    return round(max(0.0, 1.0 - 1.0 / max(ratio, 1.0)), 3)


def _uncrossed(
    seen: Sightings, runs: list[np.ndarray], options: CutOptions, cuts: list[Cut]
) -> list[np.ndarray]:
    """Exchange the later parts of two runs whose clothes fit better crosswise after a meeting."""
    runs = list(runs)
    meetings = sorted(
        (frame, one, two)
        for one in range(len(runs))
        for two in range(one + 1, len(runs))
        if _overlap(seen, runs[one], runs[two])
        for frame in _meetings(seen, runs[one], runs[two], options)
    )
    for frame, one, two in meetings:
        gain = _swap_gain(seen, runs[one], runs[two], frame, options)
        if gain <= options.swap_margin:
            continue
        halves = [
            (rows[seen.frame[rows] < frame], rows[seen.frame[rows] >= frame])
            for rows in (runs[one], runs[two])
        ]
        runs[one] = np.concatenate([halves[0][0], halves[1][1]])
        runs[two] = np.concatenate([halves[1][0], halves[0][1]])
        why = f"exchanged people where they met, gain {gain:.2f}"
        for before, after in halves:
            joint = np.array([before[-1], after[0]])
            cuts.append(_cut_between(seen, joint, 1, why, gain / options.swap_margin))
    return runs


def _overlap(seen: Sightings, one: np.ndarray, two: np.ndarray) -> bool:
    frame = seen.frame
    return bool(frame[one[0]] <= frame[two[-1]] and frame[two[0]] <= frame[one[-1]])


def _meetings(
    seen: Sightings, one: np.ndarray, two: np.ndarray, options: CutOptions
) -> Iterator[int]:
    """Frame of closest approach of every spell that two runs spend near each other."""
    frames, first, second = np.intersect1d(
        seen.frame[one], seen.frame[two], assume_unique=True, return_indices=True
    )
    if len(frames) == 0:
        return
    rows, others = one[first], two[second]
    scale = np.maximum(seen.px_per_m[rows], seen.px_per_m[others])
    apart = np.linalg.norm(seen.centre_px[rows] - seen.centre_px[others], axis=1) / scale
    near = np.flatnonzero(apart < options.meeting_m)
    pauses = np.diff(seen.seconds[rows[near]]) > options.clothes_span_s
    for spell in _parts(near, np.flatnonzero(pauses) + 1):
        yield int(frames[spell[apart[spell].argmin()]])


def _swap_gain(
    seen: Sightings, one: np.ndarray, two: np.ndarray, frame: int, options: CutOptions
) -> float:
    middle = float(seen.seconds[seen.frame == frame][0])
    colours = []
    for rows in (one, two):
        offset = seen.seconds[rows] - middle
        # The meeting itself mixes both people's colours.
        apart = np.abs(offset) > options.clothes_span_s / 2
        near = apart & (np.abs(offset) <= options.meeting_span_s)
        colours.append(
            [typical_colours(seen.colours[rows[near & (offset * side > 0)]]) for side in (-1, 1)]
        )
    (before_one, after_one), (before_two, after_two) = colours
    straight = colour_distance(before_one, after_one) + colour_distance(before_two, after_two)
    crossed = colour_distance(before_one, after_two) + colour_distance(before_two, after_one)
    gain = (straight - crossed) / 2
    return 0.0 if np.isnan(gain) else gain
