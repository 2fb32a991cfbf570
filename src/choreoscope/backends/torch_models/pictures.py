"""Pictures as networks want them: sizes, resampling, padding, normalisation; arrays only.

Networks were trained behind a particular library's resampling, and the libraries differ: where
the samples lie, which cubic, whether shrinking averages. Each function says which it is.
"""

import functools
import math
from typing import Literal

import numpy as np

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
HALF = (0.5, 0.5, 0.5)

Kernel = Literal["linear", "cubic"]
Interpolation = Literal["nearest", "linear", "cubic", "area"]


def unit(picture: np.ndarray) -> np.ndarray:
    """Bring a picture ``(..., 3)`` uint8 to float32, 0 to 1."""
    return picture.astype(np.float32) / np.float32(255.0)


def normalised(picture: np.ndarray, mean: tuple[float, ...], std: tuple[float, ...]) -> np.ndarray:
    """Subtract a mean and divide by a deviation, per channel of the last axis; float32."""
    shift, scale = np.asarray(mean, dtype=np.float32), np.asarray(std, dtype=np.float32)
    return ((picture - shift) / scale).astype(np.float32)


def planar(pictures: np.ndarray) -> np.ndarray:
    """Put the channels first: ``(..., H, W, C)`` to ``(..., C, H, W)``, contiguous."""
    return np.ascontiguousarray(np.moveaxis(pictures, -1, -3))


def kept_aspect(size: tuple[int, int], target: tuple[int, int], multiple: int) -> tuple[int, int]:
    """Return the size with (nearly) the same aspect and sides that are multiples.

    The rule of MiDaS and all that follow it (DPT, Depth Anything, ZoeDepth): of the two scales
    that bring height or width to the target, that which changes the picture less.

    Parameters
    ----------
    size, target : (int, int)
        Height and width.
    multiple : int
        Of which both sides are multiples, rounded to the nearest.

    Returns
    -------
    (int, int)
        Height and width, at least one multiple each.
    """
    scales = (target[0] / size[0], target[1] / size[1])
    scale = scales[1] if abs(1 - scales[1]) < abs(1 - scales[0]) else scales[0]
    height, width = (max(1, round(scale * side / multiple)) * multiple for side in size)
    return height, width


def short_side(size: tuple[int, int], target: int, multiple: int) -> tuple[int, int]:
    """Return the size whose shorter side is at least the target, sides rounded to multiples."""
    scale = target / min(size)
    height, width = (
        max(math.ceil(target / multiple), round(scale * side / multiple)) * multiple
        for side in size
    )
    return height, width


def resized(picture: np.ndarray, size: tuple[int, int], how: Interpolation) -> np.ndarray:
    """Resample ``(H, W)`` or ``(H, W, C)`` with OpenCV: pixel edges meet, no averaging but "area".

    The same as PyTorch's ``interpolate(..., align_corners=False)`` for "linear" and "cubic".
    """
    import cv2

    if picture.shape[:2] == tuple(size):
        return picture
    flags = {
        "nearest": cv2.INTER_NEAREST_EXACT,
        "linear": cv2.INTER_LINEAR,
        "cubic": cv2.INTER_CUBIC,
        "area": cv2.INTER_AREA,
    }
    found: np.ndarray = cv2.resize(picture, (size[1], size[0]), interpolation=flags[how])
    return found


def shrunk(picture: np.ndarray, size: tuple[int, int], kernel: Kernel) -> np.ndarray:
    """Resample as Pillow does: shrinking averages over all pixels (antialias), cubic a = -0.5.

    Parameters
    ----------
    picture : (H, W) or (H, W, C)
    size : (int, int)
        Height and width wanted.
    kernel : {"linear", "cubic"}

    Returns
    -------
    (h, w) or (h, w, C) float32
        Pillow rounds bytes to whole grey values after each direction; here they are only kept
        between 0 and 255.
    """
    rows = _shrinking(picture.shape[0], size[0], kernel)
    columns = _shrinking(picture.shape[1], size[1], kernel)
    limits = (0.0, 255.0) if picture.dtype == np.uint8 else None
    return _separable(picture, rows, columns, limits)


def resized_corners(
    picture: np.ndarray, size: tuple[int, int], kernel: Kernel = "linear"
) -> np.ndarray:
    """Resample so that centres of corner pixels meet (PyTorch's ``align_corners=True``).

    Nothing is averaged; "cubic" is PyTorch's, a = -0.75.

    Parameters
    ----------
    picture : (H, W) or (H, W, C)
    size : (int, int)
        Height and width wanted.
    kernel : {"linear", "cubic"}

    Returns
    -------
    (h, w) or (h, w, C) float32
    """
    rows = _corners(picture.shape[0], size[0], kernel)
    columns = _corners(picture.shape[1], size[1], kernel)
    return _separable(picture, rows, columns)


def reflected(picture: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Widen by mirrored pixels on all four sides; the edge pixel itself is not repeated."""
    widths = ((rows, rows), (columns, columns)) + ((0, 0),) * (picture.ndim - 2)
    return np.pad(picture, widths, mode="reflect")


def filled_to_multiple(picture: np.ndarray, multiple: int) -> np.ndarray:
    """Widen to the right and below to multiples, repeating the last pixel; cut off to undo."""
    missing = [-side % multiple for side in picture.shape[:2]]
    widths = ((0, missing[0]), (0, missing[1])) + ((0, 0),) * (picture.ndim - 2)
    return np.pad(picture, widths, mode="edge")


def _separable(
    picture: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    limits: tuple[float, float] | None = None,
) -> np.ndarray:
    lines = np.asarray(picture, dtype=np.float32).reshape(*picture.shape[:2], -1)
    found = np.ascontiguousarray(np.moveaxis(lines, -1, 0)) @ columns.T
    if limits is not None:
        np.clip(found, *limits, out=found)
    found = rows @ found
    if limits is not None:
        np.clip(found, *limits, out=found)
    upright = np.ascontiguousarray(np.moveaxis(found, 0, -1))
    return upright.reshape(len(rows), len(columns), *picture.shape[2:])


@functools.lru_cache(maxsize=16)
def _shrinking(there: int, wanted: int, kernel: Kernel) -> np.ndarray:
    """Weights ``(wanted, there)``: the kernel is widened where the picture shrinks."""
    scale = there / wanted
    widening = max(scale, 1.0)
    centres = (np.arange(wanted) + 0.5) * scale
    distance = np.abs((np.arange(there) + 0.5)[None, :] - centres[:, None]) / widening
    weights = _linear(distance) if kernel == "linear" else _cubic(distance)
    found: np.ndarray = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return found


@functools.lru_cache(maxsize=16)
def _corners(there: int, wanted: int, kernel: Kernel) -> np.ndarray:
    """Weights ``(wanted, there)``; taps beyond the border count for the border."""
    places = np.linspace(0.0, there - 1.0, wanted)
    taps = np.floor(places).astype(np.int64)[:, None] + np.arange(-1, 3)
    distance = np.abs(taps - places[:, None])
    found = np.zeros((wanted, there), dtype=np.float32)
    values = _linear(distance) if kernel == "linear" else _cubic(distance, a=-0.75)
    lines = np.broadcast_to(np.arange(wanted)[:, None], taps.shape)
    np.add.at(found, (lines, np.clip(taps, 0, there - 1)), values.astype(np.float32))
    return found


def _linear(distance: np.ndarray) -> np.ndarray:
    weights: np.ndarray = np.maximum(0.0, 1.0 - distance)
    return weights


def _cubic(distance: np.ndarray, a: float = -0.5) -> np.ndarray:
    """Keys' cubic convolution (IEEE Trans. ASSP 29(6), 1981)."""
    near = ((a + 2) * distance - (a + 3)) * distance**2 + 1.0
    far = ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a
    return np.where(distance < 1.0, near, np.where(distance < 2.0, far, 0.0))  # noqa: PLR2004
