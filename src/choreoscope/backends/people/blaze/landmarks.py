"""The BlazePose landmark network: 33 points, their metres, a mask, and where to look next.

Method: Bazarevsky et al., "BlazePose: On-device Real-time Body Pose tracking", 2020; heat-map
refinement as published with the network (weighted mean of the 7 x 7 cells round each point).
"""

import dataclasses

import numpy as np

from choreoscope.backends.people.blaze.crops import Crop, sample
from choreoscope.backends.people.blaze.detector import body_crop
from choreoscope.backends.people.blaze.nets import Net

POINTS = 33
LEFT_HIP, RIGHT_HIP = 23, 24
LEFT_SHOULDER, RIGHT_SHOULDER = 11, 12
REFINE_REACH = 3
REFINE_ABOVE = 0.5
MASK_STEP = 8
SOFT_BORDER = 0.02
"""Share of the crop over which visibility falls to 0 outside the picture."""


@dataclasses.dataclass(frozen=True, slots=True)
class Pose:
    """What the landmark network says about one crop.

    Attributes
    ----------
    crop, next_crop : Crop
        Where it looked, and where to look in the next frame.
    score : float
        Probability that a person is in the crop.
    points_px : (33, 2) float
        Pixels of the picture.
    points_m : (33, 3) float
        Metres, camera axes, origin at the middle of the hips.
    visibility : (33,) float
        Probability of being inside the picture and not hidden.
    pixels_per_metre : float
        Scale of the body in the picture (weak perspective).
    pixels : (256, 256, 3) uint8
        The crop.
    mask_logits : (256, 256) float32
        Above 0 where the person is, in the crop.
    """

    crop: Crop
    next_crop: Crop
    score: float
    points_px: np.ndarray
    points_m: np.ndarray
    visibility: np.ndarray
    pixels_per_metre: float
    pixels: np.ndarray
    mask_logits: np.ndarray

    def person_at(self, points: np.ndarray) -> np.ndarray:
        """Tell for (N, 2) pixels whether they lie on this person's mask: (N,) bool."""
        size = self.mask_logits.shape[0]
        cells = np.floor(self.crop.from_picture(points, size)).astype(np.int64)
        inside = np.all((cells >= 0) & (cells < size), axis=1)
        cells = np.clip(cells, 0, size - 1)
        on: np.ndarray = inside & (self.mask_logits[cells[:, 1], cells[:, 0]] > 0)
        return on

    def mask_points(self) -> np.ndarray:
        """Return (M, 2) pixels spread evenly over this person's mask."""
        rows, columns = np.nonzero(
            self.mask_logits[MASK_STEP // 2 :: MASK_STEP, MASK_STEP // 2 :: MASK_STEP] > 0
        )
        cells = np.stack([columns, rows], axis=-1) * MASK_STEP + MASK_STEP // 2
        return self.crop.to_picture(cells.astype(np.float64), self.mask_logits.shape[0])

    @property
    def hips(self) -> np.ndarray:
        """Middle of the hips, (2,) pixels."""
        middle: np.ndarray = (self.points_px[LEFT_HIP] + self.points_px[RIGHT_HIP]) / 2
        return middle


def read_pose(net: Net, picture: np.ndarray, crop: Crop) -> Pose:
    """Read one body.

    Parameters
    ----------
    net : Net
        The landmark network.
    picture : (H, W, 3) uint8
        RGB.
    crop : Crop
        Turned square round the body, head up.

    Returns
    -------
    Pose
        Whatever the network says; the caller judges the score.
    """
    pixels = sample(picture, crop, net.size)
    answer = net(pixels, scale=1 / 255, offset=0.0)
    raw = answer["points"].reshape(39, 5).astype(np.float64)
    places = refined(raw[:, :2], answer["heat"], net.size)
    found = crop.to_picture(places, net.size)
    metres = answer["metres"].reshape(39, 3)[:POINTS].astype(np.float64)
    metres[:, :2] = metres[:, :2] @ crop.axes().T
    metres -= (metres[LEFT_HIP] + metres[RIGHT_HIP]) / 2
    points = found[:POINTS]
    return Pose(
        crop=crop,
        next_crop=body_crop(tuple(found[33].tolist()), tuple(found[34].tolist())),
        score=float(answer["score"][0]),
        points_px=points,
        points_m=metres,
        visibility=_visibility(raw[:POINTS, 3:], points, picture.shape, crop.side),
        pixels_per_metre=_scale(points, metres),
        pixels=pixels,
        mask_logits=answer["mask"][:, :, 0],
    )


def refined(places: np.ndarray, heat: np.ndarray, size: int) -> np.ndarray:
    """Move points to the middle of mass of their heat-maps, where those are sure.

    Parameters
    ----------
    places : (N, 2) float
        Crop coordinates, 0 to `size`.
    heat : (G, G, N) float32
        Logits, one map for each point.
    size : int
        Width of the network's input.

    Returns
    -------
    (N, 2) float
        New places; a point whose map stays below one half keeps its old one.
    """
    cells = heat.shape[0]
    reach = np.arange(-REFINE_REACH, REFINE_REACH + 1)
    middle = np.floor(places * (cells / size)).astype(np.int64)
    columns = middle[:, 0, None] + reach
    rows = middle[:, 1, None] + reach
    inside_x = (columns >= 0) & (columns < cells)
    inside_y = (rows >= 0) & (rows < cells)
    order = np.arange(len(places))[:, None, None]
    window = heat[
        np.clip(rows, 0, cells - 1)[:, :, None], np.clip(columns, 0, cells - 1)[:, None, :], order
    ]
    weight = 1 / (1 + np.exp(-np.clip(window, -80, 80)))
    weight *= inside_y[:, :, None] & inside_x[:, None, :]
    total = weight.sum((1, 2))
    sure = (weight.max((1, 2)) >= REFINE_ABOVE) & np.all((middle >= 0) & (middle < cells), axis=1)
    safe = np.where(total > 0, total, 1.0)
    mean = np.stack(
        [(weight.sum(1) * columns).sum(1) / safe, (weight.sum(2) * rows).sum(1) / safe], axis=-1
    )
    return np.where(sure[:, None], mean * (size / cells), places)


def _visibility(
    logits: np.ndarray, points: np.ndarray, shape: tuple[int, ...], side: float
) -> np.ndarray:
    seen = 1 / (1 + np.exp(-np.clip(logits, -80, 80)))
    limits = np.array([shape[1], shape[0]])
    outside = np.maximum(np.maximum(-points, points - limits), 0).max(1)
    visible: np.ndarray = seen.prod(1) * np.clip(1 - outside / (SOFT_BORDER * side), 0, 1)
    return visible


def _scale(points: np.ndarray, metres: np.ndarray) -> float:
    spread_px = np.sqrt(((points - points.mean(0)) ** 2).sum())
    flat = metres[:, :2]
    spread_m = np.sqrt(((flat - flat.mean(0)) ** 2).sum())
    return float(spread_px / max(spread_m, 1e-6))
