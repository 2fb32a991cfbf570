"""The floor from above: everybody's path in metres, the camera, marks of time."""

import dataclasses
import math
from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.motion import Motion
from choreoscope.geometry.kinematics import of_motion
from choreoscope.viewer.agreement import standing_feet, stretches
from choreoscope.viewer.board import (
    GRID,
    GRID_STRONG,
    INK,
    MUTED,
    PAPER,
    Anchor,
    Board,
    Mapping2D,
)
from choreoscope.viewer.palette import PersonColour, mix

WIDTH = 1200
_MARGIN = 56.0
_TITLE = 64.0
_MOST_LINES = 26
_MOST_MARKS = 10
_WORD_GAP = 30.0
_CAMERA_MOVES = 0.05
_NEAR_CAMERA = 1.4
"""A camera further away than this many times the size of the paths is only pointed at."""


def top_view(
    motions: Mapping[str, Motion],
    camera: CameraTrack | None,
    colours: Mapping[str, PersonColour],
) -> np.ndarray:
    """Draw everybody's path on the floor as seen from above.

    The picture is turned by quarter turns so that the camera looks up the page, as on a stage
    plan drawn from the audience. Bridged stretches are dashed; a small mark stands at even times.

    Parameters
    ----------
    motions : mapping of str to Motion
        By person; may be empty.
    camera : CameraTrack or None
        Drawn where it is near, pointed at where it is far.
    colours : mapping of str to PersonColour
        For every person of `motions`.

    Returns
    -------
    (H, 1200, 3) uint8
        RGB.
    """
    turn = _quarter_turn(camera)
    paths = {person: _plan(motion.root_position, turn) for person, motion in motions.items()}
    camera_path = _plan(_camera_centres(camera), turn)
    area = _area(paths, camera_path)
    board, mapping = _sheet(area)
    step = _grid(board, mapping, area)
    if camera is not None:
        _draw_camera(board, mapping, camera, turn, area)
    tick = _time_step(motions)
    for person, motion in motions.items():
        _draw_prints(board, mapping, motion, colours[person], turn)
    for person, path in paths.items():
        _draw_path(board, mapping.pixels(path), motions[person], colours[person], tick)
    for person, path in paths.items():
        _draw_ends(board, mapping.pixels(path), person, colours[person])
    _draw_words(board, turn, step, tick, empty=not paths)
    return board.finished()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Area:
    low: np.ndarray
    high: np.ndarray


def _camera_centres(camera: CameraTrack | None) -> np.ndarray:
    if camera is None:
        return np.zeros((0, 3))
    rotation = camera.camera_from_world[:, :3, :3]
    shift = camera.camera_from_world[:, :3, 3]
    return np.asarray(-np.einsum("tji,tj->ti", rotation, shift))


def _quarter_turn(camera: CameraTrack | None) -> int:
    if camera is None or len(camera.camera_from_world) == 0:
        return 0
    ahead = camera.camera_from_world[:, 2, :3].mean(axis=0)
    angle = math.atan2(-ahead[2], ahead[0])
    return round((math.pi / 2 - angle) / (math.pi / 2)) % 4


def _plan(points: np.ndarray, turn: int) -> np.ndarray:
    """World to page: looking down with x to the right, z comes down the page; then turned."""
    right, up = points[..., 0], -points[..., 2]
    for _ in range(turn):
        right, up = -up, right
    return np.stack([right, up], axis=-1)


def _area(paths: Mapping[str, np.ndarray], camera_path: np.ndarray) -> _Area:
    spots = [path for path in paths.values() if len(path)]
    if not spots:
        spots = [np.array([[-2.0, -1.0], [2.0, 1.0]])]
    together = np.concatenate(spots)
    low, high = together.min(axis=0) - 0.8, together.max(axis=0) + 0.8
    if len(camera_path):
        with_camera = np.concatenate([camera_path, [low, high]])
        wide = np.linalg.norm(with_camera.max(axis=0) - with_camera.min(axis=0))
        if wide <= _NEAR_CAMERA * max(4.0, float(np.linalg.norm(high - low))):
            low, high = with_camera.min(axis=0) - 0.5, with_camera.max(axis=0) + 0.5
    middle, half = (low + high) / 2, (high - low) / 2
    # Never narrower than three metres, never a ribbon: a page of reasonable shape.
    half = np.maximum(half, (1.5, 1.5))
    half = np.maximum(half, (half[1] * 1.3, half[0] * 0.4))
    return _Area(low=middle - half, high=middle + half)


def _sheet(area: _Area) -> tuple[Board, Mapping2D]:
    span = area.high - area.low
    scale = (WIDTH - 2 * _MARGIN) / float(span[0])
    height = round(float(span[1]) * scale + _TITLE + 1.4 * _MARGIN)
    origin = (
        _MARGIN - float(area.low[0]) * scale,
        _TITLE + float(area.high[1]) * scale,
    )
    return Board(WIDTH, height), Mapping2D(origin_px=origin, pixels_per_metre=scale)


def _grid(board: Board, mapping: Mapping2D, area: _Area) -> float:
    span = float((area.high - area.low).max())
    fitting = [size for size in (1.0, 2.0, 5.0, 10.0, 20.0, 50.0) if span <= _MOST_LINES * size]
    step = fitting[0] if fitting else 10.0 ** math.ceil(math.log10(span / _MOST_LINES))
    for axis in (0, 1):
        first = math.ceil(float(area.low[axis]) / step)
        last = math.floor(float(area.high[axis]) / step)
        for mark in range(first, last + 1):
            ends = np.array([area.low, area.high])
            ends[:, axis] = mark * step
            strong = mark % 5 == 0
            board.line(mapping.pixels(ends), GRID_STRONG if strong else GRID, 1.0)
    return step


def _time_step(motions: Mapping[str, Motion]) -> float:
    longest = max((float(m.times[-1] - m.times[0]) for m in motions.values()), default=0.0)
    for step in (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0):
        if longest <= _MOST_MARKS * step:
            return step
    return 600.0


def _bridged(motion: Motion) -> np.ndarray:
    return np.asarray(np.all(motion.confidence == 0, axis=1))


def _draw_prints(
    board: Board, mapping: Mapping2D, motion: Motion, colour: PersonColour, turn: int
) -> None:
    """Leave a pale sole wherever a foot stood, from the ankle to the toes."""
    held, names = standing_feet(motion), motion.skeleton.joints
    if held is None:
        return
    joints = of_motion(motion)[0]
    pale = mix(colour.rgb, PAPER, 0.62)
    for side, word in enumerate(("left", "right")):
        ends = [f"{word}_{end}" for end in ("foot", "toes")]
        if not set(ends) <= set(names):
            continue
        foot = _plan(joints[:, [names.index(end) for end in ends]], turn)
        for start, stop in stretches(held[:, side]):
            spot = mapping.pixels(np.median(foot[start:stop], axis=0))
            radii = (0.035 * mapping.pixels_per_metre, 0.045 * mapping.pixels_per_metre)
            board.capsule(spot, radii, pale)


def _draw_path(
    board: Board, path: np.ndarray, motion: Motion, colour: PersonColour, tick: float
) -> None:
    unseen = _bridged(motion)
    # A step is dashed when either of its ends is not measured.
    open_steps = unseen[1:] | unseen[:-1]
    edges = np.flatnonzero(np.diff(np.concatenate([[-1], open_steps.astype(int), [-1]])))
    for start, stop in pairwise(edges):
        piece = path[start : stop + 1]
        if open_steps[start]:
            board.line(piece, mix(colour.rgb, PAPER, 0.35), 1.6, dashed=True)
        else:
            board.line(piece, colour.rgb, 2.6)
    _draw_ticks(board, path, motion.times, colour, tick)


def _draw_ticks(
    board: Board, path: np.ndarray, times: np.ndarray, colour: PersonColour, tick: float
) -> None:
    written = [path[0], path[-1]]
    first, last = math.ceil(float(times[0]) / tick), math.floor(float(times[-1]) / tick)
    for mark in range(first, last + 1):
        at = mark * tick
        spot = np.array([np.interp(at, times, path[:, axis]) for axis in (0, 1)])
        board.disc(spot, 3.6, colour.rgb)
        board.disc(spot, 1.9, PAPER)
        if min(float(np.linalg.norm(spot - other)) for other in written) > _WORD_GAP:
            board.text(f"{at:g} s", (spot[0] + 7, spot[1] - 9), MUTED, size=10.5)
            written.append(spot)


def _draw_ends(board: Board, path: np.ndarray, person: str, colour: PersonColour) -> None:
    start, end = path[0], path[-1]
    board.disc(start, 7.0, PAPER)
    board.disc(start, 6.5, colour.rgb, ring=2.0)
    board.disc(end, 7.5, PAPER)
    board.disc(end, 6.5, colour.rgb)
    fits = end[0] + 90 < board.width
    side = 13 if fits else -13
    anchor: Anchor = "left" if fits else "right"
    spot = (float(end[0]) + side, float(end[1]))
    board.text(person, spot, colour.ink, anchor=anchor, plate=colour.rgb)


def _draw_camera(
    board: Board, mapping: Mapping2D, camera: CameraTrack, turn: int, area: _Area
) -> None:
    centres = _plan(_camera_centres(camera), turn)
    if len(centres) == 0:
        return
    ahead = _plan(camera.camera_from_world[:, 2, :3], turn)[0]
    heading = math.atan2(ahead[1], ahead[0])
    half = math.atan2(camera.width / 2, float(camera.intrinsics[0, 0, 0]))
    reach = float(np.linalg.norm(np.concatenate([area.low, area.high])))
    reach += float(np.linalg.norm(centres[0])) + 1.0
    rays = np.array([[math.cos(heading + s * half), math.sin(heading + s * half)] for s in (1, -1)])
    cone = np.concatenate([centres[:1], centres[0] + rays * 2 * reach])
    board.shape(mapping.pixels(_cut(cone, area)), (120, 130, 150), alpha=0.07)
    if not np.all((centres[0] >= area.low) & (centres[0] <= area.high)):
        _point_at_camera(board, mapping, centres[0], area)
        return
    size = min(0.5, 0.045 * float(np.linalg.norm(area.high - area.low)))
    body = mapping.pixels(np.concatenate([centres[:1], centres[0] + rays * size]))
    board.line(mapping.pixels(centres), INK, 2.0)
    if float(np.linalg.norm(np.ptp(centres, axis=0))) > _CAMERA_MOVES:
        board.disc(mapping.pixels(centres[-1]), 4.0, INK)
    board.shape(body, INK)
    spot = mapping.pixels(centres[0] - np.array([math.cos(heading), math.sin(heading)]) * size / 2)
    board.text("camera", (float(spot[0]), float(spot[1]) + 6), MUTED, size=11.5, anchor="middle")


def _cut(polygon: np.ndarray, area: _Area) -> np.ndarray:
    """Cut a convex polygon off at the area's four edges (Sutherland and Hodgman 1974)."""
    for axis, edge, sign in (
        (0, area.low[0], 1.0),
        (0, area.high[0], -1.0),
        (1, area.low[1], 1.0),
        (1, area.high[1], -1.0),
    ):
        inside = (polygon[:, axis] - edge) * sign
        kept: list[np.ndarray] = []
        for here, (spot, depth) in enumerate(zip(polygon, inside, strict=True)):
            before, depth_before = polygon[here - 1], inside[here - 1]
            if (depth < 0) != (depth_before < 0):
                share = depth_before / (depth_before - depth)
                kept.append(before + share * (spot - before))
            if depth >= 0:
                kept.append(spot)
        polygon = np.array(kept).reshape(-1, 2)
    return polygon


def _point_at_camera(board: Board, mapping: Mapping2D, centre: np.ndarray, area: _Area) -> None:
    middle = (area.low + area.high) / 2
    away = centre - middle
    distance = float(np.linalg.norm(away))
    heading = away / max(distance, 1e-9)
    reach = float(np.min((area.high - area.low) / 2 / np.maximum(np.abs(heading), 1e-9)))
    tip = mapping.pixels(middle + heading * reach * 0.97)
    tail = mapping.pixels(middle + heading * reach * 0.88)
    across = np.array([-(tip - tail)[1], (tip - tail)[0]]) * 0.3
    board.shape(np.array([tip, tail + across, tail - across]), INK)
    spot = mapping.pixels(middle + heading * reach * 0.8)
    words = f"camera, {distance:.1f} m away"
    board.text(words, (float(spot[0]), float(spot[1])), MUTED, size=11.5, anchor="middle")


def _draw_words(board: Board, turn: int, step: float, tick: float, *, empty: bool) -> None:
    board.text("Seen from above", (_MARGIN, 30), INK, size=19)
    if empty:
        board.text("nobody found", (board.width / 2, board.height / 2), MUTED, anchor="middle")
    below = board.height - 0.5 * _MARGIN
    words = (
        f"grid {step:g} m",
        "ring: start",
        "disc: end",
        f"mark every {tick:g} s",
        "dashed: not seen, filled in",
        "pale soles: where feet stood",
    )
    board.text("     ".join(words), (_MARGIN, below), MUTED, size=11.5)
    origin = np.array([board.width - _MARGIN - 36.0, 34.0])
    for name, axis in (("x", (1.0, 0.0, 0.0)), ("z", (0.0, 0.0, 1.0))):
        way = _plan(np.array(axis), turn) * np.array([1, -1])
        board.line(np.array([origin, origin + way * 22]), MUTED, 1.5)
        spot = origin + way * 31
        board.text(name, (float(spot[0]), float(spot[1])), MUTED, size=11.5, anchor="middle")
