"""Files in the layouts of the SMPL family, made of the house body."""

import functools
import pickle  # noqa: TID251 -- these are the files that the restricted reader is for
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from choreoscope.motion.bodies.house import house_body
from choreoscope.motion.bodies.model import BodyModel
from choreoscope.motion.bodies.smpl import Kind, house_name, joint_names

Content = dict[str, Any]


def content_of(kind: Kind) -> Content:
    """Members of a file of the family with the surface of a house body, pelvis near the origin."""
    return dict(made_content(kind))


@functools.cache
def made_content(kind: Kind) -> Content:
    rng = np.random.default_rng(1)
    body = house_body("adult", "low")
    chosen = np.arange(len(body.template))
    dense = np.zeros((len(chosen), len(body.joints)))
    np.put_along_axis(dense, body.skin_joints, body.skin_weights, axis=1)
    names = joint_names(kind)
    houses = [house_name(name) for name in names]
    if kind == "mano":
        chosen = np.flatnonzero(dense[:, [body.joints.index(name) for name in houses]].sum(1) > 0.5)
    at = {house: column for column, house in enumerate(houses)}
    weights = np.zeros((len(chosen), len(names)))
    for column, name in enumerate(body.joints):
        weights[:, at.get(name, heir(name, at))] += dense[chosen, column]
    weights += 1e-3 * rng.random(weights.shape) * (rng.random(weights.shape) < 0.02)
    count = len(chosen)
    back = np.full(len(body.template), -1)
    back[chosen] = np.arange(count)
    faces = back[body.faces]
    regressor = np.zeros((len(names), len(body.template)))
    skin = body.points["joints"]
    for row, house in enumerate(houses):
        if house in skin.names:
            at_house = skin.names.index(house)
            np.add.at(regressor[row], skin.vertices[at_house], skin.weights[at_house])
        else:
            gap = np.linalg.norm(body.template - face_place(body, house), axis=1)
            regressor[row, np.argsort(gap)[:6]] = 1 / 6
    regressor = regressor[:, chosen]
    regressor /= regressor.sum(axis=1, keepdims=True)
    shapes = {"smpl": 30, "smplh": 16, "smplx": 20, "mano": 10}[kind]
    directions = rng.normal(size=(count, 3, shapes)) * 0.01
    directions[..., :10] = body.shape_directions[chosen]
    posedirs = 1e-3 * rng.standard_normal((count, 3, 9 * (len(names) - 1)))
    return {
        "v_template": body.template[chosen] - body.joint_template[0],
        "shapedirs": directions,
        "posedirs": posedirs.astype(np.float32),
        "J_regressor": sparse.csc_matrix(regressor),
        "weights": weights / weights.sum(axis=1, keepdims=True),
        "kintree_table": tree(kind),
        "f": faces[(faces >= 0).all(axis=1)].astype(np.uint32),
        "bs_style": "lbs",
        "bs_type": "lrotmin",
    }


def heir(name: str, at: dict[str, int]) -> int:
    """Joint of a smaller tree that moves what another moved."""
    hand = f"{name.partition('_')[0]}_middle_1"
    return at[hand] if name[-2:] in ("_1", "_2", "_3") and hand in at else 0


def face_place(body: BodyModel, house: str) -> np.ndarray:
    """Jaw and eyes, which our body has not."""
    head = body.joint_template[body.joints.index("head")]
    side = {"left_eye": 0.03, "right_eye": -0.03}.get(house, 0.0)
    return head + np.array([side, 0.05 if side else -0.03, 0.1])


def tree(kind: Kind) -> np.ndarray:
    """As published: the root's parent is 2^32 - 1."""
    body = [0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19]
    fingers = [[wrist if bone == 0 else None for bone in (0, 1, 2)] * 5 for wrist in (20, 21)]
    rest = {
        "smpl": [20, 21],
        "smplh": fingers[0] + fingers[1],
        "smplx": [15, 15, 15, *fingers[0], *fingers[1]],
        "mano": [0 if bone == 0 else None for bone in (0, 1, 2)] * 5,
    }[kind]
    parents = [*(body if kind != "mano" else []), *rest]
    filled = [at if parent is None else parent for at, parent in enumerate(parents)]
    return np.array([[2**32 - 1, *filled], range(len(filled) + 1)], dtype=np.uint32)


def dense_of(content: Content) -> Content:
    return content | {"J_regressor": content["J_regressor"].toarray()}


def write(path: Path, content: Content, protocol: int = 2) -> Path:
    if path.suffix == ".npz":
        odd = {"part2num": np.array({"head": 15}, dtype=object)}
        np.savez(path, **(dense_of(content) | odd))
    else:
        old = pickle.dumps(content, protocol)
        old = old.replace(b"scipy.sparse._csc\n", b"scipy.sparse.csc\n")
        path.write_bytes(old.replace(b"numpy._core.multiarray\n", b"numpy.core.multiarray\n"))
    return path
