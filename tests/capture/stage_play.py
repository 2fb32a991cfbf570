"""People whose paths are known, as a back end would see them: rows for `join_tracklets`."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from choreoscope.capture.association import JoinOptions, JoinResult, join_tracklets
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.people import ObservationRows

SCALE = 200.0
"""Pixels per metre at the actors."""
BINS = 24

HALF_BODY = {
    0: (0.0, -0.65), 2: (0.03, -0.68), 7: (0.07, -0.67), 9: (0.02, -0.6), 11: (0.18, -0.5),
    13: (0.25, -0.22), 15: (0.27, 0.02), 17: (0.28, 0.1), 19: (0.27, 0.11), 21: (0.25, 0.07),
    23: (0.1, 0.0), 25: (0.11, 0.42), 27: (0.11, 0.82), 29: (0.1, 0.88), 31: (0.14, 0.9),
}  # fmt: skip
"""Left half of a standing body about the hips, metres, y down."""


def body() -> np.ndarray:
    """A standing body, ``(33, 3)`` metres, camera axes, hips at the origin."""
    points = np.zeros((33, 3))
    for left, (x, y) in HALF_BODY.items():
        points[left] = (x, y, 0.0)
        if left >= 7:
            points[left + 1] = (-x, y, 0.0)
    points[[1, 3]] = points[2]
    points[[4, 5, 6]] = points[2] * [-1, 1, 1]
    points[10] = points[9] * [-1, 1, 1]
    return points


def clothes(seed: int) -> np.ndarray:
    """A colour histogram that looks like no other seed's."""
    draw = np.random.default_rng(seed)
    histogram = np.zeros(BINS)
    histogram[draw.choice(BINS, 4, replace=False)] = draw.uniform(0.15, 0.4, 4)
    return histogram / histogram.sum()


@dataclasses.dataclass(frozen=True)
class Actor:
    """Somebody who moves.

    Attributes
    ----------
    path : callable
        Metres (x to the right, y down) of the hips at a time in seconds.
    wears : (BINS,) float
        Clothes.
    seen : sequence of (from, to) seconds
        When the back end sees the actor at all.
    size : float
        Height in units of a grown-up.
    """

    path: Callable[[float], tuple[float, float]]
    wears: np.ndarray
    seen: Sequence[tuple[float, float]] = ((0.0, 1e9),)
    size: float = 1.0
    score: float = 0.98
    torso: float = 0.98
    in_mask: float = 0.95


Label = Callable[[int, float], int]
"""Tracklet number of an actor (by index) at a time: how the back end mistook people."""


ExtraRow = tuple[int, int, dict[str, Any]]
"""Tracklet number, true actor, columns."""


@dataclasses.dataclass(frozen=True)
class Play:
    """Rows, the truth of each, and the clock."""

    rows: ObservationRows
    who: np.ndarray
    times: np.ndarray

    def joined(self, options: JoinOptions | None = None) -> JoinResult:
        frames = FrameRange(0, len(self.times))
        return join_tracklets(self.rows, self.times, frames, options or JoinOptions())

    def cast(self, result: JoinResult) -> dict[str, dict[int, int]]:
        """How many rows of which actor each person has."""
        return {
            name: dict(zip(*np.unique(self.who[rows], return_counts=True), strict=True))
            for name, rows in result.persons.items()
        }


def perform(
    actors: Sequence[Actor],
    label: Label | None = None,
    *,
    seconds: float = 4.0,
    rate: float = 30.0,
    seed: int = 1,
    shake_px: float = 0.0,
    extra: Mapping[int, Sequence[ExtraRow]] | None = None,
) -> Play:
    """Film the actors; without `label`, a new tracklet begins whenever an actor comes in view."""
    draw = np.random.default_rng(seed)
    times = np.arange(round(seconds * rate)) / rate
    columns: dict[str, list[object]] = {name: [] for name in (*_COLUMNS, "who")}
    for frame, now in enumerate(times):
        for index, actor in enumerate(actors):
            spell = next(
                (k for k, (start, stop) in enumerate(actor.seen) if start <= now < stop), None
            )
            if spell is None:
                continue
            number = index * 100 + spell if label is None else label(index, now)
            sighted = _sighting(actor, now, draw)
            sighted["points_px"] = sighted["points_px"] + draw.normal(0, shake_px, (33, 2))
            _append(columns, frame, number, index, sighted)
        for more in (extra or {}).get(frame, ()):
            _append(columns, frame, *more)
    return Play(rows=_rows(columns), who=np.array(columns["who"], dtype=int), times=times)


_COLUMNS = tuple(field.name for field in dataclasses.fields(ObservationRows))


def _sighting(actor: Actor, now: float, draw: np.random.Generator) -> dict[str, Any]:
    # A back end cannot tell small from far: its metres are always those of a grown-up.
    points_m = body()
    swing = 0.2 * np.sin(5.0 * now)
    points_m[[15, 17, 19, 21, 26, 28, 30, 32], 0] += swing
    points_m[[16, 18, 20, 22, 25, 27, 29, 31], 0] -= swing
    hips = np.array(actor.path(now)) * SCALE
    points = hips + points_m[:, :2] * SCALE * actor.size + draw.normal(0, 2.0 * actor.size, (33, 2))
    noisy = actor.wears * np.exp(draw.normal(0, 0.2, BINS)) + draw.exponential(0.002, BINS)
    visibility = np.full(33, 0.95)
    visibility[[11, 12, 23, 24]] = actor.torso
    return {
        "boxes_xyxy": np.concatenate([points.min(axis=0), points.max(axis=0)]),
        "score": actor.score,
        "points_px": points,
        "points_m": points_m,
        "visibility": visibility,
        "appearance": noisy / noisy.sum(),
        "in_mask": actor.in_mask,
    }


def _append(
    columns: dict[str, list[object]], frame: int, number: int, who: int, seen: Mapping[str, object]
) -> None:
    columns["frames"].append(frame)
    columns["tracklets"].append(number)
    columns["who"].append(who)
    for name in _COLUMNS[2:]:
        columns[name].append(seen[name])


def _rows(columns: Mapping[str, list[object]]) -> ObservationRows:
    count = len(columns["frames"])
    return ObservationRows(
        frames=np.array(columns["frames"], dtype=np.int64),
        tracklets=np.array(columns["tracklets"], dtype=np.int64),
        boxes_xyxy=np.array(columns["boxes_xyxy"], dtype=float).reshape(count, 4),
        score=np.array(columns["score"], dtype=float),
        points_px=np.array(columns["points_px"], dtype=float).reshape(count, 33, 2),
        points_m=np.array(columns["points_m"], dtype=float).reshape(count, 33, 3),
        visibility=np.array(columns["visibility"], dtype=float).reshape(count, 33),
        appearance=np.array(columns["appearance"], dtype=float).reshape(count, BINS),
        in_mask=np.array(columns["in_mask"], dtype=float),
    )


def sighting(actor: Actor, now: float, tracklet: int, who: int) -> ExtraRow:
    """One more row, for the `extra` of `perform`."""
    return tracklet, who, _sighting(actor, now, np.random.default_rng(round(now * 1000)))


def shuffled(play: Play, seed: int) -> tuple[Play, np.ndarray]:
    """Return the same play with its rows in another order, and that order."""
    order = np.random.default_rng(seed).permutation(len(play.who))
    rows = ObservationRows(
        **{
            field.name: getattr(play.rows, field.name)[order]
            for field in dataclasses.fields(ObservationRows)
        }
    )
    return Play(rows=rows, who=play.who[order], times=play.times), order
