"""The software renderer: no window, no driver, the same bytes every time."""

import dataclasses
import functools
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.rendering import bands
from choreoscope.rendering.gathering import gather, in_camera, turned
from choreoscope.rendering.looking import look, padded, rays_of
from choreoscope.rendering.scene import Scene, View
from choreoscope.rendering.shadows import ground_of, lamp_of
from choreoscope.rendering.textures import developing_table, linear_from_srgb

if TYPE_CHECKING:
    from choreoscope.rendering.soft_kernels import Planes, Rays, Seen
    from choreoscope.rendering.soft_measures import Measures

PATTERNS = {
    1: ((0.0, 0.0),),
    2: ((-0.25, -0.25), (0.25, 0.25)),
    4: ((-0.125, -0.375), (0.375, -0.125), (0.125, 0.375), (-0.375, 0.125)),
    8: (
        *((0.0625, -0.1875), (-0.0625, 0.1875), (0.3125, 0.0625), (-0.1875, -0.3125)),
        *((-0.3125, 0.3125), (-0.4375, -0.0625), (0.1875, 0.4375), (0.4375, -0.4375)),
    ),
}
"""Places of the samples about the pixel's centre, pixels; no two share a row or a column."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A picture and the truth about it.

    All but the colour belong to the exact centre of each pixel.

    Attributes
    ----------
    colour : (H, W, 3) uint8
        sRGB, mean of the samples in linear light.
    depth : (H, W) float32
        Metres along camera z; infinite where nothing is.
    normals : (H, W, 3) float32
        Unit, camera axes (x right, y down, z forward), towards the eye; 0 where nothing is.
    instance, part : (H, W) int32
        Of the mesh seen; -1 where nothing is.
    flow : (H, W, 2) float32 or None
        Where the point seen is in the next picture, less where it is now, pixels. NaN if it is
        behind the next camera. What is nothing counts as infinitely far.
    flow_back : (H, W, 2) float32 or None
        The same for the picture before.
    """

    colour: np.ndarray
    depth: np.ndarray
    normals: np.ndarray
    instance: np.ndarray
    part: np.ndarray
    flow: np.ndarray | None = None
    flow_back: np.ndarray | None = None


def render(
    scene: Scene,
    view: View,
    *,
    samples: int = 4,
    next_view: View | None = None,
    earlier_view: View | None = None,
    threads: int | None = None,
) -> Rendered:
    """Render one picture.

    Parameters
    ----------
    scene : Scene
        Surfaces and light.
    view : View
        The eye.
    samples : {0, 1, 2, 4, 8}
        Samples of colour per pixel; 0 leaves the colour black.
    next_view : View
        The eye of the next picture; with it the flow is made.
    earlier_view : View
        The eye of the picture before; with it the flow back is made.
    threads : int
        One per processor by default. The result does not depend on it.

    Returns
    -------
    Rendered

    Raises
    ------
    InputError
        If there is no such number of samples.
    """
    if samples and samples not in PATTERNS:
        raise InputError(f"expected 0, 1, 2, 4 or 8 samples, got {samples}")
    work = _Work(scene, view, threads or bands.thread_count())
    rays = rays_of(view, (0.0, 0.0))
    planes, seen = work.look(rays)
    measures = work.measured(rays, planes, seen)
    flow = flow_back = None
    if next_view is not None:
        flow = work.flow(rays, planes, seen, next_view, work.all.next_vertices)
    if earlier_view is not None:
        flow_back = work.flow(rays, planes, seen, earlier_view, work.all.earlier_vertices)
    colour = np.zeros((*measures.depth.shape, 3), dtype=np.uint8)
    if samples == 1:
        work.paint([(rays, planes, seen)], colour)
    elif samples:
        views = (rays_of(view, shift) for shift in PATTERNS[samples])
        work.paint(((turn, *work.look(turn)) for turn in views), colour)
    return Rendered(
        colour=colour,
        depth=measures.depth,
        normals=measures.normals,
        instance=measures.instance,
        part=measures.part,
        flow=flow,
        flow_back=flow_back,
    )


class _Work:
    """One scene, made ready for one eye."""

    def __init__(self, scene: Scene, view: View, threads: int) -> None:
        from choreoscope.rendering.soft_measures import Surfaces

        self.scene, self.view, self.threads = scene, view, threads
        self.size = (view.lens.width, view.lens.height)
        self.all = gather(scene.meshes)
        self.corners = in_camera(self.all.vertices, view.camera_from_world)
        self.surfaces = Surfaces(
            faces=self.all.faces,
            normals=turned(self.all.normals, view),
            normal_faces=self.all.normal_faces,
            colours=self.all.colours,
            colour_faces=self.all.colour_faces,
            uv=self.all.uv,
            texture=self.all.texture,
            instance=self.all.instance,
            part=self.all.part,
        )

    def look(self, rays: "Rays") -> tuple["Planes", "Seen"]:
        """Find what is seen."""
        return look(self.corners, self.all.faces, self.all.culled, rays, self.size, self.threads)

    def measured(self, rays: "Rays", planes: "Planes", seen: "Seen") -> "Measures":
        """Take depth, normals and ids."""
        from choreoscope.rendering.soft_measures import Measures, measure

        width, height = self.size
        out = Measures(
            depth=np.full((height, width), np.inf, dtype=np.float32),
            normals=np.zeros((height, width, 3), dtype=np.float32),
            instance=np.full((height, width), -1, dtype=np.int32),
            part=np.full((height, width), -1, dtype=np.int32),
        )
        bands.over(
            height,
            lambda rows: measure(seen, planes, rays, self.surfaces, out, rows),
            self.threads,
        )
        return out

    def flow(
        self, rays: "Rays", planes: "Planes", seen: "Seen", other: View, vertices: np.ndarray
    ) -> np.ndarray:
        """Take the way of every pixel to another picture, ``(H, W, 2)`` float32."""
        from choreoscope.rendering.soft_measures import Departure, depart

        lens, there = other.lens, other.camera_from_world
        departure = Departure(
            corners=in_camera(vertices, there),
            turn=np.ascontiguousarray(there[:3, :3] @ self.view.camera_from_world[:3, :3].T),
            lens=np.array([lens.fx, lens.fy, lens.cx, lens.cy]),
            bending=padded(lens.distortion),
        )
        flow = np.zeros((*seen.face.shape, 2), dtype=np.float32)
        bands.over(
            len(flow),
            lambda rows: depart(seen, planes, rays, self.all.faces, departure, flow, rows),
            self.threads,
        )
        return flow

    def paint(self, views: Iterable[tuple["Rays", "Planes", "Seen"]], colour: np.ndarray) -> None:
        """Fill in the colour from one or more samples of every pixel."""
        from choreoscope.rendering.soft_light import Textures, develop, paint

        lamp = lamp_of(self.scene.light, self.all, self.view, self.threads)
        ground = ground_of(self.scene.light, self.all, self.view)
        textures = Textures(
            texels=self.scene.atlas.texels,
            levels=self.scene.atlas.levels,
            linear=linear_from_srgb(np.arange(256) / 255),
        )
        light = np.zeros(colour.shape, dtype=np.float32)
        count = 0
        for number, (rays, planes, seen) in enumerate(views):
            work = functools.partial(
                paint, seen, planes, rays, self.surfaces, textures, lamp, ground, number, light
            )
            bands.over(len(light), work, self.threads)
            count = number + 1
        table = developing_table()
        bands.over(
            len(light), lambda rows: develop(light, count, table, colour, rows), self.threads
        )
