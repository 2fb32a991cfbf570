"""Whole pictures of depth into space: rays through the lens at every pixel's centre.

Camera axes: OpenCV (x right, y down, z forward), metres. Pixel (0, 0) is the image corner, the
first pixel's centre is (0.5, 0.5).
"""

import math

import numpy as np

from choreoscope.datatypes.camera import Lens
from choreoscope.datatypes.errors import ShapeError
from choreoscope.geometry.projection import normalised_from_pixels

_GRID = 0.008
"""Share of the focal length: between places this far apart a lens bends rays so smoothly that a
cubic spline is exact to single precision."""
_CUBIC = 4
"""Places a cubic spline needs at least."""


def rays_of_lens(
    lens: Lens | np.ndarray,
    distortion: np.ndarray | None = None,
    size: tuple[int, int] | None = None,
) -> np.ndarray:
    """Find where the rays of all pixels meet the plane z = 1, distortion undone.

    Parameters
    ----------
    lens : Lens or (3, 3) float
        A lens, or a pixel-from-camera matrix of a picture of this size.
    distortion : (D,) float or None
        OpenCV coefficients to go with a matrix; None or empty for a pinhole.
    size : (int, int) or None
        Width and height of the picture wanted, pixels; a lens is scaled to it. None for the
        lens's own.

    Returns
    -------
    (H, W, 2) float32
        x / z and y / z of the ray through each pixel's centre, camera axes.

    Raises
    ------
    ShapeError
        If a matrix comes without a size, or is no (3, 3) matrix without skew.
    """
    if not isinstance(lens, Lens):
        lens = _lens_of(np.asarray(lens, dtype=np.float64), distortion, size)
    width, height = size or (lens.width, lens.height)
    across, down = lens.width / width, lens.height / height
    columns = (np.arange(width) + 0.5) * across
    rows = (np.arange(height) + 0.5) * down
    if not np.any(lens.distortion):
        rays = np.zeros((height, width, 2), dtype=np.float32)
        rays[..., 0] = (columns - lens.cx) / lens.fx
        rays[..., 1] = ((rows - lens.cy) / lens.fy)[:, None]
        return rays
    return _bent(lens, columns, rows)


def unproject(depth: np.ndarray, rays: np.ndarray) -> np.ndarray:
    """Lift a picture of depth into camera space.

    Parameters
    ----------
    depth : (H, W) float
        Metres along camera z; NaN where it is not known.
    rays : (H, W, 2) float
        Of the same pixels, from `rays_of_lens`.

    Returns
    -------
    (H, W, 3) float32
        Metres, camera axes; NaN where depth is.

    Raises
    ------
    ShapeError
        If the sizes differ.
    """
    if rays.shape != (*depth.shape, 2):
        raise ShapeError(f"unproject: rays {rays.shape} do not go with depth {depth.shape}")
    placed = np.zeros((*depth.shape, 3), dtype=np.float32)
    np.multiply(rays, depth[..., None], out=placed[..., :2], casting="same_kind")
    placed[..., 2] = depth
    return placed


def in_world(points: np.ndarray, camera_from_world: np.ndarray) -> np.ndarray:
    """Bring points from camera space into the world.

    Parameters
    ----------
    points : (*b, 3) float
        Metres, camera axes; NaN stays NaN.
    camera_from_world : (4, 4) float
        Rigid motion.

    Returns
    -------
    (*b, 3) float
        Metres, world; in the precision of `points`.
    """
    turn = camera_from_world[:3, :3]
    eye = -turn.T @ camera_from_world[:3, 3]
    # A row times R is the inverse of R applied to a column.
    return np.asarray(points @ turn.astype(points.dtype) + eye.astype(points.dtype))


def _lens_of(
    matrix: np.ndarray, distortion: np.ndarray | None, size: tuple[int, int] | None
) -> Lens:
    if matrix.shape != (3, 3) or matrix[0, 1] != 0:
        raise ShapeError(f"rays: expected a (3, 3) matrix without skew, got {matrix.tolist()}")
    if size is None:
        raise ShapeError("rays: a matrix says nothing of the picture's size; give it")
    return Lens(
        width=size[0],
        height=size[1],
        fx=float(matrix[0, 0]),
        fy=float(matrix[1, 1]),
        cx=float(matrix[0, 2]),
        cy=float(matrix[1, 2]),
        distortion=np.zeros(0) if distortion is None else np.asarray(distortion, dtype=np.float64),
        source="given",
    )


def _bent(lens: Lens, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Undo distortion on a grid of places and go between them by splines.

    Newton at every pixel of a large picture would take seconds for each frame of a zoom.
    """
    from scipy.interpolate import RectBivariateSpline

    coarse_x, coarse_y = _coarse(columns, _GRID * lens.fx), _coarse(rows, _GRID * lens.fy)
    grid = np.stack(np.meshgrid(coarse_x, coarse_y), axis=-1)
    straight = normalised_from_pixels(grid, lens)
    rays = np.zeros((len(rows), len(columns), 2), dtype=np.float32)
    for axis in range(2):
        rays[..., axis] = RectBivariateSpline(coarse_y, coarse_x, straight[..., axis])(
            rows, columns
        )
    return rays


def _coarse(places: np.ndarray, step: float) -> np.ndarray:
    count = max(_CUBIC, 1 + math.ceil(float(places[-1] - places[0]) / step))
    # A picture one pixel wide still needs a stretch to lay a spline over.
    return np.linspace(places[0], max(places[-1], places[0] + 1.0), count)
