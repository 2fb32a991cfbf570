"""All meshes of a scene as one set of arrays, in the axes of one eye."""

import dataclasses

import numpy as np

from choreoscope.rendering.scene import Mesh, View
from choreoscope.rendering.textures import linear_from_srgb


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """One set of triangles.

    Attributes
    ----------
    vertices, next_vertices, earlier_vertices : (V, 3) float
        World, metres, now, in the next picture and in the one before.
    faces, normal_faces, colour_faces : (F, 3) int32
        Vertex, normal and colour of each corner.
    normals : (N, 3) float
        World; those of smooth meshes as sums of their faces'.
    colours : (C, 3) float
        Linear light.
    uv : (V, 3) float
        Texture coordinates; the third is 0.
    texture, instance, part : (F,) int32
        Of each face; texture -1 for none.
    culled : (F,) int8
        1 back, -1 front, 0 none.
    casts : (F,) bool
        Whether a face throws a shadow.
    """

    vertices: np.ndarray
    next_vertices: np.ndarray
    earlier_vertices: np.ndarray
    faces: np.ndarray
    normal_faces: np.ndarray
    colour_faces: np.ndarray
    normals: np.ndarray
    colours: np.ndarray
    uv: np.ndarray
    texture: np.ndarray
    instance: np.ndarray
    part: np.ndarray
    culled: np.ndarray
    casts: np.ndarray


_CULLED = {"back": 1, "front": -1, "none": 0}


def gather(meshes: tuple[Mesh, ...]) -> Gathered:
    """Put meshes one after the other."""
    corners = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    normals = [_normals(mesh) for mesh in meshes]
    first_normal = np.cumsum([0, *(len(rows) for rows, _ in normals)])
    first_colour = np.cumsum([0, *(len(mesh.colours) for mesh in meshes)])

    def numbered(parts: list[np.ndarray], first: np.ndarray) -> np.ndarray:
        moved = [part + start for part, start in zip(parts, first, strict=False)]
        return np.concatenate([np.zeros((0, 3), dtype=np.int64), *moved]).astype(np.int32)

    def each(values: list[int], kind: type) -> np.ndarray:
        return np.repeat(np.array(values, dtype=kind), [len(mesh.faces) for mesh in meshes])

    def joined(parts: list[np.ndarray]) -> np.ndarray:
        return np.concatenate([np.zeros((0, 3)), *parts])

    parts = [_or(mesh.parts, np.zeros(len(mesh.faces))) for mesh in meshes]
    return Gathered(
        vertices=joined([mesh.vertices for mesh in meshes]),
        next_vertices=joined([_or(mesh.next_vertices, mesh.vertices) for mesh in meshes]),
        earlier_vertices=joined([_or(mesh.earlier_vertices, mesh.vertices) for mesh in meshes]),
        faces=numbered([mesh.faces for mesh in meshes], corners),
        normal_faces=numbered([faces for _, faces in normals], first_normal),
        colour_faces=numbered([_colour_faces(mesh) for mesh in meshes], first_colour),
        normals=joined([rows for rows, _ in normals]),
        colours=linear_from_srgb(joined([mesh.colours for mesh in meshes])),
        uv=joined([_uv(mesh) for mesh in meshes]),
        texture=each([-1 if mesh.texture is None else mesh.texture for mesh in meshes], np.int32),
        instance=each([mesh.instance for mesh in meshes], np.int32),
        part=np.concatenate([np.zeros(0), *parts]).astype(np.int32),
        culled=each([_CULLED[mesh.culled] for mesh in meshes], np.int8),
        casts=each([mesh.casts for mesh in meshes], np.bool_),
    )


def in_camera(points: np.ndarray, camera_from_world: np.ndarray) -> np.ndarray:
    """Points ``(N, 3)`` in camera axes."""
    return np.ascontiguousarray(points @ camera_from_world[:3, :3].T + camera_from_world[:3, 3])


def turned(vectors: np.ndarray, view: View) -> np.ndarray:
    """Directions ``(N, 3)`` in camera axes."""
    return np.ascontiguousarray(vectors @ view.camera_from_world[:3, :3].T)


def _normals(mesh: Mesh) -> tuple[np.ndarray, np.ndarray]:
    """Give normals, and which one belongs to each corner."""
    if not mesh.smooth:
        a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
        return np.cross(b - a, c - a), np.repeat(np.arange(len(mesh.faces))[:, None], 3, axis=1)
    from choreoscope.rendering.soft_measures import vertex_normals

    normals = np.zeros_like(mesh.vertices, dtype=np.float64)
    # Copies, because numba compiles anew for arrays that are read-only.
    vertex_normals(mesh.vertices.astype(np.float64), mesh.faces.astype(np.int64), normals)
    return normals, mesh.faces


def _colour_faces(mesh: Mesh) -> np.ndarray:
    if mesh.colour_faces is not None:
        return mesh.colour_faces
    if len(mesh.colours) == 1:
        return np.zeros_like(mesh.faces)
    return np.repeat(np.arange(len(mesh.faces))[:, None], 3, axis=1)


def _uv(mesh: Mesh) -> np.ndarray:
    if mesh.uv is None:
        return np.zeros((len(mesh.vertices), 3))
    return np.pad(mesh.uv, ((0, 0), (0, 1)))


def _or(values: np.ndarray | None, otherwise: np.ndarray) -> np.ndarray:
    return otherwise if values is None else values
