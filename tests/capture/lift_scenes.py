"""Pictures of depth whose true place in space is known: rays cut with triangles, one by one."""

import dataclasses
from collections.abc import Iterator
from fractions import Fraction

import cv2
import numpy as np

from choreoscope.capture.cloud.sources import SourceFrame
from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.frames import FrameRange
from choreoscope.motion.bodies.house import house_body
from choreoscope.rendering.scene import Mesh, Scene, quad, view_of
from choreoscope.rendering.soft import render
from choreoscope.synthetic.shot import Shot, ShotSpec, make_shot

WIDTH, HEIGHT = 96, 54


def shot_of_two() -> Shot:
    """Two dancers and a camera that walks."""
    spec = ShotSpec(
        name="lift", seed=5, people=2, seconds=0.12, size=(WIDTH, HEIGHT), camera="walking"
    )
    return make_shot(spec)


def scene_of(shot: Shot, frame: int) -> Scene:
    """The dancers of a shot between a floor and a wall."""
    floor = quad(np.array([-20.0, 0, -20]), np.array([40.0, 0, 0]), np.array([0, 0, 40.0]))
    wall = quad(np.array([-20.0, 12, -6]), np.array([40.0, 0, 0]), np.array([0, -14.0, 1.0]))
    grey = np.full((1, 3), 0.5)
    plain = [
        Mesh(vertices=one["vertices"], faces=one["faces"], colours=grey) for one in (floor, wall)
    ]
    people = []
    for number, person in enumerate(shot.people, start=1):
        model = house_body(person.model.name.removeprefix("house-"), "low")
        vertices = person.vertices(frame, frame + 1, model)[0]
        people.append(Mesh(vertices=vertices, faces=model.faces, colours=grey, instance=number))
    return Scene(meshes=(*plain, *people))


def rendered(shot: Shot, frame: int, camera: CameraTrack) -> tuple[np.ndarray, np.ndarray]:
    """Depth (infinite where nothing is) and whose each pixel is (0 nobody)."""
    seen = render(scene_of(shot, frame), view_of(camera, frame), samples=0, threads=1)
    return seen.depth, seen.instance


def bent(camera: CameraTrack) -> CameraTrack:
    """The same camera with a lens that bends."""
    return dataclasses.replace(camera, distortion=np.array([-0.21, 0.06, 0.002, -0.003, -0.01]))


def true_places(shot: Shot, frame: int, camera: CameraTrack) -> np.ndarray:
    """Where the ray of every pixel first meets a surface, ``(H, W, 3)`` metres, world.

    Rays by OpenCV, cut with every triangle (Moller and Trumbore 1997); NaN where nothing is.
    """
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    pixels = np.stack([columns, rows], axis=-1).reshape(-1, 1, 2)
    straight = cv2.undistortPoints(
        pixels,
        camera.intrinsics[frame],
        camera.distortion if len(camera.distortion) else np.zeros(5),
        criteria=(cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-12),
    ).reshape(-1, 2)
    pose = camera.camera_from_world[frame]
    rays = np.column_stack([straight, np.ones(len(straight))]) @ pose[:3, :3]
    eye = -pose[:3, :3].T @ pose[:3, 3]
    nearest = np.full(len(rays), np.inf)
    for mesh in scene_of(shot, frame).meshes:
        corners = mesh.vertices[mesh.faces]
        for part in np.array_split(np.arange(len(rays)), 24):
            nearest[part] = np.minimum(nearest[part], _first_hit(eye, rays[part], corners))
    places = eye + rays * np.where(np.isfinite(nearest), nearest, np.nan)[:, None]
    return np.asarray(places.reshape(HEIGHT, WIDTH, 3))


def _first_hit(eye: np.ndarray, rays: np.ndarray, corners: np.ndarray) -> np.ndarray:
    first, along, across = (
        corners[:, 0],
        corners[:, 1] - corners[:, 0],
        corners[:, 2] - corners[:, 0],
    )
    # The box of a body leaves most rays out.
    middle = (corners.reshape(-1, 3).min(axis=0) + corners.reshape(-1, 3).max(axis=0)) / 2
    reach = np.linalg.norm(corners.reshape(-1, 3) - middle, axis=1).max()
    off = np.cross(rays, middle - eye)
    near = np.linalg.norm(off, axis=1) <= reach * np.linalg.norm(rays, axis=1)
    found = np.full(len(rays), np.inf)
    if not near.any():
        return found
    turned = np.cross(rays[near][:, None], across[None])
    size = np.einsum("fi,rfi->rf", along, turned)
    # A triangle seen from its edge is not hit.
    size = np.where(np.abs(size) > 1e-15, size, np.nan)
    u = np.einsum("fi,rfi->rf", eye - first, turned) / size
    beside = np.cross(eye - first, along)
    v = np.einsum("ri,fi->rf", rays[near], beside) / size
    depth = np.einsum("fi,fi->f", across, beside) / size
    inside = (u >= -1e-9) & (v >= -1e-9) & (u + v <= 1 + 1e-9) & (depth > 0.05)
    found[near] = np.where(inside, depth, np.inf).min(axis=1)
    return found


class MadeSource:
    """Depth made on the spot, for `lift`."""

    name = "made"
    notes: tuple[str, ...] = ()

    def __init__(
        self,
        frames: list[SourceFrame],
        camera: CameraTrack,
        persons: tuple[str, ...] = (),
        rate: Fraction = Fraction(30000, 1001),
    ) -> None:
        self._frames = {frame.frame: frame for frame in frames}
        self.frames = FrameRange(frames[0].frame, frames[-1].frame + 1)
        self.camera, self.persons, self.rate = camera, persons, rate

    def read(self, frames: FrameRange) -> Iterator[SourceFrame]:
        for frame in frames:
            yield self._frames[frame]
