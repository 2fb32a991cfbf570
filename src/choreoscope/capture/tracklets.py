"""Cleaning the runs of a people back end before they are joined into persons.

A run may jump from one person to another, two runs may sit on one body, two runs may exchange
their people while these cross. Here runs are cut and exchanged where that shows, and of two rows on
one body the worse is taken out.
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
    covered,
    end_state,
    motion_cost,
    pose_likeness,
    typical_colours,
)
from choreoscope.datatypes.people import Decision
from choreoscope.pipeline.stage import Options


class CleaningOptions(Options):
    """When a run is cut, exchanged or thinned out."""

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
    same_pose: float = Field(
        default=0.5, gt=0, le=1, description="Pose likeness from which two rows are one body."
    )
    inner_share: float = Field(
        default=0.8, gt=0, le=1, description="Box share inside another that makes a false copy."
    )
    inner_size: float = Field(
        default=0.8,
        gt=0,
        le=1,
        description="A false copy inside a body is at most this size of it.",
    )
    inner_place_m: float = Field(
        default=0.45, gt=0, description="How near a false copy's torso lies to the true one (m)."
    )
    inner_clothes: float = Field(
        default=0.45, gt=0, description="Hellinger distance up to which a copy wears the same."
    )
    same_for_s: float = Field(
        default=0.25, ge=0, description="Two rows of one body for this long are never chance (s)."
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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """Runs after cleaning: rows by rising frame, no row in two runs."""

    runs: tuple[np.ndarray, ...]
    cuts: tuple[Cut, ...]
    copies: tuple[Decision, ...]


def clean(seen: Sightings, options: CleaningOptions, likeness: LikenessOptions) -> Cleaned:
    """Cut the back end's tracklets into runs that show one person each, one row per body.

    Parameters
    ----------
    seen : Sightings
        All rows of a clip.
    options, likeness : CleaningOptions, LikenessOptions
        Thresholds.
    """
    cuts: list[Cut] = []
    copies: list[Decision] = []
    runs: list[np.ndarray] = []
    for number in np.unique(seen.tracklet):
        rows = _one_per_frame(seen, np.flatnonzero(seen.tracklet == number))
        for part in _without_pauses(seen, rows, options.pause_s):
            for smooth in _without_jumps(seen, part, options, likeness, cuts):
                runs.extend(_without_changes(seen, smooth, options, cuts))
    runs = _uncrossed(seen, runs, options, cuts)
    runs = _without_copies(seen, runs, options, likeness, copies)
    return Cleaned(runs=tuple(runs), cuts=tuple(cuts), copies=tuple(copies))


def quality(seen: Sightings, rows: np.ndarray) -> float:
    """How much a run is worth: rows, weighted by score and by how much of the body is visible."""
    return float((seen.score[rows] * seen.visibility[rows].mean(axis=1)).sum())


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
    options: CleaningOptions,
    likeness: LikenessOptions,
    cuts: list[Cut],
) -> list[np.ndarray]:
    singles = [end_state(seen, rows[i : i + 1], likeness, last=True) for i in range(len(rows))]
    costs = np.array([motion_cost(one, two, likeness) for one, two in pairwise(singles)])
    places = np.flatnonzero(costs > options.jump_cost) + 1
    for place in places:
        cost = float(costs[place - 1])
        cuts.append(
            _cut_between(
                seen, rows, place, f"jumped, motion cost {cost:.1f}", cost / options.jump_cost
            )
        )
    return _parts(rows, places)


def _without_changes(
    seen: Sightings, rows: np.ndarray, options: CleaningOptions, cuts: list[Cut]
) -> list[np.ndarray]:
    """Cut where the clothes before differ from the clothes after, the clearest place first."""
    seconds = seen.seconds[rows]
    differences = np.zeros(len(rows))
    for place in range(_FEWEST_ROWS, len(rows) - _FEWEST_ROWS + 1):
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
    seen: Sightings, runs: list[np.ndarray], options: CleaningOptions, cuts: list[Cut]
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
    seen: Sightings, one: np.ndarray, two: np.ndarray, options: CleaningOptions
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
    seen: Sightings, one: np.ndarray, two: np.ndarray, frame: int, options: CleaningOptions
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


def _without_copies(
    seen: Sightings,
    runs: list[np.ndarray],
    options: CleaningOptions,
    likeness: LikenessOptions,
    decisions: list[Decision],
) -> list[np.ndarray]:
    """Take the rows of worse runs that lie on the body of a better one out."""
    order = sorted(
        range(len(runs)), key=lambda index: (-quality(seen, runs[index]), runs[index][0])
    )
    kept: list[np.ndarray] = []
    at_frame: dict[int, list[int]] = {}
    for index in order:
        rows = runs[index]
        copied = np.array(
            [
                any(
                    _one_body(seen, row, other, options, likeness)
                    for other in at_frame.get(int(seen.frame[row]), [])
                )
                for row in rows
            ],
            dtype=bool,
        )
        parts = _thinned(seen, rows, copied, options)
        left = sum(len(part) for part in parts)
        if left < len(rows):
            decisions.append(
                Decision(
                    kind="duplicate",
                    tracklets=(int(seen.tracklet[rows[0]]),),
                    score=round(float(copied.mean()), 3),
                    reason=f"{len(rows) - left} of {len(rows)} rows from "
                    f"{seen.seconds[rows[0]]:.2f} s on lie on somebody already seen",
                )
            )
        kept.extend(parts)
        for row in np.concatenate(parts) if parts else ():
            at_frame.setdefault(int(seen.frame[row]), []).append(int(row))
    return kept


def _thinned(
    seen: Sightings, rows: np.ndarray, copied: np.ndarray, options: CleaningOptions
) -> list[np.ndarray]:
    """Take copied stretches out; short ones in a long run of its own are people who cross."""
    if not copied.any():
        return [rows]
    if copied.mean() < _MOSTLY:
        edges = np.flatnonzero(np.diff(copied.astype(np.int8))) + 1
        for stretch in np.split(np.arange(len(rows)), edges):
            lasts = seen.seconds[rows[stretch[-1]]] - seen.seconds[rows[stretch[0]]]
            if copied[stretch[0]] and lasts < options.same_for_s:
                copied[stretch] = False
    own = np.flatnonzero(~copied)
    places = np.flatnonzero(np.diff(own) > 1) + 1
    return [rows[part] for part in _parts(own, places)]


_MOSTLY = 0.5


def _one_body(
    seen: Sightings, row: int, other: int, options: CleaningOptions, likeness: LikenessOptions
) -> bool:
    scale = float(max(seen.px_per_m[row], seen.px_per_m[other]))
    apart = float(np.linalg.norm(seen.centre_px[row] - seen.centre_px[other])) / scale
    if apart > 2 * options.inner_place_m:
        return False
    pose = pose_likeness(seen.points_px[row], seen.points_px[other], scale, likeness.pose_m)
    if pose >= options.same_pose:
        return True
    ratio = float(seen.px_per_m[row] / seen.px_per_m[other])
    return (
        apart <= options.inner_place_m
        and max(ratio, 1 / ratio) >= 1 / options.inner_size
        and covered(seen.box[row], seen.box[other]) >= options.inner_share
        and not colour_distance(seen.colours[row], seen.colours[other]) > options.inner_clothes
    )
