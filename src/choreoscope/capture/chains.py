"""Runs of sightings as links see them: what is known at both ends, what a link costs, who pairs."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from pydantic import Field

from choreoscope.capture.likeness import (
    CLOCK_JITTER_S,
    End,
    LikenessOptions,
    Sightings,
    clothes_cost,
    colour_distance,
    end_state,
    motion_cost,
    pose_cost,
    size_cost,
    typical_colours,
)
from choreoscope.datatypes.people import Decision
from choreoscope.pipeline.stage import Options


class LinkOptions(Options):
    """When two runs are one person."""

    gaps_s: tuple[float, ...] = Field(
        default=(0.3, 1.0, 2.5), description="Longest gap of each round of joining (s)."
    )
    cost: float = Field(default=9.0, gt=0, description="Cost above which nothing is joined.")
    mend_s: float = Field(
        default=0.3, ge=0, description="Longest gap of the last round, which forgives clothes (s)."
    )
    forgiven: float = Field(
        default=4.0, ge=0, description="The most that clothes may cost in that round."
    )
    clothes_span_s: float = Field(
        default=0.5, gt=0, description="Span over which clothes are read at a time (s)."
    )
    other_clothes: float = Field(
        default=0.58, gt=0, description="Hellinger distance that is another person, or other light."
    )
    same_light: float = Field(
        default=0.25, gt=0, description="Change of somebody else's clothes that rules light out."
    )
    returns: bool = Field(
        default=True, description="Whether people who were gone for longer are known by clothes."
    )
    return_clothes: float = Field(
        default=0.3, gt=0, description="Hellinger distance up to which somebody has come back."
    )
    return_fades_s: float = Field(
        default=30.0, gt=0, description="Absence after which that is only a third of it (s)."
    )
    return_margin: float = Field(
        default=0.08, ge=0, description="How much less anybody else may look like them (Hellinger)."
    )
    return_size: float = Field(
        default=0.7, gt=0, description="Change of size of somebody who comes back (logarithm)."
    )
    fastest_m_s: float = Field(
        default=8.0, gt=0, description="Nobody comes back from further away than this (m/s)."
    )
    return_rows: int = Field(
        default=3, ge=1, description="Rows on either side that a return has to be read from."
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Rows taken to be one person, with what a link needs to know of both ends.

    Attributes
    ----------
    rows : (n,) int
        By rising frame.
    start, end : End
        State of the torso there.
    first_colours, last_colours : (A,) float
        Typical clothes at either end.
    looks : (K, A) float
        Typical clothes of every span in between: one dress looks different in sun and shade.
    """

    rows: np.ndarray
    start: End
    end: End
    first_colours: np.ndarray
    last_colours: np.ndarray
    looks: np.ndarray


def chain_of(
    seen: Sightings, rows: np.ndarray, options: LinkOptions, likeness: LikenessOptions
) -> Chain:
    """Measure the ends of a run of rows."""
    seconds = seen.seconds[rows]
    span = options.clothes_span_s
    return Chain(
        rows=rows,
        start=end_state(seen, rows, likeness, last=False),
        end=end_state(seen, rows, likeness, last=True),
        first_colours=typical_colours(seen.colours[rows[seconds <= seconds[0] + span]]),
        last_colours=typical_colours(seen.colours[rows[seconds >= seconds[-1] - span]]),
        looks=_looks(seen, rows, options),
    )


def _looks(seen: Sightings, rows: np.ndarray, options: LinkOptions) -> np.ndarray:
    seconds = seen.seconds[rows]
    spans = np.floor((seconds - seconds[0]) / options.clothes_span_s + CLOCK_JITTER_S)
    parts = np.split(rows, np.flatnonzero(np.diff(spans)) + 1)
    told = [part for part in parts if len(part) >= options.return_rows] or [rows]
    return np.stack([typical_colours(seen.colours[part]) for part in told])


def link_cost(
    one: Chain, two: Chain, likeness: LikenessOptions, worst_clothes: float = np.inf
) -> float:
    """Negative log-likelihood that `two` goes on where `one` ends; clothes may be capped."""
    distance = colour_distance(one.last_colours, two.first_colours)
    clothes = clothes_cost(distance, min(len(one.rows), len(two.rows)), likeness)
    return (
        motion_cost(one.end, two.start, likeness)
        + size_cost(one.end, two.start, likeness)
        + pose_cost(one.end, two.start, likeness)
        + min(clothes, worst_clothes)
    )


def assigned(costs: np.ndarray, limit: float) -> list[tuple[int, int]]:
    """Pair rows with columns so that the sum of what pairs save against `limit` is largest.

    Parameters
    ----------
    costs : (n, m) float
        Infinite where a pair is impossible.
    limit : float
        Pairs that cost this much or more are never made.
    """
    from scipy.optimize import linear_sum_assignment

    saved = np.minimum(costs - limit, 0.0)
    pairs = zip(*linear_sum_assignment(saved), strict=True)
    return [(int(i), int(j)) for i, j in pairs if saved[i, j] < 0]


def in_time(chains: Sequence[Chain], pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sort pairs by the start of the second."""
    return sorted(pairs, key=lambda pair: (chains[pair[1]].start.seconds, pair))


def merged(
    seen: Sightings,
    chains: list[Chain],
    pairs: Sequence[tuple[int, int]],
    options: LinkOptions,
    likeness: LikenessOptions,
) -> list[Chain]:
    """Chains after every first of a pair is followed by the second."""
    after = dict(pairs)
    followers = set(after.values())
    longer: list[Chain] = []
    for head in range(len(chains)):
        if head in followers:
            continue
        parts, at = [chains[head].rows], head
        while at in after:
            at = after[at]
            parts.append(chains[at].rows)
        rows = np.concatenate(parts)
        longer.append(chains[head] if len(parts) == 1 else chain_of(seen, rows, options, likeness))
    return longer


def tell(
    seen: Sightings,
    one: np.ndarray,
    two: np.ndarray,
    cost: float,
    options: LinkOptions,
    decisions: list[Decision],
) -> None:
    """Record that rows `two` were joined to rows `one`, if they come from another tracklet."""
    before = one[seen.frame[one] < seen.frame[two[0]]]
    row = before[-1] if len(before) else one[0]
    numbers = int(seen.tracklet[row]), int(seen.tracklet[two[0]])
    if numbers[0] == numbers[1]:
        return
    gap = abs(float(seen.seconds[two[0]] - seen.seconds[row]))
    decisions.append(
        Decision(
            kind="join",
            tracklets=numbers,
            score=round(max(0.0, 1.0 - cost / options.cost), 3),
            reason=f"goes on at {seen.seconds[two[0]]:.2f} s after {gap:.2f} s (cost {cost:.1f})",
        )
    )
