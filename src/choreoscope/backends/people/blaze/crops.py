"""Turned square crops: where they lie in the picture, and their pixels.

A crop is a square of the picture, turned about its middle. Crop coordinates run from 0 to the
size of the network's input, corner to corner, like pixel coordinates do.
"""

import math
from typing import NamedTuple

import numpy as np

ANTIALIAS_ABOVE = 2.0
"""Shrinking by more than this would skip pixels, so the picture is halved first. Halving is the
one factor that OpenCV averages fast."""


class Crop(NamedTuple):
    """A square of the picture.

    Attributes
    ----------
    x, y : float
        Middle, pixels.
    side : float
        Length of its sides, pixels.
    angle : float
        Radians by which the crop's right-hand axis is turned towards the picture's down axis.
    """

    x: float
    y: float
    side: float
    angle: float = 0.0

    def axes(self) -> np.ndarray:
        """Return the (2, 2) float matrix whose columns are the crop's right and down axes."""
        cosine, sine = math.cos(self.angle), math.sin(self.angle)
        return np.array([[cosine, -sine], [sine, cosine]])

    def to_picture(self, points: np.ndarray, size: int) -> np.ndarray:
        """Carry points from crop coordinates to pixels.

        Parameters
        ----------
        points : (N, 2) float
            Crop coordinates, 0 to `size`.
        size : int
            Width of the network's input.

        Returns
        -------
        (N, 2) float
            Pixels of the picture.
        """
        turned = self.axes() * (self.side / size)
        middle = np.array([self.x, self.y])
        pixels: np.ndarray = (points - size / 2) @ turned.T + middle
        return pixels

    def from_picture(self, points: np.ndarray, size: int) -> np.ndarray:
        """Carry (N, 2) pixels to crop coordinates: the inverse of `to_picture`."""
        turned = self.axes() * (size / self.side)
        places: np.ndarray = (points - np.array([self.x, self.y])) @ turned + size / 2
        return places

    def corners(self) -> np.ndarray:
        """Return the (4, 2) corners in pixels."""
        return self.to_picture(np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]), 1)


def sample(picture: np.ndarray, crop: Crop, size: int) -> np.ndarray:
    """Read the pixels of a crop, black outside the picture, averaged where it shrinks.

    Parameters
    ----------
    picture : (H, W, 3) uint8
        RGB.
    crop : Crop
        Where to read.
    size : int
        Width and height of the result.

    Returns
    -------
    (size, size, 3) uint8
        RGB.
    """
    import cv2

    picture, crop = _averaged(picture, crop, size)
    pixels: np.ndarray = cv2.warpAffine(
        picture,
        picture_from_crop(crop, size),
        (size, size),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
    )
    return pixels


def picture_from_crop(crop: Crop, size: int) -> np.ndarray:
    """Return the (2, 3) matrix from columns and rows of a crop to those of the picture.

    OpenCV counts from pixel centres, the house from the corner, so half a pixel goes off on both
    sides.
    """
    affine = np.zeros((2, 3))
    affine[:, :2] = crop.axes() * (crop.side / size)
    middle = np.array([crop.x, crop.y])
    affine[:, 2] = middle - affine[:, :2] @ np.full(2, (size - 1) / 2) - 0.5
    return affine


def _averaged(picture: np.ndarray, crop: Crop, size: int) -> tuple[np.ndarray, Crop]:
    import cv2

    while crop.side >= ANTIALIAS_ABOVE * size:
        height, width = picture.shape[:2]
        corners = crop.corners()
        left, top = np.maximum(np.floor(corners.min(0)), 0).astype(int).tolist()
        right, bottom = np.minimum(np.ceil(corners.max(0)), (width, height)).astype(int).tolist()
        # Whole pairs of pixels, else the average would shift the picture.
        columns, rows = (right - left) // 2, (bottom - top) // 2
        if columns < 1 or rows < 1:
            break
        block = picture[top : top + 2 * rows, left : left + 2 * columns]
        picture = cv2.resize(block, (columns, rows), interpolation=cv2.INTER_AREA)
        crop = Crop((crop.x - left) / 2, (crop.y - top) / 2, crop.side / 2, crop.angle)
    return picture, crop
