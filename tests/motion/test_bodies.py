"""Our own bodies: data that hold together, points that are where they are said to be."""

import dataclasses

import numpy as np
import pytest

from choreoscope.geometry import rotation
from choreoscope.motion.bodies.house import house_body, shape_of_stature
from choreoscope.motion.bodies.measures import measures
from choreoscope.motion.bodies.model import BodyModel
from choreoscope.motion.bodies.points import (
    place_points,
    points_of_regressor,
    points_of_vertices,
    pose_body,
)
from choreoscope.motion.bodies.posing import posed_vertices

COUNTS = {"blazepose33": 33, "coco17": 17, "coco19": 19, "h36m17": 17, "wholebody133": 133}
COUNTS |= {"joints": 52, "tips": 13, "soles": 10, "contacts": 10, "mass": 1}
MEAN = np.zeros(10)


@pytest.fixture(params=["adult-full", "adult-low", "child-full", "child-low"])
def model(request: pytest.FixtureRequest) -> BodyModel:
    kind, detail = request.param.split("-")
    return house_body(kind, detail)


def wild(count: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    turns = rotation.from_rotation_vector(rng.normal(size=(count, 52, 3)) * 0.35)
    return rng.normal(size=(count, 3)), turns


def bent(model: BodyModel, **degrees: float) -> np.ndarray:
    """Both sides' joints turned about X."""
    turns = rotation.identity(1, 52)
    for name, angle in degrees.items():
        turn = rotation.from_rotation_vector(np.radians([angle, 0.0, 0.0]))
        for side in ("left", "right"):
            turns[0, model.joints.index(f"{side}_{name}")] = turn
    return turns


def shares(model: BodyModel) -> np.ndarray:
    dense = np.zeros((len(model.template), len(model.joints)))
    np.put_along_axis(dense, model.skin_joints, model.skin_weights, axis=1)
    return dense


def placed(model: BodyModel, name: str, turns: np.ndarray, root: np.ndarray) -> np.ndarray:
    points = points_of_regressor(model, model.points[name])
    return place_points(points, MEAN, pose_body(model, MEAN, root, turns))


def test_rest_pose_is_the_template(model: BodyModel) -> None:
    root = model.rest_joints(MEAN)[:1]
    still = posed_vertices(model, MEAN, root, rotation.identity(1, 52))
    np.testing.assert_allclose(still[0], model.template, atol=2e-6)
    assert np.abs(posed_vertices(model, MEAN, root, bent(model, shin=30))[0] - still).max() > 0.1


def test_turning_and_scaling_the_whole(model: BodyModel) -> None:
    root, turns = wild()
    turn = rotation.from_rotation_vector(np.array([0.3, -1.2, 0.5]))
    moved = turns.copy()
    moved[:, 0] = rotation.multiply(turn, turns[:, 0])
    first = posed_vertices(model, MEAN, root, turns)
    second = posed_vertices(model, MEAN, rotation.rotate(turn, root) + 1.0, moved)
    np.testing.assert_allclose(second, rotation.rotate(turn, first) + 1.0, atol=3e-6)
    large = posed_vertices(model, MEAN, root, turns, scale=2.0) - root[:, None]
    np.testing.assert_allclose(large, 2 * (first - root[:, None]), atol=5e-6)


def test_points_of_vertices_are_posed_vertices(model: BodyModel) -> None:
    root, turns = wild()
    chosen = np.arange(0, len(model.template), 97)
    shape = np.array([1.0, -0.5, 0.3])
    points = place_points(
        points_of_vertices(model, chosen), shape, pose_body(model, shape, root, turns)
    )
    # Shares under 1e-4 are left out of boiled points.
    np.testing.assert_allclose(
        posed_vertices(model, shape, root, turns)[:, chosen], points, atol=3e-4
    )


def test_pose_directions_shift_the_skin() -> None:
    plain = house_body("adult", "low")
    directions = np.zeros((len(plain.template), 3, 9 * 51))
    shin = plain.joints.index("left_shin")
    directions[:, 0, 9 * (shin - 1) + 4] = 0.1
    model = dataclasses.replace(plain, pose_directions=directions)
    turns = bent(plain, shin=90)
    root = np.zeros((1, 3))
    step = posed_vertices(model, MEAN, root, turns) - posed_vertices(plain, MEAN, root, turns)
    head = shares(plain)[:, plain.joints.index("head")] > 0.999
    np.testing.assert_allclose(step[0, head], np.tile([-0.1, 0.0, 0.0], (head.sum(), 1)), atol=1e-5)


def test_joint_points_are_the_joints(model: BodyModel) -> None:
    joints = model.points["joints"]
    assert joints.names == model.joints
    limit = 2e-3 if len(model.template) > 2000 else 3e-3
    assert np.abs(joints(model.template) - model.joint_template).max() < limit
    for value in (-1.0, 1.0):
        shape = value * np.eye(10)[0]
        gap = joints(model.rest_vertices(shape)) - model.rest_joints(shape)
        assert np.abs(gap).max() < 6e-3
    root, turns = wild()
    apart = placed(model, "joints", turns, root) - pose_body(model, MEAN, root, turns).places
    assert np.linalg.norm(apart, axis=-1).mean() < 2e-3
    assert np.linalg.norm(apart, axis=-1).max() < 0.02


def test_both_sides_are_alike() -> None:
    for kind in ("adult", "child"):
        model = house_body(kind, "full")
        other = model.joint_template[model.mirror] * (-1, 1, 1)
        np.testing.assert_allclose(other, model.joint_template, atol=1e-5)
        for name in ("soles", "contacts", "joints", "coco17"):
            points = model.points[name]
            at = dict(zip(points.names, points(model.template), strict=True))
            for point in (one for one in at if one.startswith("left_")):
                np.testing.assert_allclose(
                    at[point], at[point.replace("left", "right")] * (-1, 1, 1), atol=1e-3
                )


def test_t_pose(model: BodyModel) -> None:
    at = dict(zip(model.joints, model.joint_template, strict=True))
    for side, out in (("left", 1.0), ("right", -1.0)):
        arm = at[f"{side}_hand"] - at[f"{side}_upper_arm"]
        np.testing.assert_allclose(arm / np.linalg.norm(arm), [out, 0, 0], atol=1e-3)
        assert at[f"{side}_toes"][2] > at[f"{side}_foot"][2] + 0.05, "faces +Z"
    assert abs(model.template[:, 1].min()) < 2e-3
    assert model.points["blazepose33"](model.template)[0, 2] > at["head"][2]


def test_nothing_follows_the_other_side(model: BodyModel) -> None:
    dense = shares(model)
    sides = {s: np.array([n.startswith(s) for n in model.joints]) for s in ("left", "right")}
    x = model.template[:, 0]
    assert dense[x < -0.01][:, sides["left"]].max() == 0
    assert dense[x > 0.01][:, sides["right"]].max() == 0
    for points in model.points.values():
        follows = np.einsum("pk,pkj->pj", points.weights, dense[points.vertices])
        for name, own in zip(points.names, follows, strict=True):
            for side, other in (("left", "right"), ("right", "left")):
                if name.startswith(side):
                    assert np.abs(own[sides[other]]).max() < 1e-3, name


def test_soles_lie_on_the_ground_and_follow_heel_and_toes(model: BodyModel) -> None:
    soles, dense = model.points["soles"], shares(model)
    height = soles(model.template)[:, 1] - model.template[:, 1].min()
    assert np.abs(height).max() < 3e-3
    follows = np.einsum("pk,pkj->pj", soles.weights, dense[soles.vertices])
    for name, own in zip(soles.names, follows, strict=True):
        side, part = name.split("_", 1)
        joint = f"{side}_foot" if part.startswith("heel") else f"{side}_toes"
        assert own[model.joints.index(joint)] > 0.95, name


@pytest.mark.parametrize(
    ("name", "bends"), [("seat", {"thigh": -90}), ("knee", {"shin": 90, "foot": 75})]
)
def test_contacts_touch(model: BodyModel, name: str, bends: dict[str, float]) -> None:
    root = np.zeros((1, 3))
    turns = bent(model, **bends)
    low = posed_vertices(model, MEAN, root, turns)[0, :, 1].min()
    at = placed(model, "contacts", turns, root)[0]
    index = model.points["contacts"].names.index(f"left_{name}")
    assert abs(at[index, 1] - low) < 0.015
    head = model.points["contacts"].names.index("left_elbow")
    assert abs(at[head, 1] - low) > 0.2


def test_both_details_agree() -> None:
    root, turns = wild()
    for kind in ("adult", "child"):
        full, low = house_body(kind, "full"), house_body(kind, "low")
        for name, count in COUNTS.items():
            assert len(full.points[name].names) == len(low.points[name].names) == count
            rest = full.points[name](full.template) - low.points[name](low.template)
            assert np.linalg.norm(rest, axis=-1).max() < 4e-3, name
            apart = placed(full, name, turns, root) - placed(low, name, turns, root)
            assert np.linalg.norm(apart, axis=-1).mean() < 4e-3, name


def test_measures_and_statures(model: BodyModel) -> None:
    steps = [dataclasses.astuple(measures(model, np.array([x]))) for x in (-2.0, -1, 0, 1, 2)]
    assert (np.diff(np.array(steps), axis=0) > 0).all()
    one, two = (measures(model, MEAN, scale) for scale in (1.0, 2.0))
    np.testing.assert_allclose(dataclasses.astuple(two), 2 * np.array(dataclasses.astuple(one)))
    assert 0.9 < one.arm_span / one.stature < 1.1
    assert 0.4 < one.leg_length / one.stature < 0.52
    for metres in (1.6, 1.8) if "adult" in model.name else (1.0, 1.3):
        shape = shape_of_stature(model, metres)
        assert abs(model.stature(shape) - metres) < 1e-3
