import dataclasses

import numpy as np
import pytest
from made_people import body_points, dancing, even_times

from choreoscope.datatypes.errors import InputError
from choreoscope.geometry.kinematics import rest_joints, tip_positions
from choreoscope.motion.inverse_kinematics import BONES, HINGES
from choreoscope.motion.proportions import (
    FRACTIONS,
    default_proportions,
    measure,
    weighted_quantile,
)
from choreoscope.motion.skeletons import CONTACT_JOINTS, house_skeleton, sole_offsets


def test_shares_of_stature_add_up_to_one() -> None:
    assert FRACTIONS.stature == pytest.approx(1.0, abs=1e-12)
    assert default_proportions(1.83).stature == pytest.approx(1.83)


def test_the_house_skeleton_stands_on_the_floor_in_a_t_pose() -> None:
    sizes = default_proportions(1.75)
    skeleton = house_skeleton(sizes)
    joints, _ = rest_joints(skeleton)
    tips = tip_positions(skeleton, joints, np.tile([1.0, 0, 0, 0], (len(joints), 1)))
    assert len(skeleton.joints) == 52
    assert tips[skeleton.index("head"), 1] == pytest.approx(1.75)
    assert np.all(skeleton.rest_local[:, :3, :3] == np.eye(3))
    soles = sole_offsets(sizes)
    for side in ("left", "right"):
        foot, toes = skeleton.index(f"{side}_foot"), skeleton.index(f"{side}_toes")
        assert joints[foot, 1] + soles["heel"][1] == pytest.approx(0.0, abs=1e-12)
        assert joints[toes, 1] + soles["ball"][1] == pytest.approx(0.0, abs=1e-12)
        length = (joints[toes] + soles["tip"] - joints[foot] - soles["heel"])[2]
        assert length == pytest.approx(sizes.foot_length)
    hand = skeleton.index("left_middle_3")
    reach = tips[hand, 0] - joints[skeleton.index("left_hand"), 0]
    assert reach == pytest.approx(sizes.hand, rel=0.01)
    assert joints[skeleton.index("left_hand"), 0] > 0 > joints[skeleton.index("right_hand"), 0]
    assert set(CONTACT_JOINTS) <= set(skeleton.joints)


def test_mirror_images_are_mirror_images() -> None:
    skeleton = house_skeleton(default_proportions())
    mirrored = skeleton.rest_local[skeleton.mirror, :3, 3] * [-1, 1, 1]
    np.testing.assert_allclose(skeleton.rest_local[:, :3, 3], mirrored, atol=1e-15)
    tips = skeleton.tips[skeleton.mirror] * [-1, 1, 1]
    np.testing.assert_allclose(skeleton.tips, tips, atol=1e-15)
    assert skeleton.joints[skeleton.mirror[skeleton.index("left_toes")]] == "right_toes"


def test_hinges_stand_at_right_angles_to_their_bones() -> None:
    assert all(abs(np.dot(HINGES[name], BONES[name])) == 0 for name in HINGES)


def test_bones_are_measured_and_scale_is_reported(rng: np.random.Generator) -> None:
    person = dancing(rng, even_times(3.0, 30), stature=1.80)
    points = body_points(person)
    found = measure(points * 0.9, np.ones(points.shape[:2]), 1.80)
    assert found.detector_stature == pytest.approx(0.9 * 1.80, rel=0.01)
    assert found.metres_per_unit == pytest.approx(1 / 0.9, rel=0.01)
    for name, size in dataclasses.asdict(person.sizes).items():
        assert getattr(found.proportions, name) == pytest.approx(size, rel=0.015), name


def test_odd_limbs_are_measured_but_not_impossible_ones(rng: np.random.Generator) -> None:
    points = body_points(dancing(rng, even_times(2.0, 30)))
    longer = points.copy()
    for side in (0, 1):
        arm = points[:, 15 + side] - points[:, 13 + side]
        for far in (15, 17, 19, 21):
            longer[:, far + side] += 0.12 * arm
    ones = np.ones(points.shape[:2])
    before, after = (measure(each, ones, 1.70).proportions for each in (points, longer))
    assert after.forearm / before.forearm == pytest.approx(1.12, abs=0.02)
    longer[:, 15:23] += 3 * (points[:, 15:23] - points[:, [13, 14] * 4])
    giant = measure(longer, ones, 1.70).proportions
    assert giant.forearm < 1.35 * before.forearm


def test_wild_frames_do_not_change_a_median(rng: np.random.Generator) -> None:
    points = body_points(dancing(rng, even_times(3.0, 30)))
    wild = points.copy()
    wild[::5] *= rng.uniform(0.3, 3.0, (18, 1, 1))
    ones = np.ones(points.shape[:2])
    calm, shaken = (measure(each, ones, 1.70).proportions for each in (points, wild))
    for name, size in dataclasses.asdict(calm).items():
        assert getattr(shaken, name) == pytest.approx(size, rel=0.03), name


def test_unseen_parts_take_their_usual_share(rng: np.random.Generator) -> None:
    points = body_points(dancing(rng, even_times(1.0, 30)))
    weights = np.ones(points.shape[:2])
    weights[:, 25:] = 0.0
    points[:, 25:] = 99.0
    sizes = measure(points, weights, 1.70).proportions
    assert sizes.shin / sizes.stature == pytest.approx(FRACTIONS.shin, rel=0.05)


def test_no_evidence_is_the_average_adult() -> None:
    found = measure(np.zeros((5, 33, 3)), np.zeros((5, 33)), None)
    assert found.proportions.stature == pytest.approx(1.70)
    assert np.isnan(found.detector_stature)
    assert found.metres_per_unit == pytest.approx(1.0)


@pytest.mark.parametrize("height", [0.0, -1.0, 17.0, np.nan])
def test_impossible_heights_are_refused(height: float) -> None:
    with pytest.raises(InputError, match=r"body height of 0\.4 to 2\.6 m"):
        measure(np.zeros((1, 33, 3)), np.zeros((1, 33)), height)


def test_weighted_quantiles() -> None:
    values = np.array([5.0, 1.0, 3.0, 100.0])
    assert weighted_quantile(values, np.array([1.0, 1, 1, 0]), 0.5) == pytest.approx(3.0)
    assert weighted_quantile(values, np.array([1.0, 10, 1, 0]), 0.5) < 2.0
