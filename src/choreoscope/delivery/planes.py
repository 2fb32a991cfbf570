"""From the house's passes to the numbers other programs expect; arrays in, planes out."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from choreoscope.delivery.options import DeliveryOptions

HALF_LARGEST = 65504.0
NO_NORMAL = (0.5, 0.5, 1.0)
"""What a picture of 0 to 1 holds where there is no normal: one that faces the viewer."""
_KNEE, _SLOPE, _OFFSET, _POWER = 0.04045, 12.92, 0.055, 2.4


def linear_from_srgb(values: np.ndarray) -> np.ndarray:
    """Undo the sRGB curve (IEC 61966-2-1), 0 to 1, any shape; float32."""
    shown = values.astype(np.float32)
    bright = ((shown + _OFFSET) / (1 + _OFFSET)) ** np.float32(_POWER)
    return np.where(shown <= _KNEE, shown / _SLOPE, bright).astype(np.float32)


_LINEAR = linear_from_srgb(np.arange(256) / 255)
"""Of every 8-bit value."""


def bytes_of(colours: np.ndarray) -> np.ndarray:
    """Bring colours of 0 to 1 to uint8."""
    steps: np.ndarray = np.rint(np.clip(colours, 0.0, 1.0) * 255)
    return steps.astype(np.uint8)


def premultiplied(rgb: np.ndarray, alpha: np.ndarray) -> dict[str, np.ndarray]:
    """Foreground as EXR wants it: scene-linear Rec. 709 times alpha.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        Film as displayed, sRGB.
    alpha : (H, W) float, 0 to 1
        Straight matte.

    Returns
    -------
    dict
        R, G, B, A as ``(H, W)`` float16.
    """
    matte = alpha.astype(np.float32)
    planes = {
        name: (_LINEAR[rgb[..., at]] * matte).astype(np.float16) for at, name in enumerate("RGB")
    }
    return planes | {"A": matte.astype(np.float16)}


def half(values: np.ndarray) -> np.ndarray:
    """Float16 without infinities: what is too large is cut to the largest half."""
    return np.asarray(np.clip(values, -HALF_LARGEST, HALF_LARGEST), dtype=np.float16)


def known(values: np.ndarray) -> np.ndarray:
    """Put 0 where nothing is known: other programs spread a NaN over its neighbours."""
    return np.where(np.isfinite(values), values, np.float32(0)).astype(np.float32)


def inverse_depth(depth: np.ndarray) -> np.ndarray:
    """One over metres, as Nuke's nodes take depth; 0 (infinitely far) where nothing is known."""
    metres = known(depth)
    there = metres > 0
    return np.where(there, 1 / np.where(there, metres, 1), 0).astype(np.float32)


def upward(flow: np.ndarray) -> np.ndarray:
    """Motion in pixels with v upward, from flow whose y points down; ``(H, W, 2)`` float16."""
    return half(known(flow) * np.array([1, -1], dtype=np.float32))


def normals_for(
    normals: np.ndarray, camera_from_world: np.ndarray | None, options: "DeliveryOptions"
) -> np.ndarray:
    """Bring normals into the wanted space and green direction.

    Parameters
    ----------
    normals : (H, W, 3) float
        Camera space, x right, y up, z to the viewer, -1 to 1; 0 0 0 where there is none.
    camera_from_world : (4, 4) float or None
        Needed for world space only.

    Returns
    -------
    (H, W, 3) float32
        -1 to 1; 0 0 0 where there is none.

    Raises
    ------
    ValueError
        If they are wanted in the world and there is no camera.
    """
    turned = known(normals)
    if options.normal_space == "world":
        if camera_from_world is None:
            raise ValueError("normals in the world need the camera")
        opencv_from_gl = np.diag([1.0, -1.0, -1.0])
        world_from_gl = camera_from_world[:3, :3].T @ opencv_from_gl
        turned = turned @ world_from_gl.T.astype(np.float32)
    if options.green == "dx":
        turned = turned * np.array([1, -1, 1], dtype=np.float32)
    return np.asarray(turned)


def unit_range(normals: np.ndarray) -> np.ndarray:
    """Bring normals into a picture of 0 to 1, ``(H, W, 3)`` float32."""
    none = ~np.any(normals, axis=-1, keepdims=True)
    return np.where(none, np.array(NO_NORMAL, np.float32), normals * 0.5 + 0.5).astype(np.float32)


def near_is_white(depth: np.ndarray, near: float, far: float) -> np.ndarray:
    """Depth as a picture: `near` metres are 1, `far` and where nothing is known 0."""
    metres = known(depth)
    shown = np.clip((far - metres) / (far - near), 0, 1)
    return np.where(metres > 0, shown, 0).astype(np.float32)


def sixteen_bits(values: np.ndarray) -> np.ndarray:
    """Numbers of 0 to 1 as 16-bit integers; one plane stays one channel, ``(H, W, C)``."""
    planes = values[..., None] if values.ndim == 2 else values  # noqa: PLR2004
    return np.asarray(np.rint(np.clip(planes, 0, 1) * np.float32(65535)), dtype=np.uint16)


def checker_board(size: tuple[int, int], square: int = 32) -> np.ndarray:
    """Grey squares to judge an edge against, ``(H, W, 3)`` float32, 0 to 255."""
    rows, columns = np.indices((size[1], size[0])) // square
    grey = np.where((rows + columns) % 2 == 0, np.float32(104), np.float32(152))
    return np.repeat(grey[..., None], 3, axis=2)
