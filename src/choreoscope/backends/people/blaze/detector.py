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
SAME_HIPS = 0.2
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
    order = sorted(detections, key=lambda item: (-item.score, item.hips, item.reach))
    rows = np.array([[*item.box, *item.hips, *item.reach] for item in order]).reshape(-1, 8)
    weights = np.array([item.score for item in order])
    left = np.arange(len(order))
    out = []
    while len(left):
        same = _same(rows[left[0]], rows[left])
        group = left[same]
        left = left[~same]
        mean = (rows[group] * weights[group, None]).sum(0) / weights[group].sum()
        x0, y0, x1, y1, hip_x, hip_y, reach_x, reach_y = mean.tolist()
        best = order[group[0]].score
        out.append(Detection(best, (x0, y0, x1, y1), (hip_x, hip_y), (reach_x, reach_y)))
    return out


def _same(best: np.ndarray, rows: np.ndarray) -> np.ndarray:
    corner = np.minimum(best[2:4], rows[:, 2:4]) - np.maximum(best[:2], rows[:, :2])
    shared = np.clip(corner, 0, None).prod(1)
    area = (rows[:, 2:4] - rows[:, :2]).prod(1)
    overlap = shared / (area + (best[2:4] - best[:2]).prod() - shared)
    reach = np.hypot(*(rows[:, 6:] - rows[:, 4:6]).T)
    own = float(np.hypot(*(best[6:] - best[4:6])))
    apart = np.hypot(*(rows[:, 4:6] - best[4:6]).T)
    large, small = np.maximum(own, reach), np.minimum(own, reach)
    near = (apart < SAME_HIPS * large) & (small > SAME_SIZE * large)
    return np.asarray((overlap > SAME_BOX) | near | (rows == best).all(1))
