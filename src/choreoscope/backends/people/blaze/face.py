"""Face: a crop from the body's eyes, ears and mouth, then the face mesh network.

Method: Kartynnik et al., "Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs",
2019.
"""

import math

import numpy as np

from choreoscope.backends.people.blaze.crops import Crop, sample
from choreoscope.backends.people.blaze.landmarks import Pose
from choreoscope.backends.people.blaze.nets import Net

HEAD = 11
"""The first points of the body are on the head."""
EYES, MOUTH = (2, 5), (9, 10)
HEAD_METRES = 0.16
CROP_HEADS = 1.5
FACE_POINTS = 468


def face_crop(pose: Pose) -> Crop:
    """Return the upright square round the face."""
    eyes = pose.points_px[list(EYES)]
    mouth = pose.points_px[list(MOUTH)].mean(0)
    down = mouth - eyes.mean(0)
    middle = eyes.mean(0) + 0.6 * down
    side = CROP_HEADS * HEAD_METRES * pose.pixels_per_metre
    return Crop(
        float(middle[0]), float(middle[1]), side, math.atan2(down[1], down[0]) - math.pi / 2
    )


def face_width(pose: Pose) -> float:
    """Return the rough width of the face in pixels."""
    return HEAD_METRES * pose.pixels_per_metre


def read_face(net: Net, picture: np.ndarray, crop: Crop) -> tuple[np.ndarray, float]:
    """Return the (468, 2) mesh in pixels and the probability that a face is there."""
    answer = net(sample(picture, crop, net.size), scale=1 / 255, offset=0.0)
    places = answer["points"].reshape(FACE_POINTS, 3)[:, :2].astype(np.float64)
    score = 1 / (1 + math.exp(-float(np.clip(answer["score"].item(), -80, 80))))
    return crop.to_picture(places, net.size), score
