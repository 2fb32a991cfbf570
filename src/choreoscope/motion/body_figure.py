"""Figures to export and to draw: the body a person was given, or a mannequin where there is none.

A body's mesh is bound to the skeleton that its model gives the same shape and scale, so it fits
the person's motion exactly.
"""

import numpy as np

from choreoscope.datatypes.errors import ShapeError
from choreoscope.datatypes.mesh import SkinnedMesh
from choreoscope.datatypes.motion import Motion, Skeleton
from choreoscope.formats.body_npz import BodyFile
from choreoscope.geometry import kinematics, rotation, skinning
from choreoscope.geometry.tubes import vertex_normals
from choreoscope.motion.bodies.house import Detail, bodies, house_body
from choreoscope.motion.bodies.model import BodyModel
from choreoscope.motion.figure import simple_figure

_INFLUENCES = 4
_HOUSE = "house-"
_APART = 2e-3
"""Metres by which joints of motion and body may differ at rest."""


def body_figure(model: BodyModel, shape: np.ndarray, scale: float = 1.0) -> SkinnedMesh:
    """Dress `model.skeleton(shape, scale)` in the model's surface.

    Parameters
    ----------
    model : BodyModel
        V vertices.
    shape : (S',) float
        Standard deviations.
    scale : float, > 0
        Everything is made larger by this.

    Returns
    -------
    SkinnedMesh
        In the rest pose. The four strongest joints move each vertex. Where the model has texture
        coordinates, vertices on a seam stand there once for each of its sides.
    """
    vertices = scale * model.rest_vertices(shape)
    normals = vertex_normals(vertices, model.faces)
    joints, weights = _strongest(model.skin_joints, model.skin_weights)
    if model.uv_faces is None or len(model.uv) == 0:
        return SkinnedMesh(
            vertices=vertices, normals=normals, faces=model.faces, joints=joints, weights=weights
        )
    corners = np.stack([model.faces.reshape(-1), model.uv_faces.reshape(-1)], axis=1)
    split, faces = np.unique(corners, axis=0, return_inverse=True)
    own = split[:, 0]
    return SkinnedMesh(
        vertices=vertices[own],
        normals=normals[own],
        faces=faces.reshape(-1, 3),
        joints=joints[own],
        weights=weights[own],
        uv=model.uv[split[:, 1]],
    )


def figure_of_person(
    skeleton: Skeleton, body: BodyFile | None, detail: Detail
) -> tuple[SkinnedMesh, bool]:
    """Take the body of a person, or a mannequin if there is none that fits the skeleton.

    Parameters
    ----------
    skeleton : Skeleton
        Of the person's motion.
    body : BodyFile or None
        What is known of the person's body.
    detail : {"full", "low"}
        Of the body.

    Returns
    -------
    mesh : SkinnedMesh
        Bound to `skeleton`.
    real : bool
        Whether it is the person's body.
    """
    model = model_of(body, detail)
    if model is None or body is None or not body_of_skeleton(model, body, skeleton):
        return simple_figure(skeleton), False
    return body_figure(model, body.shape, body.scale), True


def model_of(body: BodyFile | None, detail: Detail) -> BodyModel | None:
    """Model of a body, or None if it is not one of ours (others need the user's own files)."""
    kind = body.model.removeprefix(_HOUSE) if body is not None else ""
    if body is None or not body.model.startswith(_HOUSE) or kind not in bodies():
        return None
    return house_body(kind, detail)


def body_of_skeleton(model: BodyModel, body: BodyFile, skeleton: Skeleton) -> bool:
    """Whether a model with a person's shape has the skeleton of the person's motion."""
    return len(body.shape) <= model.shape_count and _same(
        skeleton, model.skeleton(body.shape, body.scale)
    )


def skinned(mesh: SkinnedMesh, motion: Motion, rows: np.ndarray) -> np.ndarray:
    """Surface of a person in some frames, by linear blend skinning.

    Parameters
    ----------
    mesh : SkinnedMesh
        Bound to the motion's skeleton.
    motion : Motion
        T frames.
    rows : (N,) int
        Which of them.

    Returns
    -------
    (N, V, 3) float
        World, metres.

    Raises
    ------
    ShapeError
        If the mesh names joints that the skeleton lacks.
    """
    skeleton = motion.skeleton
    if mesh.joints.max(initial=0) >= len(skeleton.joints):
        raise ShapeError("skinned: the mesh is bound to joints that the skeleton lacks")
    rest_places, rest_turns = kinematics.rest_joints(skeleton)
    places, turns = kinematics.world_joints(
        skeleton, motion.root_position[rows], motion.rotations[rows]
    )
    matrices = rotation.to_matrix(rotation.multiply(turns, rotation.inverse(rest_turns)))
    shifts = places - np.einsum("tjab,jb->tja", matrices, rest_places)
    return skinning.skinned(mesh.vertices, mesh.joints, mesh.weights, matrices, shifts)


def _strongest(joints: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Four joints ``(V, 4)`` and their shares ``(V, 4)``, largest first, summing to 1."""
    order = np.argsort(-weights, axis=1, kind="stable")[:, :_INFLUENCES]
    share = np.clip(np.take_along_axis(weights, order, axis=1), 0.0, None)
    named = np.take_along_axis(joints, order, axis=1)
    room = ((0, 0), (0, _INFLUENCES - order.shape[1]))
    share, named = np.pad(share, room), np.pad(named, room)
    return np.where(share > 0, named, 0), share / share.sum(axis=1, keepdims=True)


def _same(skeleton: Skeleton, other: Skeleton) -> bool:
    return (
        skeleton.joints == other.joints
        and np.array_equal(skeleton.parents, other.parents)
        and bool(np.allclose(skeleton.rest_local[1:], other.rest_local[1:], atol=_APART))
        and bool(np.allclose(skeleton.rest_local[0, :3, :3], np.eye(3), atol=_APART))
    )
