"""Linking runs of sightings into chains, by optimal assignment of ends to starts.

The assignment is Kuhn's (1955) over negative log-likelihoods, in rounds of growing gaps, so that
what is near in time is settled before anything far is tried.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from pydantic import Field

from choreoscope.capture.likeness import (
    End,
    LikenessOptions,
    Sightings,
    clothes_cost,
    colour_distance,
    end_state,
    motion_cost,
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
    returns: bool = Field(
        default=True, description="Whether people who were gone for longer are known by clothes."
    )
    return_clothes: float = Field(
        default=0.22, gt=0, description="Hellinger distance up to which somebody has come back."
    )
    return_margin: float = Field(
        default=0.08, ge=0, description="How much less anybody else may look like them (Hellinger)."
    )
    return_size: float = Field(
        default=0.7, gt=0, description="Change of size of somebody who comes back (logarithm)."
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
    spans = np.floor((seconds - seconds[0]) / options.clothes_span_s + _CLOCK_JITTER_S)
    parts = np.split(rows, np.flatnonzero(np.diff(spans)) + 1)
    told = [part for part in parts if len(part) >= options.return_rows] or [rows]
    return np.stack([typical_colours(seen.colours[part]) for part in told])


def link(
    seen: Sightings,
    runs: Sequence[np.ndarray],
    options: LinkOptions,
    likeness: LikenessOptions,
    decisions: list[Decision],
) -> list[np.ndarray]:
    """Join runs that follow each other.

    Parameters
    ----------
    runs : sequence of (n,) int
        Rows of each run by rising frame.
    decisions : list of Decision
        Gets one entry for every link between different tracklets.

    Returns
    -------
    list of (n,) int
        Rows of each chain.
    """
    chains = [chain_of(seen, rows, options, likeness) for rows in runs]
    for gap in options.gaps_s:
        chains = _round(seen, chains, (gap, np.inf), options, likeness, decisions)
    # Light changes clothes as much as another person does. What nobody else has claimed by now
    # and moves on as one is one.
    chains = _round(seen, chains, (options.mend_s, options.forgiven), options, likeness, decisions)
    if options.returns:
        chains = _returns(seen, chains, options, likeness, decisions)
    return [chain.rows for chain in chains]


def link_cost(
    one: Chain, two: Chain, likeness: LikenessOptions, worst_clothes: float = np.inf
) -> float:
    """Negative log-likelihood that `two` goes on where `one` ends; clothes may be capped."""
    distance = colour_distance(one.last_colours, two.first_colours)
    clothes = clothes_cost(distance, min(len(one.rows), len(two.rows)), likeness)
    return (
        motion_cost(one.end, two.start, likeness)
        + size_cost(one.end, two.start, likeness)
        + min(clothes, worst_clothes)
    )


def insert(
    seen: Sightings,
    runs: Sequence[np.ndarray],
    options: LinkOptions,
    likeness: LikenessOptions,
    decisions: list[Decision],
) -> list[np.ndarray]:
    """Put each run into the holes of an earlier one, or at its ends, where it fits best.

    Parameters
    ----------
    runs : sequence of (n,) int
        The best first: later ones are guests of earlier ones.

    Returns
    -------
    list of (n,) int
        The runs that took guests in, and those that fit nowhere.
    """
    hosts: list[np.ndarray] = []
    for rows in runs:
        costs = [_fit(seen, host, rows, options, likeness) for host in hosts]
        best = int(np.argmin(costs)) if costs else 0
        if not costs or costs[best] > options.cost:
            hosts.append(rows)
            continue
        _tell(seen, hosts[best], rows, costs[best], options, decisions)
        merged = np.concatenate([hosts[best], rows])
        hosts[best] = merged[np.argsort(seen.frame[merged], kind="stable")]
    return hosts


def _fit(
    seen: Sightings,
    chain: np.ndarray,
    rows: np.ndarray,
    options: LinkOptions,
    likeness: LikenessOptions,
) -> float:
    """Cost of the worst seam between a chain and a run that may lie in its holes."""
    frames, guests = seen.frame[chain], seen.frame[rows]
    if len(np.intersect1d(frames, guests, assume_unique=True)):
        return np.inf
    # Where each guest row stands among the chain's rows; guests that share a place are one stretch.
    places = np.searchsorted(frames, guests)
    costs = []
    for place in np.unique(places):
        stretch = rows[places == place]
        inside = 0 < place < len(chain)
        longest = max(options.gaps_s, default=0.0) if inside else options.mend_s
        seams = [(chain[:place], stretch), (stretch, chain[place:])]
        for one, two in seams:
            if len(one) and len(two):
                costs.append(_seam_of_rows(seen, (one, two), longest, options, likeness))
        if np.isinf(costs[-1]):
            break
    return max(costs)


def _seam_of_rows(
    seen: Sightings,
    rows: tuple[np.ndarray, np.ndarray],
    longest_gap: float,
    options: LinkOptions,
    likeness: LikenessOptions,
) -> float:
    """Cost of a seam; only the rows near it are looked at, and only when it is short enough."""
    one, two = rows
    if seen.seconds[two[0]] - seen.seconds[one[-1]] > longest_gap + _CLOCK_JITTER_S:
        return np.inf
    span = max(options.clothes_span_s, likeness.velocity_span_s)
    last = one[seen.seconds[one] >= seen.seconds[one[-1]] - span]
    first = two[seen.seconds[two] <= seen.seconds[two[0]] + span]
    ends = (chain_of(seen, part, options, likeness) for part in (last, first))
    return link_cost(*ends, likeness, options.forgiven)


def _seam_cost(
    one: Chain, two: Chain, longest_gap: float, worst_clothes: float, likeness: LikenessOptions
) -> float:
    gap = two.start.seconds - one.end.seconds
    if not 0 < gap <= longest_gap + _CLOCK_JITTER_S:
        return np.inf
    return link_cost(one, two, likeness, worst_clothes)


def _round(
    seen: Sightings,
    chains: list[Chain],
    limits: tuple[float, float],
    options: LinkOptions,
    likeness: LikenessOptions,
    decisions: list[Decision],
) -> list[Chain]:
    longest_gap, worst_clothes = limits
    costs = np.full((len(chains), len(chains)), np.inf)
    for i, one in enumerate(chains):
        for j, two in enumerate(chains):
            costs[i, j] = _seam_cost(one, two, longest_gap, worst_clothes, likeness)
    pairs = assigned(costs, options.cost)
    for i, j in pairs:
        _tell(seen, chains[i].rows, chains[j].rows, float(costs[i, j]), options, decisions)
    return _merged(seen, chains, pairs, options, likeness)


def _returns(
    seen: Sightings,
    chains: list[Chain],
    options: LinkOptions,
    likeness: LikenessOptions,
    decisions: list[Decision],
) -> list[Chain]:
    costs = np.full((len(chains), len(chains)), np.inf)
    for i, one in enumerate(chains):
        for j, two in enumerate(chains):
            gone = two.start.seconds - one.end.seconds
            told = min(len(one.rows), len(two.rows)) >= options.return_rows
            grown = abs(np.log(one.end.px_per_m / two.start.px_per_m))
            if gone > 0 and told and grown <= options.return_size:
                costs[i, j] = nearest_looks(one.looks, two.looks)
    costs[costs + options.return_margin > _double(chains, options)] = np.inf
    pairs = assigned(costs, options.return_clothes)
    for i, j in pairs:
        left, back = chains[i].rows, chains[j].rows
        away = seen.seconds[back[0]] - seen.seconds[left[-1]]
        decisions.append(
            Decision(
                kind="join",
                tracklets=(int(seen.tracklet[left[-1]]), int(seen.tracklet[back[0]])),
                score=round(1.0 - float(costs[i, j]) / options.return_clothes, 3),
                reason=f"came back at {seen.seconds[back[0]]:.2f} s after {away:.2f} s "
                f"(clothes distance {costs[i, j]:.2f})",
            )
        )
    return _merged(seen, chains, pairs, options, likeness)


def _double(chains: Sequence[Chain], options: LinkOptions) -> np.ndarray:
    """How alike somebody else looks who was seen together with one of two chains, ``(n, n)``.

    Where everybody wears black, clothes cannot tell who came back.
    """
    told = [chain for chain in chains if len(chain.rows) >= options.return_rows]
    alike = np.full(len(chains), np.inf)
    for i, chain in enumerate(chains):
        for other in told:
            together = (
                other.start.seconds < chain.end.seconds and chain.start.seconds < other.end.seconds
            )
            if other is not chain and together:
                alike[i] = min(alike[i], nearest_looks(chain.looks, other.looks))
    return np.minimum(alike[:, None], alike[None, :])


def nearest_looks(one: np.ndarray, two: np.ndarray) -> float:
    """Smallest Hellinger distance between any two looks ``(K, A)``; infinite where unknown."""
    distances = np.linalg.norm(one[:, None] - two[None], axis=-1) / np.sqrt(2.0)
    known = distances[np.isfinite(distances)]
    return float(known.min()) if known.size and one.shape[1] else float("inf")


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


def _merged(
    seen: Sightings,
    chains: list[Chain],
    pairs: Sequence[tuple[int, int]],
    options: LinkOptions,
    likeness: LikenessOptions,
) -> list[Chain]:
    after = dict(pairs)
    followers = set(after.values())
    merged: list[Chain] = []
    for head in range(len(chains)):
        if head in followers:
            continue
        parts, at = [chains[head].rows], head
        while at in after:
            at = after[at]
            parts.append(chains[at].rows)
        rows = np.concatenate(parts)
        merged.append(chains[head] if len(parts) == 1 else chain_of(seen, rows, options, likeness))
    return merged


def _tell(
    seen: Sightings,
    one: np.ndarray,
    two: np.ndarray,
    cost: float,
    options: LinkOptions,
    decisions: list[Decision],
) -> None:
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


_CLOCK_JITTER_S = 1e-6
