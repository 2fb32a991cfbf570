"""Two runs on one body: the rows of the worse one are taken out.

A back end may start a second run on somebody it already follows, or start one on somebody whose
old run is about to end or to slide onto somebody else.
"""

import itertools
from collections.abc import Sequence

import numpy as np
from pydantic import Field

from choreoscope.capture.likeness import (
    CLOCK_JITTER_S,
    LikenessOptions,
    Sightings,
    colour_distance,
    covered,
    pose_likeness,
)
from choreoscope.datatypes.people import Decision
from choreoscope.pipeline.stage import Options


class CopyOptions(Options):
    """When two rows are one body."""

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
    handover_s: float = Field(
        default=0.2, ge=0, description="How long the end of one run may overlap the next (s)."
    )
    handover_m: float = Field(
        default=0.6, gt=0, description="How near the two torsos are while they overlap (m)."
    )


def quality(seen: Sightings, rows: np.ndarray) -> float:
    """How much a run is worth: rows, weighted by score, visibility and share on the mask."""
    on_mask = np.where(np.isnan(seen.in_mask[rows]), 1.0, seen.in_mask[rows])
    return float((seen.score[rows] * on_mask * seen.visibility[rows].mean(axis=1)).sum())


def without_copies(
    seen: Sightings,
    runs: Sequence[np.ndarray],
    options: CopyOptions,
    likeness: LikenessOptions,
    decisions: list[Decision],
) -> list[np.ndarray]:
    """Take the rows of worse runs that lie on the body of a better one out.

    Parameters
    ----------
    runs : sequence of (n,) int
        Rows of each run by rising frame.
    decisions : list of Decision
        Gets one entry for every run that loses rows.

    Returns
    -------
    list of (n,) int
        The runs that are left, the best first; a run that loses rows in the middle is two.
    """
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
    seen: Sightings, rows: np.ndarray, copied: np.ndarray, options: CopyOptions
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
    return [rows[part] for part in np.split(own, places) if len(part)]


_MOSTLY = 0.5


def _one_body(
    seen: Sightings, row: int, other: int, options: CopyOptions, likeness: LikenessOptions
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


def handed_over(
    seen: Sightings,
    runs: Sequence[np.ndarray],
    options: CopyOptions,
    decisions: list[Decision],
) -> list[np.ndarray]:
    """Part two runs where the first ends just after the second began on the same body.

    Without this the two overlap in time and could never be joined. The poorer of the rows in which
    they overlap are taken out.
    """
    whole = list(runs)
    for one, two in itertools.permutations(range(len(whole)), 2):
        tail, head = _overlap(seen, whole[one], whole[two], options)
        if not len(tail):
            continue
        if quality(seen, tail) / len(tail) < quality(seen, head) / len(head):
            poorer, whole[one] = tail, whole[one][: -len(tail)]
        else:
            poorer, whole[two] = head, whole[two][len(head) :]
        decisions.append(
            Decision(
                kind="duplicate",
                tracklets=(int(seen.tracklet[tail[0]]), int(seen.tracklet[head[0]])),
                score=1.0,
                reason=f"{len(poorer)} rows at {seen.seconds[poorer[0]]:.2f} s where one run takes "
                "over from another",
            )
        )
    return whole


def _overlap(
    seen: Sightings, one: np.ndarray, two: np.ndarray, options: CopyOptions
) -> tuple[np.ndarray, np.ndarray]:
    """Last rows of `one` and first of `two` in which they share a body; empty if they do not."""
    nothing = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    first, last = seen.frame[two[0]], seen.frame[one[-1]]
    within = seen.frame[one[0]] < first <= last < seen.frame[two[-1]]
    lasts = seen.seconds[one[-1]] - seen.seconds[two[0]]
    if not within or lasts > options.handover_s + CLOCK_JITTER_S:
        return nothing
    tail, head = one[seen.frame[one] >= first], two[seen.frame[two] <= last]
    _, mine, other = np.intersect1d(seen.frame[tail], seen.frame[head], return_indices=True)
    scale = np.maximum(seen.px_per_m[tail[mine]], seen.px_per_m[head[other]])
    offset = seen.centre_px[tail[mine]] - seen.centre_px[head[other]]
    near = np.linalg.norm(offset, axis=1) / scale <= options.handover_m
    return (tail, head) if len(mine) and near.all() else nothing
