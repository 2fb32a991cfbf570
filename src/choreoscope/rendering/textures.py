"""Pictures that lie on surfaces, and what sRGB values mean in light."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from choreoscope.datatypes.errors import ShapeError

COPIES = 16
"""Sizes of one texture: the full one and its halves; the smallest is repeated."""
TABLE = 4096
_KNEE = 0.0031308
_LINEAR_KNEE = 0.04045


def linear_from_srgb(value: np.ndarray) -> np.ndarray:
    """Linear light of sRGB values, both 0 to 1 (IEC 61966-2-1)."""
    value = np.asarray(value, dtype=np.float64)
    return np.asarray(
        np.where(value <= _LINEAR_KNEE, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    )


def srgb_from_linear(light: np.ndarray) -> np.ndarray:
    """SRGB values of linear light, both 0 to 1 (IEC 61966-2-1)."""
    light = np.clip(np.asarray(light, dtype=np.float64), 0.0, 1.0)
    return np.asarray(np.where(light <= _KNEE, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055))


def developing_table() -> np.ndarray:
    """``(TABLE,)`` uint8 sRGB of linear light from 0 to 1."""
    return np.asarray(np.rint(255 * srgb_from_linear(np.linspace(0.0, 1.0, TABLE))), dtype=np.uint8)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Atlas:
    """Textures laid out for the rasteriser; made once for a film.

    Attributes
    ----------
    texels : (N, 3) uint8
        All pictures and their halved copies, sRGB.
    levels : (n_textures, COPIES + 1, 3) int
        First texel, width and height of every copy.
    """

    texels: np.ndarray
    levels: np.ndarray


def lay_out(pictures: Sequence[np.ndarray]) -> Atlas:
    """Make the copies of textures that far surfaces are drawn with.

    Parameters
    ----------
    pictures : sequence of (h, w, 3) uint8
        sRGB. ``u`` runs along the columns, ``v`` down the rows, both 0 to 1.

    Raises
    ------
    ShapeError
        If one is no colour picture.
    """
    texels, levels, count = [np.zeros((1, 3), dtype=np.uint8)], [], 1
    for number, picture in enumerate(pictures):
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:  # noqa: PLR2004
            raise ShapeError(
                f"texture {number}: expected (h, w, 3) uint8, got {picture.shape} {picture.dtype}"
            )
        rows = []
        for copy in _copies(picture):
            texels.append(copy.reshape(-1, 3))
            rows.append((count, copy.shape[1], copy.shape[0]))
            count += copy.shape[0] * copy.shape[1]
        levels.append(rows + rows[-1:] * (COPIES + 1 - len(rows)))
    table = np.array(levels, dtype=np.int64).reshape(-1, COPIES + 1, 3)
    return Atlas(texels=np.concatenate(texels), levels=table)


def _copies(picture: np.ndarray) -> list[np.ndarray]:
    """Halve in linear light, so that far surfaces are as bright as near ones."""
    copies = [picture]
    light = linear_from_srgb(np.arange(256) / 255)[picture].astype(np.float32)
    while min(light.shape[:2]) > 1 and len(copies) < COPIES:
        height, width = light.shape[0] // 2 * 2, light.shape[1] // 2 * 2
        cut = light[:height, :width]
        light = 0.25 * (cut[::2, ::2] + cut[1::2, ::2] + cut[::2, 1::2] + cut[1::2, 1::2])
        copies.append(np.rint(255 * srgb_from_linear(light)).astype(np.uint8))
    return copies
