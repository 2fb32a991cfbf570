"""Whether a model's normals have the house's axes, told from the first performers they show.

What a camera sees of a body faces it, and at the body's outline the surface turns away outward:
left of a body normals point left, above it up. Published networks differ in the signs, and a
wrong one is seen late: in the light of a compositor's lamp from the wrong side.
"""

from collections.abc import Mapping

import numpy as np

from choreoscope.capture.passes.interfaces import PersonHere
from choreoscope.datatypes.errors import BackendFailedError
from choreoscope.geometry.masks import decode

FRAMES = 3
"""Frames with a mask that are looked at."""
FEWEST = 400
"""Pixels of masks below which nothing is said."""
RIM = 0.06
"""Width of the outline as a share of the root of a mask's pixels."""
WRONG = -0.2
"""Agreement below which an axis points the other way: right ones are near 0.7, and masks that
show more than the body (a floor, a skirt) bring that down, but not to the other side."""
AXES = ("x to the right", "y up", "z to the viewer")


class FacingCheck:
    """Looks at the first normals of a run.

    Parameters
    ----------
    name : str
        Of the model, for the error.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._left = FRAMES
        self._sums = np.zeros(3)

    def look(self, frame: int, normals: np.ndarray, people: Mapping[str, PersonHere]) -> None:
        """Look at one frame, unless enough were seen.

        Parameters
        ----------
        frame : int
            Source frame, for the error.
        normals : (H, W, 3) float32
            Camera axes; 0 where there are none.
        people : mapping
            Performers with masks.

        Raises
        ------
        BackendFailedError
            If an axis points the other way.
        """
        masks = [here.mask for here in people.values() if here.mask is not None]
        if not masks or self._left == 0:
            return
        own = np.logical_or.reduce([decode(mask) for mask in masks])
        if np.count_nonzero(own) < FEWEST:
            return
        self._left -= 1
        self._sums += _agreement(normals, own)
        mean = self._sums / FRAMES
        wrong = [axis for axis, value in zip(AXES, mean, strict=True) if value < WRONG]
        if wrong and self._left == 0:
            raise BackendFailedError(
                f"{self._name}, frame {frame}: expected normals with {', '.join(wrong)}, and on "
                f"the performers of the first frames they point the other way; these weights "
                f"have other axes than the published ones"
            )


def _agreement(normals: np.ndarray, own: np.ndarray) -> np.ndarray:
    """How far x, y and z agree with what a body in this mask must show, -1 to 1."""
    import cv2

    within = cv2.distanceTransform(own.astype(np.uint8), cv2.DIST_L2, 5)
    rim = own & (within <= max(2.0, RIM * float(np.sqrt(np.count_nonzero(own)))))
    # The distance to the outside grows inward; picture rows grow downward, the house's y upward.
    smooth = cv2.GaussianBlur(within, (0, 0), 1.5)
    down, right = np.gradient(smooth)
    return np.array([
        _signed(-(normals[..., 0] * right)[rim]),
        _signed((normals[..., 1] * down)[rim]),
        _signed(normals[..., 2][own]),
    ])  # fmt: skip


def _signed(products: np.ndarray) -> float:
    """Sum over the sum of sizes: 1 where all agree, -1 where none does, 0 without any."""
    total = float(np.abs(products).sum())
    return float(products.sum()) / total if total else 0.0
