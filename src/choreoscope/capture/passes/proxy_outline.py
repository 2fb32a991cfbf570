"""Proxies carried on to the edge of the performers' own pixels.

A proxy has no hair and no clothes: where the film shows them, the floor far behind would stand in
the passes, and a matte laid over them would cut it out. So pixels of a performer's mask take what
the nearest pixel of the own body says. Normals are then averaged there: the body turns away at its
outline, and each of its pixels drawn out for itself would show as a bright streak under a light.
"""

from collections.abc import Mapping

import numpy as np

from choreoscope.capture.passes.interfaces import PersonHere
from choreoscope.capture.passes.proxy_scene import FLOOR
from choreoscope.geometry.masks import decode_inside
from choreoscope.rendering.soft import Rendered

FARTHEST = 0.15
"""How far the body is carried, as a share of the box's longer side: beyond, the solve is wrong."""
MASK_STEPS = 256
"""A mask is made of so many steps; its soft matte reaches about one of them farther."""
LEAST = np.float32(1e-3)
SMOOTHING = 0.02
"""Half the width normals are averaged over, as a share of the box's longer side."""


def carry_on(seen: Rendered, people: tuple[str, ...], here: Mapping[str, PersonHere]) -> None:
    """Let bodies fill their performers' masks; other performers' bodies are left alone.

    Parameters
    ----------
    seen : Rendered
        Depth, normals, part and instance are changed in place.
    people : tuple of str
        Whose body has which instance, from ``FLOOR + 1`` on.
    here : dict
        Masks of the frame; performers without one keep the body's own outline.
    """
    free = seen.instance <= FLOOR
    for number, person in enumerate(people, start=FLOOR + 1):
        if person in here:
            _carry(seen, number, here[person], free)


def _carry(seen: Rendered, number: int, here: PersonHere, free: np.ndarray) -> None:
    import cv2

    if here.mask is None:
        return
    own, (left, top) = decode_inside(here.mask)
    box = here.box_xyxy
    longest = float(max(box[2] - box[0], box[3] - box[1], *own.shape))
    step = max(1, round(longest / MASK_STEPS)) + 1
    height, width = seen.instance.shape
    reach = int(FARTHEST * longest) + step
    rows = slice(max(0, top - reach), min(height, top + own.shape[0] + reach))
    columns = slice(max(0, left - reach), min(width, left + own.shape[1] + reach))
    body = seen.instance[rows, columns] == number
    if not own.size or not body.any():
        return
    inside = np.zeros(body.shape, dtype=np.uint8)
    corner = (top - rows.start, left - columns.start)
    inside[corner[0] : corner[0] + own.shape[0], corner[1] : corner[1] + own.shape[1]] = own
    wider = cv2.dilate(inside, np.ones((2 * step + 1, 2 * step + 1), dtype=np.uint8)) > 0
    distance, labels = cv2.distanceTransformWithLabels(
        (~body).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    fill = wider & ~body & free[rows, columns] & (distance <= FARTHEST * longest)
    source = np.zeros(int(labels.max()) + 1, dtype=np.int64)
    source[labels[body]] = np.flatnonzero(body)
    nearest = source[labels[fill]]
    for plane in (seen.depth, seen.normals, seen.part, seen.instance):
        patch = plane[rows, columns]
        patch[fill] = patch.reshape(body.size, *plane.shape[2:])[nearest]
    _smooth(seen.normals[rows, columns], fill, body | fill, max(1, round(SMOOTHING * longest)))


def _smooth(normals: np.ndarray, fill: np.ndarray, figure: np.ndarray, radius: int) -> None:
    """Average normals over the figure, and keep the average where it was filled, in place."""
    import cv2

    window = (2 * radius + 1, 2 * radius + 1)
    total = cv2.blur(np.where(figure[..., None], normals, np.float32(0)), window)[fill]
    length = np.linalg.norm(total, axis=-1, keepdims=True)
    # Opposite normals may cancel; such a pixel keeps its own.
    normals[fill] = np.where(length > LEAST, total / np.maximum(length, LEAST), normals[fill])
