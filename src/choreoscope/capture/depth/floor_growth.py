"""The floor beyond the feet: grown from where somebody stood, as far as raw depth goes on as floor.

Feet know the floor where people are; a line from raw depth to metres, drawn through bodies and feet
alone, has to guess how far the wall is. So from the places of feet the floor is followed outwards
while fitted depth agrees with the plane y = 0, the line is fitted again, and followed further.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from choreoscope.capture.depth.bodies import people_mask
from choreoscope.capture.depth.contacts import FLOOR_SIGMA, inside
from choreoscope.capture.depth.evidence import NOBODY, DepthEvidence, joined_with
from choreoscope.capture.depth.fitting import FitChoices, ShotFit, fit_shot
from choreoscope.capture.depth.gathering import Sampled
from choreoscope.capture.depth.sampling import raw_at
from choreoscope.capture.passes.interfaces import ShotContext
from choreoscope.geometry.projection import normalised_from_pixels
from choreoscope.rendering.scene import view_of

FRAMES = 8
_CELLS = 90
"""Cells along the picture's longer side."""
_AGREES = (0.10, 0.07, 0.05, 0.04, 0.03)
"""Logarithm by which fitted depth may differ from the plane's and still be the floor, by round: the
foot of a wall passes for floor at first, and no longer once the line is good."""
_FARTHEST = 60.0


def fit_with_floor(
    known: Sampled,
    shot: ShotContext,
    raw_of: Mapping[int, np.ndarray],
    fit: ShotFit,
    choices: FitChoices,
) -> tuple[ShotFit, Sampled]:
    """Follow the floor outwards and fit again, a few times.

    Parameters
    ----------
    known : Sampled
        Evidence with raw depth.
    shot : ShotContext
        With camera; else nothing grows.
    raw_of : mapping of int to (H, W) float
        Raw depth of some frames, `FRAMES` or so.
    fit : ShotFit
        Of the evidence as it is.
    choices : FitChoices
        What may be fitted.

    Returns
    -------
    ShotFit, Sampled
        The better fit, and all the evidence it has seen.
    """
    best = (fit, known)
    for agrees in _AGREES:
        grown, raw = _grown(known, shot, raw_of, best[0], agrees)
        if not len(grown):
            break
        evidence, values = joined_with([(known.evidence, known.raw), (grown, raw)])
        more = dataclasses.replace(known, evidence=evidence, raw=values)
        again = fit_shot(
            more.raw, more.evidence, fit.alignment.line.space, fit.frames, known.span, choices
        )
        best = (again, more)
    return best


def _grown(
    known: Sampled,
    shot: ShotContext,
    raw_of: Mapping[int, np.ndarray],
    fit: ShotFit,
    agrees: float,
) -> tuple[DepthEvidence, np.ndarray]:
    """Floor of some frames as evidence, and raw depth there."""
    parts: list[tuple[DepthEvidence, np.ndarray]] = []
    feet = known.evidence.of_kind("contact") & (known.evidence.owners == NOBODY)
    for frame, picture in sorted(raw_of.items()):
        seeds = known.evidence.pixels[feet & (known.evidence.frames == frame)]
        if shot.camera is None or not len(seeds):
            continue
        pixels, metres = _floor_of(shot, frame, picture, seeds, (fit, agrees))
        part = DepthEvidence.of("contact", np.full(len(pixels), frame), pixels, metres, FLOOR_SIGMA)
        parts.append((part, raw_at(picture, part.pixels)))
    return joined_with(parts)


def _floor_of(
    shot: ShotContext,
    frame: int,
    picture: np.ndarray,
    seeds: np.ndarray,
    by: tuple[ShotFit, float],
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels ``(n, 2)`` that go on as floor from the seeds by a fit, and their depth on it."""
    from scipy.ndimage import label

    step = max(2, round(max(shot.size) / _CELLS))
    columns = np.arange(step // 2, shot.size[0], step)
    rows = np.arange(step // 2, shot.size[1], step)
    pixels = np.stack(np.meshgrid(columns, rows), axis=-1) + 0.5
    plane = _plane_depth(shot, frame, pixels)
    raw = raw_at(picture, pixels.reshape(-1, 2)).reshape(plane.shape)
    fit, most = by
    off = np.log(plane / fit.metres(raw, np.full(plane.shape, frame)))
    covered = people_mask(list(shot.performers.values()), frame, shot.size)
    with np.errstate(invalid="ignore"):
        agrees = (np.abs(off) < most) & ~covered[np.ix_(rows, columns)]
    places, _ = label(agrees)
    start = (seeds[inside(seeds, shot.size)] // step).astype(int)
    column = np.minimum(start[:, 0], len(columns) - 1)
    row = np.minimum(start[:, 1], len(rows) - 1)
    reached = np.unique(places[row, column])
    found = np.isin(places, reached[reached > 0])
    return pixels[found], plane[found]


def _plane_depth(shot: ShotContext, frame: int, pixels: np.ndarray) -> np.ndarray:
    """Depth of the floor y = 0 along the rays of pixels, NaN where they do not meet it."""
    if shot.camera is None:
        return np.full(pixels.shape[:-1], np.nan)
    view = view_of(shot.camera, frame - shot.frames.start)
    rays = normalised_from_pixels(pixels, view.lens)
    matrix = view.camera_from_world
    height = float(-matrix[:3, 1] @ matrix[:3, 3])
    down = -(rays @ matrix[:2, 1] + matrix[2, 1])
    with np.errstate(divide="ignore"):
        depth = height / down
    return np.where((depth > 0) & (depth < _FARTHEST), depth, np.nan)
