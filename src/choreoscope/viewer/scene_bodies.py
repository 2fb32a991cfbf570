"""Bodies for the 3D view: one surface for each person, bent in the page by the turns of the joints.

What people of one model share (faces, skin) is stored once. Rest vertices are steps of the
longest coordinate (int16), weights bytes, turns int16 quaternions wxyz of world-from-rest, little
endian, base64. `clock.js` unpacks and `figures.js` bends exactly this, as `bent` does in Python.
"""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np

from choreoscope.datatypes.mesh import SkinnedMesh
from choreoscope.datatypes.motion import Motion
from choreoscope.formats.body_npz import BodyFile
from choreoscope.geometry import kinematics, rotation
from choreoscope.motion.body_figure import figure_of_person
from choreoscope.viewer.surface import right_share

BYTES_PER_JOINT = 8
"""Of one row's turns."""
_LONGEST, _FULL = 32767, 255


def real_bodies(
    motions: Mapping[str, Motion], bodies: Mapping[str, BodyFile]
) -> dict[str, SkinnedMesh]:
    """Surfaces of those people whose body can be drawn."""
    found = {}
    for person, motion in motions.items():
        mesh, real = figure_of_person(motion.skeleton, bodies.get(person), "low")
        if real:
            found[person] = mesh
    return found


def pack_skin(motion: Motion, mesh: SkinnedMesh) -> dict[str, Any]:
    """Pack what all people of one model share, ready for JSON."""
    shares = mesh.weights * _FULL
    weights = np.floor(shares)
    # The largest gets what rounding left over, so that bytes sum to 255 as weights do to 1.
    weights[:, 0] += _FULL - weights.sum(axis=1)
    return {
        "faces": _base64(mesh.faces.astype("<u2")),
        "joints": _base64(mesh.joints.astype("u1")),
        "weights": _base64(weights.astype("u1")),
        "right": _base64(np.rint(right_share(motion.skeleton, mesh) * _FULL).astype("u1")),
    }


def pack_body(motion: Motion, mesh: SkinnedMesh, rows: np.ndarray) -> dict[str, Any]:
    """Pack one person's shape and turns, ready for JSON.

    Parameters
    ----------
    motion : Motion
        T frames.
    mesh : SkinnedMesh
        Bound to its skeleton.
    rows : (N,) int
        Rows that are kept.
    """
    places, rest = kinematics.rest_joints(motion.skeleton)
    step = float(np.abs(mesh.vertices).max()) / _LONGEST
    _, turns = kinematics.world_joints(
        motion.skeleton, motion.root_position[rows], motion.rotations[rows]
    )
    moved = rotation.multiply(turns, rotation.inverse(rest))
    if len(moved):
        moved = rotation.with_continuous_signs(moved)
    return {
        "step": step,
        "vertices": _base64(np.rint(mesh.vertices / step).astype("<i2")),
        "rest": _base64(places.astype("<f4")),
        "turns": _base64(np.rint(moved * _LONGEST).astype("<i2")),
    }


def bent(scene: Mapping[str, Any], person: Mapping[str, Any], points: np.ndarray) -> np.ndarray:
    """Bend a packed body as the page's script does.

    Parameters
    ----------
    scene : mapping
        From `scene_data.scene_of`.
    person : mapping
        One of its people who has a body.
    points : (M, P, 3) float
        That person's, from `scene_data.unpack_person`; the joints come first.

    Returns
    -------
    (M, V, 3) float
        World, metres.
    """
    body = person["body"]
    skin = scene["skins"][body["skin"]]
    vertices = _numbers(body["vertices"], "<i2").reshape(-1, 3) * float(body["step"])
    rest = _numbers(body["rest"], "<f4").reshape(-1, 3)
    turns = _numbers(body["turns"], "<i2").reshape(len(points), len(rest), 4)
    matrices = rotation.to_matrix(rotation.normalized(turns / _LONGEST))
    joints = _numbers(skin["joints"], "u1").reshape(-1, 4)
    weights = _numbers(skin["weights"], "u1").reshape(-1, 4) / _FULL
    placed = np.zeros((len(points), len(vertices), 3))
    for slot in range(4):
        joint = joints[:, slot]
        arm = vertices - rest[joint]
        moved = np.einsum("tvab,vb->tva", matrices[:, joint], arm) + points[:, joint]
        placed += weights[:, slot, None] * moved
    return placed


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def _numbers(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text, validate=True), dtype=kind)
