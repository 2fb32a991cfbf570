"""A textured room around a made-up dance, drawn by homographies: films for the camera benchmark.

Floor, four walls and boards of several depths; people are thick limbs in their own texture, with
exact masks. House world: Y up, metres, floor y = 0.
"""

import functools
from collections.abc import Iterator

import cv2
import numpy as np

from choreoscope.datatypes.camera import CameraTrack
from choreoscope.synthetic.shot import Shot

NOISE = 2.0
LIMBS = ((5, 7), (7, 9), (6, 8), (8, 10), (11, 13), (13, 15), (12, 14), (14, 16), (5, 11), (6, 12))
TRUNK = (5, 6, 12, 11)
NOSE = 0

Plane = tuple[np.ndarray, np.ndarray, np.ndarray, int]
"""Corner, two edges (metres), number of its texture."""


def room(middle: np.ndarray) -> list[Plane]:
    """Planes about a place on the floor, the far ones first for a camera on the +Z side."""
    x, _, z = middle

    def plane(
        corner: tuple[float, float, float],
        right: tuple[float, float, float],
        down: tuple[float, float, float],
        number: int,
    ) -> Plane:
        return np.add(corner, (x, 0.0, z)), np.array(right), np.array(down), number

    return [
        plane((-9, 6, -6), (18, 0, 0), (0, -6, 0), 0),
        plane((-9, 6, 12), (0, 0, -18), (0, -6, 0), 1),
        plane((9, 6, -6), (0, 0, 18), (0, -6, 0), 2),
        plane((-9, 0, -6), (18, 0, 0), (0, 0, 18), 3),
        plane((-4.5, 2.4, -4.5), (2.2, 0, 0.5), (0, -2.4, 0), 4),
        plane((2.5, 2.0, -3.8), (1.8, 0, -0.4), (0, -2.0, 0), 5),
        plane((-3.4, 1.3, -2.6), (1.1, 0, 0.3), (0, -1.3, 0), 6),
        plane((2.4, 1.1, -2.0), (1.0, 0, 0.0), (0, -1.1, 0), 7),
    ]


@functools.cache
def texture(seed: int) -> np.ndarray:
    """Blotches of many sizes with hard-edged patches, ``(1536, 1536)`` uint8."""
    side = 1536
    draw = np.random.default_rng(1000 + seed)
    total = np.zeros((side, side))
    for cell, weight in ((256, 0.5), (96, 0.5), (40, 0.5), (16, 0.5), (7, 0.4)):
        coarse = draw.uniform(-1, 1, (side // cell + 1, side // cell + 1)).astype(np.float32)
        total += weight * cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
    for _ in range(220):
        left, top = draw.integers(0, side, 2)
        wide, high = draw.integers(10, 150, 2)
        total[top : top + high, left : left + wide] += draw.uniform(-0.8, 0.8)
    return np.clip(120 + 60 * total, 5, 250).astype(np.uint8)


def film(shot: Shot) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Go through pictures, ``(h, w)`` uint8, and masks of everybody, ``(h, w)`` bool."""
    camera = shot.camera
    noise = np.random.default_rng(shot.spec.seed)
    middle = np.mean([p.motion.root_position.mean(axis=0) for p in shot.people], axis=0)
    planes = room(middle)
    bodies = [person.point_set("coco17") for person in shot.people]
    for frame in range(len(camera.intrinsics)):
        seen = np.full((camera.height, camera.width), 60, dtype=np.uint8)
        for plane in planes:
            _draw(seen, plane, camera, frame)
        mask = np.zeros(seen.shape, dtype=np.uint8)
        for body in bodies:
            _draw_body(mask, body[frame], camera, frame)
        # Clothes move with their wearers, against the room.
        cloth = np.roll(texture(20), (7 * frame, 4 * frame), axis=(0, 1))
        seen = np.where(mask > 0, cloth[: seen.shape[0], : seen.shape[1]] // 2 + 20, seen)
        grainy = seen + noise.normal(0.0, NOISE, seen.shape)
        yield np.clip(grainy, 0, 255).astype(np.uint8), mask > 0


def _draw(seen: np.ndarray, plane: Plane, camera: CameraTrack, frame: int) -> None:
    corner, right, down, number = plane
    surface = texture(number)
    pose, side = camera.camera_from_world[frame], surface.shape[0]
    columns = [pose[:3, :3] @ right / side, pose[:3, :3] @ down / side]
    columns.append(pose[:3, :3] @ corner + pose[:3, 3])
    matrix = np.stack(columns, axis=1)
    # OpenCV's warps put pixel centres at whole numbers.
    shift = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1.0]])
    homography = shift @ camera.intrinsics[frame] @ matrix @ np.linalg.inv(shift)
    back = np.linalg.inv(homography)
    # The way back divides by the inverse of the depth: below 0 the plane lies behind the camera.
    rows, columns_of = np.arange(seen.shape[0]), np.arange(seen.shape[1])
    ahead = (back[2, 1] * rows + back[2, 2])[:, None] + back[2, 0] * columns_of > 0
    halvings = _halvings(back, seen.shape)
    small = _level_of(number, halvings)
    factor = small.shape[0] / side
    # From the small texture's pixel centres to the large one's: (u + 0.5) / factor - 0.5.
    grown = np.array(
        [[1 / factor, 0, 0.5 / factor - 0.5], [0, 1 / factor, 0.5 / factor - 0.5], [0, 0, 1]]
    )
    onto = homography @ grown
    size = seen.shape[::-1]
    inside = cv2.warpPerspective(np.full_like(small, 255), onto, size, flags=cv2.INTER_LINEAR)
    drawn = cv2.warpPerspective(small, onto, size, flags=cv2.INTER_LINEAR)
    shown = ahead & (inside == 255)
    seen[shown] = drawn[shown]


@functools.cache
def _level_of(number: int, halvings: int) -> np.ndarray:
    side = texture(number).shape[0] >> halvings
    return np.asarray(cv2.resize(texture(number), (side, side), interpolation=cv2.INTER_AREA))


def _halvings(back: np.ndarray, shape: tuple[int, ...]) -> int:
    """How often the texture is halved to be about as fine as the picture, where it is seen."""
    y, x = np.mgrid[0 : shape[0] : 24, 0 : shape[1] : 24].astype(np.float64)
    one, two = (back @ np.stack([x.ravel() + dx, y.ravel(), np.ones(x.size)]) for dx in (0, 1))
    good = (one[2] > 0) & (two[2] > 0)
    if not good.any():
        return 0
    first, second = one[:2, good] / one[2, good], two[:2, good] / two[2, good]
    near = np.all((first > 0) & (first < texture(0).shape[0]), axis=0)
    if not near.any():
        return 0
    step = np.median(np.linalg.norm(second - first, axis=0)[near])
    return int(np.clip(round(np.log2(max(float(step), 1.0))), 0, 4))


def _draw_body(mask: np.ndarray, points: np.ndarray, camera: CameraTrack, frame: int) -> None:
    pose, matrix = camera.camera_from_world[frame], camera.intrinsics[frame]
    local = points @ pose[:3, :3].T + pose[:3, 3]
    if np.any(local[:, 2] < 0.2):
        return
    pixels = (local[:, :2] / local[:, 2:] * matrix[0, 0] + matrix[:2, 2]).round().astype(int)
    metre = matrix[0, 0] / float(local[:, 2].mean())
    for first, second in LIMBS:
        ends = pixels[first].tolist(), pixels[second].tolist()
        cv2.line(mask, *ends, 255, max(2, round(0.12 * metre)))
    cv2.fillConvexPoly(mask, pixels[list(TRUNK)], 255)
    cv2.circle(mask, pixels[NOSE].tolist(), max(2, round(0.13 * metre)), 255, -1)
