"""Pose and world metrics: closed forms, what each is blind to, and what it must not be blind to."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from metric_cases import JOINTS, PELVIS, dancer, turned

from choreoscope.datatypes.errors import InputError, ShapeError
from choreoscope.geometry import rotation
from choreoscope.motion.metrics import derivatives, means, people, poses, world
from choreoscope.motion.metrics.alignment import align

SEEDS = st.integers(0, 2**31)
PER_FRAME = {
    "mpjpe": lambda p, g: poses.mpjpe_mm(p, g, PELVIS),
    "pa": poses.pa_mpjpe_mm,
    "wa": world.wa_mpjpe_mm,
    "w": world.w_mpjpe_mm,
    "metric_wa": lambda p, g: world.wa_mpjpe_mm(p, g, with_scale=False),
    "metric_w": lambda p, g: world.w_mpjpe_mm(p, g, with_scale=False),
    "world": world.world_mpjpe_mm,
    "scene": lambda p, g: world.scene_mpjpe_mm(p[None], g[None])[0],
    "rte": lambda p, g: world.rte_percent(p[:, 0], g[:, 0]),
    "root": lambda p, g: world.root_error_mm(p[:, 0], g[:, 0]),
}
BLIND_TO_WORLD = {"pa", "wa", "w", "metric_wa", "metric_w", "scene", "rte", "root"}
BLIND_TO_SCALE = {"pa", "wa", "w"}


@pytest.mark.parametrize("name", PER_FRAME)
def test_the_truth_itself_has_no_error(name: str) -> None:
    truth, _ = dancer(230)
    assert np.allclose(PER_FRAME[name](truth, truth), 0, atol=1e-9)


@pytest.mark.parametrize("name", PER_FRAME)
@given(seed=SEEDS)
def test_which_metric_sees_another_world(name: str, seed: int) -> None:
    truth, _ = dancer(20)
    error = means.mean(PER_FRAME[name](turned(truth, seed), truth))
    if name in BLIND_TO_WORLD:
        assert error < 1e-6
    else:
        assert error > 1


@pytest.mark.parametrize("name", PER_FRAME)
@given(scale=st.floats(0.8, 1.25).filter(lambda s: abs(s - 1) > 0.04), seed=SEEDS)
def test_which_metric_sees_a_wrong_scale(name: str, scale: float, seed: int) -> None:
    truth, _ = dancer(40)
    error = means.mean(PER_FRAME[name](turned(truth, seed, scale=scale), truth))
    if name in BLIND_TO_SCALE:
        assert error < 1e-6
    else:
        assert error > 0.5


def test_metric_w_sees_five_percent_that_w_hides() -> None:
    truth, _ = dancer(90)
    wrong = 1.05 * truth
    assert means.mean(world.w_mpjpe_mm(wrong, truth)) < 1e-6
    assert means.mean(world.w_mpjpe_mm(wrong, truth, with_scale=False)) > 40
    assert world.scale_error_percent(wrong, truth) == pytest.approx(5)
    assert world.scale_error_percent(truth, wrong) == pytest.approx(100 / 1.05 - 100)


@given(shift=st.lists(st.floats(-2, 2), min_size=3, max_size=3))
def test_a_shift_is_its_length_in_the_world_and_nothing_in_the_pose(shift: list[float]) -> None:
    truth, _ = dancer(15)
    moved = truth + np.array(shift)
    assert np.allclose(world.world_mpjpe_mm(moved, truth), 1000 * np.linalg.norm(shift))
    assert np.allclose(poses.mpjpe_mm(moved, truth, PELVIS), 0, atol=1e-9)
    assert np.allclose(world.root_error_mm(moved[:, 0], truth[:, 0]), 0, atol=1e-6)


def test_mpjpe_of_one_joint_moved() -> None:
    truth, _ = dancer(5)
    moved = truth.copy()
    moved[:, 4, 1] += 0.06
    assert np.allclose(poses.mpjpe_mm(moved, truth, PELVIS), 60 / JOINTS)
    # Half of a moved hip goes to the pelvis, and from there to every joint.
    moved = truth.copy()
    moved[:, 0, 1] += 0.06
    assert np.allclose(poses.mpjpe_mm(moved, truth, PELVIS), 30)


def test_pve_takes_the_pelvis_of_the_joints() -> None:
    truth, _ = dancer(5)
    zero = np.zeros((5, 3))
    lifted = zero + np.array([0, 0.01, 0])
    assert np.allclose(poses.pve_mm(truth, truth, predicted_pelvis=lifted, truth_pelvis=zero), 10)
    assert np.allclose(
        poses.pve_mm(truth + 0.01, truth, predicted_pelvis=zero + 0.01, truth_pelvis=zero), 0
    )


def test_known_noise_gives_its_known_mean(rng: np.random.Generator) -> None:
    truth = np.zeros((4000, 10, 3))
    noise = rng.normal(size=truth.shape) * 0.02
    # The mean length of a normal vector in three dimensions is sigma * sqrt(8 / pi).
    expected = 20 * np.sqrt(8 / np.pi)
    assert means.mean(world.world_mpjpe_mm(noise, truth)) == pytest.approx(expected, rel=0.01)


def test_alignment_is_the_inverse_of_what_was_done_and_never_mirrors(
    rng: np.random.Generator,
) -> None:
    source = rng.normal(size=(7, 20, 3))
    target = turned(source, 3, scale=1.7)
    found = align(source, target, with_scale=True)
    assert np.allclose(found.apply(source), target)
    assert np.allclose(found.scale, 1.7)
    mirrored = align(source, source * [-1, 1, 1], with_scale=True)
    assert np.allclose(np.linalg.det(mirrored.rotation), 1)
    assert np.abs(mirrored.apply(source) - source * [-1, 1, 1]).max() > 0.1


def test_a_collapsed_result_is_scored_not_excused() -> None:
    truth, _ = dancer(4)
    assert np.all(poses.pa_mpjpe_mm(np.zeros_like(truth), truth) > 50)


@given(seed=SEEDS)
def test_no_rigid_motion_is_better_than_the_one_found(seed: int) -> None:
    rng = np.random.default_rng(seed)
    source, target = rng.normal(size=(2, 12, 3))
    found = align(source, target, with_scale=True)
    least = np.square(found.apply(source) - target).sum()
    for _ in range(5):
        nudge = rotation.to_matrix(rotation.from_rotation_vector(rng.normal(size=3) * 0.05))
        worse = found.apply(source) @ nudge.T * rng.uniform(0.95, 1.05) + rng.normal(size=3) * 0.05
        assert np.square(worse - target).sum() >= least


def test_frames_without_truth_are_taken_out_before_chunks_are_cut() -> None:
    truth, _ = dancer(120)
    result = truth + np.random.default_rng(1).normal(size=truth.shape) * 0.03
    gap = np.zeros(120, dtype=bool)
    gap[5:35] = True
    with_gap = np.where(gap[:, None, None], np.nan, truth)
    for measure in (world.wa_mpjpe_mm, world.w_mpjpe_mm, poses.pa_mpjpe_mm):
        errors = measure(result, with_gap)
        assert np.isnan(errors[gap]).all()
        assert np.allclose(errors[~gap], measure(result[~gap], truth[~gap]))


def test_missing_results_are_left_out_and_never_warn() -> None:
    truth, times = dancer(30)
    result = truth + 0.01
    result[:2] = np.nan
    result[9, 3] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for measure in PER_FRAME.values():
            errors = measure(result, truth)
            assert np.isnan(errors[:2]).all()
            assert np.isfinite(errors[[8, 10]]).all()
        assert np.isnan(poses.jitter(result, times)[:2]).all()
        nothing = np.full_like(truth, np.nan)
        assert np.isnan(world.w_mpjpe_mm(nothing, truth)).all()
        assert np.isnan(means.mean(world.scene_mpjpe_mm(nothing[None], truth[None])))


@pytest.mark.parametrize(
    ("count", "rule", "lengths"),
    [
        (250, "keep", [100, 100, 50]),
        (250, "merge", [100, 150]),
        (200, "merge", [100, 100]),
        (60, "merge", [60]),
        (0, "keep", []),
    ],
)
def test_chunks(count: int, rule: world.ChunkRule, lengths: list[int]) -> None:
    assert [part.stop - part.start for part in world.chunks(count, rule=rule)] == lengths


def test_w_is_laid_by_two_frames_and_shows_drift_wa_spreads_it() -> None:
    truth, _ = dancer(100)
    drift = np.linspace(0, 0.3, 100)[:, None, None] * [1.0, 0, 0]
    first = world.w_mpjpe_mm(truth + drift, truth, with_scale=False)
    assert first[0] < 3
    assert first[-1] > 250
    assert means.mean(world.wa_mpjpe_mm(truth + drift, truth)) < means.mean(first) / 2
    halves = world.w_mpjpe_mm(truth + drift, truth, with_scale=False, frames=50)
    assert means.mean(halves) < means.mean(first)


def test_rte_of_a_path_bent_at_its_end() -> None:
    truth = np.zeros((11, 3))
    truth[:, 0] = np.arange(11)
    error = world.rte_percent(truth * [1.1, 1, 1], truth)
    # Laid middle on middle, the ends are 0.5 m off along ten metres.
    assert error[[0, -1]] == pytest.approx([5, 5])
    assert error[5] == pytest.approx(0, abs=1e-9)
    assert np.isnan(world.rte_percent(truth, np.zeros((11, 3)))).all()


@given(step=st.floats(0.005, 0.1), seed=SEEDS)
def test_derivatives_of_polynomials_are_exact_on_uneven_times(step: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.uniform(step / 2, step, size=12))
    cubic = 2 * times**3 - times**2 + 5
    assert np.allclose(derivatives.derivative(cubic[:, None], times, 3), 12, rtol=1e-3, atol=1e-3)
    assert np.allclose(derivatives.derivative((3 * times**2)[:, None], times, 2), 6, rtol=1e-4)


def test_acceleration_and_jitter_agree_with_the_papers_differences() -> None:
    truth, times = dancer(50, rate=30)
    result = truth + np.random.default_rng(2).normal(size=truth.shape) * 0.01
    apart = (result - truth)[2:] - 2 * (result - truth)[1:-1] + (result - truth)[:-2]
    expected = np.linalg.norm(apart, axis=-1).mean(axis=-1) * 30**2
    assert np.allclose(poses.acceleration_error(result, truth, times), expected)
    jerk = result[3:] - 3 * result[2:-1] + 3 * result[1:-2] - result[:-3]
    expected = np.linalg.norm(jerk, axis=-1).mean(axis=-1) * 30**3 / 10
    assert np.allclose(poses.jitter(result, times), expected)


def test_jitter_does_not_depend_on_the_rate_but_for_the_noise() -> None:
    found = [means.mean(poses.jitter(*dancer(n, rate=r))) for n, r in ((90, 30.0), (180, 60.0))]
    assert found[0] == pytest.approx(found[1], rel=0.05)


@given(seed=SEEDS)
def test_erve_does_not_see_another_world_but_a_turned_root(seed: int) -> None:
    truth, times = dancer(20)
    path = truth[:, 0]
    turns = rotation.from_rotation_vector(np.outer(times, [0.2, 1.0, 0.1]))
    whole = rotation.normalized(np.random.default_rng(seed).normal(size=4))
    elsewhere = rotation.rotate(whole, path) + 3
    same = world.erve(elsewhere, path, rotation.multiply(whole, turns), turns, times)
    assert np.allclose(same, 0, atol=1e-6)
    about = rotation.from_rotation_vector(np.array([0, np.pi / 2, 0]))
    wrong = world.erve(path, path, rotation.multiply(turns, about), turns, times)
    assert means.mean(wrong) > 500


def test_erve_of_a_faster_walk_is_the_difference_of_speeds() -> None:
    times = np.arange(10) / 25
    path = np.outer(times, [1.0, 0, 0])
    still = rotation.identity(10)
    assert np.allclose(world.erve(1.2 * path, path, still, still, times), 200)


def test_bones_that_breathe_and_bodies_of_another_size() -> None:
    times = np.arange(100)
    points = np.zeros((100, 3, 3))
    points[:, 1, 1] = 0.4 + 0.01 * np.where(times % 2, 1, -1)
    points[:, 2, 1] = points[:, 1, 1] + 0.3
    parents = np.array([-1, 0, 1])
    assert np.allclose(poses.bone_length_variance_mm2(points, parents), [100, 0], atol=1e-9)
    assert poses.bone_scale_error_percent(1.03 * points, points, parents) == pytest.approx(3)
    assert np.isnan(poses.bone_scale_error_percent(points, points, np.full(3, -1)))


def test_distances_between_people() -> None:
    truth = np.zeros((3, 4, 2, 3))
    truth[1, ..., 0], truth[2, ..., 2] = 3, 4
    truth[:, :, 1, 1] = 1
    wrong = truth * [1.1, 1, 1]
    roots = people.root_distance_errors_mm(wrong[:, :, 0], truth[:, :, 0])
    assert np.allclose(roots[0], 300)
    assert np.allclose(roots[1], 0)
    assert np.allclose(roots[2], 1000 * (np.hypot(3.3, 4) - 5))
    reaching = truth.copy()
    reaching[0, :, 1, 0] = 1.0
    errors = people.closest_distance_errors_mm(reaching, truth)
    assert np.allclose(errors[0], 1000)
    gone = truth.copy()
    gone[0] = np.nan
    assert np.isnan(people.closest_distance_errors_mm(gone, truth)[:2]).all()
    assert people.root_distance_errors_mm(truth[:1, :, 0], truth[:1, :, 0]).shape == (0, 4)


@given(seed=SEEDS)
def test_pairwise_distances_see_only_people_not_the_world(seed: int) -> None:
    truth = np.random.default_rng(seed).normal(size=(3, 5, 4, 3))
    moved = turned(truth, seed)
    assert np.allclose(people.closest_distance_errors_mm(moved, truth), 0, atol=1e-6)
    alone = truth.copy()
    alone[0] += 2.0
    assert means.mean(people.root_distance_errors_mm(alone[:, :, 0], truth[:, :, 0])) > 10


def test_people_are_matched_one_to_one_by_the_closest_path() -> None:
    path = dancer(20)[0][:, 0]
    truth = {"a": path, "b": path + np.array([2, 0, 0]), "c": path + np.array([9, 0, 0])}
    result = {"P01": path + np.array([1.6, 0, 0]), "P02": path + np.array([0.4, 0, 0])}
    assert people.match_people(result, truth) == {"a": "P02", "b": "P01"}
    # A common shift of the world changes nothing, however large.
    shifted = {name: own + np.array([5, 0, 0]) for name, own in result.items()}
    near = {"a": truth["a"], "b": truth["b"]}
    assert people.match_people(shifted, near) == {"a": "P02", "b": "P01"}
    nobody = {"P01": np.full((20, 3), np.nan)}
    assert people.match_people(nobody, truth) == {}


def test_two_ways_to_average() -> None:
    clips = [np.full(90, 1.0), np.array([11.0] * 10 + [np.nan])]
    assert means.pooled(clips) == pytest.approx(2)
    assert means.per_clip(clips) == pytest.approx(6)
    assert np.isnan(means.pooled([]))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match="one shape"):
        world.world_mpjpe_mm(np.zeros((3, 2, 3)), np.zeros((4, 2, 3)))
    with pytest.raises(ShapeError, match="rise"):
        poses.jitter(np.zeros((5, 2, 3)), np.array([0, 1, 1, 2, 3.0]))
    with pytest.raises(ShapeError, match="one time per row"):
        poses.jitter(np.zeros((5, 2, 3)), np.arange(4.0))
    with pytest.raises(InputError, match="at least 1"):
        world.chunks(5, 0)
