"""Which triangle every pixel of a view sees."""

import functools
from typing import TYPE_CHECKING

import numpy as np

from choreoscope.datatypes.camera import Lens
from choreoscope.geometry.projection import normalised_from_pixels
from choreoscope.rendering import bands
from choreoscope.rendering.scene import View

if TYPE_CHECKING:
    from choreoscope.rendering.soft_kernels import Planes, Rays, Seen

_BORDER_POINTS = 65
_BEYOND = 0.02
"""Share of the picture by which rays are followed past its border."""


def rays_of(view: View, shift: tuple[float, float] = (0.0, 0.0)) -> "Rays":
    """Rays of a view's pixels.

    Parameters
    ----------
    shift : (float, float)
        From the pixel's centre to the sample, pixels.
    """
    from choreoscope.rendering.soft_kernels import Rays

    lens = view.lens
    bent = np.zeros((0, 0, 2))
    reach = np.array([-np.inf, -np.inf, np.inf, np.inf])
    if np.any(lens.distortion):
        sizes = (lens.width, lens.height, lens.fx, lens.fy, lens.cx, lens.cy)
        bent = _straightened(*sizes, tuple(lens.distortion.tolist()), shift)
        reach = _reach(view)
    return Rays(
        fx=float(lens.fx),
        fy=float(lens.fy),
        cx=float(lens.cx),
        cy=float(lens.cy),
        shift_x=float(shift[0]),
        shift_y=float(shift[1]),
        bending=padded(lens.distortion),
        bent=bent,
        reach=reach,
        near=float(view.near),
    )


@functools.lru_cache(maxsize=1)
def _straightened(  # noqa: PLR0913, PLR0917 - a lens in numbers, because those can be compared
    width: int,
    height: int,
    fx: float,
    fy: float,
    cx: float,
    cy: float,
    distortion: tuple[float, ...],
    shift: tuple[float, float],
) -> np.ndarray:
    """Rays ``(H, W, 2)`` of all pixels of a lens that bends; a film's lens mostly stays."""
    bends = np.array(distortion)
    lens = Lens(
        width=width, height=height, fx=fx, fy=fy, cx=cx, cy=cy, distortion=bends, source="given"
    )
    columns, rows = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    bent = normalised_from_pixels(np.stack([columns, rows], axis=-1) + shift, lens)
    return np.ascontiguousarray(bent)


def padded(distortion: np.ndarray) -> np.ndarray:
    """OpenCV's coefficients as ``(8,)``, a new array."""
    return np.pad(np.asarray(distortion, dtype=np.float64), (0, 8 - len(distortion)))


def look(
    corners: np.ndarray,
    faces: np.ndarray,
    culled: np.ndarray,
    rays: "Rays",
    size: tuple[int, int],
    threads: int,
) -> tuple["Planes", "Seen"]:
    """Find the nearest triangle of every pixel.

    Parameters
    ----------
    corners : (V, 3) float64
        Metres, camera axes.
    faces : (F, 3) int32
        Counter-clockwise seen from the front.
    culled : (F,) int8
        1 leaves out backs, -1 fronts, 0 nothing.
    rays : Rays
        Of the view.
    size : (int, int)
        Width and height, pixels.
    threads : int
        The result does not depend on it.
    """
    from choreoscope.rendering.soft_kernels import NOTHING, Planes, Seen, see, set_up

    count = len(faces)
    planes = Planes(
        edges=np.zeros((count, 3, 3)),
        gain=np.zeros(count),
        boxes=np.zeros((count, 4), dtype=np.int32),
        front=np.zeros(count),
    )
    seen = Seen(
        inverse_depth=np.zeros((size[1], size[0])),
        face=np.full((size[1], size[0]), NOTHING, dtype=np.int32),
    )
    bands.over(
        count, lambda part: set_up(corners, faces, culled, rays, size, planes, part), threads
    )
    bands.over(size[1], lambda rows: see(planes, rays, seen, rows), threads)
    return planes, seen


def _reach(view: View) -> np.ndarray:
    """Bounds of the rays of a lens that bends, from the border of its picture and its middle."""
    lens = view.lens
    across = np.linspace(-_BEYOND, 1 + _BEYOND, _BORDER_POINTS)
    low, high = np.full(_BORDER_POINTS, -_BEYOND), np.full(_BORDER_POINTS, 1 + _BEYOND)
    border = np.concatenate(
        [
            np.stack(pair, axis=1)
            for pair in ((across, low), (across, high), (low, across), (high, across))
        ]
    )
    straight = normalised_from_pixels(border * np.array([lens.width, lens.height]), lens)
    return np.concatenate([straight.min(axis=0), straight.max(axis=0)])
