"""Small made films: textured places, a dancer who crosses them, cuts, flashes, moving views."""

import functools
from collections.abc import Callable, Iterator
from fractions import Fraction

import cv2
import numpy as np

from choreoscope.capture.shots import ShotFinder, ShotOptions
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.shots import ShotsResult

SIZE = (144, 256)
TIME_BASE = Fraction(1, 1000)


@functools.cache
def place(seed: int, scale: int = 3) -> np.ndarray:
    """A textured place, three times as large as what the camera sees of it."""
    noise = np.random.default_rng(seed)
    coarse = noise.integers(0, 256, (SIZE[0] // 6, SIZE[1] // 6, 3)).astype(np.uint8)
    fine = noise.integers(0, 60, (SIZE[0], SIZE[1], 3)).astype(np.uint8)
    shape = (SIZE[1] * scale, SIZE[0] * scale)
    rough = cv2.resize(coarse, shape, interpolation=cv2.INTER_CUBIC)
    return cv2.addWeighted(rough, 0.8, cv2.resize(fine, shape), 0.9, 0)


def view(
    where: np.ndarray, x: float = 0.0, y: float = 0.0, dancer: float | None = None, noise: int = 0
) -> np.ndarray:
    """What the camera sees at an offset, with a dark body at `dancer` (0 to 1 across)."""
    matrix = np.array([[1, 0, -256.0 - x], [0, 1, -144.0 - y]])
    seen = cv2.warpAffine(where, matrix, SIZE[::-1], flags=cv2.INTER_LINEAR)
    if dancer is not None:
        left = int(dancer * SIZE[1])
        cv2.ellipse(seen, (left, 80), (22, 55), 0, 0, 360, (20, 20, 40), -1)
    if noise:
        grain = np.random.default_rng(noise).normal(0, 3, seen.shape)
        seen = np.clip(seen + grain, 0, 255).astype(np.uint8)
    return seen


def play(
    pictures: Iterator[np.ndarray] | list[np.ndarray],
    *,
    rate: float = 25.0,
    options: ShotOptions | None = None,
    first: int = 0,
    wanted: int | None = None,
    skip: Callable[[int], bool] = lambda _: False,
) -> ShotsResult:
    """Feed a finder with a film of constant rate; `skip` tells frames that do not decode."""
    finder = ShotFinder(width=1920, time_base=TIME_BASE, options=options or ShotOptions())
    frame = first
    for frame, picture in enumerate(pictures, start=first):
        if not skip(frame):
            finder.add(frame, round(frame * 1000 / rate), picture)
    return finder.finish(FrameRange(first, first + wanted if wanted else frame + 1))
