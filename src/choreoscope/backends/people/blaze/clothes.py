"""The colours of torso and legs, as a histogram that stands changes of light."""

import numpy as np

from choreoscope.backends.people.blaze.landmarks import Pose

TORSO = (11, 12, 24, 23)
LEGS = ((23, 25, 27), (24, 26, 28))
STEP = 2
LIGHT_BINS = 8
HUE_EDGES = (-18.0, -6.0, 6.0, 18.0)
"""Edges of the bins of a and b (CIE Lab): most clothes lie near grey."""
LEG_WIDTH = 0.05
BINS = 2 * (LIGHT_BINS + (len(HUE_EDGES) + 1) ** 2)


def clothes(pose: Pose) -> np.ndarray:
    """Return the (66,) unit-sum histogram: lightness and colour of the torso, then of the legs."""
    import cv2

    size = pose.pixels.shape[0]
    person = (pose.mask_logits[::STEP, ::STEP] > 0).astype(np.uint8)
    places = np.rint(pose.crop.from_picture(pose.points_px, size) / STEP).astype(np.int32)
    torso = np.zeros(person.shape, np.uint8)
    cv2.fillConvexPoly(torso, cv2.convexHull(places[list(TORSO)]), 1)
    legs = np.zeros(person.shape, np.uint8)
    cv2.polylines(
        legs,
        [places[list(leg)] for leg in LEGS],
        isClosed=False,
        color=1,
        thickness=max(1, round(LEG_WIDTH * size / STEP)),
    )
    pixels = pose.pixels[::STEP, ::STEP]
    out = np.concatenate(
        [_histogram(pixels[(person & part).astype(bool)]) for part in (torso, legs)]
    )
    total = out.sum()
    return out / total if total else np.full(BINS, 1 / BINS)


def _histogram(rgb: np.ndarray) -> np.ndarray:
    import cv2

    hues = len(HUE_EDGES) + 1
    if not len(rgb):
        return np.zeros(LIGHT_BINS + hues**2)
    lab = cv2.cvtColor(rgb[:, None], cv2.COLOR_RGB2LAB)[:, 0]
    # Shared between the two nearest bins, so that a slow change of light moves little.
    light = np.clip(lab[:, 0] / 255 * LIGHT_BINS - 0.5, 0, LIGHT_BINS - 1)
    low = np.minimum(light.astype(np.int64), LIGHT_BINS - 2)
    share = light - low
    lightness = np.bincount(low, 1 - share, LIGHT_BINS) + np.bincount(low + 1, share, LIGHT_BINS)
    cells = np.digitize(lab[:, 1:].astype(np.float64) - 128, HUE_EDGES)
    colour = np.bincount(cells[:, 0] * hues + cells[:, 1], minlength=hues**2)
    return np.concatenate([lightness, colour]) / (2 * len(rgb))
