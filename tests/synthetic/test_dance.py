"""Laws of the procedural dance: feet that stand, flights that fall, hands and knees that rest."""

import dataclasses
from functools import cache

import numpy as np
import pytest

from choreoscope.synthetic.footwork import GRAVITY
from choreoscope.synthetic.shot import FLOOR_WORK, ShotSpec, make_shot
from choreoscope.synthetic.truth import TruePerson

SEEDS = (1, 2)
STILL = 1e-4
"""Metres per frame."""


@cache
def dancer(seed: int, floor_work: str = "", *, child: bool = False) -> TruePerson:
    work = (floor_work,) if floor_work else ()
    spec = ShotSpec(seed=seed, seconds=7, floor_work=work, children=int(child), energy=0.8)
    return make_shot(spec).people[0]


def moved(places: np.ndarray, touching: np.ndarray) -> float:
    """Farthest way of points ``(T, 3)`` between neighbouring frames of contact, metres."""
    both = touching[1:] & touching[:-1]
    assert both.any()
    return float(np.linalg.norm(np.diff(places, axis=0), axis=-1)[both].max())


def joint(person: TruePerson, name: str) -> np.ndarray:
    return person.joints()[0][:, person.model.joints.index(name)]


def falling(person: TruePerson, centre: np.ndarray) -> list[np.ndarray]:
    """Accelerations ``(n, 3)`` of a path in the frames of each flight."""
    times = person.motion.times
    acceleration = np.diff(centre, 2, axis=0) * float(person.motion.rate) ** 2
    flights = [(times[:-2] >= leave) & (times[2:] <= land) for leave, land in person.flights]
    return [acceleration[rows] for rows in flights if rows.any()]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("side", ["left", "right"])
def test_feet_that_touch_do_not_move(seed: int, side: str) -> None:
    person = dancer(seed)
    toes, ankle = joint(person, f"{side}_toes"), joint(person, f"{side}_foot")
    assert moved(toes, person.touches(f"{side}_ball")) < STILL
    assert moved(ankle, person.touches(f"{side}_heel")) < STILL
    # Control: a hand does move meanwhile.
    assert moved(joint(person, f"{side}_hand"), person.touches(f"{side}_ball")) > 100 * STILL


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_skin_of_soles_that_touch_does_not_move(side: str) -> None:
    person = dancer(1)
    names = person.model.points["soles"].names
    outer = person.point_set("soles")[:, names.index(f"{side}_heel_outer")]
    assert moved(outer, person.touches(f"{side}_heel")) < STILL


@pytest.mark.parametrize("seed", SEEDS)
def test_flights_fall_with_gravity(seed: int) -> None:
    person = dancer(seed)
    flights = falling(person, person.point_set("mass")[:, 0])
    assert flights
    for flight in flights:
        np.testing.assert_allclose(flight, np.tile([0, -GRAVITY, 0], (len(flight), 1)), atol=0.02)
    # Control: no other point of the body falls like that.
    pelvis = np.concatenate(falling(person, person.motion.root_position))
    assert np.abs(pelvis - [0, -GRAVITY, 0]).max() > 0.5


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_touches_while_flying(seed: int) -> None:
    person = dancer(seed)
    times = person.motion.times
    for leave, land in person.flights:
        assert not person.contacts[(times > leave) & (times < land)].any()


@pytest.mark.parametrize(
    ("seed", "floor_work", "child"),
    [(1, "", False), (2, "", True), *((3, work, False) for work in FLOOR_WORK), (4, "hand", True)],
)
def test_nothing_goes_below_the_floor(seed: int, floor_work: str, child: bool) -> None:
    person = dancer(seed, floor_work, child=child)
    lowest = min(float(skin[..., 1].min()) for _, skin in person.vertex_chunks())
    assert -0.005 < lowest < 0.0


@pytest.mark.parametrize(
    ("floor_work", "joints"),
    [
        ("kneel", {"left_knee": "left_shin", "right_knee": "right_shin"}),
        ("hand", {"left_palm": "left_hand", "right_palm": "right_hand"}),
        ("sit", {"seat": "pelvis"}),
    ],
)
def test_what_rests_on_the_floor_does_not_move(floor_work: str, joints: dict[str, str]) -> None:
    person = dancer(3, floor_work)
    resting = {name: own for name, own in joints.items() if person.touches(name).any()}
    assert resting
    for contact, own in resting.items():
        assert moved(joint(person, own), person.touches(contact)) < STILL
        assert moved(joint(person, "head"), person.touches(contact)) > STILL
        height = joint(person, own)[person.touches(contact), 1]
        assert height.max() < 0.09 * person.stature


@pytest.mark.parametrize("seed", SEEDS)
def test_a_dance_is_lively_and_possible(seed: int) -> None:
    person = dancer(seed)
    rate = float(person.motion.rate)
    pelvis = np.diff(person.motion.root_position, 2, axis=0) * rate**2
    assert 2.0 < np.linalg.norm(pelvis, axis=-1).max() < 40.0
    hand = np.linalg.norm(np.diff(joint(person, "left_hand"), axis=0), axis=-1) * rate
    assert 1.5 < hand.max() < 14.0
    turns = person.motion.rotations
    dots = np.abs(np.sum(turns[1:] * turns[:-1], axis=-1))
    assert np.degrees(2 * np.arccos(dots.clip(0, 1))).max() < 60.0
    knees = [person.model.joints.index(f"{side}_shin") for side in ("left", "right")]
    # Knees bend one way alone.
    assert (turns[:, knees, 1] * np.sign(turns[:, knees, 0]) > -0.03).all()


def test_equal_seeds_give_equal_dances_and_others_do_not() -> None:
    spec = ShotSpec(seed=8, seconds=2)
    one, same = (make_shot(spec).people[0].motion for _ in range(2))
    other = make_shot(dataclasses.replace(spec, seed=9)).people[0].motion
    np.testing.assert_array_equal(one.rotations, same.rotations)
    np.testing.assert_array_equal(one.root_position, same.root_position)
    assert np.abs(one.root_position - other.root_position).max() > 0.01


def test_a_dance_does_not_depend_on_the_rate_of_the_film() -> None:
    slow = make_shot(ShotSpec(seed=4, seconds=3, rate=make_rate(25))).people[0].motion
    fast = make_shot(ShotSpec(seed=4, seconds=3, rate=make_rate(50))).people[0].motion
    # The last frames tell the length of the shot, which the plan of the feet depends on.
    assert abs(float(slow.times[-1]) - float(fast.times[-1])) < 0.05
    np.testing.assert_allclose(slow.root_position[:25], fast.root_position[:50:2], atol=0.02)


def make_rate(number: int):  # noqa: ANN201
    from fractions import Fraction

    return Fraction(number)
