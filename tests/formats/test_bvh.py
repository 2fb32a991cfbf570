"""BVH: written files are right for two independent readers; real dialects are understood."""

import dataclasses
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from bvh_second_reader import seen_by_bvhio
from hypothesis import given, settings
from hypothesis import strategies as st

from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.datatypes.motion import Motion, Skeleton
from choreoscope.formats.bvh import check_bvh, conformed, safe_names, write_bvh
from choreoscope.formats.bvh_reader import read_bvh
from choreoscope.geometry import kinematics, rotation
from choreoscope.motion.proportions import default_proportions
from choreoscope.motion.skeletons import house_skeleton
from motions import random_rotations, small_skeleton, uneven_times, wild_motion


def skeleton_named(name: str) -> Skeleton:
    # The house skeleton is not listed branch by branch, and BVH can only be.
    if name == "house":
        return house_skeleton(default_proportions())
    return small_skeleton(turned_rest=name == "turned-rest")


@pytest.fixture(params=["house", "world-aligned", "turned-rest"])
def motion(request: pytest.FixtureRequest) -> Motion:
    return wild_motion(skeleton_named(request.param))


def farthest(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a - b, axis=-1).max())


def test_two_readers_find_every_joint_within_a_tenth_of_a_millimetre(
    tmp_path: Path, motion: Motion
) -> None:
    path = tmp_path / "a.bvh"
    assert write_bvh(path, motion) is None
    expected, _ = kinematics.of_motion(motion)
    assert farthest(seen_by_bvhio(path, motion), expected) < 1e-5
    assert check_bvh(path, motion) < 1e-6
    found = read_bvh(path)
    assert found.notes == ()
    assert found.motion.rate == motion.rate
    there, here = found.motion.skeleton, motion.skeleton
    assert sorted(there.joints) == sorted(here.joints)
    for joint, name in enumerate(there.joints):
        own = here.index(name)
        assert there.joints[there.mirror[joint]] == here.joints[here.mirror[own]]
        assert joint == 0 or there.joints[there.parents[joint]] == here.joints[here.parents[own]]


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_any_rotations_survive(tmp_path_factory: pytest.TempPathFactory, seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    skeleton = small_skeleton(turned_rest=True)
    motion = dataclasses.replace(
        wild_motion(skeleton, frames=n),
        rotations=random_rotations(rng, n, 17),
        root_position=rng.normal(scale=20, size=(n, 3)),
    )
    path = tmp_path_factory.mktemp("any") / "a.bvh"
    write_bvh(path, motion)
    assert check_bvh(path, motion) < 1e-6


def test_one_degree_at_one_joint_is_noticed(tmp_path: Path, motion: Motion) -> None:
    turned = motion.rotations.copy()
    elbow = motion.skeleton.index("left_forearm")
    nudge = rotation.from_rotation_vector(np.radians([0.0, 0.0, 1.0]))
    turned[7, elbow] = rotation.multiply(nudge, turned[7, elbow])
    path = tmp_path / "a.bvh"
    write_bvh(path, dataclasses.replace(motion, rotations=turned))
    with pytest.raises(OutputError, match="mm off"):
        check_bvh(path, motion)
    assert farthest(seen_by_bvhio(path, motion), kinematics.of_motion(motion)[0]) > 1e-4


def test_tips_become_end_sites(tmp_path: Path, motion: Motion) -> None:
    path = tmp_path / "a.bvh"
    write_bvh(path, motion)
    found = read_bvh(path).motion
    got, wanted = (
        kinematics.tip_positions(m.skeleton, *kinematics.of_motion(m)) for m in (found, motion)
    )
    for joint, name in enumerate(found.skeleton.joints):
        own = motion.skeleton.index(name)
        assert np.allclose(got[:, joint], wanted[:, own], atol=1e-6, equal_nan=True)
    assert np.isfinite(wanted[:, motion.skeleton.index("head")]).all()


def test_channels_run_on_without_jumps(tmp_path: Path) -> None:
    """A body that spins three times round has no step of a half turn in any channel."""
    spin = np.linspace(0, 6 * np.pi, 60)
    skeleton = small_skeleton()
    still = wild_motion(skeleton, frames=60)
    turns = rotation.identity(60, 17)
    turns[:, 0] = rotation.from_rotation_vector(spin[:, None] * np.array([0.1, 1.0, 0.2]))
    path = tmp_path / "a.bvh"
    write_bvh(path, dataclasses.replace(still, rotations=turns))
    rows = np.array([line.split() for line in path.read_text().splitlines()[-60:]], dtype=float)
    assert np.abs(np.diff(rows[:, 3:], axis=0)).max() < 25.0
    assert rows[-1, 5] > 1000.0


def test_the_text_keeps_to_the_customs(tmp_path: Path, motion: Motion) -> None:
    path = tmp_path / "a.bvh"
    write_bvh(path, motion)
    text = path.read_bytes().decode("ascii")
    root = motion.skeleton.joints[0]
    assert f"ROOT {root}\n{{\n\tOFFSET 0.000000 0.000000 0.000000\n" in text
    assert "CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation" in text
    assert "Frames: 40\nFrame Time: 0.033366667\n" in text
    leaves = set(range(len(motion.skeleton.joints))) - set(motion.skeleton.parents.tolist())
    assert text.count("{") == text.count("}") == len(motion.skeleton.joints) + len(leaves)
    assert "\r" not in text


def test_a_variable_rate_is_conformed_and_said(tmp_path: Path) -> None:
    motion = wild_motion(small_skeleton(), times=uneven_times(40), rate=Fraction(30))
    path = tmp_path / "a.bvh"
    note = write_bvh(path, motion)
    steady, _ = conformed(motion)
    assert note is not None
    assert f"40 frames of varying length were conformed to {steady.frame_count} frames" in note
    assert steady.times[-1] <= motion.times[-1] < steady.times[-1] + 1 / 30
    assert check_bvh(path, motion) < 1e-6
    assert farthest(seen_by_bvhio(path, steady), kinematics.of_motion(steady)[0]) < 1e-5


def test_conforming_reads_between_frames() -> None:
    """A turn and a walk at even speed stay even, whatever the time stamps."""
    times = uneven_times(40)
    motion = wild_motion(small_skeleton(), times=times, rate=Fraction(25))
    turns = rotation.identity(40, 17)
    turns[:, 3] = rotation.from_rotation_vector(times[:, None] * np.array([0.0, 0.0, 2.0]))
    walk = times[:, None] * np.array([1.0, 0.0, 0.5])
    hidden = motion.confidence.copy()
    hidden[10:14] = 0.0
    moved = dataclasses.replace(
        motion, rotations=turns, root_position=walk, confidence=np.maximum(hidden, 0.0)
    )
    steady, _ = conformed(moved)
    assert np.allclose(np.diff(steady.times), 1 / 25)
    assert np.allclose(steady.root_position, steady.times[:, None] * [1.0, 0.0, 0.5])
    expected = rotation.from_rotation_vector(steady.times[:, None] * np.array([0.0, 0.0, 2.0]))
    assert rotation.angle_between(steady.rotations[:, 3], expected).max() < 1e-7
    nearest = np.abs(steady.times[:, None] - times).argmin(axis=1)
    unseen = (nearest >= 10) & (nearest < 14)
    assert np.all(steady.confidence[unseen] == 0)
    assert np.all(steady.confidence[~unseen] > 0)
    assert np.any(steady.times[unseen] > times[13])


def test_times_that_stand_still_are_refused() -> None:
    motion = wild_motion(small_skeleton(), frames=3)
    with pytest.raises(InputError, match="rise strictly"):
        conformed(dataclasses.replace(motion, times=np.array([0.0, 0.5, 0.5])))


def test_time_stamps_rounded_to_milliseconds_are_left_alone() -> None:
    times = np.round(np.arange(400) * 1001 / 30000, 3)
    motion = wild_motion(small_skeleton(), frames=400, times=times)
    assert conformed(motion) == (motion, None)
    late = times + np.linspace(0, 0.002, 400)
    assert conformed(dataclasses.replace(motion, times=late))[1] is not None


def test_one_frame_is_enough_and_none_is_refused(tmp_path: Path) -> None:
    motion = wild_motion(small_skeleton(), frames=1)
    write_bvh(tmp_path / "a.bvh", motion)
    assert check_bvh(tmp_path / "a.bvh", motion) < 1e-6
    none = dataclasses.replace(
        motion,
        **{name: getattr(motion, name)[:0] for name in ("times", "root_position", "rotations")},
        confidence=motion.confidence[:0],
        contacts=None,
        contact_joints=(),
    )
    with pytest.raises(InputError, match="at least one frame"):
        write_bvh(tmp_path / "b.bvh", none)


def test_names_become_safe_and_stay_unique() -> None:
    names = ("mixamorig:Hips", "mixamorig Hips", "Zoë", "", "L.hand", "a-1")
    assert safe_names(names) == [
        "mixamorig_Hips",
        "mixamorig_Hips_2",
        "Zo_",
        "joint",
        "L.hand",
        "a-1",
    ]
