"""Whose the foreground is: one matte of all performers divided between them by their masks.

A matte has soft edges and hair where masks are hard and coarse. So each performer's claim
reaches a little beyond the own mask and then fades; where claims meet, the nearer one wins over
a few pixels, not at a line.
"""

from collections.abc import Mapping

import numpy as np

from choreoscope.capture.passes.interfaces import PersonHere
from choreoscope.geometry.masks import decode

REACH = 0.05
"""Distance beyond the mask at which a claim is whole, as a share of the box's longer side."""
FADE = 0.05
"""Further distance over which a claim fades to nothing, as a share of the same."""
LEAST_PX = 2.0
MEETING_PX = 1.5
"""Pixels over which one performer's claim gives way to a nearer one's."""


def divided(alpha: np.ndarray, people: Mapping[str, PersonHere]) -> dict[str, np.ndarray]:
    """Divide a matte between performers.

    Parameters
    ----------
    alpha : (H, W) float
        Of everybody, 0 to 1.
    people : dict
        Who is in the frame; a performer without a mask claims the box.

    Returns
    -------
    dict of str to (H, W) float32
        Sums to `alpha` near the masks, to less where nobody is near. It does not depend on the
        order of `people`.
    """
    shape = (alpha.shape[0], alpha.shape[1])
    beyond = {name: _beyond(here, shape) for name, here in people.items()}
    reaches = {name: _reach(here) for name, here in people.items()}
    if not beyond:
        return {}
    nearest = np.minimum.reduce(list(beyond.values()))
    claims, parts = {}, {}
    for name, distance in beyond.items():
        whole, fade = reaches[name]
        claims[name] = np.clip((whole + fade - distance) / fade, 0.0, 1.0)
        parts[name] = np.exp((nearest - distance) / MEETING_PX) * (claims[name] > 0)
    most = np.maximum.reduce(list(claims.values()))
    total = np.maximum(sum(parts.values()), 1e-12)
    return {name: (alpha * most * part / total).astype(np.float32) for name, part in parts.items()}


def _reach(here: PersonHere) -> tuple[float, float]:
    box = here.box_xyxy
    longest = float(max(box[2] - box[0], box[3] - box[1]))
    return max(LEAST_PX, REACH * longest), max(LEAST_PX, FADE * longest)


def _beyond(here: PersonHere, shape: tuple[int, int]) -> np.ndarray:
    """Pixels beyond the edge of a mask, below 0 inside, ``(H, W)`` float32."""
    import cv2

    inside = _mask(here, shape)
    if not inside.any():
        return np.full(shape, np.inf, dtype=np.float32)
    flat = inside.astype(np.uint8)
    # An edge lies half a pixel from the centres on either side of it.
    out = cv2.distanceTransform(1 - flat, cv2.DIST_L2, cv2.DIST_MASK_5) - 0.5
    within = cv2.distanceTransform(flat, cv2.DIST_L2, cv2.DIST_MASK_5) - 0.5
    return np.where(inside, -within, out).astype(np.float32)


def _mask(here: PersonHere, shape: tuple[int, int]) -> np.ndarray:
    if here.mask is not None:
        return decode(here.mask)
    inside = np.zeros(shape, dtype=bool)
    left, top, right, bottom = np.rint(here.box_xyxy).astype(int)
    inside[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
    return inside
