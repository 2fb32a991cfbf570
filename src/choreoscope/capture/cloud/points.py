"""One frame of depth to points: which pixels, where they lie in space, how large and what colour.

Camera axes: OpenCV (x right, y down, z forward), metres. A point lies on its pixel's ray, never
on a line along the picture plane's normal.
"""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np

from choreoscope.datatypes.errors import InputError, ShapeError
from choreoscope.rendering import bands

if TYPE_CHECKING:
    from choreoscope.capture.cloud.kernels import Grid, Law

Measure = Literal["planar", "range"]
"""What depth counts: along the camera's z, or from the camera's centre along the ray."""
NOBODY = 255
"""Owner of a pixel that belongs to no group."""
WHOLE = "Cloud"
"""Name of the only group where nobody is told apart."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DepthLaw:
    """How stored depth becomes metres along z.

    Attributes
    ----------
    scale, offset : float
        ``Z = scale * stored + offset``.
    inverse : bool
        ``Z = 1 / (scale * stored + offset)`` instead: what inverse-depth networks give.
    measure : {"planar", "range"}
        Range is divided by the length of the ray, ``sqrt(1 + x^2 + y^2)``.
    """

    scale: float = 1.0
    offset: float = 0.0
    inverse: bool = False
    measure: Measure = "planar"

    def metres(self, stored: np.ndarray, rays: np.ndarray) -> np.ndarray:
        """Turn a picture of depth into planar metres, 0 where there is none.

        Parameters
        ----------
        stored : (H, W) float
            0, NaN and infinity are nothing.
        rays : (H, W, 2) float
            x / z and y / z of each pixel.

        Returns
        -------
        (H, W) float32
        """
        known = np.isfinite(stored) & (stored != 0)
        z = self.scale * np.where(known, stored, 0).astype(np.float64) + self.offset
        if self.inverse:
            z = np.divide(1.0, z, out=np.zeros_like(z), where=z > 0)
        if self.measure == "range":
            z = z / np.sqrt(1.0 + np.sum(np.square(rays, dtype=np.float64), axis=-1))
        return np.where(known & (z > 0) & (z < NOWHERE), z, 0.0).astype(np.float32)

    def compiled(self) -> "Law":
        """Give it as the kernels take it."""
        from choreoscope.capture.cloud.kernels import Law

        return Law(
            scale=float(self.scale),
            offset=float(self.offset),
            inverse=self.inverse,
            along_ray=self.measure == "range",
        )


NOWHERE = 1e9
"""Metres; programs write 1e10 where there is nothing."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """What of a picture is lifted.

    Attributes
    ----------
    depth : (H, W) float32
        As stored; 0, NaN and infinity are nothing.
    rays : (H, W, 2) float32
        From `geometry.unprojection.rays_of_lens`.
    colour : (H, W, 3) uint8
        sRGB.
    alpha : (H, W) float32 or None
        0 to 1; None takes everything.
    owner : (H, W) uint8 or None
        Place in `groups` of whom each pixel belongs to, 255 for nobody; None for one group.
    groups : tuple of str
        Names.
    """

    depth: np.ndarray
    rays: np.ndarray
    colour: np.ndarray
    alpha: np.ndarray | None = None
    owner: np.ndarray | None = None
    groups: tuple[str, ...] = (WHOLE,)

    def __post_init__(self) -> None:
        size = self.depth.shape
        given = {"rays": self.rays, "colour": self.colour, "alpha": self.alpha, "owner": self.owner}
        for name, array in given.items():
            if array is not None and array.shape[:2] != size:
                raise ShapeError(f"{name} is {array.shape[:2]}, depth is {size} (height, width)")
        if self.owner is None and len(self.groups) != 1:
            raise ShapeError(f"groups {', '.join(self.groups)} without saying whose a pixel is")
        if len(self.groups) >= NOBODY:
            raise InputError(f"at most {NOBODY - 1} groups, got {len(self.groups)}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """Points of one group in one frame.

    Attributes
    ----------
    points : (N, 3) float32
        Metres, camera axes.
    colours : (N, 3) uint8
        sRGB.
    widths : (N,) float32
        Metres a pixel of the sampling grid is wide at that depth: points that touch.
    """

    points: np.ndarray
    colours: np.ndarray
    widths: np.ndarray


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Which pixels are taken.

    Attributes
    ----------
    step : int
        Every how many pixels, across and down.
    least_alpha : float
        Pixels whose alpha is below are left out.
    threads : int
        0 for one per processor.
    """

    step: int = 2
    least_alpha: float = 0.5
    threads: int = 0

    def __post_init__(self) -> None:
        if self.step < 1:
            raise InputError(f"step: expected 1 or more pixels, got {self.step}")

    @property
    def first(self) -> int:
        """First row and column: the grid lies in the middle of its cells."""
        return self.step // 2


def lifted_points(
    picked: Picked, law: DepthLaw, sampling: Sampling, focal_px: float
) -> Mapping[str, Points]:
    """Lift one frame.

    Parameters
    ----------
    focal_px : float
        Focal length across, for the points' widths.

    Returns
    -------
    dict of str to Points
        Every group, in the order of `Picked.groups`; empty arrays for those not seen.
    """
    from choreoscope.capture.cloud import kernels

    grid = _grid(picked, sampling)
    rule, threads = law.compiled(), sampling.threads or bands.thread_count()
    lines = len(range(sampling.first, picked.depth.shape[0], sampling.step))
    counts = np.zeros((len(picked.groups), lines), dtype=np.int64)
    bands.over(lines, lambda part: kernels.count(grid, rule, *part, counts), threads)
    ends = np.cumsum(counts)
    total = int(ends[-1]) if ends.size else 0
    places = ends.reshape(counts.shape) - counts
    out = kernels.Filled(
        points=np.zeros((total, 3), dtype=np.float32),
        colours=np.zeros((total, 3), dtype=np.uint8),
        widths=np.zeros(total, dtype=np.float32),
    )
    size = sampling.step / focal_px
    bands.over(lines, lambda part: kernels.fill(grid, rule, *part, places, out, size), threads)
    borders = np.concatenate([[0], counts.sum(axis=1).cumsum()])
    return {
        name: Points(
            points=out.points[borders[at] : borders[at + 1]],
            colours=out.colours[borders[at] : borders[at + 1]],
            widths=out.widths[borders[at] : borders[at + 1]],
        )
        for at, name in enumerate(picked.groups)
    }


def _grid(picked: Picked, sampling: Sampling) -> "Grid":
    from choreoscope.capture.cloud.kernels import Grid

    return Grid(
        depth=np.ascontiguousarray(picked.depth, dtype=np.float32),
        rays=np.ascontiguousarray(picked.rays, dtype=np.float32),
        colour=np.ascontiguousarray(picked.colour, dtype=np.uint8),
        alpha=_plane(picked.alpha, np.float32),
        owner=_plane(picked.owner, np.uint8),
        step=sampling.step,
        first=sampling.first,
        least_alpha=sampling.least_alpha,
    )


def _plane(array: np.ndarray | None, dtype: type[np.generic]) -> np.ndarray:
    if array is None:
        return np.zeros((0, 0), dtype=dtype)
    return np.ascontiguousarray(array, dtype=dtype)
