import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.geometry import rotation
from choreoscope.motion.fitting import TURN_PACE
from choreoscope.motion.smoothing import (
    Pace,
    bridge_rotations,
    bridge_values,
    smooth_rotations,
    smooth_values,
    steady_angle,
    windows,
)

Z = np.array([0.0, 0.0, 1.0])
LIMB = Pace(sigma=0.06, fastest=4.0, accent=0.01)


def step_up(x: np.ndarray) -> np.ndarray:
    """Minimum-jerk step from 0 to 1 (Flash and Hogan 1985)."""
    x = np.clip(x, 0.0, 1.0)
    return x**3 * (10 - 15 * x + 6 * x**2)


def arm_hit(times: np.ndarray, seconds: float) -> np.ndarray:
    angle = np.pi / 2 * (step_up((times - 1) / seconds) - step_up((times - 1.6) / seconds))
    return rotation.from_rotation_vector(angle[:, None] * Z)[:, None]


def peak_speed(times: np.ndarray, turns: np.ndarray) -> float:
    angle = rotation.angle_between(turns[1:, 0], turns[:-1, 0])
    return float((angle / np.diff(times)).max())


def smoothed(times: np.ndarray, turns: np.ndarray) -> np.ndarray:
    return smooth_rotations(times, turns, np.ones(turns.shape[:2]), TURN_PACE)


@pytest.mark.parametrize("rate", [24, 30, 60, 120])
@pytest.mark.parametrize("seconds", [0.2, 0.35])
def test_accents_keep_95_percent_of_their_speed(rate: float, seconds: float) -> None:
    times = np.arange(0, 3, 1 / rate)
    turns = arm_hit(times, seconds)
    kept = peak_speed(times, smoothed(times, turns)) / peak_speed(times, turns)
    assert 0.95 <= kept <= 1.02


def test_a_plain_wide_mean_would_blunt_them() -> None:
    times = np.arange(0, 3, 1 / 30)
    turns = arm_hit(times, 0.2)
    deaf = Pace(sigma=TURN_PACE.sigma, fastest=TURN_PACE.fastest, accent=1e6)
    blunt = smooth_rotations(times, turns, np.ones((len(times), 1)), deaf)
    assert peak_speed(times, blunt) / peak_speed(times, turns) < 0.9


def test_an_accent_does_not_move_in_time() -> None:
    times = np.arange(0, 3, 1 / 60)
    turns = arm_hit(times, 0.2)
    after = smoothed(times, turns)
    speed = rotation.angle_between(after[1:, 0], after[:-1, 0])
    before = rotation.angle_between(turns[1:, 0], turns[:-1, 0])
    early = times[:-1] < 1.4
    assert abs(int(np.argmax(speed * early)) - int(np.argmax(before * early))) <= 1


@pytest.mark.parametrize(("rate", "left"), [(24, 0.4), (30, 0.35), (60, 0.15), (120, 0.08)])
def test_jitter_shrinks_the_more_frames_there_are(
    rng: np.random.Generator, rate: float, left: float
) -> None:
    times = np.arange(0, 4, 1 / rate)
    shaken = rotation.from_rotation_vector(rng.normal(0, 0.03, (len(times), 1, 3)))

    def jitter(turns: np.ndarray) -> float:
        return float(np.std(np.diff(rotation.to_rotation_vector(turns[:, 0]), 2, axis=0)))

    assert jitter(smoothed(times, shaken)) < left * jitter(shaken)


def test_five_frames_a_second_are_left_alone(rng: np.random.Generator) -> None:
    times = np.arange(0, 6, 0.2)
    turns = rotation.normalized(rng.normal(size=(len(times), 3, 4)))
    assert rotation.angle_between(smoothed(times, turns), turns).max() < 0.01


def test_uneven_time_stamps(rng: np.random.Generator) -> None:
    times = np.cumsum(rng.choice([1 / 60, 1 / 24, 1 / 15], 200))
    curve = np.stack([0.3 * times - 1, 0.2 * times**2], axis=-1)
    after = smooth_values(times, curve, np.ones(200), LIMB)
    np.testing.assert_allclose(after, curve, atol=1e-4)
    by_number = smooth_values(np.arange(200) / 30, curve, np.ones(200), LIMB)
    assert np.abs(by_number - curve).max() > 1e-3


@given(a=st.floats(-3, 3), b=st.floats(-3, 3), c=st.floats(-3, 3), rate=st.floats(8, 240))
def test_parabolas_pass_unchanged(a: float, b: float, c: float, rate: float) -> None:
    times = np.arange(40) / rate
    curve = (a + b * times + c * times**2)[:, None]
    after = smooth_values(times, curve, np.ones(40), LIMB)
    np.testing.assert_allclose(after, curve, atol=1e-4)


def test_a_constant_spin_passes_unchanged() -> None:
    times = np.arange(0, 2, 1 / 30)
    axis = np.array([0.6, -0.64, 0.48])
    turns = rotation.from_rotation_vector(times[:, None, None] * 9.0 * axis)
    assert rotation.angle_between(smoothed(times, turns), turns).max() < 1e-4


def test_signs_of_the_input_do_not_matter_and_those_of_the_output_do_not_jump(
    rng: np.random.Generator,
) -> None:
    times = np.arange(0, 2, 1 / 30)
    turns = rotation.from_rotation_vector(times[:, None, None] * 7.0 * Z)
    flipped = turns * rng.choice([-1.0, 1.0], (len(times), 1, 1))
    after, mixed = smoothed(times, turns), smoothed(times, flipped)
    assert rotation.angle_between(after, mixed).max() < 1e-9
    assert np.sum(mixed[1:] * mixed[:-1], axis=-1).min() > 0


def test_a_single_wild_frame_is_taken_out() -> None:
    times = np.arange(0, 2, 1 / 30)
    turns = arm_hit(times, 0.35)
    wild = turns.copy()
    wild[40] = rotation.multiply(turns[40], rotation.from_rotation_vector(1.5 * Z))
    assert rotation.angle_between(smoothed(times, wild), turns).max() < 0.08
    places = np.stack([times, np.zeros(60)], axis=-1)
    places[20, 1] = 3.0
    assert np.abs(smooth_values(times, places, np.ones(60), LIMB)[:, 1]).max() < 0.05


def test_unsure_samples_follow_their_neighbours() -> None:
    times = np.arange(0, 2, 1 / 30)
    values = np.zeros((60, 1))
    values[30] = 0.05
    sure = np.ones(60)
    unsure = sure.copy()
    unsure[30] = 0.01
    trusting = smooth_values(times, values, sure, LIMB)[30, 0]
    assert smooth_values(times, values, unsure, LIMB)[30, 0] < 0.2 * trusting


def test_nothing_passes_a_gap() -> None:
    times = np.concatenate([np.arange(30) / 30, 1.4 + np.arange(30) / 30])
    values = np.concatenate([np.zeros(30), np.ones(30)])[:, None]
    wide = Pace(sigma=0.5, fastest=np.inf, accent=1e6)
    np.testing.assert_allclose(smooth_values(times, values, np.ones(60), wide), values, atol=1e-6)
    close = times - np.where(times > 1.2, 0.4, 0.0)
    assert np.abs(smooth_values(close, values, np.ones(60), wide) - values).max() > 0.1


def test_no_confidence_at_all_changes_nothing(rng: np.random.Generator) -> None:
    times = np.arange(20) / 30
    values = rng.normal(size=(20, 2))
    np.testing.assert_array_equal(smooth_values(times, values, np.zeros(20), LIMB), values)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_short_tracks(rng: np.random.Generator, count: int) -> None:
    times = np.arange(count) / 30
    values = rng.normal(size=(count, 2))
    np.testing.assert_allclose(
        smooth_values(times, values, np.ones(count), LIMB), values, atol=1e-2
    )
    assert windows(times, 0.05).index.shape[0] == count


def test_an_angle_is_carried_over_blind_times() -> None:
    times = np.arange(0, 3, 1 / 30)
    angle = np.where(np.abs(times - 1.5) < 0.3, -2.0, 1.0)
    sure = np.where(np.abs(times - 1.5) < 0.3, 0.0, 1.0)
    np.testing.assert_allclose(steady_angle(times, angle, sure, 0.15), 1.0, atol=0.1)
    np.testing.assert_allclose(steady_angle(times, angle, np.zeros(90), 0.15, rest=0.4), 0.4)
    np.testing.assert_allclose(steady_angle(times, angle, np.ones(90), 0.15), angle, atol=1e-12)


def test_bridges_turn_evenly_and_hold_the_ends() -> None:
    times = np.arange(8) / 10
    turns = rotation.from_rotation_vector(times[:, None, None] * 2.0 * Z)
    known = np.array([0, 1, 0, 0, 0, 1, 0, 0], dtype=bool)
    filled = bridge_rotations(times, turns, known[:, None])
    expected = np.clip(times, 0.1, 0.5) * 2.0
    angles = rotation.to_rotation_vector(filled[:, 0])[:, 2]
    np.testing.assert_allclose(angles, expected, atol=1e-9)
    line = bridge_values(times, times[:, None] * 3, known)
    np.testing.assert_allclose(line[:, 0], np.clip(times, 0.1, 0.5) * 3)
    never = bridge_rotations(times, turns, np.zeros((8, 1), dtype=bool))
    np.testing.assert_array_equal(never, turns)
