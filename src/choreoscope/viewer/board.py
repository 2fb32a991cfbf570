"""A drawing board in metres: smooth lines, discs and words on paper, without a plotting library.

Everything is drawn at twice the size and brought down at the end, which makes thin lines even.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from choreoscope.datatypes.errors import OutputError
from choreoscope.viewer.palette import Rgb

PAPER: Rgb = (250, 249, 246)
INK: Rgb = (34, 37, 42)
MUTED: Rgb = (112, 117, 126)
GRID: Rgb = (229, 227, 221)
GRID_STRONG: Rgb = (206, 203, 195)

_FINE = 2
_SHIFT = 4
_FONT = 0

Anchor = Literal["left", "middle", "right"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Mapping2D:
    """From metres (right, up) to pixels (right, down).

    Attributes
    ----------
    origin_px : tuple of two float
        Where (0, 0) metres lies, pixels of the finished picture.
    pixels_per_metre : float
        Scale, the same in both directions.
    """

    origin_px: tuple[float, float]
    pixels_per_metre: float

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """Map ``(*b, 2)`` metres to ``(*b, 2)`` pixels."""
        flip = np.array([self.pixels_per_metre, -self.pixels_per_metre])
        return np.asarray(points * flip + np.array(self.origin_px))


class Board:
    """A picture under work; coordinates are pixels of the finished picture.

    Parameters
    ----------
    width, height : int
        Pixels of the finished picture.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._fine = np.full((height * _FINE, width * _FINE, 3), PAPER, dtype=np.uint8)

    def line(
        self, points: np.ndarray, colour: Rgb, width: float = 1.0, *, dashed: bool = False
    ) -> None:
        """Draw a polyline through ``(N, 2)`` pixels; dashes are 6 px long."""
        import cv2

        if len(points) < 2:  # noqa: PLR2004
            return
        pieces = _dashes(points) if dashed else [points]
        cv2.polylines(
            self._fine,
            [self._spots(piece) for piece in pieces],
            isClosed=False,
            color=colour,
            thickness=max(1, round(width * _FINE)),
            lineType=cv2.LINE_AA,
            shift=_SHIFT,
        )

    def disc(
        self, spot: np.ndarray, radius: float, colour: Rgb, *, ring: float | None = None
    ) -> None:
        """Draw a filled disc, or a ring of the given line width."""
        import cv2

        thickness = -1 if ring is None else max(1, round(ring * _FINE))
        size = round(radius * _FINE * (1 << _SHIFT))
        cv2.circle(
            self._fine, self._spots(spot).tolist(), size, colour, thickness, cv2.LINE_AA, _SHIFT
        )

    def shape(self, points: np.ndarray, colour: Rgb, *, alpha: float = 1.0) -> None:
        """Fill a convex polygon ``(N, 2)`` pixels, mixed with what lies below."""
        import cv2

        if len(points) < 3:  # noqa: PLR2004
            return
        target = self._fine if alpha >= 1.0 else self._fine.copy()
        cv2.fillConvexPoly(target, self._spots(points), colour, cv2.LINE_AA, _SHIFT)
        if target is not self._fine:
            cv2.addWeighted(target, alpha, self._fine, 1.0 - alpha, 0.0, dst=self._fine)

    def facets(self, points: np.ndarray, colours: Sequence[Rgb]) -> None:
        """Fill triangles ``(F, 3, 2)`` pixels of a surface in turn, without seams between them."""
        import cv2

        for triangle, colour in zip(self._spots(points), colours, strict=True):
            cv2.fillConvexPoly(self._fine, triangle, colour, cv2.LINE_8, _SHIFT)

    def capsule(self, ends: np.ndarray, radii: Sequence[float], colour: Rgb) -> None:
        """Fill a tapered capsule between ``(2, 2)`` pixels with two radii in pixels."""
        along = ends[1] - ends[0]
        length = float(np.hypot(*along))
        for spot, radius in zip(ends, radii, strict=True):
            self.disc(spot, radius, colour)
        if length <= abs(radii[0] - radii[1]):
            return
        # The outer tangents of two circles touch them at this angle to the line of centres.
        lean = np.arccos((radii[0] - radii[1]) / length)
        heading = np.arctan2(along[1], along[0])
        angles = np.array([heading + lean, heading - lean])
        touch = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
        first, second = ends[0] + touch * radii[0], ends[1] + touch * radii[1]
        self.shape(np.array([first[0], second[0], second[1], first[1]]), colour)

    def text(
        self,
        words: str,
        spot: tuple[float, float],
        colour: Rgb = INK,
        *,
        size: float = 13.0,
        anchor: Anchor = "left",
        plate: Rgb | None = None,
    ) -> tuple[float, float]:
        """Write one line; `spot` is the left, middle or right end of its middle height.

        Returns
        -------
        tuple of two float
            Left and right end in pixels, plate included.
        """
        import cv2

        scale = size * _FINE / 22.0
        (wide, tall), _ = cv2.getTextSize(words, _FONT, scale, 1)
        share = {"left": 0.0, "middle": 0.5, "right": 1.0}[anchor]
        pad = 5 * _FINE if plate is not None else 0
        left = int(spot[0] * _FINE - share * (wide + 2 * pad))
        base = int(spot[1] * _FINE + tall / 2)
        if plate is not None:
            corner = (left, base - tall - pad)
            cv2.rectangle(self._fine, corner, (left + wide + 2 * pad, base + pad), plate, -1)
        cv2.putText(self._fine, words, (left + pad, base), _FONT, scale, colour, 1, cv2.LINE_AA)
        return left / _FINE, (left + wide + 2 * pad) / _FINE

    def finished(self) -> np.ndarray:
        """Return the picture, ``(height, width, 3)`` uint8, RGB."""
        import cv2

        small = cv2.resize(self._fine, (self.width, self.height), interpolation=cv2.INTER_AREA)
        return np.asarray(small, dtype=np.uint8)

    def _spots(self, points: np.ndarray) -> Any:  # noqa: ANN401
        # Far points are held at a distance that fixed-point drawing can still take.
        far = 8 * max(self.width, self.height)
        held = np.clip(np.nan_to_num(points), -far, far)
        return np.rint((held * _FINE - 0.5) * (1 << _SHIFT)).astype(np.int32)


def png_bytes(picture_rgb: np.ndarray) -> bytes:
    """Encode ``(H, W, 3)`` uint8 RGB as PNG; the same picture gives the same bytes.

    Raises
    ------
    OutputError
        If the encoder refuses.
    """
    import cv2

    done, coded = cv2.imencode(".png", np.ascontiguousarray(picture_rgb[..., ::-1]))
    if not done:
        raise OutputError(f"a picture of shape {picture_rgb.shape} could not be written as PNG")
    return bytes(coded.tobytes())


def _dashes(points: np.ndarray, dash: float = 6.0) -> list[np.ndarray]:
    steps = np.hypot(*np.diff(points, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    if along[-1] <= dash:
        return [points]
    starts = np.arange(0.0, along[-1], 2 * dash)
    pieces = []
    for start in starts:
        inside = (along > start) & (along < start + dash)
        marks = np.concatenate([[start], along[inside], [min(start + dash, along[-1])]])
        pieces.append(
            np.stack([np.interp(marks, along, points[:, axis]) for axis in (0, 1)], axis=-1)
        )
    return pieces
