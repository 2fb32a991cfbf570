"""Figures at a few moments, side by side on the floor, with a scale of heights."""

import dataclasses
import math
from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.motion import Motion
from choreoscope.formats.body_npz import BodyFile
from choreoscope.viewer.board import GRID, GRID_STRONG, INK, MUTED, PAPER, Board, Mapping2D
from choreoscope.viewer.figure import RIGHT, Figure, figure_of, figure_points
from choreoscope.viewer.palette import PersonColour, Rgb, mix
from choreoscope.viewer.surface import Surface, draw_surface, surface_of
from choreoscope.viewer.timecode import time_code

WIDTH = 1200
MOMENTS = 8
MOST_PEOPLE = 8
_LEFT, _RIGHT, _TITLE, _HEAD, _FOOT = 76.0, 20.0, 46.0, 40.0, 46.0
_COLUMN_METRES = 1.7
_DEEPEST, _HIGHEST = -2.0, 12.0
"""Metres drawn at most: a person lost in space must not make a picture nobody can open."""
_PIXELS_PER_METRE = (WIDTH - _LEFT - _RIGHT) / MOMENTS / _COLUMN_METRES


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Strip:
    """One person's figures, turned to the page: right, up, away, metres.

    `surface` is the person's body where it is known, else None: then `figure` is drawn.
    """

    person: str
    colour: PersonColour
    figure: Figure
    points: np.ndarray
    times: np.ndarray
    bridged: np.ndarray
    surface: Surface | None


def side_view(
    motions: Mapping[str, Motion],
    camera: CameraTrack | None,
    colours: Mapping[str, PersonColour],
    bodies: Mapping[str, BodyFile] | None = None,
) -> np.ndarray:
    """Draw each person at about eight moments of his or her own stay, seen from the camera's side.

    Heights are true: feet off the line are off the floor. Sideways every figure stands in the
    middle of its column. Figures filled in where the person was not seen are pale.

    Parameters
    ----------
    motions : mapping of str to Motion
        By person; the first eight people are drawn. May be empty.
    camera : CameraTrack or None
        Gives the direction one looks in; without it along -z.
    colours : mapping of str to PersonColour
        For every person of `motions`.
    bodies : mapping of str to BodyFile or None
        Bodies of those who have one; the others are drawn as jointed figures.

    Returns
    -------
    (H, 1200, 3) uint8
        RGB.
    """
    page_from_world = _page_axes(camera)
    strips = [
        _strip(person, motion, colours[person], page_from_world, (bodies or {}).get(person))
        for person, motion in list(motions.items())[:MOST_PEOPLE]
    ]
    spans = [_span(strip) for strip in strips]
    rows = [(high - low) * _PIXELS_PER_METRE + _HEAD + _FOOT for low, high in spans]
    board = Board(WIDTH, round(_TITLE + (math.fsum(rows) or _HEAD + _FOOT + 100)))
    board.text("Seen from the camera's side", (24, 28), INK, size=19)
    if not strips:
        board.text("nobody found", (WIDTH / 2, board.height / 2), MUTED, anchor="middle")
    if len(motions) > len(strips):
        left_out = f"{len(motions) - len(strips)} more people are not drawn"
        board.text(left_out, (WIDTH - _RIGHT, 28), MUTED, anchor="right")
    top = _TITLE
    for strip, (low, high), row in zip(strips, spans, rows, strict=True):
        floor = top + _HEAD + high * _PIXELS_PER_METRE
        _draw_scale(board, floor, low, high)
        tag = (_LEFT, floor - high * _PIXELS_PER_METRE - 20)
        board.text(strip.person, tag, strip.colour.ink, size=12, plate=strip.colour.rgb)
        _draw_strip(board, floor - low * _PIXELS_PER_METRE, floor, strip)
        top += row
    return board.finished()


def _span(strip: _Strip) -> tuple[float, float]:
    """Lowest and highest metre of a strip; the floor is always in it."""
    drawn = strip.points if strip.surface is None else strip.surface.points
    heights = drawn[..., 1]
    low = min(-0.1, float(heights.min()) - 0.1)
    high = max(2.0, float(heights.max()) + 0.2)
    return max(low, _DEEPEST), min(high, _HIGHEST)


def _page_axes(camera: CameraTrack | None) -> np.ndarray:
    """Rows: right, up and away as seen from the camera, held level; ``(3, 3)``."""
    up = np.array([0.0, 1.0, 0.0])
    right = np.array([1.0, 0.0, 0.0])
    if camera is not None and len(camera.camera_from_world):
        level = camera.camera_from_world[:, 0, :3].mean(axis=0) * (1, 0, 1)
        length = float(np.linalg.norm(level))
        right = level / length if length > 1e-6 else right  # noqa: PLR2004
    return np.stack([right, up, np.cross(up, right)])


def _strip(
    person: str,
    motion: Motion,
    colour: PersonColour,
    page_from_world: np.ndarray,
    body: BodyFile | None,
) -> _Strip:
    unseen = np.all(motion.confidence == 0, axis=1)
    rows = _moments(unseen)
    points = figure_points(motion)[rows] @ page_from_world.T
    middle = points[:, :1] * (1, 0, 1)
    surface = surface_of(motion, body, rows)
    if surface is not None:
        turned = surface.points @ page_from_world.T - middle
        surface = dataclasses.replace(surface, points=turned)
    return _Strip(
        person=person,
        colour=colour,
        figure=figure_of(motion.skeleton),
        points=points - middle,
        times=motion.times[rows],
        bridged=unseen[rows],
        surface=surface,
    )


def _moments(unseen: np.ndarray) -> np.ndarray:
    """Rows at even distances, each moved to the nearest measured one inside its share."""
    count = min(MOMENTS, len(unseen))
    edges = np.linspace(0, len(unseen), count + 1)
    rows = []
    for start, stop in pairwise(edges):
        share = np.arange(int(start), max(int(start) + 1, int(stop)))
        measured = share[~unseen[share]]
        choice = measured if len(measured) else share
        rows.append(int(choice[np.argmin(np.abs(choice - (start + stop - 1) / 2))]))
    return np.array(rows)


def _draw_scale(board: Board, floor: float, low: float, high: float) -> None:
    step = 0.5 if high - low <= 4 else 1.0 if high - low <= 8 else 2.0  # noqa: PLR2004
    for mark in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1):
        height = mark * step
        y = floor - height * _PIXELS_PER_METRE
        shade = INK if mark == 0 else GRID_STRONG if float(height).is_integer() else GRID
        ends = np.array([[_LEFT, y], [WIDTH - _RIGHT, y]])
        board.line(ends, shade, 1.5 if mark == 0 else 1.0)
        board.text(f"{height:g} m", (_LEFT - 8, y), MUTED, size=11, anchor="right")


def _draw_strip(board: Board, foot: float, floor: float, strip: _Strip) -> None:
    under = foot + 16
    for place, points in enumerate(strip.points):
        middle = _LEFT + (place + 0.5) * _COLUMN_METRES * _PIXELS_PER_METRE
        mapping = Mapping2D(origin_px=(middle, floor), pixels_per_metre=_PIXELS_PER_METRE)
        pale = 0.6 if strip.bridged[place] else 0.0
        if strip.surface is None:
            _draw_figure(board, mapping, strip, points, pale)
        else:
            draw_surface(board, mapping, strip.surface, place, strip.colour, pale)
        words = time_code(float(strip.times[place])) + (" (filled in)" if pale else "")
        board.text(words, (middle, under), MUTED, size=11.5, anchor="middle")


def _draw_figure(
    board: Board, mapping: Mapping2D, strip: _Strip, points: np.ndarray, pale: float
) -> None:
    figure = strip.figure
    away = points[figure.ends, 2].mean(axis=1)
    parts = np.unique(figure.parts)
    depths = [float(away[figure.parts == part].mean()) for part in parts]
    # Far limbs first; the rim of a limb goes under all of it, so that only limbs are told apart.
    for part in parts[np.argsort(-np.array(depths), kind="stable")]:
        bones = np.flatnonzero(figure.parts == part)
        for rim in (1.0, 0.0):
            for bone in bones:
                spots = mapping.pixels(points[figure.ends[bone], :2])
                radii = figure.radii[bone] * mapping.pixels_per_metre + rim
                colour = PAPER if rim else _shade(strip, int(bone), pale)
                board.capsule(spots, radii.tolist(), colour)


def _shade(strip: _Strip, bone: int, pale: float) -> Rgb:
    base = strip.colour.rgb
    if int(strip.figure.sides[bone]) == RIGHT:
        base = strip.colour.darker(0.28)
    return mix(base, PAPER, pale)
