"""Performers in a textured frame, and models that look at crops of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from pass_models import CropStand, performer, shot_of

from choreoscope.capture.passes.interfaces import Crops, PassFrame, ShotContext
from choreoscope.capture.passes.running import run_frames

FRAME = (320, 240)
SIZE = (256, 192)
FEEDING = Crops(size=SIZE)


def textured(seed: int = 3, size: tuple[int, int] = FRAME) -> np.ndarray:
    noise = np.random.default_rng(seed).uniform(0, 255, (size[1], size[0], 3))
    return cv2.GaussianBlur(noise, (0, 0), 2.5, borderType=cv2.BORDER_REFLECT).astype(np.uint8)


def context(
    boxes: Mapping[str, Mapping[int, Sequence[float]]], count: int = 1, **more: Any
) -> ShotContext:
    people = {name: performer(name, own, FRAME, **more) for name, own in boxes.items()}
    return shot_of(count, FRAME, people)


def pictured(shot: ShotContext, picture: np.ndarray | None = None) -> list[PassFrame]:
    seen = textured() if picture is None else picture
    return [
        PassFrame(frame=frame, picture=seen, people=shot.people_in(frame)) for frame in shot.frames
    ]


def answered(
    model: CropStand, shot: ShotContext, picture: np.ndarray | None = None, **more: Any
) -> list[Mapping[str, np.ndarray]]:
    return [answer for _, answer in run_frames(model, pictured(shot, picture), shot, **more)]


def shift_of(first: np.ndarray, second: np.ndarray) -> float:
    """How far one picture lies beside the other, pixels, by least squares on the slopes."""
    down, right = np.gradient(first.astype(np.float64))
    slopes = np.stack([right.ravel(), down.ravel()], axis=1)
    change = (first.astype(np.float64) - second).ravel()
    return float(np.linalg.norm(np.linalg.lstsq(slopes, change, rcond=None)[0]))


BODIES = {
    "standing": (120, 40, 180, 200),
    "cut by the left edge": (0, 60, 50, 190),
    "cut by the lower edge": (150, 150, 230, 240),
    "cut by the upper right corner": (260, 0, 320, 90),
    "very small": (200, 100, 212, 126),
    "lying": (60, 150, 220, 200),
    "as large as the frame": (2, 2, 318, 238),
}
HEADS = {"upright": (0, -50), "left": (-50, 4), "right": (50, -4), "down": (3, 50)}
