"""smplfitter (PyPI) in the place of our fit, in an environment of its own.

It knows SMPL bodies only, so ours goes there as an SMPL-H file of the same 52 joints: joints are
joints, every other point is a vertex that moves as the point does. Nothing is pickled.
"""

import functools
import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from choreoscope.geometry import rotation
from choreoscope.motion.bodies.model import BodyModel
from choreoscope.motion.bodies.points import BodyPoints, pose_body
from choreoscope.motion.classic.fitter import TrackFit

ENVIRONMENT = "CHOREOSCOPE_SMPLFITTER_PYTHON"
"""Variable that names the interpreter of the environment with smplfitter."""
ROUNDS = 3
_SIDES = ("left", "right")
_TRUNK = (
    "pelvis",
    "left_thigh",
    "right_thigh",
    "spine_low",
    "left_shin",
    "right_shin",
    "spine_mid",
    "left_foot",
    "right_foot",
    "spine_high",
    "left_toes",
    "right_toes",
    "neck",
    "left_clavicle",
    "right_clavicle",
    "head",
    "left_upper_arm",
    "right_upper_arm",
    "left_forearm",
    "right_forearm",
    "left_hand",
    "right_hand",
)
_FINGERS = ("index", "middle", "pinky", "ring", "thumb")
SMPLH_ORDER = (
    *_TRUNK,
    *(f"{side}_{finger}_{bone}" for side in _SIDES for finger in _FINGERS for bone in (1, 2, 3)),
)
"""House joints in the order of SMPL-H's."""


def interpreter() -> str:
    """Interpreter that has smplfitter; empty where there is none."""
    named = os.environ.get(ENVIRONMENT, "")
    if named:
        return named
    found = importlib.util.find_spec("smplfitter") and importlib.util.find_spec("torch")
    return sys.executable if found else ""


@functools.cache
def lacking() -> str:
    """Why it cannot run here; empty if it can."""
    python = interpreter()
    if not python:
        return f"smplfitter is not installed; 'pip install choreoscope[bench]' or set {ENVIRONMENT}"
    tried = subprocess.run(
        [python, "-c", "import smplfitter.pt"], check=False, capture_output=True, text=True
    )
    return "" if tried.returncode == 0 else tried.stderr.strip().splitlines()[-1]


def fit(
    model: BodyModel,
    points: BodyPoints,
    places: np.ndarray,
    weights: np.ndarray,
    *,
    free_size: bool,
) -> TrackFit:
    """Fit as `choreoscope.motion.classic.fitter.fit_track` does, by smplfitter.

    Parameters
    ----------
    model : BodyModel
        With the joints of the house skeleton.
    points : BodyPoints
        P points; those named like joints are joints.
    places : (N, P, 3) float
        Metres; anything where the weight is 0.
    weights : (N, P) float
        0 where not seen.
    free_size : bool
        Whether each frame has a size of its own.

    Returns
    -------
    TrackFit
    """
    order = np.array([model.joints.index(name) for name in SMPLH_ORDER])
    is_joint = np.array([name in model.joints for name in points.names])
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "neutral").mkdir()
        np.savez(root / "neutral" / "model.npz", **_disguised(model, points, ~is_joint, order))
        np.save(root / "kid_template.npy", np.zeros(((~is_joint).sum(), 3)))
        share = len(points) / (6890 + 24)
        np.savez(
            root / "question.npz",
            vertices=places[:, ~is_joint],
            vertex_weights=weights[:, ~is_joint],
            free_size=free_size,
            share=share,
            rounds=ROUNDS,
            **_joint_targets(model, points, places, weights),
        )
        script = Path(__file__).with_name("shot_suite_smplfitter_run.py")
        subprocess.run([interpreter(), script, root], check=True)
        with np.load(root / "answer.npz") as answer:
            shape, trans = answer["shape"].astype(float), answer["trans"].astype(float)
            turns, scales = answer["turns"].astype(float), answer["scales"].astype(float)
    rotations = rotation.identity(len(places), len(model.joints))
    rotations[:, order] = rotation.from_matrix(turns)
    return TrackFit(
        shape=shape,
        root=trans + model.rest_joints(shape)[0],
        rotations=rotation.normalized(rotations),
        scales=1.0 / scales,
    )


def _disguised(
    model: BodyModel, points: BodyPoints, vertices: np.ndarray, order: np.ndarray
) -> dict[str, np.ndarray]:
    count, joints = int(vertices.sum()), len(order)
    skin = np.zeros((len(points), joints))
    place_of = np.argsort(order)
    for slot in range(points.joints.shape[1]):
        np.add.at(
            skin,
            (np.arange(len(points)), place_of[points.joints[:, slot]]),
            points.mass[:, slot],
        )
    parents = np.array([-1 if model.parents[j] < 0 else place_of[model.parents[j]] for j in order])
    return {
        "v_template": points.moment.sum(axis=1)[vertices],
        "shapedirs": points.shape_moment.sum(axis=1)[vertices],
        "posedirs": np.zeros((count, 3, 9 * (joints - 1))),
        "J_regressor": np.zeros((joints, count)),
        "J_template": model.joint_template[order],
        "J_shapedirs": model.joint_directions[order],
        "weights": skin[vertices],
        "f": np.array([[0, 1, 2]]),
        "kintree_table": np.stack([parents, np.arange(joints)]),
    }


def _joint_targets(
    model: BodyModel, points: BodyPoints, places: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """Where joints were seen; the others hang below their parents as at rest and weigh nothing."""
    joints = np.zeros((len(places), len(model.joints), 3))
    weight = np.zeros(joints.shape[:2])
    rest = pose_body(
        model,
        np.zeros(model.shape_count),
        model.joint_template[:1],
        rotation.identity(1, len(model.joints)),
    ).places[0]
    for joint, name in enumerate(model.joints):
        parent = int(model.parents[joint])
        if parent >= 0:
            joints[:, joint] = joints[:, parent] + rest[joint] - rest[parent]
        if name in points.names:
            column = points.names.index(name)
            seen = weights[:, column] > 0
            joints[seen, joint] = places[seen, column]
            weight[:, joint] = weights[:, column]
    order = [model.joints.index(name) for name in SMPLH_ORDER]
    return {"joints": joints[:, order], "joint_weights": weight[:, order]}
