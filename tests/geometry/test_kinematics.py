"""Forward kinematics against matrices multiplied joint by joint, and its inverse."""

import numpy as np
import pytest

from choreoscope.datatypes.motion import Motion, Skeleton
from choreoscope.geometry import kinematics, rotation
from motions import random_rotations, small_skeleton, wild_motion


@pytest.fixture(params=[False, True], ids=["world-aligned", "turned-rest"])
def skeleton(request: pytest.FixtureRequest) -> Skeleton:
    return small_skeleton(turned_rest=request.param)


def by_matrices(motion: Motion) -> np.ndarray:
    """(T, J, 4, 4) world-from-joint, the slow and obvious way."""
    skeleton = motion.skeleton
    out = np.zeros((motion.frame_count, len(skeleton.joints), 4, 4))
    for t in range(motion.frame_count):
        for j, parent in enumerate(skeleton.parents):
            turn = np.eye(4)
            turn[:3, :3] = rotation.to_matrix(motion.rotations[t, j])
            local = skeleton.rest_local[j].copy()
            if parent < 0:
                local[:3, 3] = motion.root_position[t]
            before = np.eye(4) if parent < 0 else out[t, parent]
            out[t, j] = before @ local @ turn
    return out


def test_joints_are_where_matrices_put_them(skeleton: Skeleton) -> None:
    motion = wild_motion(skeleton, frames=6)
    expected = by_matrices(motion)
    positions, world = kinematics.of_motion(motion)
    assert np.allclose(positions, expected[..., :3, 3], atol=1e-12)
    assert np.allclose(rotation.to_matrix(world), expected[..., :3, :3], atol=1e-12)


def test_bones_keep_their_length(skeleton: Skeleton) -> None:
    positions, _ = kinematics.of_motion(wild_motion(skeleton, frames=9))
    lengths = np.linalg.norm(positions[:, 1:] - positions[:, skeleton.parents[1:]], axis=-1)
    rest = np.linalg.norm(skeleton.rest_local[1:, :3, 3], axis=-1)
    assert np.allclose(lengths, rest, atol=1e-12)


def test_the_rest_pose_does_not_depend_on_rest_axes() -> None:
    plain, _ = kinematics.rest_joints(small_skeleton())
    turned, _ = kinematics.rest_joints(small_skeleton(turned_rest=True))
    assert np.allclose(plain, turned, atol=1e-12)
    assert np.allclose(plain[0], [0.0, 0.95, 0.0])
    assert np.allclose(plain[7], [0.70, 1.44, -0.01])


def test_a_bent_elbow_moves_only_the_hand() -> None:
    skeleton = small_skeleton()
    turns = rotation.identity(len(skeleton.joints))
    turns[skeleton.index("left_forearm")] = rotation.from_rotation_vector([0, 0, np.pi / 2])
    positions, world = kinematics.world_joints(skeleton, np.zeros(3), turns)
    rest, _ = kinematics.world_joints(
        skeleton, np.zeros(3), rotation.identity(len(skeleton.joints))
    )
    hand = skeleton.index("left_hand")
    expected = rest.copy()
    expected[hand] = rest[skeleton.index("left_forearm")] + [0, 0.25, 0]
    assert np.allclose(positions, expected, atol=1e-12)
    tips = kinematics.tip_positions(skeleton, positions, world)
    assert np.allclose(tips[hand], expected[hand] + [0, 0.17, 0], atol=1e-12)
    assert np.isnan(tips[0]).all()


def test_global_to_local_undoes_world_joints(skeleton: Skeleton, rng: np.random.Generator) -> None:
    turns = random_rotations(rng, 2, 5, len(skeleton.joints))
    _, world = kinematics.world_joints(skeleton, rng.normal(size=(2, 5, 3)), turns)
    assert np.all(rotation.angle_between(kinematics.global_to_local(skeleton, world), turns) < 1e-9)
