"""Draw what was found on one frame of the film: skeletons, hands, masks, boxes, ids.

A person's left side is drawn lighter than the person's colour and the right side darker, so that
a turn can be told from a crossed arm. Limbs of low visibility are drawn fainter, a bridged person
(not seen in this frame) fainter still. Nothing is drawn for points that are not finite.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from choreoscope.datatypes.arrays import check_arrays
from choreoscope.viewer.palette import PersonColour, Rgb
from choreoscope.viewer.timecode import time_code

LONG_SIDE = 960
_LEFT, _MIDDLE, _RIGHT = 0, 1, 2
_SHIFT = 4
_HAND_CHAINS = ((0, 1, 2, 3, 4), (0, 5, 6, 7, 8), (5, 9, 10, 11, 12), (9, 13, 14, 15, 16))
_HAND_LINES = (
    *((a, b) for chain in _HAND_CHAINS for a, b in pairwise(chain)),
    *((0, 17), (13, 17), (17, 18), (18, 19), (19, 20)),
)
_SIDE_LINES = ((11, 13), (13, 15), (11, 23), (23, 25), (25, 27), (27, 29), (29, 31), (27, 31))
_BODY_LINES: tuple[tuple[int, int, int], ...] = (
    *((a, b, _LEFT) for a, b in _SIDE_LINES),
    *((a + 1, b + 1, _RIGHT) for a, b in _SIDE_LINES),
    *((a, b, _MIDDLE) for a, b in ((11, 12), (23, 24), (7, 2), (2, 0), (0, 5), (5, 8), (9, 10))),
)
_PALM_LINES = ((15, 19), (16, 20))
_JOINTS = (*range(11, 17), *range(23, 29))
_LEVELS = ((0.65, 1.0), (0.35, 0.6), (0.0, 0.3))
_FONT = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PersonDrawing:
    """What is drawn of one person in one frame; pixels of the film, not of the overlay.

    Attributes
    ----------
    person : str
        Id, written on the tag.
    colour : PersonColour
        From `palette.colours_for`.
    box_xyxy : (4,) float
        Box round the body, film pixels.
    points_px : (33, 2) float
        BlazePose33 order, film pixels; NaN where there is none.
    visibility : (33,) float
        0 to 1.
    hands_px : (2, 21, 2) float
        Left and right hand, film pixels; NaN where not seen.
    outline : tuple of (K, 2) float arrays
        Closed outlines of the mask, film pixels; empty where there is no mask.
    confidence : float
        0 to 1; the length of the line under the id.
    bridged : bool
        Whether the person was not seen in this frame and the pose was filled in.
    """

    person: str
    colour: PersonColour
    box_xyxy: Float[np.ndarray, "4"]
    points_px: Float[np.ndarray, "33 2"]
    visibility: Float[np.ndarray, "33"]
    hands_px: Float[np.ndarray, "2 21 2"]
    outline: tuple[np.ndarray, ...] = ()
    confidence: float = 1.0
    bridged: bool = False

    def __post_init__(self) -> None:
        check_arrays(self)


def overlay_size(width: int, height: int) -> tuple[int, int]:
    """Size of the overlay film: long side at most 960, same shape, both sides even.

    Parameters
    ----------
    width, height : int
        Pixels of the upright film picture, at least 1. Small films are not enlarged.

    Returns
    -------
    tuple of two int
        Width and height, even (video encoders with halved colour need it) and at least 2.
    """
    scale = min(1.0, LONG_SIDE / max(width, height))
    return _even(width * scale), _even(height * scale)


def outline_of(
    dense: np.ndarray, *, corner: tuple[float, float] = (0.0, 0.0)
) -> tuple[np.ndarray, ...]:
    """Outlines of a dense mask as closed polygons for `PersonDrawing`.

    Parameters
    ----------
    dense : (h, w) bool or uint8
        The mask, or the part of it inside a box.
    corner : tuple of two float
        Film pixel position of the part's upper left corner.

    Returns
    -------
    tuple of (K, 2) float arrays
        Outer outlines in film pixels, specks below 0.2 % of the mask's largest piece left out.
    """
    import cv2

    contours, _ = cv2.findContours(
        np.ascontiguousarray(dense, dtype=np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_TC89_L1
    )
    areas = [cv2.contourArea(contour) for contour in contours]
    floor = 0.002 * max(areas, default=0.0)
    shift = np.asarray(corner) + 0.5
    return tuple(
        contour[:, 0, :].astype(np.float64) + shift
        for contour, area in zip(contours, areas, strict=True)
        if area > floor
    )


def draw_people(frame_rgb: np.ndarray, people: Sequence[PersonDrawing], scale: float) -> np.ndarray:
    """Draw people on a frame, in place.

    Parameters
    ----------
    frame_rgb : (H, W, 3) uint8
        The frame at overlay size; changed in place.
    people : sequence of PersonDrawing
        Drawn in this order, so the last one lies on top.
    scale : float, > 0
        Overlay pixels for each film pixel.

    Returns
    -------
    (H, W, 3) uint8
        The same array.
    """
    for person in people:
        _draw_person(frame_rgb, person, scale)
    return frame_rgb


def draw_stamp(frame_rgb: np.ndarray, *, frame: int, seconds: float) -> np.ndarray:
    """Write frame number and time in the lower left corner, in place.

    Parameters
    ----------
    frame_rgb : (H, W, 3) uint8
        The frame at overlay size; changed in place.
    frame : int
        Source frame, 0-based.
    seconds : float
        Time of the frame from the film's first frame.

    Returns
    -------
    (H, W, 3) uint8
        The same array.
    """
    import cv2

    text = f"{frame}   {time_code(seconds)}"
    size = _text_scale(frame_rgb)
    (wide, tall), _ = cv2.getTextSize(text, _FONT, size, 1)
    height = frame_rgb.shape[0]
    pad = max(3, tall // 2)
    low, high = max(0, height - tall - 3 * pad), max(0, height - pad)
    plate = frame_rgb[low:high, pad : wide + 3 * pad]
    plate[:] = plate * 0.35
    spot = (2 * pad, height - 2 * pad)
    cv2.putText(frame_rgb, text, spot, _FONT, size, (235, 235, 235), 1, cv2.LINE_AA)
    return frame_rgb


def _draw_person(frame: np.ndarray, person: PersonDrawing, scale: float) -> None:
    points = _drawable(person.points_px * scale, frame.shape)
    hands = _drawable(person.hands_px * scale, frame.shape)
    box = person.box_xyxy * scale
    thickness = _thickness(box)
    _draw_outline(frame, person, scale)
    _draw_box(frame, box, person)
    strength = 0.45 if person.bridged else 1.0
    for threshold, alpha in reversed(_LEVELS):
        ceiling = {0.0: 0.35, 0.35: 0.65}.get(threshold, np.inf)
        strokes = [*_body_strokes(person, points, hands, (threshold, ceiling))]
        if threshold == _LEVELS[0][0]:
            strokes += _hand_strokes(person, hands)
        _blend_strokes(frame, strokes, thickness, alpha * strength)
    _draw_joints(frame, person, points, thickness)
    _draw_tag(frame, box, person)


Stroke = tuple[np.ndarray, Rgb, float]
"""Line ends ``(2, 2)`` in overlay pixels, colour, width relative to the body's."""


def _body_strokes(
    person: PersonDrawing, points: np.ndarray, hands: np.ndarray, band: tuple[float, float]
) -> Iterator[Stroke]:
    shades = _shades(person.colour)
    lines = list(_BODY_LINES)
    for hand, (a, b) in enumerate(_PALM_LINES):
        if not np.isfinite(hands[hand]).all():
            lines.append((a, b, _RIGHT if hand else _LEFT))
    for a, b, side in lines:
        seen = np.nan_to_num(min(person.visibility[a], person.visibility[b]))
        ends = points[[a, b]]
        if band[0] <= seen < band[1] and np.isfinite(ends).all():
            yield ends, shades[side], 1.0


def _hand_strokes(person: PersonDrawing, hands: np.ndarray) -> list[Stroke]:
    shades = _shades(person.colour)
    return [
        (hands[hand][[a, b]], shades[_RIGHT if hand else _LEFT], 0.5)
        for hand in range(2)
        for a, b in _HAND_LINES
        if np.isfinite(hands[hand][[a, b]]).all()
    ]


def _blend_strokes(
    frame: np.ndarray, strokes: Sequence[Stroke], thickness: int, alpha: float
) -> None:
    import cv2

    if not strokes:
        return
    ends = np.stack([stroke[0] for stroke in strokes])
    window = _window(ends, frame.shape, margin=thickness + 3)
    patch = frame[window]
    target = patch if alpha >= 1.0 else patch.copy()
    corner = np.array([window[1].start, window[0].start])
    spots = _fixed_point(ends - corner).tolist()
    for under in (True, False):
        for spot, (_, colour, relative) in zip(spots, strokes, strict=True):
            width = max(1, round(thickness * relative)) + (2 if under else 0)
            ink = (14, 16, 20) if under else colour
            cv2.line(target, spot[0], spot[1], ink, width, cv2.LINE_AA, _SHIFT)
    if target is not patch:
        cv2.addWeighted(target, alpha, patch, 1.0 - alpha, 0.0, dst=target)
        patch[:] = target


def _draw_joints(
    frame: np.ndarray, person: PersonDrawing, points: np.ndarray, thickness: int
) -> None:
    import cv2

    shown = [
        joint
        for joint in _JOINTS
        if np.isfinite(points[joint]).all() and person.visibility[joint] >= _LEVELS[0][0]
    ]
    if person.bridged or not shown:
        return
    radius = round((thickness * 0.5 + 1.2) * (1 << _SHIFT))
    for spot in _fixed_point(points[shown]).tolist():
        cv2.circle(frame, spot, radius, (250, 250, 250), -1, cv2.LINE_AA, _SHIFT)


def _draw_outline(frame: np.ndarray, person: PersonDrawing, scale: float) -> None:
    import cv2

    rings = [_drawable(ring * scale, frame.shape) for ring in person.outline]
    rings = [ring for ring in rings if len(ring) and np.isfinite(ring).all()]
    if not rings:
        return
    window = _window(np.concatenate(rings), frame.shape, margin=3)
    patch = frame[window]
    corner = np.array([window[1].start, window[0].start])
    spots = [_fixed_point(ring - corner) for ring in rings]
    tint = patch.copy()
    cv2.fillPoly(tint, spots, person.colour.rgb, cv2.LINE_8, _SHIFT)
    cv2.addWeighted(tint, 0.2, patch, 0.8, 0.0, dst=tint)
    patch[:] = tint
    edge = person.colour.lighter(0.35)
    cv2.polylines(patch, spots, isClosed=True, color=edge, lineType=cv2.LINE_AA, shift=_SHIFT)


def _draw_box(frame: np.ndarray, box: np.ndarray, person: PersonDrawing) -> None:
    import cv2

    left, top, right, bottom = _drawable(box.reshape(2, 2), frame.shape).reshape(4)
    if not np.isfinite([left, top, right, bottom]).all():
        return
    reach = float(np.clip(0.12 * min(right - left, bottom - top), 5, 18))
    ink = person.colour.darker(0.3) if person.bridged else person.colour.rgb
    for x, inward_x in ((left, reach), (right, -reach)):
        for y, inward_y in ((top, reach), (bottom, -reach)):
            corner = np.array([[x + inward_x, y], [x, y], [x, y + inward_y]])
            spots = _fixed_point(corner)
            cv2.polylines(
                frame, [spots], isClosed=False, color=ink, lineType=cv2.LINE_AA, shift=_SHIFT
            )


def _draw_tag(frame: np.ndarray, box: np.ndarray, person: PersonDrawing) -> None:
    import cv2

    if not np.isfinite(box).all():
        return
    text = f"{person.person} (bridged)" if person.bridged else person.person
    size = _text_scale(frame)
    (wide, tall), _ = cv2.getTextSize(text, _FONT, size, 1)
    pad = max(3, tall // 2)
    plate_wide, plate_tall = wide + 2 * pad, tall + 2 * pad
    height, width = frame.shape[:2]
    x = int(np.clip(box[0], 0, max(0, width - plate_wide)))
    y = int(np.clip(box[1] - plate_tall - 3, 0, max(0, height - plate_tall)))
    plate = frame[y : y + plate_tall, x : x + plate_wide]
    plate[:] = person.colour.rgb
    full = round(plate_wide * float(np.clip(np.nan_to_num(person.confidence), 0, 1)))
    plate[-2:, :full] = person.colour.ink
    spot = (x + pad, y + pad + tall - 1)
    cv2.putText(frame, text, spot, _FONT, size, person.colour.ink, 1, cv2.LINE_AA)


def _shades(colour: PersonColour) -> tuple[Rgb, Rgb, Rgb]:
    return colour.lighter(0.45), colour.rgb, colour.darker(0.3)


def _thickness(box: np.ndarray) -> int:
    tall = float(np.nan_to_num(box[3] - box[1]))
    return 1 if tall < 90 else 2 if tall < 320 else 3  # noqa: PLR2004


def _text_scale(frame: np.ndarray) -> float:
    return 0.38 + 0.14 * float(max(frame.shape[:2])) / LONG_SIDE


def _drawable(points: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    # A wild point far outside would overflow the fixed-point numbers of the drawing functions.
    far = 4.0 * max(shape[:2])
    wild = ~np.isfinite(points) | (np.abs(points) > far)
    return np.where(wild.any(axis=-1, keepdims=True), np.nan, points)


def _fixed_point(points: np.ndarray) -> np.ndarray:
    # Drawing functions count from the centre of the first pixel, we from its corner.
    return np.rint((points - 0.5) * (1 << _SHIFT)).astype(np.int32)


def _window(points: np.ndarray, shape: tuple[int, ...], *, margin: int) -> tuple[slice, slice]:
    flat = points.reshape(-1, 2)
    low = np.floor(flat.min(axis=0)).astype(int) - margin
    high = np.ceil(flat.max(axis=0)).astype(int) + margin
    size = np.array([shape[1], shape[0]])
    low, high = np.clip(low, 0, size), np.clip(high, 0, size)
    return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))


def _even(pixels: float) -> int:
    return max(2, 2 * round(pixels / 2))
