"""Feet, knees and accents: movements whose answer is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.motion.metrics import accents, feet
from choreoscope.motion.metrics.means import mean


def standing(frames: int = 60, rate: float = 30.0) -> tuple[np.ndarray, np.ndarray]:
    """Two points of a sole: one stands for ever, the other walks off at 1 m/s."""
    times = np.arange(frames) / rate
    soles = np.zeros((frames, 2, 3))
    soles[:, 1, 0] = times
    return soles, times


def test_sliding_counts_only_where_the_truth_stands() -> None:
    truth, times = standing()
    result = truth.copy()
    result[:, :, 2] += 0.06 * times[:, None]
    per_second = feet.slide_mm_per_second(result, truth, times)
    assert np.allclose(per_second[:, 0], 60)
    assert np.isnan(per_second[:, 1]).all()
    per_frame = feet.slide_mm_per_frame(result, truth)
    assert np.allclose(per_frame[:, 0], 2)
    assert np.isnan(per_frame[:, 1]).all()
    assert mean(feet.slide_mm_per_second(truth, truth, times)) == 0


@pytest.mark.parametrize("rate", [24.0, 60.0])
def test_sliding_in_seconds_is_the_same_at_every_rate_in_frames_it_is_not(rate: float) -> None:
    truth, times = standing(100, rate)
    result = truth + 0.05 * times[:, None, None] * [1.0, 0, 0]
    assert mean(feet.slide_mm_per_second(result, truth, times)) == pytest.approx(50)
    assert mean(feet.slide_mm_per_frame(result, truth)[:, 0]) == pytest.approx(50 / rate)


def test_a_rising_heel_is_no_skating() -> None:
    truth, times = standing()
    result = truth + 0.05 * times[:, None, None] * [0, 1.0, 0]
    assert mean(feet.slide_mm_per_second(result, truth, times)) == pytest.approx(50)
    assert mean(feet.slide_mm_per_second(result, truth, times, horizontal=True)) == 0


def test_penetration_and_float() -> None:
    truth, times = standing()
    touches = feet.touching(truth, times)
    assert touches[:, 0].all()
    assert not touches[:, 1].any()
    sunk = truth + np.array([0, -0.02, 0])
    raised = truth + np.array([0, 0.03, 0])
    assert np.allclose(feet.penetration_mm(sunk), 20)
    assert np.allclose(feet.penetration_mm(raised), 0)
    assert np.allclose(feet.float_mm(raised, touches), 30)
    assert np.allclose(feet.float_mm(sunk, touches), 0)
    assert np.allclose(feet.penetration_mm(raised, floor=0.05), 20)
    assert np.isnan(feet.float_mm(raised, np.zeros_like(touches))).all()
    assert np.isnan(feet.penetration_mm(np.full_like(truth, np.nan))).all()
    assert not feet.touching(truth + np.array([0, 0.1, 0]), times).any()


@given(bend=st.floats(0, 175))
def test_bend_of_a_knee(bend: float) -> None:
    angle = np.radians(bend)
    hip, knee = np.array([[0, 0.9, 0]]), np.array([[0, 0.5, 0]])
    ankle = knee + 0.4 * np.array([[0, -np.cos(angle), -np.sin(angle)]])
    assert feet.knee_bend_degrees(hip, knee, ankle)[0] == pytest.approx(bend, abs=1e-5)


def test_pops_are_jerks_of_a_straight_knee_the_truth_does_not_have() -> None:
    times = np.arange(90) / 30
    smooth = 20 + 15 * np.sin(2 * times)
    popping = smooth.copy()
    popping[[20, 21, 60]] -= 12
    assert feet.knee_pops(smooth, None, times) == 0
    assert feet.knee_pops(popping, smooth, times) == 2
    assert feet.knee_pops(popping, None, times) == 2
    # The same jerk in the truth is a stamp, and a bent knee may jerk.
    assert feet.knee_pops(popping, popping, times) == 0
    assert feet.knee_pops(popping + 60, smooth + 60, times) == 0


def strikes(times: np.ndarray, *, strength: float = 1.0, late: float = 0.0) -> np.ndarray:
    """A hand that strikes three times: its speed has a peak of 2 m/s at 0.7, 1.5 and 2.2 s."""
    place = np.zeros(len(times))
    for moment in (0.7, 1.5, 2.2):
        place += np.tanh((times - moment - late) / 0.05) * 0.1 * strength
    return place[:, None, None] * np.array([1.0, 0, 0])


def test_accents_of_the_truth_are_found_and_kept_by_itself() -> None:
    times = np.arange(0, 3, 1 / 120)
    found = accents.accents(strikes(times), strikes(times), times)
    assert np.allclose(found.seconds, [0.7, 1.5, 2.2], atol=0.003)
    assert np.allclose(found.speed, 2, rtol=0.03)
    assert found.retention_percent == pytest.approx(100)
    assert found.timing_error_seconds == pytest.approx(0, abs=1e-12)


@given(late=st.floats(-0.06, 0.06), strength=st.floats(0.5, 1.4))
def test_accents_tell_strength_and_time(late: float, strength: float) -> None:
    times = np.arange(0, 3, 1 / 100)
    weaker = strikes(times, strength=strength, late=late)
    found = accents.accents(weaker, strikes(times), times)
    assert found.retention_percent == pytest.approx(100 * strength, rel=0.02)
    assert found.kept_percent == pytest.approx(100 * min(strength, 1), rel=0.02)
    assert np.allclose(found.shift_seconds, late, atol=0.002)
    assert found.timing_error_frames(100) == pytest.approx(abs(late) * 100, abs=0.2)


def test_smoothing_loses_accents_and_noise_cannot_pay_for_them(rng: np.random.Generator) -> None:
    times = np.arange(0, 3, 1 / 60)
    truth = strikes(times)
    kernel = np.ones(13) / 13
    smooth = np.apply_along_axis(lambda line: np.convolve(line, kernel, "same"), 0, truth)
    middle = slice(10, -10)
    found = accents.accents(smooth[middle], truth[middle], times[middle])
    assert found.retention_percent < 65
    noisy = accents.accents(truth + rng.normal(size=truth.shape) * 0.05, truth, times)
    assert noisy.retention_percent > 110
    assert noisy.kept_percent <= 100


def test_an_accent_without_a_result_is_not_known() -> None:
    times = np.arange(0, 3, 1 / 60)
    gone = strikes(times)
    gone[60:110] = np.nan
    found = accents.accents(gone, strikes(times), times)
    assert np.isnan(found.ratio).tolist() == [False, True, False]
    assert found.retention_percent == pytest.approx(100)
    still = accents.accents(np.zeros_like(gone), strikes(times), times)
    assert still.retention_percent == 0
    assert np.isnan(still.shift_seconds).all()
    assert len(accents.accents(gone, np.zeros_like(gone), times).seconds) == 0
