"""A small textured room seen by a camera whose path is known, for tests of the camera solve.

World of the room: OpenCV-like, y down, metres; the camera starts near the origin and looks along
z. Every plane is drawn by its homography, far ones first, with a border of nothing.
"""

import dataclasses
from collections.abc import Iterator

import cv2
import numpy as np

from choreoscope.geometry import rotation

SIZE = (320, 180)
FOCAL = 300.0

Plane = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]

WALL: Plane = ((-14.0, -9.0, 9.0), (28.0, 0.0, 0.0), (0.0, 18.0, 0.0))
ROOM: tuple[Plane, ...] = (
    WALL,
    ((-14.0, 1.5, 9.0), (28.0, 0.0, 0.0), (0.0, 0.0, -8.2)),
    ((-2.6, -1.4, 5.0), (1.3, 0.0, 0.0), (0.0, 2.9, 0.0)),
    ((1.1, -1.0, 4.0), (1.2, 0.0, 0.3), (0.0, 2.5, 0.0)),
    ((-0.6, 0.2, 3.2), (0.8, 0.0, 0.0), (0.0, 1.3, 0.0)),
)
"""Wall, floor and three boards: far ones first."""


@dataclasses.dataclass(frozen=True)
class Shot:
    """A camera path.

    Attributes
    ----------
    turns : (T, 3) float
        Rotation vectors, camera from world.
    centres : (T, 3) float
        Metres.
    focals : (T,) float
        Pixels.
    """

    turns: np.ndarray
    centres: np.ndarray
    focals: np.ndarray

    @property
    def rotations(self) -> np.ndarray:
        """Camera from world, ``(T, 3, 3)``."""
        return rotation.to_matrix(rotation.from_rotation_vector(self.turns))


def shot(frames: int, **motion: float) -> Shot:
    """Constant speeds over the shot: what `pan`, `tilt`, `zoom`, `x`, `z` reach at its end."""
    t = np.linspace(0.0, 1.0, frames)
    turns, centres = np.zeros((frames, 3)), np.zeros((frames, 3))
    turns[:, 1] = -np.radians(motion.get("pan", 0.0)) * t
    turns[:, 0] = np.radians(motion.get("tilt", 0.0)) * t
    centres[:, 0], centres[:, 2] = motion.get("x", 0.0) * t, motion.get("z", 0.0) * t
    focals = FOCAL * motion.get("zoom", 1.0) ** t
    return Shot(turns=turns, centres=centres, focals=focals)


def texture(seed: int, size: int = 640) -> np.ndarray:
    """Grey blotches of several sizes, ``(size, size)`` uint8."""
    draw = np.random.default_rng(seed)
    total = np.zeros((size, size))
    for cell, weight in ((64, 0.6), (20, 0.8), (8, 0.8), (4, 0.4)):
        coarse = draw.uniform(-1, 1, (size // cell + 1, size // cell + 1)).astype(np.float32)
        total += weight * cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    return np.clip(128 + 70 * total, 0, 255).astype(np.uint8)


def pictures(
    path: Shot,
    planes: tuple[Plane, ...] = ROOM,
    *,
    noise: float = 1.0,
    size: tuple[int, int] = SIZE,
) -> Iterator[np.ndarray]:
    """Grey pictures ``(h, w)`` uint8 of every frame."""
    draw = np.random.default_rng(5)
    textures = [texture(seed) for seed in range(len(planes))]
    for turn, centre, focal in zip(path.rotations, path.centres, path.focals, strict=True):
        seen = np.full(size[::-1], 128, dtype=np.uint8)
        for plane, surface in zip(planes, textures, strict=True):
            _draw(seen, surface, _picture_from_plane(plane, surface, turn, centre, focal, size))
        grain = draw.normal(0.0, noise, seen.shape)
        yield np.clip(seen + grain, 0, 255).astype(np.uint8)


def _picture_from_plane(
    plane: Plane,
    surface: np.ndarray,
    turn: np.ndarray,
    centre: np.ndarray,
    focal: float,
    size: tuple[int, int],
) -> np.ndarray:
    origin, right, down = (np.array(part) for part in plane)
    side = surface.shape[0]
    world = np.stack([right / side, down / side, origin - centre], axis=1)
    matrix = np.array([[focal, 0, size[0] / 2], [0, focal, size[1] / 2], [0, 0, 1.0]])
    # OpenCV's warps put pixel centres at whole numbers.
    shift = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1.0]])
    return np.asarray(shift @ matrix @ turn @ world @ np.linalg.inv(shift))


def _draw(seen: np.ndarray, surface: np.ndarray, homography: np.ndarray) -> None:
    size = seen.shape[::-1]
    flags = cv2.INTER_LINEAR
    inside = cv2.warpPerspective(np.full_like(surface, 255), homography, size, flags=flags)
    drawn = cv2.warpPerspective(surface, homography, size, flags=cv2.INTER_AREA)
    seen[inside == 255] = drawn[inside == 255]
