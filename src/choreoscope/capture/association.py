"""Who is who: runs of sightings become persons over gaps, exits and returns.

The back end's tracklets are cleaned (`capture.tracklets`), linked (`capture.linking`), believed or
dropped, and named by first appearance.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np
from pydantic import Field

from choreoscope.capture.likeness import TORSO, LikenessOptions, Sightings, sightings
from choreoscope.capture.linking import LinkOptions, insert, link
from choreoscope.capture.tracklets import CleaningOptions, clean, quality
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.people import Decision, ObservationRows
from choreoscope.pipeline.stage import Options


class JoinOptions(Options):
    """How tracklets are joined into persons, and which persons are believed."""

    likeness: LikenessOptions = LikenessOptions()
    cleaning: CleaningOptions = CleaningOptions()
    link: LinkOptions = LinkOptions()
    scrap_s: float = Field(
        default=0.2, ge=0, description="A run no longer than this is joined last, or dropped (s)."
    )
    seen_s: float = Field(
        default=0.4, ge=0, description="A person is seen for at least this long (s)."
    )
    seen_share: float = Field(
        default=0.5, ge=0, le=1, description="Or for this share of a clip that is shorter still."
    )
    least_score: float = Field(
        default=0.6, ge=0, le=1, description="Least median score of a person."
    )
    least_torso: float = Field(
        default=0.5, ge=0, le=1, description="Least median visibility of a person's torso."
    )
    max_people: int | None = Field(
        default=None, ge=1, description="Keep only this many: the largest seen for longest."
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
    seen = sightings(rows, times, frames.start)
    cleaned = clean(seen, options.cleaning, options.likeness)
    decisions = list(cleaned.decisions)
    period = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    length = period * len(frames)
    scrap_s = min(options.scrap_s, length / _SCRAPS_PER_CLIP)
    runs = sorted(cleaned.runs, key=lambda run: (-quality(seen, run), run[0]))
    solid = [run for run in runs if period * len(run) > scrap_s]
    scraps = [run for run in runs if period * len(run) <= scrap_s]
    chains = link(seen, solid, options.link, options.likeness, decisions)
    chains.sort(key=lambda chain: (-quality(seen, chain), chain[0]))
    chains = insert(seen, [*chains, *scraps], options.link, options.likeness, decisions)
    needed_s = min(options.seen_s, options.seen_share * length)
    believed = [
        chain
        for chain in chains
        if _believed(seen, chain, period * len(chain), needed_s, options, decisions)
    ]
    believed = _largest(seen, believed, options.max_people, decisions)
    return JoinResult(
        persons={name: seen.source[chain] for name, chain in _named(seen, believed).items()},
        decisions=tuple(decisions),
    )


_SCRAPS_PER_CLIP = 8


def _believed(
    seen: Sightings,
    chain: np.ndarray,
    seconds: float,
    needed_s: float,
    options: JoinOptions,
    decisions: list[Decision],
) -> bool:
    score = float(np.median(seen.score[chain]))
    torso = float(np.median(seen.visibility[chain][:, TORSO].mean(axis=1)))
    reasons = {
        f"seen for {seconds:.2f} s only": seconds + _CLOCK_JITTER_S < needed_s,
        f"median score {score:.2f}": score < options.least_score,
        f"torso visible to {torso:.2f}": torso < options.least_torso,
    }
    failed = [reason for reason, fails in reasons.items() if fails]
    if failed:
        decisions.append(_dropped(seen, chain, ", ".join(failed), len(failed) / len(reasons)))
    return not failed


def _largest(
    seen: Sightings, chains: list[np.ndarray], count: int | None, decisions: list[Decision]
) -> list[np.ndarray]:
    """Keep the chains with most rows times size."""
    if count is None or len(chains) <= count:
        return chains
    ranked = sorted(chains, key=lambda chain: (-float(seen.px_per_m[chain].sum()), chain[0]))
    decisions.extend(
        _dropped(seen, chain, f"smaller than the {count} people asked for", 1.0)
        for chain in ranked[count:]
    )
    return ranked[:count]


def _dropped(seen: Sightings, chain: np.ndarray, why: str, score: float) -> Decision:
    first, last = seen.seconds[chain[0]], seen.seconds[chain[-1]]
    return Decision(
        kind="drop",
        tracklets=tuple(int(number) for number in np.unique(seen.tracklet[chain])),
        score=round(score, 3),
        reason=f"dropped {len(chain)} rows from {first:.2f} to {last:.2f} s: {why}",
    )


def _named(seen: Sightings, chains: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Name chains by first frame, then from left to right."""
    ordered = sorted(
        chains,
        key=lambda chain: (seen.frame[chain[0]], seen.box[chain[0], [0, 2]].mean(), chain[0]),
    )
    return {f"P{number:02d}": chain for number, chain in enumerate(ordered, start=1)}


_CLOCK_JITTER_S = 1e-6
