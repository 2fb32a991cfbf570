"""The BlazePose person detector: boxes and alignment points in one square of the picture.

Method: Bazarevsky et al., "BlazePose: On-device Real-time Body Pose tracking", 2020, and the
anchor layout of the published network (224 px input, strides 8, 16 and 32).
"""

import functools
import math
from typing import NamedTuple

import numpy as np

from choreoscope.backends.people.blaze.crops import Crop, sample
from choreoscope.backends.people.blaze.nets import Net

LAYERS = ((8, 2), (16, 2), (32, 6))
"""Stride in input pixels, and anchors for each cell."""
BODY_MARGIN = 1.25
"""The landmark network expects the body's circle with a quarter added."""
SAME_BOX = 0.3
SAME_HIPS = 0.15
SAME_SIZE = 0.5


class Detection(NamedTuple):
    """One person the detector sees.

    Attributes
    ----------
    score : float
        Probability, 0 to 1.
    box : tuple of 4 float
        Head box, pixels, xyxy.
    hips : tuple of 2 float
        Middle of the hips, pixels.
    reach : tuple of 2 float
        A point on the circle round the whole body, in the direction from the hips to the head.
    """

    score: float
    box: tuple[float, float, float, float]
    hips: tuple[float, float]
    reach: tuple[float, float]

    @property
    def crop(self) -> Crop:
        """The turned square the landmark network wants."""
        return body_crop(self.hips, self.reach)


def body_crop(hips: tuple[float, float], reach: tuple[float, float]) -> Crop:
    """Return the turned square round a body with its head up, from its two alignment points."""
    right, down = reach[0] - hips[0], reach[1] - hips[1]
    side = 2 * BODY_MARGIN * math.hypot(right, down)
    return Crop(hips[0], hips[1], side, math.atan2(down, right) + math.pi / 2)


@functools.cache
def anchors(size: int) -> np.ndarray:
    """Return the (A, 2) anchor middles in input pixels."""
    layers = []
    for stride, copies in LAYERS:
        cells = math.ceil(size / stride)
        row, column = np.mgrid[:cells, :cells]
        middles = np.stack([column, row], axis=-1).reshape(-1, 2) + 0.5
        layers.append(np.repeat(middles * (size / cells), copies, axis=0))
    return np.concatenate(layers).astype(np.float32)


def detect(net: Net, picture: np.ndarray, window: Crop, threshold: float) -> list[Detection]:
    """Find people in one square window.

    Parameters
    ----------
    net : Net
        The detector.
    picture : (H, W, 3) uint8
        RGB.
    window : Crop
        Where to look.
    threshold : float
        Least probability, 0 to 1.

    Returns
    -------
    list of Detection
        Raw answers in pixels of the picture, not merged.
    """
    answer = net(sample(picture, window, net.size), scale=1 / 127.5, offset=-1.0)
    logits = answer["logits"][:, 0]
    kept = np.flatnonzero(logits > math.log(threshold / (1 - threshold)))
    if not len(kept):
        return []
    boxes = answer["boxes"][kept].reshape(-1, 6, 2)
    middle = boxes[:, 0] + anchors(net.size)[kept]
    half = boxes[:, 1] / 2
    points = boxes[:, 2:4] + anchors(net.size)[kept][:, None]
    stacked = np.concatenate([(middle - half)[:, None], (middle + half)[:, None], points], axis=1)
    pixels = window.to_picture(stacked.reshape(-1, 2).astype(np.float64), net.size)
    scores = 1 / (1 + np.exp(-logits[kept].astype(np.float64)))
    return [
        Detection(float(score), (*first, *second), tuple(hips), tuple(reach))
        for score, (first, second, hips, reach) in zip(
            scores, pixels.reshape(-1, 4, 2).tolist(), strict=True
        )
    ]


def merged(detections: list[Detection]) -> list[Detection]:
    """Join answers that mean the same person, weighted by their scores, best first.

    Two answers are the same when their head boxes overlap, or when their hips lie close together
    and their sizes agree (overlapping windows give doubles whose head boxes differ).
    """
    left = sorted(detections, key=lambda item: (-item.score, item.hips, item.reach))
    out = []
    while left:
        best = left[0]
        same = [item for item in left if item is best or _same(best, item)]
        left = [item for item in left if item is not best and not _same(best, item)]
        rows = np.array([[*item.box, *item.hips, *item.reach] for item in same])
        weights = np.array([item.score for item in same])
        mean = (rows * weights[:, None]).sum(0) / weights.sum()
        x0, y0, x1, y1, hip_x, hip_y, reach_x, reach_y = mean.tolist()
        out.append(Detection(best.score, (x0, y0, x1, y1), (hip_x, hip_y), (reach_x, reach_y)))
    return out


def _same(first: Detection, second: Detection) -> bool:
    if _overlap(first.box, second.box) > SAME_BOX:
        return True
    large = max(first.crop.side, second.crop.side)
    small = min(first.crop.side, second.crop.side)
    return small > SAME_SIZE * large and math.dist(first.hips, second.hips) < SAME_HIPS * large


def _overlap(
    first: tuple[float, float, float, float], second: tuple[float, float, float, float]
) -> float:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    area = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (first, second))
    return width * height / (area - width * height)
