"""Putting runs that are left over into the holes of chains, which no assignment of ends can do."""

from collections.abc import Sequence

import numpy as np

from choreoscope.capture.chains import (
    LinkOptions,
    chain_of,
    link_cost,
    tell,
)
from choreoscope.capture.likeness import CLOCK_JITTER_S, LikenessOptions, Sightings
from choreoscope.datatypes.people import Decision


def insert(
    seen: Sightings,
    runs: Sequence[np.ndarray],
    options: LinkOptions,
    likeness: LikenessOptions,
    decisions: list[Decision],
) -> list[np.ndarray]:
    """Put each run into the holes of an earlier one, where it fits best.

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
        tell(seen, hosts[best], rows, costs[best], options, decisions)
        both = np.concatenate([hosts[best], rows])
        hosts[best] = both[np.argsort(seen.frame[both], kind="stable")]
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
    if places[0] == 0 or places[-1] == len(chain):
        return np.inf
    worst = 0.0
    for place in np.unique(places):
        stretch = rows[places == place]
        for seam in ((chain[:place], stretch), (stretch, chain[place:])):
            worst = max(worst, _seam_of_rows(seen, seam, options, likeness))
        if np.isinf(worst):
            break
    return worst


def _seam_of_rows(
    seen: Sightings,
    rows: tuple[np.ndarray, np.ndarray],
    options: LinkOptions,
    likeness: LikenessOptions,
) -> float:
    """Cost of a seam; only the rows near it are looked at, and only when it is short enough."""
    one, two = rows
    longest_gap = max(options.gaps_s, default=0.0)
    if seen.seconds[two[0]] - seen.seconds[one[-1]] > longest_gap + CLOCK_JITTER_S:
        return np.inf
    span = max(options.clothes_span_s, likeness.velocity_span_s)
    last = one[seen.seconds[one] >= seen.seconds[one[-1]] - span]
    first = two[seen.seconds[two] <= seen.seconds[two[0]] + span]
    before, after = (chain_of(seen, part, options, likeness) for part in (last, first))
    return link_cost(before, after, likeness, options.forgiven)
