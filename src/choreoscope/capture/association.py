"""Who is who: runs of sightings become persons over gaps, exits and returns.

The back end's tracklets are cut where they go wrong (`capture.runs`), freed of copies
(`capture.copies`), linked (`capture.linking`), believed or dropped (`capture.belief`), and named by
first appearance.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import Field

from choreoscope.capture.belief import BeliefOptions, doubtful, doubts
from choreoscope.capture.chains import LinkOptions
from choreoscope.capture.copies import CopyOptions, handed_over, quality, without_copies
from choreoscope.capture.insertion import insert
from choreoscope.capture.likeness import CLOCK_JITTER_S, LikenessOptions, Sightings, sightings
from choreoscope.capture.linking import link
from choreoscope.capture.overruling import IdentityCorrection
from choreoscope.capture.runs import Cut, CutOptions, cut_runs
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.people import Decision, ObservationRows
from choreoscope.pipeline.stage import Options


class JoinOptions(Options):
    """How tracklets are joined into persons, and which persons are believed."""

    likeness: LikenessOptions = Field(
        default=LikenessOptions(), description="How alike two sightings are."
    )
    cut: CutOptions = Field(default=CutOptions(), description="Where runs of the back end are cut.")
    copies: CopyOptions = Field(
        default=CopyOptions(), description="What is a copy of somebody, not somebody."
    )
    link: LinkOptions = Field(
        default=LinkOptions(), description="Which runs are joined into one person."
    )
    belief: BeliefOptions = Field(
        default=BeliefOptions(), description="Who is believed to be a person."
    )
    max_people: int | None = Field(
        default=None, ge=1, description="Keep only this many: the largest seen for longest."
    )
    corrections: tuple[IdentityCorrection, ...] = Field(
        default=(), description="What is put right by hand; filled from corrections.yaml alone."
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class JoinResult:
    """Persons by id, P01 first, and why.

    Attributes
    ----------
    persons : dict of str to (n,) int
        Rows of each person in the `ObservationRows` that were joined, by rising frame. No row
        belongs to two persons, and no two rows of a person to one frame.
    decisions : tuple of Decision
        In the order in which they were taken.
    """

    persons: Mapping[str, np.ndarray]
    decisions: tuple[Decision, ...]


def join_tracklets(
    rows: ObservationRows, times: np.ndarray, frames: FrameRange, options: JoinOptions
) -> JoinResult:
    """Decide who is who in one clip.

    Parameters
    ----------
    rows : ObservationRows
        All rows of the clip, in any order.
    times : (len(frames),) float
        Seconds of every frame of the clip (`Video.times`).
    frames : FrameRange
        Source frames of the clip.
    options : JoinOptions
        Thresholds.

    Raises
    ------
    InputError
        If there is not one time per frame, or a row lies outside the clip.
    """
    if len(times) != len(frames):
        raise InputError(f"expected {len(frames)} times, one per frame, got {len(times)}")
    if np.any((rows.frames < frames.start) | (rows.frames >= frames.stop)):
        raise InputError(f"observations lie outside the clip's frames {frames}")
    if not len(rows.frames):
        return JoinResult(persons={}, decisions=())
    seen = sightings(rows, times, frames.start)
    runs, cuts = cut_runs(seen, options.cut, options.likeness)
    copies: list[Decision] = []
    runs = without_copies(seen, runs, options.copies, options.likeness, copies)
    runs = handed_over(seen, runs, options.copies, copies)
    period = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    length = period * len(frames)
    joined: list[Decision] = []
    chains = _chains(seen, runs, options, joined)
    dropped: list[Decision] = []
    chains = [_trimmed(seen, chain, period, options, dropped) for chain in chains]
    believed = _believed(seen, chains, (period, length), options.belief, dropped)
    believed = _largest(seen, believed, options.max_people, dropped)
    return JoinResult(
        persons={name: seen.source[chain] for name, chain in _named(seen, believed).items()},
        decisions=(*_final(cuts, chains), *copies, *joined, *dropped),
    )


def _chains(
    seen: Sightings,
    runs: Sequence[np.ndarray],
    options: JoinOptions,
    decisions: list[Decision],
) -> list[np.ndarray]:
    """Link runs that look human, then put the doubtful ones where they fit."""
    good = [not doubtful(seen, run, options.belief) for run in runs]
    linked = link(
        seen,
        [run for run, fine in zip(runs, good, strict=True) if fine],
        options.link,
        options.likeness,
        decisions,
    )
    linked.sort(key=lambda chain: (-quality(seen, chain), chain[0]))
    guests = [run for run, fine in zip(runs, good, strict=True) if not fine]
    guests.sort(key=lambda run: (-quality(seen, run), run[0]))
    return insert(seen, [*linked, *guests], options.link, options.likeness, decisions)


def _trimmed(
    seen: Sightings,
    chain: np.ndarray,
    period: float,
    options: JoinOptions,
    decisions: list[Decision],
) -> np.ndarray:
    """Leave rows out that stand alone at either end of a person.

    A piece is alone when it is short, and the pause that cuts it off lasts longer than it does:
    what the back end reads from the hand of somebody who has just walked out of the picture.
    """
    apart = np.flatnonzero(np.diff(seen.seconds[chain]) > 1.5 * period) + 1
    stretches = np.split(chain, apart)
    stray = options.belief.stray_s + CLOCK_JITTER_S
    for end, neighbour in ((-1, -2), (0, 1)):
        while len(stretches) > 1:
            times, others = (seen.seconds[stretches[place]] for place in (end, neighbour))
            pause = float(np.abs(np.subtract.outer(times, others)).min()) - period
            length = period * len(times)
            if length > stray or length >= pause:
                break
            lone = stretches.pop(end)
            decisions.append(_dropped(seen, lone, "alone before or after the rest of the person"))
    return np.concatenate(stretches)


def _final(cuts: Sequence[Cut], chains: Sequence[np.ndarray]) -> list[Decision]:
    """Leave out cuts that were mended."""
    owner = {int(row): number for number, chain in enumerate(chains) for row in chain}
    return [cut.decision for cut in cuts if owner.get(cut.before, -1) != owner.get(cut.after, -2)]


def _believed(
    seen: Sightings,
    chains: Sequence[np.ndarray],
    period_and_length: tuple[float, float],
    options: BeliefOptions,
    decisions: list[Decision],
) -> list[np.ndarray]:
    period, length = period_and_length
    needed_s = min(options.seen_s, options.seen_share * length)
    kept: list[np.ndarray] = []
    for chain in chains:
        reasons = doubts(seen, chain, period * len(chain), needed_s, options)
        if reasons:
            decisions.append(_dropped(seen, chain, ", ".join(reasons)))
        else:
            kept.append(chain)
    return kept


def _largest(
    seen: Sightings, chains: list[np.ndarray], count: int | None, decisions: list[Decision]
) -> list[np.ndarray]:
    """Keep the chains with most rows times size."""
    if count is None or len(chains) <= count:
        return chains
    ranked = sorted(chains, key=lambda chain: (-float(seen.px_per_m[chain].sum()), chain[0]))
    decisions.extend(
        _dropped(seen, chain, f"smaller than the {count} people asked for")
        for chain in ranked[count:]
    )
    return ranked[:count]


def _dropped(seen: Sightings, chain: np.ndarray, why: str) -> Decision:
    first, last = seen.seconds[chain[0]], seen.seconds[chain[-1]]
    return Decision(
        kind="drop",
        tracklets=tuple(int(number) for number in np.unique(seen.tracklet[chain])),
        score=round(1.0 - float(np.median(seen.score[chain])), 3),
        reason=f"dropped {len(chain)} rows from {first:.2f} to {last:.2f} s: {why}",
    )


def _named(seen: Sightings, chains: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Name chains by first frame, then from left to right."""
    ordered = sorted(
        chains,
        key=lambda chain: (seen.frame[chain[0]], seen.box[chain[0], [0, 2]].mean(), chain[0]),
    )
    return {f"P{number:02d}": chain for number, chain in enumerate(ordered, start=1)}
