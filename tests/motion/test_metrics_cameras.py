"""Camera scores: closed forms, and equality with evo on random and on real trajectories."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.errors import ShapeError
from choreoscope.geometry import rotation
from choreoscope.motion.metrics import cameras
from choreoscope.motion.metrics.means import mean, root_mean_square


def walk(frames: int, seed: int) -> np.ndarray:
    """A hand-held camera's ``world_from_camera``."""
    rng = np.random.default_rng(seed)
    poses = np.tile(np.eye(4), (frames, 1, 1))
    turns = rotation.from_rotation_vector(np.cumsum(rng.normal(size=(frames, 3)) * 0.05, axis=0))
    poses[:, :3, :3] = rotation.to_matrix(turns)
    poses[:, :3, 3] = np.cumsum(rng.normal(size=(frames, 3)) * 0.1, axis=0)
    return poses


def elsewhere(poses: np.ndarray, seed: int, *, scale: float = 1.0) -> np.ndarray:
    """The same camera in another world."""
    rng = np.random.default_rng(seed)
    turn = rotation.to_matrix(rotation.normalized(rng.normal(size=4)))
    moved = poses.copy()
    moved[:, :3, :3] = turn @ poses[:, :3, :3]
    moved[:, :3, 3] = scale * poses[:, :3, 3] @ turn.T + rng.normal(size=3)
    return moved


def track(poses: np.ndarray, focal: float = 900.0) -> CameraTrack:
    inner = np.array([[focal, 0, 480], [0, focal, 270], [0, 0, 1.0]])
    return CameraTrack(
        width=960,
        height=540,
        intrinsics=np.tile(inner, (len(poses), 1, 1)),
        camera_from_world=cameras.world_from_camera(poses),
        distortion=np.zeros(0),
        source="given",
        metric=True,
    )


@given(seed=st.integers(0, 2**31), scale=st.floats(0.5, 2))
def test_which_alignment_takes_out_what(seed: int, scale: float) -> None:
    truth = walk(30, seed)
    moved = track(elsewhere(truth, seed))
    larger = track(elsewhere(truth, seed, scale=scale))
    same = cameras.camera_scores(moved, track(truth))
    assert max(same.ate_mm, same.step_mm, same.rotation_degrees, same.step_degrees) < 1e-4
    assert cameras.camera_scores(moved, track(truth), gauge="none").ate_mm > 1
    free = cameras.camera_scores(larger, track(truth), gauge="sim3")
    assert free.ate_mm < 1e-4
    assert free.scale_error_percent == pytest.approx(100 * (scale - 1), abs=1e-6)
    if abs(scale - 1) > 0.01:
        assert cameras.camera_scores(larger, track(truth)).ate_mm > 0.1


def test_world_from_camera_undoes_itself() -> None:
    poses = walk(9, 1)
    assert np.allclose(cameras.world_from_camera(cameras.world_from_camera(poses)), poses)


def test_a_pan_is_scored_by_its_turns() -> None:
    truth = np.tile(np.eye(4), (40, 1, 1))
    about = np.outer(np.linspace(0, 1, 40), [0, 1.0, 0])
    truth[:, :3, :3] = rotation.to_matrix(rotation.from_rotation_vector(about))
    result = elsewhere(truth, 3)
    found = cameras.camera_scores(track(result), track(truth))
    assert found.ate_mm < 1e-6
    assert found.rotation_degrees < 1e-6
    assert np.isnan(found.scale_error_percent)
    assert np.isnan(found.ate_mm_per_metre)
    # A pan that goes ten percent too far: the errors spread evenly round the best turn.
    truth_too_far = truth.copy()
    truth_too_far[:, :3, :3] = rotation.to_matrix(rotation.from_rotation_vector(1.1 * about))
    wrong = cameras.camera_scores(track(truth_too_far), track(truth))
    assert wrong.rotation_degrees == pytest.approx(np.degrees(0.1) / 4, rel=0.03)
    assert wrong.step_degrees == pytest.approx(np.degrees(0.1 / 39), rel=1e-6)


def test_a_dolly_on_a_straight_line_keeps_its_roll() -> None:
    truth = np.tile(np.eye(4), (20, 1, 1))
    truth[:, 0, 3] = np.linspace(0, 4, 20)
    result = elsewhere(truth, 5, scale=0.5)
    rigid = cameras.path_alignment(result, truth)
    assert np.allclose(cameras.moved(result, rigid)[:, :3, :3], truth[:, :3, :3])
    similar = cameras.path_alignment(result, truth, gauge="sim3")
    assert similar.scale == pytest.approx(2)
    assert np.allclose(cameras.moved(result, similar), truth)


def test_drift_focal_and_steps_in_closed_form() -> None:
    truth = np.tile(np.eye(4), (11, 1, 1))
    truth[:, 0, 3] = np.arange(11)
    result = truth.copy()
    result[:, 0, 3] *= 1.02
    found = cameras.camera_scores(track(result, 909), track(truth, 900))
    # Laid middle on middle: 20 mm per metre times the spread of -5 ... 5.
    assert found.ate_mm == pytest.approx(20 * np.sqrt(10))
    assert found.ate_mm_per_metre == pytest.approx(2 * np.sqrt(10))
    assert found.step_mm == pytest.approx(20)
    assert found.focal_percent == pytest.approx(1)
    distances, angles = cameras.relative_errors(result, truth, step=5)
    assert np.allclose(distances, 100)
    assert np.allclose(angles, 0)


def test_cameras_of_other_lengths_are_refused() -> None:
    with pytest.raises(ShapeError, match="11 frames against 10"):
        cameras.camera_scores(track(walk(11, 0)), track(walk(10, 0)))


def by_evo(own: np.ndarray, truth: np.ndarray, *, scaled: bool) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from evo.core import metrics
        from evo.core.trajectory import PosePath3D

        estimate, reference = PosePath3D(poses_se3=list(own)), PosePath3D(poses_se3=list(truth))
        _, _, scale = estimate.align(reference, correct_scale=scaled)
        found = {"scale": scale}
        for name, score in (
            ("ate", metrics.APE(metrics.PoseRelation.translation_part)),
            ("turn", metrics.APE(metrics.PoseRelation.rotation_angle_deg)),
            ("rpe", metrics.RPE(metrics.PoseRelation.translation_part)),
            ("rpe_turn", metrics.RPE(metrics.PoseRelation.rotation_angle_deg)),
        ):
            score.process_data((reference, estimate))
            found[name] = score.get_statistic(metrics.StatisticsType.rmse)
        return found


def check_against_evo(own: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    ate = []
    for gauge in ("se3", "sim3"):
        expected = by_evo(own, truth, scaled=gauge == "sim3")
        laid = cameras.moved(own, cameras.path_alignment(own, truth, gauge=gauge))
        steps, turns = cameras.relative_errors(laid, truth)
        ate.append(root_mean_square(cameras.position_errors_mm(laid, truth)) / 1000)
        assert ate[-1] == pytest.approx(expected["ate"], rel=1e-6)
        assert root_mean_square(
            cameras.rotation_errors_degrees(laid, truth, aligned=False)
        ) == pytest.approx(expected["turn"], rel=1e-5)
        assert root_mean_square(steps) / 1000 == pytest.approx(expected["rpe"], rel=1e-6)
        assert root_mean_square(turns) == pytest.approx(expected["rpe_turn"], rel=1e-5)
        if gauge == "sim3":
            found = cameras.path_alignment(own, truth, gauge="sim3")
            assert found.scale == pytest.approx(expected["scale"], rel=1e-6)
    return ate[0], ate[1]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_as_evo(seed: int) -> None:
    truth = walk(60, seed)
    noise = walk(60, seed + 100)
    own = elsewhere(truth, seed, scale=1.3)
    own[:, :3, 3] += 0.1 * noise[:, :3, 3]
    own[:, :3, :3] = own[:, :3, :3] @ noise[:, :3, :3]
    rigid, similar = check_against_evo(own, truth)
    assert similar < rigid


# File, its truth, every how many-th pose, and the two errors in metres.
REAL = (
    ("freiburg1_xyz-rgbdslam_drift.txt", "freiburg1_xyz-groundtruth.txt", 1, 0.0135, 0.0134),
    ("freiburg1_xyz-ORB_kf_mono.txt", "freiburg1_xyz-groundtruth.txt", 1, 0.0243, 0.0098),
    ("fr2_desk_ORB.txt", "fr2_desk_groundtruth.txt", 8, 0.0081, 0.0061),
    ("fr2_desk_ORB_kf_mono.txt", "fr2_desk_groundtruth.txt", 1, 0.9390, 0.0077),
)


@pytest.mark.data
@pytest.mark.parametrize(("own_name", "truth_name", "every", "rigid", "scaled"), REAL)
def test_as_evo_on_real_trajectories(
    own_name: str, truth_name: str, every: int, rigid: float, scaled: float, shared_data: Path
) -> None:
    folder = shared_data / "camera" / "trajectories"
    stamps, own = read_tum(folder / own_name)
    true_stamps, truth = read_tum(folder / truth_name)
    after = np.clip(np.searchsorted(true_stamps, stamps), 1, len(truth) - 1)
    is_before = stamps - true_stamps[after - 1] < true_stamps[after] - stamps
    nearest = after - is_before
    near = np.flatnonzero(np.abs(true_stamps[nearest] - stamps) < 0.01)[::every]
    found = check_against_evo(own[near], truth[nearest[near]])
    assert found == pytest.approx((rigid, scaled), abs=2e-4)
    turns = cameras.rotation_errors_degrees(own[near], truth[nearest[near]])
    assert 0.3 < mean(turns) < 1.2


def read_tum(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Stamps in seconds and ``world_from_camera`` of a TUM file (quaternions xyzw)."""
    table = np.loadtxt(path)
    poses = np.tile(np.eye(4), (len(table), 1, 1))
    poses[:, :3, :3] = rotation.to_matrix(rotation.normalized(table[:, [7, 4, 5, 6]]))
    poses[:, :3, 3] = table[:, 1:4]
    return table[:, 0], poses
