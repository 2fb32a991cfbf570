"""The classic recipe's filters against closed forms, each with a control that must fail."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.motion.classic.filters import (
    EPSILON,
    pieces_between_teleports,
    robust_filter,
)
from choreoscope.motion.classic.kernels import (
    LAST,
    POINTS,
    ROOT,
    Counting,
    Neighbours,
    Taps,
    neighbours,
)
from choreoscope.motion.classic.rays import distance_factors, repair_factors, scaled_about

RATE = 30.0


def times_of(count: int, rate: float = RATE) -> np.ndarray:
    return np.arange(count) / rate


def plain_mean(near: Neighbours, samples: np.ndarray) -> np.ndarray:
    share = near.kernel / near.kernel.sum(axis=1, keepdims=True)
    return np.einsum("tk,tkc->tc", share, samples[near.index])


@pytest.mark.parametrize(
    ("taps", "slow", "fast"),
    [(ROOT, (11, 12.32), (19, 21.96)), (POINTS, (5, 20.0), (9, 35.0)), (LAST, (5, 9.0), (9, 17.0))],
)
def test_taps_are_those_of_the_description(
    taps: Taps, slow: tuple[int, float], fast: tuple[int, float]
) -> None:
    for numbers, (count, total) in ((taps.slow, slow), (taps.fast, fast)):
        assert len(numbers) == count
        assert sum(numbers) == pytest.approx(total)
        assert numbers == numbers[::-1]


@pytest.mark.parametrize("taps", [ROOT, POINTS, LAST])
def test_both_ways_of_counting_agree_at_thirty_frames(taps: Taps) -> None:
    frames = neighbours(times_of(40), taps, "frames")
    seconds = neighbours(times_of(40), taps, "seconds")
    assert np.array_equal(frames.index, seconds.index)
    assert np.allclose(frames.kernel, seconds.kernel, atol=1e-9)


@pytest.mark.parametrize("rate", [24.0, 50.0, 60.0, 120.0])
def test_kernels_in_seconds_are_as_wide_at_every_rate_and_those_in_frames_are_not(
    rate: float,
) -> None:
    def width(kernel_rate: float, counting: Counting) -> float:
        times = times_of(int(2 * kernel_rate), kernel_rate)
        near = neighbours(times, POINTS, counting)
        row = len(times) // 2
        share = near.kernel[row] / near.kernel[row].sum()
        return float(np.sqrt(share @ (times[near.index[row]] - times[row]) ** 2))

    usual = width(30.0, "seconds")
    assert width(rate, "seconds") == pytest.approx(usual, rel=0.25)
    if rate != 60.0:
        assert abs(width(rate, "frames") / usual - 1) > 0.1


def test_uneven_frames_are_weighed_by_time() -> None:
    times = np.array([0.0, 1 / 30, 2 / 30, 2.5 / 30, 4 / 30])
    near = neighbours(times, Taps(slow=(1.0, 3.0, 1.0), fast=(1.0,)), "seconds")
    row = dict(zip(near.offset[2], near.kernel[2], strict=True))
    assert row[-1] == pytest.approx(1.0)
    assert row[1] == pytest.approx(2.0)
    assert row[0] == 3.0


@given(st.floats(-5, 5), st.integers(1, 30))
def test_a_constant_is_kept(value: float, count: int) -> None:
    near = neighbours(times_of(count), POINTS, "frames")
    samples = np.full((count, 2, 3), value)
    filtered, weights = robust_filter(near, samples, np.ones((count, 2)))
    assert np.allclose(filtered, value, atol=1e-12)
    assert np.all((weights > 0) & (weights <= 1 + 1e-12))


@pytest.mark.parametrize("taps", [ROOT, POINTS, LAST])
def test_a_ramp_is_kept_away_from_the_ends(taps: Taps) -> None:
    near = neighbours(times_of(60), taps, "frames")
    samples = np.linspace(0, 4, 60)[:, None] * np.array([1.0, -0.5, 0.2])
    filtered, _ = robust_filter(near, samples, np.ones(60))
    inner = slice(12, -12)
    assert np.allclose(filtered[inner], samples[inner], atol=1e-3)
    bent = samples**2
    assert not np.allclose(robust_filter(near, bent, np.ones(60))[0][inner], bent[inner], atol=1e-3)


def test_two_samples_in_closed_form() -> None:
    """Equal weights under a kernel (1, 1, 1) on a pair: the mean, whatever the rounds do."""
    near = neighbours(times_of(2), Taps(slow=(1.0, 1.0, 1.0), fast=(1.0,)), "frames")
    samples = np.array([[0.0, 0, 0], [1.0, 0, 0]])
    filtered, weights = robust_filter(near, samples, np.ones(2))
    assert np.allclose(filtered[:, 0], 0.5)
    assert np.allclose(weights, 1.0)


def test_first_round_in_closed_form() -> None:
    """Three alike and one off by d: the weight it keeps after a round follows from its distance."""
    near = neighbours(times_of(4), Taps(slow=(1.0,) * 7, fast=(1.0,)), "frames")
    samples = np.zeros((4, 3))
    samples[3, 0] = 2.0
    value = 2.0 / 4
    for _ in range(10):
        alike, off = 3 / (value + EPSILON), 1 / (2.0 - value + EPSILON)
        value = 2.0 * off / (alike + off)
    assert robust_filter(near, samples, np.ones(4))[0][0, 0] == pytest.approx(value, rel=1e-9)
    assert value < 0.1


def test_an_outlier_is_rejected_where_a_plain_mean_is_not() -> None:
    near = neighbours(times_of(41), ROOT, "frames")
    samples = np.zeros((41, 3))
    samples[20, 1] = 0.8
    filtered, _ = robust_filter(near, samples, np.ones(41))
    plain = plain_mean(near, samples)
    assert np.abs(filtered[[18, 19, 21, 22]]).max() < 0.02
    assert np.abs(plain[[19, 21]]).max() > 0.1


def test_what_is_missing_does_not_count_and_no_neighbour_gives_nan() -> None:
    near = neighbours(times_of(20), POINTS, "frames")
    samples = np.ones((20, 3))
    weights = np.ones(20)
    weights[8:14] = 0
    samples[8:14] = np.nan
    filtered, mean = robust_filter(near, samples, weights)
    held = np.isfinite(filtered).all(axis=1)
    assert held.tolist() == [not 10 <= row <= 11 for row in range(20)]
    assert np.allclose(filtered[held], 1.0)
    assert np.all(mean[10:12] == 0)
    assert 0 < mean[8] < mean[7] < mean[5] == pytest.approx(1.0)


def test_a_teleport_cuts_at_its_frame_and_a_fast_dancer_does_not() -> None:
    near = neighbours(times_of(60), ROOT, "frames")
    path = np.zeros((60, 3))
    path[:, 0] = np.linspace(0, 3, 60)
    jump = path.copy()
    jump[33:, 2] += 2.5
    pieces = pieces_between_teleports(near, jump, np.ones(60))
    assert pieces.tolist() == [int(row >= 33) for row in range(60)]
    near_miss = path.copy()
    near_miss[33:, 2] += 0.8
    assert not pieces_between_teleports(near, near_miss, np.ones(60)).any()
    mistaken = path.copy()
    mistaken[33, 2] += 2.5
    assert not pieces_between_teleports(near, mistaken, np.ones(60)).any()
    running = path * 5.5
    assert np.abs(np.diff(running[:, 0])).max() * RATE > 8
    assert not pieces_between_teleports(near, running, np.ones(60)).any()


def test_a_cut_keeps_both_sides_apart() -> None:
    near = neighbours(times_of(40), POINTS, "frames")
    samples = np.zeros((40, 3))
    samples[20:, 0] = 5.0
    pieces = pieces_between_teleports(
        neighbours(times_of(40), ROOT, "frames"), samples, np.ones(40)
    )
    cut, _ = robust_filter(near.within(pieces), samples, np.ones(40))
    assert np.allclose(cut, samples)
    sharp = samples.copy()
    sharp[[19], 0] = 0.4
    whole, _ = robust_filter(near, sharp, np.ones(40))
    parted, _ = robust_filter(near.within(pieces), sharp, np.ones(40))
    assert not np.allclose(whole[18:22], parted[18:22], atol=1e-3)


def test_depth_repair_is_exact_on_scaled_data() -> None:
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(30, 3))
    truth = centres[:, None] + np.array([0, 0, 4.0]) + rng.normal(size=(30, 12, 3))
    sizes = np.exp(rng.normal(0, 0.1, 30))
    sizes /= np.median(sizes)
    shown = scaled_about(centres, truth, sizes)
    weights = np.ones(30)
    repaired = scaled_about(centres, shown, repair_factors(sizes, weights))
    assert np.allclose(repaired, truth * 1.0, atol=1e-12)
    assert not np.allclose(scaled_about(centres * 0, shown, 1 / sizes), truth, atol=1e-3)
    weights[3] = 0
    assert repair_factors(sizes, weights)[3] == 1.0


def test_root_distance_moves_points_only_along_their_rays() -> None:
    rng = np.random.default_rng(2)
    times = times_of(50)
    centres = np.stack([times, 0.1 * np.sin(times), 0 * times], axis=-1)
    root = np.stack([np.sin(times), 1 + 0 * times, 5 + rng.normal(0, 0.2, 50)], axis=-1)
    points = root[:, None] + rng.normal(0, 0.3, (50, 8, 3))
    near = neighbours(times, ROOT, "frames")
    factors = distance_factors(near, centres, root, np.ones(50))
    moved = scaled_about(centres, points, factors)

    def pixels(places: np.ndarray) -> np.ndarray:
        arm = places - centres[:, None]
        return arm[..., :2] / arm[..., 2:]

    assert np.allclose(pixels(moved), pixels(points), atol=1e-12)
    smooth, _ = robust_filter(near, root, np.ones(50))
    assert not np.allclose(pixels(smooth[:, None]), pixels(root[:, None]), atol=1e-4)
    about_origin = scaled_about(0 * centres, points, factors)
    assert not np.allclose(pixels(about_origin), pixels(points), atol=1e-4)
    distance = np.linalg.norm(scaled_about(centres, root, factors) - centres, axis=1)
    before = np.linalg.norm(root - centres, axis=1)
    assert np.std(np.diff(distance)) < 0.6 * np.std(np.diff(before))


def test_distance_of_who_is_not_seen_stays() -> None:
    near = neighbours(times_of(10), LAST, "frames")
    root = np.tile([0.0, 0.0, 3.0], (10, 1))
    weights = np.ones(10)
    weights[4] = 0
    root[4] = np.nan
    assert np.allclose(distance_factors(near, np.zeros((10, 3)), root, weights), 1.0)
