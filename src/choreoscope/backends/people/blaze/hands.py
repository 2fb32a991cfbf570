"""Hands: a crop from the forearm, then the hand landmark network.

Method: Zhang et al., "MediaPipe Hands: On-device Real-time Hand Tracking", 2020. No palm detector
is needed, since the body says where the hands are.
"""

import math
from typing import NamedTuple

import numpy as np

from choreoscope.backends.people.blaze.crops import Crop, sample
from choreoscope.backends.people.blaze.landmarks import Pose
from choreoscope.backends.people.blaze.nets import Net

ELBOWS, WRISTS = (13, 14), (15, 16)
KNUCKLES = ((17, 19), (18, 20))
"""Little finger and index of both hands, as the body's landmarks name them."""
AHEAD = 0.32
"""From the wrist to the middle of the hand, as a share of the forearm."""
SIDE = 0.8
"""Side of the crop as a share of the forearm; above 1.1 the network often sees no hand."""
FOREARM_METRES = 0.24
"""A short grown-up's forearm: the least length assumed where it points at the camera."""


class Hand(NamedTuple):
    """One hand: (21, 2) pixels, (21, 3) metres in camera axes about its own centre, and a score."""

    points_px: np.ndarray
    points_m: np.ndarray
    score: float


def hand_crop(pose: Pose, side: int) -> Crop:
    """Return the square round a hand, fingers up; `side` is 0 for left and 1 for right."""
    elbow, wrist = pose.points_px[ELBOWS[side]], pose.points_px[WRISTS[side]]
    along = wrist - elbow
    length = float(np.hypot(*along))
    least = FOREARM_METRES * pose.pixels_per_metre
    if length < least / 2:
        # The forearm points at the camera: its direction is noise, the knuckles tell more.
        along = pose.points_px[list(KNUCKLES[side])].mean(0) - wrist
    unit = along / max(float(np.hypot(*along)), 1e-6)
    x, y = wrist + unit * AHEAD * max(length, least)
    return Crop(
        float(x), float(y), SIDE * max(length, least), math.atan2(unit[1], unit[0]) + math.pi / 2
    )


def read_hand(net: Net, picture: np.ndarray, crop: Crop) -> Hand:
    """Read one hand.

    Parameters
    ----------
    net : Net
        The hand network.
    picture : (H, W, 3) uint8
        RGB.
    crop : Crop
        Square round the hand, fingers up.
    """
    answer = net(sample(picture, crop, net.size), scale=1 / 255, offset=0.0)
    places = answer["points"].reshape(21, 3)[:, :2].astype(np.float64)
    metres = answer["metres"].reshape(21, 3).astype(np.float64)
    metres[:, :2] = metres[:, :2] @ crop.axes().T
    return Hand(
        crop.to_picture(places, net.size), metres - metres.mean(0), float(answer["score"][0])
    )
