"""What the numbers of a delivery mean: declared, or guessed from all of it at once.

A guess per frame would make depth flicker; so frames from the whole delivery are looked at
together, and what they say holds for all.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from choreoscope.capture.external.options import PassSource

THIN = 0.02
"""Alpha below this is outside: films and JPEGs leave a haze of a few 255ths."""
EMPTY_SHARE = 0.95
FAR_AWAY = 1e9
"""Programs write 1e10 or infinity where there is nothing."""
NORMALISED_TOP = 1.001
CENTIMETRES_FROM, CENTIMETRES_TO = 60.0, 10_000.0
"""Dancers are filmed from about 1.5 to 50 m; so a median of 60 or more is not in metres."""
METRES_PER = {"millimetres": 0.001, "centimetres": 0.01, "metres": 1.0}
ZERO_SHARE = 0.005
BACKGROUND_TOLERANCE = 0.02


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One frame looked at.

    Attributes
    ----------
    frame : int
        Source frame.
    values : (H, W, C) float32
        As `reading.values_of` gives them.
    alpha : (H, W) float32 or None
        0 to 1, where it is known.
    step : int
        Every how many pixels of the film were kept.
    is_coarse : bool
        Whether it comes from whole numbers, perhaps through a lossy film.
    """

    frame: int
    values: np.ndarray
    alpha: np.ndarray | None
    step: int = 1
    is_coarse: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """Whether a pass says anything outside the alpha.

    Attributes
    ----------
    kind : {"empty", "full"}
        Nothing is known there; or the whole picture counts.
    value : tuple of float
        What is stored where nothing is known.
    tolerance : float
        How far from it still counts.
    """

    kind: Literal["empty", "full"]
    value: tuple[float, ...] = (0.0,)
    tolerance: float = 0.0

    def outside(self, values: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
        """Where nothing is known, ``(H, W)`` bool."""
        unknown = ~np.isfinite(values).all(axis=2) | (np.abs(values) >= FAR_AWAY).any(axis=2)
        if self.kind == "full":
            return np.asarray(unknown)
        if alpha is not None:
            return np.asarray(unknown | (alpha < THIN))
        near = np.abs(values - np.asarray(self.value, dtype=np.float32)) <= self.tolerance
        return np.asarray(unknown | near.all(axis=2))


def background_of(samples: Sequence[Sample], said: PassSource) -> Background:
    """Find out whether a pass is empty outside the alpha, and what it holds there."""
    if said.background == "full":
        return Background(kind="full")
    coarse = any(sample.is_coarse for sample in samples)
    tolerance = BACKGROUND_TOLERANCE if coarse else 0.0
    beyond = [one.values[one.alpha < THIN] for one in samples if one.alpha is not None]
    if any(len(one) for one in beyond):
        pixels = np.concatenate(beyond)
        finite = pixels[np.isfinite(pixels).all(axis=1)]
        value = tuple(map(float, np.median(finite, axis=0))) if len(finite) else (0.0,)
        near = np.abs(finite - np.asarray(value)) <= max(tolerance, 1e-6)
        share = (int(near.all(axis=1).sum()) + len(pixels) - len(finite)) / len(pixels)
        if said.background == "empty" or share >= EMPTY_SHARE:
            return Background(kind="empty", value=value, tolerance=tolerance)
        return Background(kind="full")
    zeros = float(np.mean([np.mean((one.values == 0).all(axis=2)) for one in samples]))
    is_empty = said.background == "empty" or zeros >= ZERO_SHARE
    return Background(kind="empty" if is_empty else "full", tolerance=tolerance)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DepthMeaning:
    """How a depth pass becomes metres: ``metres = scale * value + offset``.

    Attributes
    ----------
    unit : str
        Of the delivered numbers.
    result : {"metres", "relative"}
        Relative: nothing says how far 0 and 1 are.
    how : str
        Why, in words.
    is_guess : bool
        Whether nobody declared it.
    """

    unit: str
    scale: float
    offset: float
    result: Literal["metres", "relative"]
    how: str
    is_guess: bool

    def record(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return dataclasses.asdict(self)


def depth_meaning(
    samples: Sequence[Sample],
    background: Background,
    said: PassSource,
    people: dict[int, list[tuple[float, float, float]]],
) -> DepthMeaning | None:
    """Find out what a depth pass's numbers mean; None if the samples hold no depth at all.

    Parameters
    ----------
    people : dict
        Source frame to (x, y, metres) of persons, pixels; empty where nobody is solved.
    """
    inside = _inside(samples, background)
    # At soft edges of the alpha there may be none.
    inside = inside[inside != 0]
    if not inside.size:
        return None
    low, middle, high = (float(one) for one in np.percentile(inside, (0.0, 50.0, 100.0)))
    unit: str = said.unit
    is_guess = unit == "guess"
    if is_guess:
        unit = "normalised" if said.near is not None else guessed_unit(low, middle, high)
    how = f"values {low:g} to {high:g}"
    if unit in METRES_PER:
        return DepthMeaning(
            unit=unit,
            scale=METRES_PER[unit],
            offset=0.0,
            result="metres",
            how=how,
            is_guess=is_guess,
        )
    if said.near is not None and said.far is not None:
        scale, offset = _range(said.near, said.far, white_is_near=said.white_is_near)
        return DepthMeaning(
            unit=unit,
            scale=scale,
            offset=offset,
            result="metres",
            how=f"{how}, from {said.near:g} to {said.far:g} m as declared",
            is_guess=is_guess,
        )
    return _by_people(samples, background, people, unit, how, is_guess=is_guess)


def guessed_unit(low: float, middle: float, high: float) -> str:
    """Guess a unit from the smallest, the middle and the largest value of the foreground."""
    if low >= 0 and high <= NORMALISED_TOP:
        return "normalised"
    if CENTIMETRES_FROM <= middle < CENTIMETRES_TO:
        return "centimetres"
    if low >= 0 and middle < CENTIMETRES_FROM:
        return "metres"
    return "unknown"


def _inside(samples: Sequence[Sample], background: Background) -> np.ndarray:
    parts = [
        sample.values[..., 0][~background.outside(sample.values, sample.alpha)]
        for sample in samples
    ]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)


def _range(near: float, far: float, *, white_is_near: bool) -> tuple[float, float]:
    return (near - far, far) if white_is_near else (far - near, near)


FRONT = 0.12
"""Metres from the middle of a body to the surface the camera sees."""
AROUND = 2
"""Pixels to each side of a person's middle that are looked at together."""
FEWEST = 6
LEAST_SPREAD = 0.02
LARGEST_ERROR = 0.35
"""Metres, median over all samples; more than that is no agreement."""


def _by_people(
    samples: Sequence[Sample],
    background: Background,
    people: dict[int, list[tuple[float, float, float]]],
    unit: str,
    how: str,
    *,
    is_guess: bool,
) -> DepthMeaning:
    """Fit metres to the people's own depth; stays relative where that cannot be done."""
    stored, metres = _pairs(samples, background, people)
    fit = fitted_line(stored, metres) if unit == "normalised" else None
    if fit is None:
        why = "nothing says how far that is; give near and far, or a unit"
        return DepthMeaning(
            unit=unit,
            scale=1.0,
            offset=0.0,
            result="relative",
            how=f"{how}: {why}",
            is_guess=is_guess,
        )
    scale, offset, error = fit
    text = f"{how}, fitted to the people's own depth at {len(stored)} places ({error:.2f} m off)"
    return DepthMeaning(
        unit=unit, scale=scale, offset=offset, result="metres", how=text, is_guess=is_guess
    )


def _pairs(
    samples: Sequence[Sample],
    background: Background,
    people: dict[int, list[tuple[float, float, float]]],
) -> tuple[np.ndarray, np.ndarray]:
    stored, metres = [], []
    for sample in samples:
        known = ~background.outside(sample.values, sample.alpha)
        height, width = known.shape
        for x, y, distance in people.get(sample.frame, []):
            column, row = int(x / sample.step), int(y / sample.step)
            patch = (
                slice(row - AROUND, row + AROUND + 1),
                slice(column - AROUND, column + AROUND + 1),
            )
            is_inside = AROUND <= column < width - AROUND and AROUND <= row < height - AROUND
            if is_inside and known[patch].all():
                stored.append(float(np.median(sample.values[(*patch, 0)])))
                metres.append(distance - FRONT)
    return np.array(stored), np.array(metres)


def fitted_line(stored: np.ndarray, metres: np.ndarray) -> tuple[float, float, float] | None:
    """Fit ``metres = scale * stored + offset`` by the median of all slopes (Theil 1950, Sen 1968).

    Returns
    -------
    (scale, offset, error) or None
        Error is the median absolute deviation in metres. None where there are too few places,
        they hardly differ, or they do not agree.
    """
    if len(stored) < FEWEST or np.ptp(stored) < LEAST_SPREAD:
        return None
    first, second = np.triu_indices(len(stored), k=1)
    apart = stored[second] - stored[first]
    steps = np.abs(apart) >= LEAST_SPREAD
    if not steps.any():
        return None
    slopes = (metres[second] - metres[first])[steps] / apart[steps]
    scale = float(np.median(slopes))
    offset = float(np.median(metres - scale * stored))
    error = float(np.median(np.abs(scale * stored + offset - metres)))
    return (scale, offset, error) if scale != 0 and error <= LARGEST_ERROR else None


def scale_offset_at(keys: Sequence[tuple[int, float, float]], frame: int) -> tuple[float, float]:
    """Factor and offset (metres) of depth at a frame: linear between keys, constant outside."""
    if not keys:
        return 1.0, 0.0
    frames, scales, offsets = zip(*keys, strict=True)
    return float(np.interp(frame, frames, scales)), float(np.interp(frame, frames, offsets))
