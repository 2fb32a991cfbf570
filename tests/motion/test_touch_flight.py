import dataclasses

import numpy as np
import pytest
import touch_scenes as scenes
from touch_scenes import RATES, Seen, seen, steady, uneven

from choreoscope.motion.touch.flight import GRAVITY, Flight, flights


def found_in(shown: Seen, centre: np.ndarray | None = None) -> list[Flight]:
    height = scenes.jump_centre(shown.times) if centre is None else centre
    return flights(shown.times, shown.contacts, height, np.ones(len(shown.times)))


@pytest.mark.parametrize("rate", RATES)
def test_jumps_are_flights_and_fall_by_gravity(rate: float) -> None:
    found = found_in(seen(scenes.jumping, steady(rate)))
    np.testing.assert_allclose(
        [flight.seconds for flight in found], [(1.0, 1.5), (2.2, 2.7)], atol=1.1 / rate
    )
    for flight in found:
        assert flight.fall == pytest.approx(GRAVITY, abs=0.1)
        assert flight.scale == pytest.approx(1.0, abs=0.01)


def test_uneven_times_and_noise(rng: np.random.Generator) -> None:
    times = uneven(rng)
    shift = rng.normal(0, 0.008, (len(times), len(scenes.NAMES), 3))
    centre = scenes.jump_centre(times) + rng.normal(0, 0.004, len(times))
    found = found_in(seen(scenes.jumping, times, shift), centre)
    assert len(found) == 2
    for flight in found:
        assert abs(flight.fall - GRAVITY) < 4 * flight.fall_sigma + 0.1


@pytest.mark.parametrize("scale", [0.8, 1.25])
def test_a_fall_tells_the_scale(scale: float) -> None:
    times = steady(60)
    shown = seen(scenes.jumping, times)
    found = found_in(shown, scale * scenes.jump_centre(times))
    assert [flight.scale for flight in found] == pytest.approx([1 / scale] * 2, rel=0.01)


def test_walking_and_sliding_are_no_flights() -> None:
    for scene in (scenes.walking, scenes.sliding, scenes.turning, scenes.kneeling):
        shown = seen(scene, steady(30))
        assert not found_in(shown, np.ones(len(shown.times)))


def test_a_body_that_does_not_fall_is_held_not_flying() -> None:
    times = steady(30)
    shown = seen(scenes.jumping, times)
    assert not found_in(shown, np.ones(len(times)))
    assert not found_in(shown, 2 - scenes.jump_centre(times)), "falling upwards"
    lasting = seen(lambda t: scenes.jumping(t, (1.0,), 2.5), times)
    centre = scenes.jump_centre(times, (1.0,), 2.5)
    assert not found_in(lasting, centre), "nobody jumps for two seconds"


def test_who_is_not_seen_all_the_time_is_not_known_to_fly() -> None:
    times = steady(30)
    shown = seen(scenes.jumping, times)
    trust = np.ones(len(times))
    trust[np.searchsorted(times, 1.2)] = 0.0
    found = flights(times, shown.contacts, scenes.jump_centre(times), trust)
    assert [round(flight.seconds[0], 1) for flight in found] == [2.2]


def test_a_flight_lies_between_two_contacts() -> None:
    times = steady(30)
    shown = seen(scenes.jumping, times)
    cut = times > 1.2
    half = Seen(times[cut], shown.points[cut], seen(scenes.jumping, times[cut]).contacts)
    found = found_in(half)
    assert all(flight.seconds[0] > 1.6 for flight in found)
    ended = times < 2.4
    rest = found_in(seen(scenes.jumping, times[ended]))
    assert [round(flight.seconds[0], 1) for flight in rest] == [1.0]


def test_one_hand_on_the_floor_is_enough_not_to_fly() -> None:
    times = steady(30)
    shown = seen(scenes.jumping, times)
    near = shown.contacts.near.copy()
    near[:, shown.contacts.names.index("left_hand")] = 1.0
    held = dataclasses.replace(shown.contacts, near=near)
    assert not flights(times, held, scenes.jump_centre(times), np.ones(len(times)))


def test_too_few_frames_are_no_flights() -> None:
    shown = seen(scenes.jumping, steady(30)[:2])
    assert found_in(shown) == []
