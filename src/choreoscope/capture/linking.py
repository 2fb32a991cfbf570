"""Linking runs of sightings into chains, by optimal assignment of ends to starts.

The assignment is Kuhn's (1955) over negative log-likelihoods, in rounds of growing gaps, so that
what is near in time is settled before anything far is tried.
"""

from collections.abc import Sequence

import numpy as np

from choreoscope.capture.chains import (
    Chain,
    LinkOptions,
    assigned,
    chain_of,
    in_time,
    link_cost,
    merged,
    tell,
)
from choreoscope.capture.likeness import (
    CLOCK_JITTER_S,
    LikenessOptions,
    Sightings,
    colour_distance,
    typical_colours,
)
from choreoscope.capture.returns import come_back
from choreoscope.datatypes.people import Decision


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
        chains = come_back(seen, chains, options, likeness, decisions)
    return [chain.rows for chain in chains]


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
            if np.isfinite(costs[i, j]) and _somebody_else(seen, chains, (i, j), options):
                costs[i, j] = np.inf
    pairs = in_time(chains, assigned(costs, options.cost))
    for i, j in pairs:
        tell(seen, chains[i].rows, chains[j].rows, float(costs[i, j]), options, decisions)
    return merged(seen, chains, pairs, options, likeness)


def _somebody_else(
    seen: Sightings, chains: Sequence[Chain], pair: tuple[int, int], options: LinkOptions
) -> bool:
    """Whether clothes change at a seam as light alone cannot: others nearby in time keep theirs."""
    one, two = (chains[index] for index in pair)
    if min(len(one.rows), len(two.rows)) < options.return_rows:
        return False
    if not colour_distance(one.last_colours, two.first_colours) > options.other_clothes:
        return False
    seam = (one.end.seconds + two.start.seconds) / 2.0
    return any(
        _change_at(seen, chain, seam, options) < options.same_light
        for index, chain in enumerate(chains)
        if index not in pair
    )


def _change_at(seen: Sightings, chain: Chain, seam: float, options: LinkOptions) -> float:
    """Hellinger distance of a chain's clothes before and after a time; infinite where not seen."""
    offset = seen.seconds[chain.rows] - seam
    near = np.abs(offset) <= options.clothes_span_s
    sides = [chain.rows[near & (offset * side > 0)] for side in (-1, 1)]
    if min(len(rows) for rows in sides) < options.return_rows:
        return np.inf
    before, after = (typical_colours(seen.colours[rows]) for rows in sides)
    change = colour_distance(before, after)
    return np.inf if np.isnan(change) else change


def _seam_cost(
    one: Chain, two: Chain, longest_gap: float, worst_clothes: float, likeness: LikenessOptions
) -> float:
    gap = two.start.seconds - one.end.seconds
    if not 0 < gap <= longest_gap + CLOCK_JITTER_S:
        return np.inf
    return link_cost(one, two, likeness, worst_clothes)
