"""Light made ready for one picture: the shadow map, and the dark that bodies leave on the floor."""

from typing import TYPE_CHECKING

import numpy as np

from choreoscope.datatypes.camera import Lens
from choreoscope.rendering.gathering import Gathered, in_camera
from choreoscope.rendering.looking import look, rays_of
from choreoscope.rendering.scene import Light, View

if TYPE_CHECKING:
    from choreoscope.rendering.soft_light import Ground, Lamp

_BLOCK = 16
_MARGIN = 1.05
_CELL = 0.02
_BLUR = 0.05
_DARKEST = 0.75
"""Share of the sky's light that a body lying on the floor takes away."""


def lamp_of(light: Light, scene: Gathered, view: View, threads: int) -> "Lamp":
    """Make the lamp ready, in the axes of the view's camera."""
    from choreoscope.rendering.soft_light import Lamp

    camera_from_world = view.camera_from_world
    lamp_from_world, focal, lit = np.eye(4), 0.0, np.zeros((_BLOCK, _BLOCK))
    faces = scene.faces[scene.casts]
    if light.shadow_size and len(faces):
        eye = _lamp_view(light, scene.vertices[np.unique(faces)])
        lamp_from_world, focal = eye.camera_from_world, eye.lens.fx
        corners = in_camera(scene.vertices, lamp_from_world)
        size = (light.shadow_size, light.shadow_size)
        culled = np.zeros(len(faces), dtype=np.int8)
        lit = look(corners, faces, culled, rays_of(eye), size, threads)[1].inverse_depth
    return Lamp(
        position=camera_from_world[:3, :3] @ light.position + camera_from_world[:3, 3],
        colour=light.colour.astype(np.float64),
        above=light.above.astype(np.float64),
        below=light.below.astype(np.float64),
        up=np.ascontiguousarray(camera_from_world[:3, 1]).astype(np.float64),
        lamp_from_camera=lamp_from_world @ np.linalg.inv(camera_from_world),
        focal=float(focal),
        softness=float(light.softness),
        map=lit,
        blocks=_blocks(lit),
        horizon=light.horizon.astype(np.float64),
        zenith=light.zenith.astype(np.float64),
    )


def ground_of(light: Light, scene: Gathered, view: View) -> "Ground":
    """How open the floor lies: bodies take the sky away from what is close under them."""
    from choreoscope.rendering.soft_light import Ground

    world_from_camera = np.linalg.inv(view.camera_from_world)
    casting = np.unique(scene.faces[scene.casts])
    low = scene.vertices[casting]
    low = low[(low[:, 1] < light.contact) & (low[:, 1] > -light.contact)]
    if not len(low):
        return Ground(
            open=np.ones((2, 2)),
            corner=np.zeros(2),
            cell=0.0,
            world_from_camera=world_from_camera,
        )
    corner = np.floor(low[:, [0, 2]].min(axis=0) / _CELL) * _CELL - 4 * _BLUR
    size = np.ceil((low[:, [0, 2]].max(axis=0) + 4 * _BLUR - corner) / _CELL).astype(int) + 2
    place = ((low[:, [0, 2]] - corner) / _CELL).astype(int)
    closeness = 1.0 - np.abs(low[:, 1]) / light.contact
    taken = np.zeros((size[1], size[0]))
    np.maximum.at(taken, (place[:, 1], place[:, 0]), closeness)
    return Ground(
        open=1.0 - np.minimum(_blurred(taken), 1.0) * _DARKEST,
        corner=corner,
        cell=_CELL,
        world_from_camera=world_from_camera,
    )


def _lamp_view(light: Light, points: np.ndarray) -> View:
    """Look from the lamp at the middle of what throws shadows, so that all of it is seen."""
    middle = 0.5 * (points.min(axis=0) + points.max(axis=0))
    forward = middle - light.position
    distance = max(float(np.linalg.norm(forward)), 1e-6)
    forward = forward / distance
    aside = np.array([0.0, 0.0, 1.0]) if abs(forward[1]) > 0.99 else np.array([0.0, 1.0, 0.0])  # noqa: PLR2004
    right = np.cross(forward, aside)
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    camera_from_world = np.eye(4)
    camera_from_world[:3, :3] = rotation
    camera_from_world[:3, 3] = -rotation @ light.position
    seen = in_camera(points, camera_from_world)
    ahead = np.maximum(seen[:, 2:], 0.1 * distance)
    half = max(float(np.abs(seen[:, :2] / ahead).max()) * _MARGIN, 1e-3)
    size = light.shadow_size
    lens = Lens(
        width=size,
        height=size,
        fx=0.5 * size / half,
        fy=0.5 * size / half,
        cx=0.5 * size,
        cy=0.5 * size,
        distortion=np.zeros(0),
        source="given",
    )
    return View(lens=lens, camera_from_world=camera_from_world)


def _blocks(nearest: np.ndarray) -> np.ndarray:
    """Greatest value of every block and its eight neighbours."""
    count = len(nearest) // _BLOCK
    greatest = nearest.reshape(count, _BLOCK, count, _BLOCK).max(axis=(1, 3))
    room = np.pad(greatest, 1)
    return np.asarray(
        np.max([room[i : i + count, j : j + count] for i in range(3) for j in range(3)], axis=0)
    )


def _blurred(values: np.ndarray) -> np.ndarray:
    """Blur a picture of cells by a bell of `_BLUR` metres."""
    reach = np.arange(-8, 9) * _CELL
    bell = np.exp(-0.5 * (reach / _BLUR) ** 2)
    bell /= bell.sum()
    for axis in (0, 1):
        values = np.apply_along_axis(np.convolve, axis, values, bell, mode="same")
    return values
