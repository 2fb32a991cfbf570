"""How far a result agrees with what was seen, and how its feet stand, as figures of one person."""

import dataclasses
import math
from typing import Any

import numpy as np

from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.motion import Motion
from choreoscope.datatypes.residuals import Footing
from choreoscope.viewer.report_data import PersonEntry

TOUCHING = 0.5
"""Contact from which on a part counts as touching."""
HIGH = 0.95
"""Quantile that stands for "at worst"."""
_SIDES = ("left", "right")
_FOOT = ("foot", "toes")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A figure of the first guess and of the result; NaN where it is not known."""

    before: float
    after: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Figures of one person; NaN where something is not known.

    Attributes
    ----------
    pixels, pixels_high : float
        Median and 95 % of the frames' median distances from the detector's points, pixels.
    metres : float
        Median of the frames' median distances from the 3D estimates.
    slide : Change
        Median speed of standing feet, m/s. Which feet stand is the result's word, for both.
    sunk : Change
        95 % of the depth of the lowest point of each sole below the floor, metres.
    above : Change
        95 % of the height of the lowest point of standing soles over the floor, metres.
    standing : float
        Share of the frames in which a foot stands.
    """

    pixels: float
    pixels_high: float
    metres: float
    slide: Change
    sunk: Change
    above: Change
    standing: float


def agreement_of(entry: PersonEntry) -> Agreement:
    """Work the figures out: from the record of the solve, else from what ``fit.json`` tells."""
    held = None if entry.motion is None else standing_feet(entry.motion)
    standing = math.nan if held is None else float(held.any(axis=1).mean())
    record = entry.residuals
    if record is None:
        unknown = Change(before=math.nan, after=math.nan)
        return Agreement(
            pixels=_number(entry.facts.get("pixels")),
            pixels_high=math.nan,
            metres=_number(entry.facts.get("metres")),
            slide=Change(before=math.nan, after=_number(entry.facts.get("slide"))),
            sunk=unknown,
            above=unknown,
            standing=standing,
        )
    if held is None or len(held) != len(record.times):
        held = np.zeros((len(record.times), 2), dtype=bool)
    return Agreement(
        pixels=_quantile(record.pixels, 0.5),
        pixels_high=_quantile(record.pixels, HIGH),
        metres=_quantile(record.metres, 0.5),
        slide=_change(record.before, record.after, lambda one: _quantile(one.speeds[held], 0.5)),
        sunk=_change(record.before, record.after, lambda one: _depth(-one.soles)),
        above=_change(record.before, record.after, lambda one: _depth(one.soles[held])),
        standing=standing,
    )


def standing_feet(motion: Motion) -> np.ndarray | None:
    """Tell when the left and the right foot stand, ``(T, 2)`` bool; None if nobody looked."""
    if motion.contacts is None:
        return None
    sides = []
    for side in _SIDES:
        own = [
            column
            for column, name in enumerate(motion.contact_joints)
            if name in tuple(f"{side}_{end}" for end in _FOOT)
        ]
        sides.append((motion.contacts[:, own] >= TOUCHING).any(axis=1))
    return np.stack(sides, axis=1)


def on_clip(values: np.ndarray, first_frame: int, frames: FrameRange) -> np.ndarray:
    """Rows ``(T,)`` from a source frame on as one value per frame of the clip, NaN elsewhere."""
    spread = np.full(len(frames), np.nan)
    low = max(first_frame, frames.start)
    high = min(first_frame + len(values), frames.stop)
    if low < high:
        spread[low - frames.start : high - frames.start] = values[
            low - first_frame : high - first_frame
        ]
    return spread


def stretches(chosen: np.ndarray) -> list[tuple[int, int]]:
    """Half-open rows of each unbroken run of True in ``(T,)`` bool."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]]).astype(np.int8)))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def _change(before: Footing | None, after: Footing, measure: Any) -> Change:  # noqa: ANN401
    return Change(
        before=math.nan if before is None else measure(before),
        after=measure(after),
    )


def _depth(depths: np.ndarray) -> float:
    return _quantile(np.maximum(depths, 0.0), HIGH)


def _quantile(values: np.ndarray, share: float) -> float:
    known = values[np.isfinite(values)]
    return float(np.quantile(known, share)) if len(known) else math.nan


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
