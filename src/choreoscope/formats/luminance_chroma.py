"""Luminance with halved colour differences, as OpenEXR stores it, to red, green and blue.

OpenEXR technical introduction, "Luminance/Chroma Images": Y is the weighted sum of R, G, B;
RY = (R - Y) / Y and BY = (B - Y) / Y at every second pixel of every second line.
"""

from collections.abc import Mapping, Sequence

import numpy as np

CHROMA = ("RY", "BY")
REC_709 = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
"""Red, green, blue and white, x and y each: what a file without chromaticities means."""
_BETWEEN = (-1 / 16, 9 / 16, 9 / 16, -1 / 16)
"""Weights of four neighbours for the point half-way between the middle two (Catmull-Rom)."""


def luminance_weights(chromaticities: Sequence[float]) -> np.ndarray:
    """How much red, green and blue add to luminance, ``(3,)``, sum 1."""
    xy = np.asarray(chromaticities, dtype=np.float64).reshape(4, 2)
    xyz = np.concatenate([xy, 1 - xy.sum(axis=1, keepdims=True)], axis=1) / xy[:, 1:]
    return np.asarray(np.linalg.solve(xyz[:3].T, xyz[3]))


def rgb_from_ycc(
    planes: Mapping[str, np.ndarray], chromaticities: Sequence[float] | None = None
) -> dict[str, np.ndarray]:
    """Convert the planes Y, RY and BY; all others are kept.

    Parameters
    ----------
    planes : dict of str to array
        Y of (H, W); RY and BY of (H, W), or halved both ways.
    chromaticities : 8 floats or None
        Of the file; Rec. 709 where it names none.

    Returns
    -------
    dict of str to (H, W) float32
    """
    luma = planes["Y"].astype(np.float32)
    weights = luminance_weights(REC_709 if chromaticities is None else chromaticities)
    red, blue = ((_full(planes[name], luma.shape) + 1) * luma for name in CHROMA)
    green = (luma - weights[0] * red - weights[2] * blue) / weights[1]
    kept = {name: plane for name, plane in planes.items() if name not in ("Y", *CHROMA)}
    return {"R": red, "G": green.astype(np.float32), "B": blue, **kept}


def _full(plane: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    wide = plane.astype(np.float32)
    for axis in (0, 1):
        if wide.shape[axis] != size[axis]:
            wide = _doubled(wide, axis, size[axis])
    return wide


def _doubled(plane: np.ndarray, axis: int, length: int) -> np.ndarray:
    """Values stay where they are, at even places; the odd ones between them are filled in."""
    lines = np.moveaxis(plane, axis, 0)
    padded = np.pad(lines, [(1, 2), (0, 0)], mode="edge")
    count = len(lines)
    between = sum(weight * padded[at : at + count] for at, weight in enumerate(_BETWEEN))
    both = np.stack([lines, between], axis=1).reshape(2 * count, -1)[:length]
    return np.moveaxis(both.astype(np.float32), 0, axis)
