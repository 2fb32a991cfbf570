"""Performers' depth laid into the depth of the scene, with a clean step at the matte's edge.

Networks blur depth across the edge of a body: points there would hang between body and wall. In a
band on both sides of the edge such values are replaced by the nearest sound one of their own side.
"""

import dataclasses

import numpy as np

from choreoscope.datatypes.errors import ShapeError

BAND = 0.004
"""Width of the band on either side, share of the picture's longer side."""
_MIXED = 0.02
"""A value in the band that leans this much, as a share, to the other side is mixed."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One performer.

    Attributes
    ----------
    inside : (H, W) bool
        Own pixels.
    depth : (H, W) float
        Metres, meant for the own pixels; NaN where not known.
    """

    inside: np.ndarray
    depth: np.ndarray


def composite(
    scene: np.ndarray, layers: tuple[Layer, ...], band_px: int | None = None
) -> np.ndarray:
    """Put performers into a scene.

    Parameters
    ----------
    scene : (H, W) float
        Metres; also holds the performers, as a network saw them.
    layers : tuple of Layer
        Where two claim a pixel, the nearer one has it.
    band_px : int or None
        Width of the band; None for `BAND` of the longer side.

    Returns
    -------
    (H, W) float
        In the precision of `scene`; where a performer's depth is not known the scene's stays.

    Raises
    ------
    ShapeError
        If sizes differ.
    """
    if any(one.inside.shape != scene.shape or one.depth.shape != scene.shape for one in layers):
        raise ShapeError(f"composite: layers differ in size from the scene's {scene.shape}")
    if not layers:
        return scene
    width = max(1, round(BAND * max(scene.shape))) if band_px is None else band_px
    everybody = np.logical_or.reduce([one.inside for one in layers])
    result = _cleaned(scene, ~everybody, width, nearer=False)
    nearest = np.full(scene.shape, np.inf, dtype=scene.dtype)
    for one in layers:
        own = _cleaned(one.depth.astype(scene.dtype), one.inside, width, nearer=True)
        mine = one.inside & (np.nan_to_num(own, nan=np.inf) < nearest)
        nearest[mine] = own[mine]
    found = np.isfinite(nearest)
    result[found] = nearest[found]
    return result


def _cleaned(depth: np.ndarray, side: np.ndarray, width: int, *, nearer: bool) -> np.ndarray:
    """Replace mixed values of one side's band; a copy.

    Parameters
    ----------
    side : (H, W) bool
        Pixels of this side.
    nearer : bool
        Whether this side is the nearer one: mixed values then lie too far, else too near.
    """
    import cv2
    from scipy.ndimage import distance_transform_edt

    cleaned = depth.copy()
    rows, columns = np.flatnonzero(~side.all(axis=1)), np.flatnonzero(~side.all(axis=0))
    if not side.any() or not len(rows):
        return cleaned
    if nearer:
        rows, columns = np.flatnonzero(side.any(axis=1)), np.flatnonzero(side.any(axis=0))
    # Only round the edge is there anything to do.
    reach = 3 * width
    part = (
        slice(max(0, int(rows[0]) - reach), int(rows[-1]) + reach + 1),
        slice(max(0, int(columns[0]) - reach), int(columns[-1]) + reach + 1),
    )
    kernel = np.ones((2 * width + 1, 2 * width + 1), dtype=np.uint8)
    own, known = side[part], np.isfinite(depth[part])
    inner = cv2.erode(own.astype(np.uint8), kernel, borderType=cv2.BORDER_REPLICATE) > 0
    sound = inner & known
    if not sound.any():
        return cleaned
    places = distance_transform_edt(~sound, return_distances=False, return_indices=True)
    fill = depth[part][tuple(places)]
    here = depth[part]
    with np.errstate(invalid="ignore"):
        mixed = here > fill * (1 + _MIXED) if nearer else here < fill * (1 - _MIXED)
    band = own & ~inner & (mixed | ~known)
    cleaned[part] = np.where(band, fill, here)
    return cleaned
