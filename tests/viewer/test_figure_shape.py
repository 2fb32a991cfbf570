"""The simple figure: sides, thickness, a nose that points forward, tips that reach."""

import numpy as np
import pytest
from viewer_builders import MakeMotion

from choreoscope.datatypes.motion import Skeleton
from choreoscope.geometry import kinematics, rotation
from choreoscope.viewer.figure import (
    LEFT,
    MIDDLE,
    RIGHT,
    figure_of,
    figure_points,
    tip_joints,
    trail_joints,
)


def test_sides_follow_names(skeleton: Skeleton) -> None:
    figure = figure_of(skeleton)
    for (start, _), side in zip(figure.ends, figure.sides, strict=True):
        name = skeleton.joints[start]
        wanted = LEFT if "left" in name else RIGHT if "right" in name else MIDDLE
        assert side == wanted


@pytest.mark.parametrize(
    ("left", "right"), [("L_Knee", "R_Knee"), ("LowerArm_L", "LowerArm_R"), ("LHip", "RHip")]
)
def test_other_ways_to_name_sides(left: str, right: str) -> None:
    rest = np.tile(np.eye(4), (3, 1, 1))
    rest[1:, :3, 3] = [(0.1, 0, 0), (-0.1, 0, 0)]
    tips = np.array([[np.nan] * 3, [0, -0.4, 0], [0, -0.4, 0]])
    skeleton = Skeleton(
        name="x",
        joints=("Hips", left, right),
        parents=np.array([-1, 0, 0]),
        rest_local=rest,
        tips=tips,
        mirror=np.array([0, 2, 1]),
    )
    assert list(figure_of(skeleton).sides) == [MIDDLE, MIDDLE, LEFT, RIGHT]


def test_both_sides_are_equally_thick(skeleton: Skeleton) -> None:
    figure = figure_of(skeleton)
    radii = {
        skeleton.joints[start]: radius
        for (start, _), radius in zip(figure.ends, figure.radii, strict=True)
    }
    for name, radius in radii.items():
        if name.startswith("left_"):
            assert np.array_equal(radius, radii[name.replace("left_", "right_")])
    assert radii["left_thigh"][0] > radii["left_shin"][1] > radii["left_hand"][1]


def test_limbs_are_parts(skeleton: Skeleton) -> None:
    figure = figure_of(skeleton)
    part = {
        skeleton.joints[start]: number
        for (start, _), number in zip(figure.ends, figure.parts, strict=True)
    }
    assert part["left_upper_arm"] == part["left_hand"]
    assert part["left_upper_arm"] != part["right_upper_arm"]
    assert part["pelvis"] == part["chest"] != part["head"]


def test_points_are_joints_then_tips_then_nose(skeleton: Skeleton, make_motion: MakeMotion) -> None:
    motion = make_motion(3)
    points = figure_points(motion)
    joints, turns = kinematics.of_motion(motion)
    tips = tip_joints(skeleton)
    assert points.shape == (3, len(skeleton.joints) + len(tips) + 1, 3)
    assert np.array_equal(points[:, : len(skeleton.joints)], joints)
    reached = kinematics.tip_positions(skeleton, joints, turns)[:, tips]
    radii = figure_of(skeleton).radii[len(skeleton.joints) - 1 :][: len(tips), 1]
    drawn = points[:, len(skeleton.joints) : -1]
    gap = np.linalg.norm(reached - drawn, axis=-1)
    assert np.allclose(gap, radii, atol=1e-9)
    assert figure_of(skeleton).ends.max() == points.shape[1] - 1


def test_the_nose_points_where_the_person_looks(
    skeleton: Skeleton, make_motion: MakeMotion
) -> None:
    motion = make_motion(2)
    head = skeleton.index("head")
    ahead = figure_points(motion)[0, -1] - figure_points(motion)[0, head]
    assert np.allclose(ahead / np.linalg.norm(ahead), (0, 0, 1))
    turned = motion.rotations.copy()
    turned[:, 0] = rotation.from_rotation_vector([0.0, np.pi / 2, 0.0])
    object.__setattr__(motion, "rotations", turned)
    ahead = figure_points(motion)[0, -1] - figure_points(motion)[0, head]
    assert np.allclose(ahead / np.linalg.norm(ahead), (1, 0, 0))


def test_unknown_bones_get_slim_capsules() -> None:
    rest = np.tile(np.eye(4), (2, 1, 1))
    rest[1, :3, 3] = (0, 0.2, 0)
    plain = Skeleton(
        name="x",
        joints=("a", "b"),
        parents=np.array([-1, 0]),
        rest_local=rest,
        tips=np.full((2, 3), np.nan),
        mirror=np.array([0, 1]),
    )
    figure = figure_of(plain)
    assert figure.ends.tolist() == [[0, 1]]
    assert 0 < figure.radii[0, 0] <= 0.05


def test_trails_are_hands_and_feet(skeleton: Skeleton) -> None:
    names = {skeleton.joints[joint] for joint in trail_joints(skeleton)}
    assert names == {"left_hand", "right_hand", "left_foot", "right_foot"}
