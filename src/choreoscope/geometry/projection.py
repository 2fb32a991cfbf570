"""From camera space to pixels and back, and lenses from what people know about them.

Camera axes: OpenCV (x right, y down, z forward), metres. Pixel (0, 0) is the image corner.
Distortion is OpenCV's rational model with tangential terms (Brown 1966; OpenCV manual, "Camera
Calibration and 3D Reconstruction").
"""

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from choreoscope.datatypes.camera import Lens
from choreoscope.datatypes.errors import InputError

FULL_FRAME_WIDTH_MM = 36.0
_UNDISTORT_ROUNDS = 20
_NEWTON_STEP = 1e-6
_NARROWEST, _WIDEST = 1.0, 170.0


def project(points: ArrayLike, lens: Lens) -> np.ndarray:
    """Show camera-space points as pixels.

    Parameters
    ----------
    points : (*b, 3) float
        Metres, camera axes.
    lens : Lens
        Of the picture.

    Returns
    -------
    (*b, 2) float
        Pixels; NaN for points that are not in front of the camera.
    """
    xyz = np.asarray(points, dtype=np.float64)
    ahead = xyz[..., 2:] > 0
    normalised = np.where(ahead, xyz[..., :2] / np.where(ahead, xyz[..., 2:], 1.0), np.nan)
    bent = _distorted(normalised, lens.distortion)
    return np.asarray(bent * np.array([lens.fx, lens.fy]) + np.array([lens.cx, lens.cy]))


def normalised_from_pixels(pixels: ArrayLike, lens: Lens) -> np.ndarray:
    """Undo intrinsics and distortion: where a pixel's ray meets the plane z = 1.

    Parameters
    ----------
    pixels : (*b, 2) float
        Pixels; NaN stays NaN.
    lens : Lens
        Of the picture.

    Returns
    -------
    (*b, 2) float
        x / z and y / z in camera axes.
    """
    flat = np.asarray(pixels, dtype=np.float64)
    bent = (flat - np.array([lens.cx, lens.cy])) / np.array([lens.fx, lens.fy])
    if not np.any(lens.distortion):
        return np.asarray(bent)
    straight = bent.copy()
    for _ in range(_UNDISTORT_ROUNDS):
        straight = straight - _newton_step(straight, bent, lens.distortion)
    return np.asarray(straight)


def unproject(pixels: ArrayLike, depth: ArrayLike, lens: Lens) -> np.ndarray:
    """Lift image points into camera space.

    Parameters
    ----------
    pixels : (*b, 2) float
        Pixels; NaN stays NaN.
    depth : (*b,) float, > 0
        Metres along camera z.
    lens : Lens
        Of the picture.

    Returns
    -------
    (*b, 3) float
        Metres, camera axes.
    """
    normalised = normalised_from_pixels(pixels, lens)
    z = np.asarray(depth, dtype=np.float64)[..., None]
    return np.concatenate([normalised * z, np.broadcast_to(z, (*normalised.shape[:-1], 1))], -1)


def assumed_lens(width: int, height: int) -> Lens:
    """Lens to take when nobody knows: the "normal" lens, focal length = picture diagonal.

    That is 53 degrees across the diagonal (43 mm on full frame): between the main camera of a
    phone (about 26 mm) and the long end people film a stage with (60 mm and up), so the error is
    at most a factor of about 1.6 either way. A wrong focal length scales distances by the same
    factor and leaves poses nearly unharmed.
    """
    return _centred(math.hypot(width, height), width, height, "assumed")


def lens_from_fov(
    fov_degrees: float,
    width: int,
    height: int,
    across: Literal["width", "height", "diagonal"] = "width",
) -> Lens:
    """Pinhole lens from a field of view.

    Parameters
    ----------
    fov_degrees : float
        Full angle, degrees, 1 to 170.
    width, height : int
        Picture size, pixels.
    across : {"width", "height", "diagonal"}
        What the angle spans.

    Raises
    ------
    InputError
        If the angle is no angle a lens can have.
    """
    if not _NARROWEST <= fov_degrees <= _WIDEST:
        raise InputError(
            f"expected a field of view of {_NARROWEST:g} to {_WIDEST:g} degrees, "
            f"got {fov_degrees:g}"
        )
    span = {"width": width, "height": height, "diagonal": math.hypot(width, height)}[across]
    focal = span / 2 / math.tan(math.radians(fov_degrees) / 2)
    return _centred(focal, width, height, "given")


def lens_from_focal_mm(
    focal_mm: float, width: int, height: int, sensor_width_mm: float = FULL_FRAME_WIDTH_MM
) -> Lens:
    """Pinhole lens from a focal length in millimetres.

    Parameters
    ----------
    focal_mm : float
        As written on the lens, or its full-frame equivalent with the default sensor.
    width, height : int
        Picture size, pixels. The sensor's width lies along the longer side, because a film shot
        upright comes from the same sensor turned.
    sensor_width_mm : float
        Width of the part of the sensor that makes the picture.

    Raises
    ------
    InputError
        If a length is not above zero.
    """
    if not (math.isfinite(focal_mm) and focal_mm > 0 and sensor_width_mm > 0):
        raise InputError(
            f"expected a focal length and a sensor width above 0 mm, "
            f"got {focal_mm:g} and {sensor_width_mm:g}"
        )
    return _centred(focal_mm / sensor_width_mm * max(width, height), width, height, "given")


def _centred(focal: float, width: int, height: int, source: str) -> Lens:
    return Lens(
        width=width,
        height=height,
        fx=focal,
        fy=focal,
        cx=width / 2,
        cy=height / 2,
        distortion=np.zeros(0),
        source=source,
    )


def _distorted(xy: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    if not np.any(coefficients):
        return xy
    k1, k2, p1, p2, k3, k4, k5, k6 = np.pad(coefficients, (0, 8 - len(coefficients)))
    x, y = xy[..., 0], xy[..., 1]
    r2 = x * x + y * y
    radial = (1 + r2 * (k1 + r2 * (k2 + r2 * k3))) / (1 + r2 * (k4 + r2 * (k5 + r2 * k6)))
    return np.stack(
        [
            x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
            y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
        ],
        axis=-1,
    )


def _newton_step(straight: np.ndarray, bent: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Newton's step of ``distort(straight) = bent`` with a numerical Jacobian."""
    here = _distorted(straight, coefficients)
    columns = [
        (_distorted(straight + _NEWTON_STEP * axis, coefficients) - here) / _NEWTON_STEP
        for axis in np.eye(2)
    ]
    (a, c), (b, d) = (np.moveaxis(column, -1, 0) for column in columns)
    determinant = a * d - b * c
    # Beyond the fold of a strong lens there is no solution: stand still there instead of leaping.
    safe = np.where(np.abs(determinant) > _NEWTON_STEP, determinant, np.inf)
    ex, ey = np.moveaxis(here - bent, -1, 0)
    return np.stack([(d * ex - b * ey) / safe, (a * ey - c * ex) / safe], axis=-1)
