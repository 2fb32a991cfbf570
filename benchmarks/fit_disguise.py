"""The house body as a 24-joint body in SMPL's order, and as the file smplfitter reads."""

import pickle  # noqa: TID251 - smplfitter reads nothing else; the file is our own
from pathlib import Path

import numpy as np

from choreoscope.motion.bodies.house import house_body
from choreoscope.motion.bodies.model import BodyModel
from choreoscope.motion.fit.body import spread_vertices

VERTICES, INFLUENCES, NEAR = 6890, 6, 30
JOINTS = [
    *("pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2"),
    *("left_ankle", "right_ankle", "spine3", "left_foot", "right_foot", "neck", "left_collar"),
    *("right_collar", "head", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow"),
    *("left_wrist", "right_wrist", "left_hand", "right_hand"),
]
PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)
FIXED = [JOINTS.index(f"{side}_{name}") for side in ("left", "right") for name in ("foot", "hand")]
"""Joints that smplfitter does not turn, or that move next to nothing."""
_OURS = {
    "hip": "thigh",
    "knee": "shin",
    "ankle": "foot",
    "foot": "toes",
    "collar": "clavicle",
    "shoulder": "upper_arm",
    "elbow": "forearm",
    "wrist": "hand",
    "hand": "middle_1",
    "spine1": "spine_low",
    "spine2": "spine_mid",
    "spine3": "spine_high",
}


def smpl_body() -> BodyModel:
    """House adult with SMPL's joints and number of vertices; fingers follow the hand."""
    house = house_body("adult", "full")
    chosen = spread_vertices(house, VERTICES)
    own = [house.joints.index(_house_name(name)) for name in JOINTS]
    target = np.array([_nearest(house, joint, own) for joint in range(len(house.joints))])
    weights = np.zeros((VERTICES, len(JOINTS)))
    for column in range(house.skin_joints.shape[1]):
        at = (np.arange(VERTICES), target[house.skin_joints[chosen, column]])
        np.add.at(weights, at, house.skin_weights[chosen, column])
    joints = np.argsort(-weights, axis=1, kind="stable")[:, :INFLUENCES]
    shares = np.take_along_axis(weights, joints, axis=1)
    return BodyModel(
        name="house-24",
        tier="commercial",
        joints=tuple(JOINTS),
        parents=np.array(PARENTS),
        mirror=np.arange(len(JOINTS)),
        template=house.template[chosen],
        shape_directions=house.shape_directions[chosen],
        joint_template=house.joint_template[own],
        joint_directions=house.joint_directions[own],
        skin_joints=joints,
        skin_weights=shares / shares.sum(axis=1, keepdims=True),
        faces=np.zeros((1, 3), dtype=np.int64),
        uv=np.zeros((0, 2)),
        points={},
    )


def write_smpl(body: BodyModel, folder: Path) -> None:
    """Write the body as the files smplfitter asks for."""
    weights = np.zeros((VERTICES, len(JOINTS)))
    np.put_along_axis(weights, np.array(body.skin_joints), body.skin_weights, axis=1)
    regressor = np.zeros((len(JOINTS), VERTICES))
    for joint, place in enumerate(body.joint_template):
        distance = np.linalg.norm(body.template - place, axis=1)
        regressor[joint, np.argsort(distance)[:NEAR]] = 1 / NEAR
    content = {
        "v_template": np.array(body.template),
        "shapedirs": np.array(body.shape_directions),
        "posedirs": np.zeros((VERTICES, 3, 9 * (len(JOINTS) - 1))),
        "J_regressor": regressor,
        "J_template": np.array(body.joint_template),
        "J_shapedirs": np.array(body.joint_directions),
        "weights": weights,
        "f": np.zeros((1, 3), dtype=np.uint32),
        "kintree_table": np.array([PARENTS, range(len(JOINTS))]),
    }
    with (folder / "basicmodel_neutral_lbs_10_207_0_v1.1.0.pkl").open("wb") as file:
        pickle.dump(content, file)
    np.save(folder / "kid_template.npy", np.zeros((VERTICES, 3)))


def _house_name(name: str) -> str:
    side, _, rest = name.partition("_")
    return f"{side}_{_OURS[rest]}" if rest else _OURS.get(name, name)


def _nearest(house: BodyModel, joint: int, own: list[int]) -> int:
    """Joint of ours that carries a house joint: itself or the nearest above, fingers the hand."""
    name = house.joints[joint]
    if name.split("_")[-1] in {"1", "2", "3"}:
        return JOINTS.index(f"{name.split('_')[0]}_hand")
    while joint not in own:
        joint = int(house.parents[joint])
    return own.index(joint)
