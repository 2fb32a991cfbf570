"""People who leave and come back: known by their clothes, where clothes can tell people apart."""

from collections.abc import Sequence

import numpy as np

from choreoscope.capture.chains import Chain, LinkOptions, assigned, in_time, merged
from choreoscope.capture.likeness import LikenessOptions, Sightings
from choreoscope.datatypes.people import Decision


def come_back(
    seen: Sightings,
    chains: list[Chain],
    options: LinkOptions,
    likeness: LikenessOptions,
    decisions: list[Decision],
) -> list[Chain]:
    """Join chains of people who left to those of people who came.

    Parameters
    ----------
    chains : list of Chain
        All chains of a clip.
    decisions : list of Decision
        Gets one entry for everybody who came back.

    Returns
    -------
    list of Chain
        Fewer, longer chains.
    """
    costs = np.full((len(chains), len(chains)), np.inf)
    for i, one in enumerate(chains):
        for j, two in enumerate(chains):
            if _may_return(one, two, options):
                costs[i, j] = nearest_looks(one.looks, two.looks)
            # The longer somebody is gone, the more others had time to come.
            gone = two.start.seconds - one.end.seconds
            if costs[i, j] > options.return_clothes * np.exp(-gone / options.return_fades_s):
                costs[i, j] = np.inf
    costs[costs + options.return_margin > _double(chains, options)] = np.inf
    pairs = in_time(chains, assigned(costs, options.return_clothes))
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
    return merged(seen, chains, pairs, options, likeness)


def _may_return(one: Chain, two: Chain, options: LinkOptions) -> bool:
    gone = two.start.seconds - one.end.seconds
    away = float(np.linalg.norm(one.end.place_px - two.start.place_px))
    away_m = away / np.sqrt(one.end.px_per_m * two.start.px_per_m)
    grown = abs(float(np.log(one.end.px_per_m / two.start.px_per_m)))
    return bool(
        gone > 0
        and min(len(one.rows), len(two.rows)) >= options.return_rows
        and grown <= options.return_size
        and away_m <= options.fastest_m_s * gone
    )


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
    return np.asarray(np.minimum(alike[:, None], alike[None, :]))


def nearest_looks(one: np.ndarray, two: np.ndarray) -> float:
    """How alike two people look at best, where a few bad looks must not decide.

    A quarter of each one's looks have to be found on the other: people are seen in several lights,
    and a back end that is settling on a body reads its clothes wrongly for a moment.

    Parameters
    ----------
    one, two : (K, A) float
        Looks of each.

    Returns
    -------
    float
        Hellinger distance; infinite where unknown.
    """
    told_one, told_two = (looks[np.isfinite(looks).all(axis=1)] for looks in (one, two))
    if not len(told_one) or not len(told_two) or not one.shape[1]:
        return float("inf")
    distances = np.linalg.norm(told_one[:, None] - told_two[None], axis=-1) / np.sqrt(2.0)
    return float(max(np.quantile(distances.min(axis=axis), _FOUND) for axis in (0, 1)))


_FOUND = 0.25
