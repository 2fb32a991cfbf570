"""What is rendered: surfaces, light, and the eye that sees them.

World: right-handed, Y up, metres, floor y = 0. Camera axes: OpenCV. Pixel (0, 0) is the image
corner, the first pixel's centre is (0.5, 0.5).
"""

import dataclasses
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from choreoscope.datatypes.arrays import check_arrays
from choreoscope.datatypes.camera import CameraTrack, Lens
from choreoscope.datatypes.errors import InputError, ShapeError
from choreoscope.rendering.textures import Atlas, lay_out

Culled = Literal["back", "front", "none"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One eye.

    Attributes
    ----------
    lens : Lens
        Of a picture of this size; bends if it has coefficients.
    camera_from_world : (4, 4) float
        Rigid motion.
    near : float
        Least depth that is seen, metres.
    """

    lens: Lens
    camera_from_world: Float[np.ndarray, "4 4"]
    near: float = 0.05

    def __post_init__(self) -> None:
        check_arrays(self)
        if not np.isfinite(self.camera_from_world).all() or self.near <= 0:
            raise InputError("View: expected a finite camera_from_world and near above 0 m")


def view_of(camera: CameraTrack, frame: int) -> View:
    """Take one frame of a camera.

    Raises
    ------
    InputError
        If the track's matrices have a skew, which no lens here has.
    """
    matrix = camera.intrinsics[frame]
    if matrix[0, 1] != 0:
        raise InputError(f"frame {frame}: expected intrinsics without skew, got {matrix[0, 1]:g}")
    lens = Lens(
        width=camera.width,
        height=camera.height,
        fx=float(matrix[0, 0]),
        fy=float(matrix[1, 1]),
        cx=float(matrix[0, 2]),
        cy=float(matrix[1, 2]),
        distortion=camera.distortion,
        source=camera.source,
    )
    return View(lens=lens, camera_from_world=camera.camera_from_world[frame])


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Mesh:
    """Triangles that belong together.

    Attributes
    ----------
    vertices : (V, 3) float
        World, metres.
    faces : (F, 3) int
        Counter-clockwise seen from the front.
    colours : (C, 3) float
        sRGB, 0 to 1: one row for everything, one per face, or, if `colour_faces` says so, any
        number. Multiplied with the texture's.
    colour_faces : (F, 3) int or None
        Row of `colours` of each corner.
    instance : int
        Written where the mesh is seen, 0 or above.
    parts : (F,) int or None
        Written where each face is seen; 0 for None.
    uv : (V, 2) float or None
        Texture coordinates, 0 to 1, v down the rows.
    texture : int or None
        Number in the scene's atlas.
    smooth : bool
        Whether normals are blended between faces that share vertices.
    culled : {"back", "front", "none"}
        Side from which faces are not seen.
    casts : bool
        Whether it throws a shadow.
    next_vertices : (V, 3) float or None
        The same vertices in the next picture; None for what stands still.
    earlier_vertices : (V, 3) float or None
        The same vertices in the picture before; None for what stands still.
    """

    vertices: Float[np.ndarray, "V 3"]
    faces: Int[np.ndarray, "F 3"]
    colours: Float[np.ndarray, "C 3"]
    colour_faces: Int[np.ndarray, "F 3"] | None = None
    instance: int = 0
    parts: Int[np.ndarray, "F"] | None = None
    uv: Float[np.ndarray, "V 2"] | None = None
    texture: int | None = None
    smooth: bool = True
    culled: Culled = "none"
    casts: bool = True
    next_vertices: Float[np.ndarray, "V 3"] | None = None
    earlier_vertices: Float[np.ndarray, "V 3"] | None = None

    def __post_init__(self) -> None:
        check_arrays(self)
        if not np.isfinite(self.vertices).all():
            raise ShapeError("Mesh.vertices: holds values that are not finite")
        if self.faces.size and not (0 <= self.faces.min() <= self.faces.max() < len(self.vertices)):
            raise ShapeError("Mesh.faces: names vertices that do not exist")
        if self.colour_faces is None and len(self.colours) not in (1, len(self.faces)):
            raise ShapeError(
                f"Mesh.colours: expected 1 or {len(self.faces)} rows, got {len(self.colours)}"
            )
        if (self.uv is None) != (self.texture is None):
            raise ShapeError("Mesh: uv and texture go together")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """One lamp with shadows, and light from above and below.

    Attributes
    ----------
    position : (3,) float
        Of the lamp, world, metres. Its light does not fade with distance.
    colour, above, below : (3,) float
        Linear light of the lamp, the sky and the floor; 1 on white gives full white.
    horizon, zenith : (3,) float
        Backdrop where nothing stands, linear.
    softness : float
        Radius of the blur at the edge of shadows, metres.
    shadow_size : int
        Pixels of the shadow map's side, a multiple of 16; 0 for no shadows.
    contact : float
        Height below which bodies darken the floor under them, metres; 0 for none.
    """

    position: Float[np.ndarray, "3"]
    colour: Float[np.ndarray, "3"]
    above: Float[np.ndarray, "3"]
    below: Float[np.ndarray, "3"]
    horizon: Float[np.ndarray, "3"]
    zenith: Float[np.ndarray, "3"]
    softness: float = 0.05
    shadow_size: int = 1024
    contact: float = 0.3

    def __post_init__(self) -> None:
        check_arrays(self)
        if self.shadow_size % 16 or self.shadow_size < 0:
            raise InputError(
                f"Light.shadow_size: expected a multiple of 16, got {self.shadow_size}"
            )


def stage_light() -> Light:
    """Return a warm lamp high on the right in front, and a cool room."""
    return Light(
        position=np.array([4.5, 7.5, 6.0]),
        colour=np.array([0.86, 0.80, 0.70]),
        above=np.array([0.34, 0.37, 0.43]),
        below=np.array([0.20, 0.18, 0.16]),
        horizon=np.array([0.30, 0.33, 0.38]),
        zenith=np.array([0.12, 0.15, 0.21]),
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything there is to see in one picture.

    Attributes
    ----------
    meshes : tuple of Mesh
        In any order; of equally near surfaces the first is seen.
    light : Light
        One for all.
    atlas : Atlas
        Textures that meshes name by number.
    """

    meshes: tuple[Mesh, ...]
    light: Light = dataclasses.field(default_factory=stage_light)
    atlas: Atlas = dataclasses.field(default_factory=lambda: lay_out(()))

    def __post_init__(self) -> None:
        for mesh in self.meshes:
            if mesh.texture is not None and not 0 <= mesh.texture < len(self.atlas.levels):
                raise InputError(
                    f"Mesh.texture: expected 0 to {len(self.atlas.levels) - 1}, got {mesh.texture}"
                )


def quad(corner: np.ndarray, along: np.ndarray, down: np.ndarray) -> dict[str, np.ndarray]:
    """Vertices, faces and texture coordinates of a parallelogram, as fields of a `Mesh`.

    Parameters
    ----------
    corner : (3,) float
        Where u = v = 0.
    along, down : (3,) float
        To u = 1 and to v = 1, metres. ``down x along`` is the side of its front.
    """
    return {
        "vertices": np.array([corner, corner + along, corner + along + down, corner + down]),
        "faces": np.array([[0, 2, 1], [0, 3, 2]]),
        "uv": np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]),
    }
