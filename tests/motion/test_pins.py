"""Pinned feet: unmoved where pinned, smooth around, the rest of the body as it was."""

import numpy as np
import pytest
from made_people import dancing, even_times, standing

from choreoscope.geometry import rotation
from choreoscope.geometry.kinematics import world_joints
from choreoscope.motion.feet import sole_points
from choreoscope.motion.pins import hold_feet
from choreoscope.motion.proportions import Proportions, default_proportions
from choreoscope.motion.skeletons import CONTACT_JOINTS, house_skeleton

MILLIMETRE = 0.001
SIZES = default_proportions()
SKELETON = house_skeleton(SIZES)
TIMES = even_times(3.0, 30)
Pose = tuple[np.ndarray, np.ndarray]


def dancer(seed: int = 3) -> Pose:
    person = dancing(np.random.default_rng(seed), TIMES)
    turn = rotation.from_rotation_vector(np.pi * np.eye(3)[0])
    pose = person.rotations.copy()
    pose[:, 0] = rotation.multiply(turn, pose[:, 0])
    return rotation.rotate(turn, person.root), pose


def pins(**rows: slice) -> np.ndarray:
    pinned = np.zeros((len(TIMES), 4), dtype=bool)
    for joint, span in rows.items():
        pinned[span, CONTACT_JOINTS.index(joint)] = True
    return pinned


def held(pose: Pose, pinned: np.ndarray) -> Pose:
    return hold_feet(SKELETON, SIZES, TIMES, pose, pinned)


def soles(pose: Pose, sizes: Proportions = SIZES) -> np.ndarray:
    return sole_points(SKELETON, sizes, *pose)


def wander(points: np.ndarray) -> float:
    return float(np.ptp(points, axis=0).max())


FOOT = {"left_foot": slice(30, 60), "left_toes": slice(30, 60)}


@pytest.mark.parametrize("seed", range(5))
def test_a_pinned_foot_does_not_move(seed: int) -> None:
    before = dancer(seed)
    after = held(before, pins(**FOOT))
    assert wander(soles(after)[30:60, :2]) < MILLIMETRE
    assert wander(soles(before)[30:60, :2]) > 50 * MILLIMETRE


@pytest.mark.parametrize(("joint", "column"), [("right_foot", 2), ("right_toes", 3)])
def test_one_end_of_a_foot_alone(joint: str, column: int) -> None:
    before = dancer()
    after = held(before, pins(**{joint: slice(20, 50)}))
    assert wander(soles(after)[20:50, column]) < MILLIMETRE
    other = 5 - column
    assert wander(soles(after)[20:50, other]) > 5 * MILLIMETRE


def test_both_feet_at_once() -> None:
    before = dancer()
    rows = slice(30, 60)
    after = held(before, pins(**dict.fromkeys(CONTACT_JOINTS, rows)))
    assert wander(soles(after)[rows]) < MILLIMETRE
    assert wander(soles(before)[rows]) > 50 * MILLIMETRE


def test_a_foot_rolls_from_heel_to_toes() -> None:
    after = held(dancer(), pins(left_foot=slice(20, 50), left_toes=slice(35, 70)))
    points = soles(after)
    assert wander(points[20:50, 0]) < MILLIMETRE
    assert wander(points[35:70, 1]) < MILLIMETRE
    assert wander(points[50:70, 0]) > 5 * MILLIMETRE


def test_a_foot_swivels_on_its_heel_and_on_its_ball() -> None:
    for still, moving in (("left_foot", "left_toes"), ("left_toes", "left_foot")):
        pinned = pins(**{still: slice(10, 80), moving: slice(10, 30)})
        pinned |= pins(**{moving: slice(50, 80)})
        points = soles(held(dancer(), pinned))
        one, other = CONTACT_JOINTS.index(still), CONTACT_JOINTS.index(moving)
        assert wander(points[10:80, one]) < MILLIMETRE
        assert wander(points[10:30, other]) < MILLIMETRE
        assert wander(points[50:80, other]) < MILLIMETRE


def test_only_the_leg_changes_and_only_around_the_pin() -> None:
    before = dancer()
    short = dict.fromkeys(FOOT, slice(30, 45))
    root, rotations = held(before, pins(**short))
    away = np.r_[:25, 50:90]
    apart = rotation.angle_between(rotations, before[1])
    assert apart[away].max() < 1e-6
    leg = [SKELETON.index(f"left_{part}") for part in ("thigh", "shin", "foot", "toes")]
    assert np.delete(apart, leg, axis=1).max() < 1e-6
    assert apart[30:45, leg].max() > 0.05
    np.testing.assert_array_equal(root, before[0])


def test_bones_keep_their_lengths_and_knees_bend_their_way() -> None:
    after = held(dancer(), pins(**FOOT))
    joints, _ = world_joints(SKELETON, *after)
    lengths = np.linalg.norm(joints[:, 1:] - joints[:, SKELETON.parents[1:]], axis=-1)
    assert np.ptp(lengths, axis=0).max() < 1e-9
    bend = rotation.to_rotation_vector(after[1][:, SKELETON.index("left_shin")])
    assert bend[:, 0].min() > -0.05


def test_it_leads_in_and_out_smoothly() -> None:
    before = dancer()
    after = held(before, pins(**FOOT))
    steps = np.linalg.norm(np.diff(soles(after)[:, 0], axis=0), axis=-1)
    usual = np.linalg.norm(np.diff(soles(before)[:, 0], axis=0), axis=-1)
    assert steps.max() < 3 * usual.max()


def test_the_body_follows_where_a_leg_is_too_short() -> None:
    _, _, root, pose = standing(TIMES, np.array([0.0, -4.0]))
    walking = root + TIMES[:, None] * 0.9 * np.eye(3)[0]
    rows = slice(0, 90)
    after = held((walking, pose), pins(left_foot=rows, left_toes=rows))
    assert wander(soles(after)[:, :2]) < MILLIMETRE
    assert wander(after[0]) < wander(walking)
    assert np.isfinite(after[1]).all()


def test_nothing_pinned_changes_nothing() -> None:
    before = dancer()
    after = held(before, pins())
    assert after[0] is before[0]
    assert after[1] is before[1]
