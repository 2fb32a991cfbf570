"""A stage to dance on: floor, three walls and some boxes, all textured so that trackers find hold.

Everything is made from a seed; nothing is a picture of anything.
"""

import numpy as np

from choreoscope.rendering.scene import Mesh, Scene, quad
from choreoscope.rendering.textures import lay_out

_FLOOR, _WALL, _BOX = 0, 1, 2
_TEXELS_PER_METRE = 70
_HEIGHT = 5.0
_MARGIN, _BEHIND = 2.5, 3.0
_BOXES = 7


def stage(seed: int, low: np.ndarray, high: np.ndarray) -> Scene:
    """Build the stage round where people dance.

    Parameters
    ----------
    seed : int
        Of textures and boxes.
    low, high : (2,) float
        Corner of the danced-on floor with least x and z, and the one opposite, metres.

    Returns
    -------
    Scene
        Instances 0; the floor is part 0, walls 1, boxes 2. People are added by the caller.
    """
    rng = np.random.default_rng([seed, 77])
    left, back = (float(value) for value in low - np.array([_MARGIN + 1.5, _MARGIN + _BEHIND]))
    right, front = (float(value) for value in high + np.array([_MARGIN + 1.5, _MARGIN + 6.0]))
    wide, deep = right - left, front - back
    pictures = [_boards(rng, wide, deep), _plaster(rng, wide), _crate(rng)]
    floor = quad(
        np.array([left, 0.0, back]), np.array([wide, 0.0, 0.0]), np.array([0.0, 0.0, deep])
    )
    meshes = [_plane(floor, _FLOOR, part=_FLOOR)]
    for corner, along in (
        ((left, _HEIGHT, back), (wide, 0.0, 0.0)),
        ((left, _HEIGHT, front), (0.0, 0.0, -deep)),
        ((right, _HEIGHT, back), (0.0, 0.0, deep)),
    ):
        wall = quad(np.array(corner), np.array(along), np.array([0.0, -_HEIGHT, 0.0]))
        meshes.append(_plane(wall, _WALL, part=_WALL))
    for _ in range(_BOXES):
        size = rng.uniform((0.4, 0.4, 0.4), (1.1, 1.8, 1.0))
        place = np.array([rng.uniform(left + 0.3, right - 1.4), 0.0, back + rng.uniform(0.2, 1.2)])
        meshes += _box(place, size)
    return Scene(meshes=tuple(meshes), atlas=lay_out(pictures))


def _plane(shape: dict[str, np.ndarray], texture: int, part: int) -> Mesh:
    return Mesh(
        vertices=shape["vertices"],
        faces=shape["faces"],
        uv=shape["uv"],
        colours=np.ones((1, 3)),
        texture=texture,
        parts=np.full(len(shape["faces"]), part),
        smooth=False,
        casts=False,
    )


def _box(place: np.ndarray, size: np.ndarray) -> list[Mesh]:
    """Front, two sides and top of a box that stands on the floor."""
    x, y, z = np.diag(size)
    top_left = place + y
    faces = ((top_left + z, x, -y), (top_left, z, -y), (top_left + x + z, -z, -y), (top_left, x, z))
    return [_plane(quad(corner, along, down), _BOX, part=_BOX) for corner, along, down in faces]


def _noise(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Noise of many sizes, about 0 to 1, so that near and far views both find corners."""
    import cv2

    total, weight = np.zeros((height, width), dtype=np.float32), 0.0
    for cells in (6, 13, 29, 61, 127, 251):
        rows = max(2, round(cells * height / max(height, width)))
        columns = max(2, round(cells * width / max(height, width)))
        coarse = rng.random((rows, columns), dtype=np.float32)
        total += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        weight += 1.0
    return np.asarray(np.clip(total / weight, 0.0, 1.0))


def _coloured(shade: np.ndarray, dark: tuple[int, ...], light: tuple[int, ...]) -> np.ndarray:
    mixed = shade[..., None] * (np.array(light) - dark) + dark
    return np.asarray(np.clip(mixed, 0, 255), dtype=np.uint8)


def _boards(rng: np.random.Generator, wide: float, deep: float) -> np.ndarray:
    """Lay wooden boards with seams, knots and tape marks."""
    import cv2

    height, width = round(deep * _TEXELS_PER_METRE), round(wide * _TEXELS_PER_METRE)
    shade = (
        0.55 * _noise(rng, height, width)
        + 0.45
        * _noise(rng, height, max(width // 12, 2))[
            :, np.minimum(np.arange(width) // 12, max(width // 12, 2) - 1)
        ]
    )
    board = round(0.16 * _TEXELS_PER_METRE)
    tones = rng.uniform(-0.14, 0.14, width // board + 1)
    shade = shade + tones[np.arange(width) // board]
    picture = _coloured(np.clip(shade, 0, 1), (64, 42, 28), (196, 150, 104))
    picture[:, np.arange(width) % board == 0] = (44, 30, 22)
    for _ in range(round(wide * deep * 1.2)):
        place = (int(rng.integers(width)), int(rng.integers(height)))
        colour = tuple(int(value) for value in rng.integers(30, 230, 3))
        if rng.integers(2):
            cv2.circle(picture, place, int(rng.integers(2, 6)), colour, -1, cv2.LINE_AA)
        else:
            away = rng.integers(-14, 15, 2)
            end = (place[0] + int(away[0]), place[1] + int(away[1]))
            cv2.line(picture, place, end, colour, 2, cv2.LINE_AA)
    return picture


def _plaster(rng: np.random.Generator, wide: float) -> np.ndarray:
    """Paint a wall with panels, posters and stains."""
    import cv2

    height, width = round(_HEIGHT * _TEXELS_PER_METRE), round(wide * _TEXELS_PER_METRE)
    picture = _coloured(_noise(rng, height, width), (96, 104, 118), (214, 210, 200))
    for _ in range(max(6, round(wide * 2.2))):
        size = rng.integers(14, 70, 2)
        x, y = int(rng.integers(max(width - 70, 1))), int(rng.integers(max(height - 70, 1)))
        colour = tuple(int(value) for value in rng.integers(40, 235, 3))
        corner = (x + int(size[0]), y + int(size[1]))
        cv2.rectangle(picture, (x, y), corner, colour, -1)
        cv2.rectangle(picture, (x, y), corner, (40, 40, 44), 2)
        middle = (x + int(size[0] // 2), y + int(size[1] // 2))
        cv2.circle(picture, middle, int(min(size) // 3), tuple(int(255 - c) for c in colour), -1)
    return picture


def _crate(rng: np.random.Generator) -> np.ndarray:
    """Side of a box: planks and a stencilled mark."""
    import cv2

    picture = _coloured(_noise(rng, 128, 128), (70, 78, 64), (176, 172, 140))
    picture[::26] = (40, 40, 34)
    cv2.line(picture, (6, 6), (122, 122), (52, 50, 44), 5, cv2.LINE_AA)
    cv2.circle(picture, (84, 44), 18, (168, 60, 44), -1, cv2.LINE_AA)
    return picture
