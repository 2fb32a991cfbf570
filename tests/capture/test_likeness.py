"""Costs are what their names say: zero for the same, larger for the less alike, free of scale."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage_play import SCALE, Actor, body, clothes, perform

from choreoscope.capture.likeness import (
    MIRRORED,
    End,
    LikenessOptions,
    clothes_cost,
    colour_distance,
    covered,
    end_state,
    motion_cost,
    pixels_per_metre,
    pose_cost,
    pose_likeness,
    sightings,
    size_cost,
    typical_colours,
)

OPTIONS = LikenessOptions()
histograms = st.lists(st.floats(0.001, 1.0), min_size=6, max_size=6).map(
    lambda values: np.sqrt(np.array(values) / sum(values))
)


def end(
    seconds: float, x: float, speed: float = 0.0, *, scale: float = 200.0, error: float = 0.1
) -> End:
    """Somebody `x` metres to the right at a speed in metres a second."""
    return End(
        seconds=seconds,
        place_px=np.array([x * scale, 0.0]),
        velocity_px_s=np.array([speed * scale, 0.0]),
        velocity_error_m_s=error,
        px_per_m=scale,
        pose_m=body()[:, :2],
    )


def test_mirrored_is_its_own_inverse_and_keeps_the_nose() -> None:
    assert [MIRRORED[index] for index in MIRRORED] == list(range(33))
    assert MIRRORED[0] == 0
    assert MIRRORED[11] == 12


@given(first=histograms, second=histograms, third=histograms)
def test_colour_distance_is_a_distance(
    first: np.ndarray, second: np.ndarray, third: np.ndarray
) -> None:
    assert colour_distance(first, first) == pytest.approx(0.0, abs=1e-9)
    assert colour_distance(first, second) == pytest.approx(colour_distance(second, first))
    assert 0.0 <= colour_distance(first, second) <= 1.0
    straight = colour_distance(first, third)
    assert straight <= colour_distance(first, second) + colour_distance(second, third) + 1e-9


def test_colours_that_share_nothing_are_one_apart() -> None:
    assert colour_distance(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == pytest.approx(1.0)
    assert np.isnan(colour_distance(np.array([np.nan, 0.0]), np.array([0.0, 1.0])))


def test_typical_colours_outvote_a_few_bad_rows() -> None:
    right, wrong = np.sqrt(clothes(1)), np.sqrt(clothes(2))
    rows = np.stack([right] * 6 + [wrong] * 3 + [np.full_like(right, np.nan)])
    assert colour_distance(typical_colours(rows), right) < 0.01
    assert np.isnan(typical_colours(rows[-1:])).all()


@given(speed=st.floats(-5, 5), gap=st.floats(0.02, 0.3))
def test_steady_walk_costs_less_than_a_jump(speed: float, gap: float) -> None:
    one = end(0.0, 0.0, speed)
    right = motion_cost(one, end(gap, speed * gap, speed), OPTIONS)
    wrong = motion_cost(one, end(gap, speed * gap + 3.0, speed), OPTIONS)
    assert right < wrong
    assert right < 6.0


@given(x=st.floats(-3, 3), speed=st.floats(-3, 3), gap=st.floats(0.02, 2.0), by=st.floats(0.1, 10))
def test_motion_cost_does_not_depend_on_the_size_of_the_picture(
    x: float, speed: float, gap: float, by: float
) -> None:
    ends = [end(0.0, 0.0, speed), end(gap, x, speed)]
    larger = [end(0.0, 0.0, speed, scale=200 * by), end(gap, x, speed, scale=200 * by)]
    assert motion_cost(*ends, OPTIONS) == pytest.approx(motion_cost(*larger, OPTIONS), abs=1e-6)


def test_long_gap_says_little_even_where_it_fits() -> None:
    costs = [motion_cost(end(0, 0), end(gap, 0), OPTIONS) for gap in (0.0, 0.2, 1.0, 3.0)]
    assert costs == sorted(costs)
    assert costs[0] == 0.0
    assert costs[-1] > 4.0


def test_free_fall_of_a_quarter_second_fits() -> None:
    gap, start_speed = 0.25, 2.0
    fallen = start_speed * gap + 0.5 * 9.81 * gap**2
    cost = motion_cost(
        end(0.0, 0.0, start_speed), end(gap, fallen, start_speed + 9.81 * gap), OPTIONS
    )
    assert cost < 3.5


def test_velocity_told_by_little_is_drawn_to_rest() -> None:
    play = perform([Actor(lambda t: (2.0 * t, 2.0), clothes(1))], rate=30)
    seen = sightings(play.rows, play.times, 0)
    rows = np.arange(len(seen))
    sure = end_state(seen, rows, OPTIONS, last=True)
    assert sure.velocity_px_s[0] / SCALE == pytest.approx(2.0, abs=0.2)
    two = end_state(seen, rows[:2], OPTIONS, last=True)
    assert two.velocity_error_m_s > 5 * sure.velocity_error_m_s
    one = end_state(seen, rows[:1], OPTIONS, last=False)
    assert np.all(one.velocity_px_s == 0)
    assert one.velocity_error_m_s == OPTIONS.usual_m_s


def test_size_cost_is_symmetric_and_forgives_with_time() -> None:
    near, far = end(0, 0, scale=300), dataclasses.replace(end(0, 0, scale=200), seconds=0.1)
    later = dataclasses.replace(far, seconds=2.0)
    assert size_cost(near, near, OPTIONS) == 0.0
    assert size_cost(near, far, OPTIONS) > size_cost(near, later, OPTIONS) > 0
    swapped = size_cost(dataclasses.replace(far, seconds=0), end(0.1, 0, scale=300), OPTIONS)
    assert swapped == pytest.approx(size_cost(near, far, OPTIONS))


def test_pose_cost_is_forgotten_in_time() -> None:
    one = end(0.0, 0.0)
    other = body()[:, :2] * [3.0, 1.0]
    at_once, later = (dataclasses.replace(end(gap, 0.0), pose_m=other) for gap in (0.03, 1.0))
    assert pose_cost(one, end(0.03, 0.0), OPTIONS) == pytest.approx(0.0)
    assert pose_cost(one, at_once, OPTIONS) > 0.5
    assert pose_cost(one, later, OPTIONS) < 0.01


def test_clothes_cost_trusts_many_rows_more() -> None:
    assert clothes_cost(0.4, 100, OPTIONS) > clothes_cost(0.4, 1, OPTIONS) > 0
    assert clothes_cost(float("nan"), 5, OPTIONS) == 0.0


def test_pose_likeness_sees_through_exchanged_sides() -> None:
    pose = body()[:, :2] * SCALE
    assert pose_likeness(pose, pose, SCALE, 0.15) == pytest.approx(1.0)
    assert pose_likeness(pose, pose[list(MIRRORED)], SCALE, 0.15) == pytest.approx(1.0)
    assert pose_likeness(pose, pose + 0.5 * SCALE, SCALE, 0.15) < 0.05


@given(scale=st.floats(5, 2000), x=st.floats(-1e4, 1e4), turn=st.floats(-3.1, 3.1))
def test_scale_is_found_whatever_the_place_and_turn(scale: float, x: float, turn: float) -> None:
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    metres = body()
    metres[:, :2] = metres[:, :2] @ rotation.T
    pixels = metres[None, :, :2] * scale + x
    found = pixels_per_metre(pixels, metres[None], np.zeros((1, 4)))
    assert found[0] == pytest.approx(scale, rel=1e-6)


def test_scale_falls_back_on_the_box() -> None:
    box = np.array([[0.0, 0.0, 300.0, 400.0]])
    nothing = pixels_per_metre(np.zeros((1, 33, 2)), np.zeros((1, 33, 3)), box)
    assert nothing[0] == 250.0
    unknown = pixels_per_metre(np.full((1, 33, 2), np.nan), body()[None], box)
    assert unknown[0] == 250.0


def test_covered_is_the_share_of_the_smaller_box() -> None:
    large, small = np.array([0.0, 0, 10, 10]), np.array([8.0, 8, 12, 12])
    assert covered(large, small) == covered(small, large) == pytest.approx(4 / 16)
    assert covered(large, large) == 1.0
    assert covered(large, np.array([20.0, 20, 30, 30])) == 0.0
    assert covered(large, np.array([5.0, 5, 5, 9])) == 0.0
