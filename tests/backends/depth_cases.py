"""Shots and frames for learned back ends: soft random pictures, a known lens."""

from fractions import Fraction

import cv2
import numpy as np

from choreoscope.capture.passes.interfaces import PassFrame, ShotContext
from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.frames import FrameRange

HEIGHT, WIDTH = 60, 90
FOCAL = 80.0


def soft_picture(seed: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    noise = np.random.default_rng(seed).uniform(size=(height, width, 3))
    soft = cv2.GaussianBlur(noise, (0, 0), 3.0)
    soft = (soft - soft.min()) / np.ptp(soft)
    return (255 * soft).astype(np.uint8)


def soft_frames(count: int, first: int = 10) -> list[PassFrame]:
    return [PassFrame(frame=first + at, picture=soft_picture(at)) for at in range(count)]


def shot_of(count: int, *, source: str | None = None, first: int = 10) -> ShotContext:
    """A shot whose camera stands 1.5 m high and looks level; no camera without a source."""
    intrinsics = np.array([[FOCAL, 0, WIDTH / 2], [0, FOCAL, HEIGHT / 2], [0, 0, 1.0]])
    pose = np.diag([1.0, -1.0, -1.0, 1.0])
    pose[1, 3] = 1.5
    camera = CameraTrack(
        width=WIDTH,
        height=HEIGHT,
        intrinsics=np.tile(intrinsics, (count, 1, 1)),
        camera_from_world=np.tile(pose, (count, 1, 1)),
        distortion=np.zeros(0),
        source=source or "",
        metric=True,
    )
    return ShotContext(
        size=(WIDTH, HEIGHT),
        rate=Fraction(25),
        frames=FrameRange(first, first + count),
        camera=camera if source else None,
    )
