"""Who is who, on plays whose cast is known; every rule has a control in which it must fail."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stage_play import Actor, Play, clothes, perform, shuffled, sighting

from choreoscope.capture.association import JoinOptions, join_tracklets
from choreoscope.capture.belief import BeliefOptions
from choreoscope.capture.chains import LinkOptions
from choreoscope.capture.copies import CopyOptions
from choreoscope.capture.runs import CutOptions
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange

RED, BLUE, GREEN, RED_TOO = clothes(1), clothes(2), clothes(3), 0.9 * clothes(1) + 0.1 * clothes(2)
OTHER = clothes(4)
REDDISH = 0.75 * clothes(1) + 0.25 * clothes(2)
NO_RETURNS = JoinOptions(link=LinkOptions(returns=False))


def walk(x: float, y: float, speed: float) -> Callable[[float], tuple[float, float]]:
    return lambda t: (x + speed * t, y)


def colour_blind(play: Play) -> Play:
    """The same play as a back end without colours would report it."""
    flat = np.full_like(play.rows.appearance, 1 / play.rows.appearance.shape[1])
    return dataclasses.replace(play, rows=dataclasses.replace(play.rows, appearance=flat))


def pure(play: Play, options: JoinOptions | None = None) -> list[int]:
    """The actor of each person in order; fails when a person mixes two actors."""
    cast = play.cast(play.joined(options))
    assert all(len(rows) == 1 for rows in cast.values()), cast
    return [next(iter(rows)) for rows in cast.values()]


def test_people_apart_are_themselves_and_named_from_the_left() -> None:
    play = perform([Actor(walk(6, 2, 0.1), RED), Actor(walk(2, 2, 0), BLUE)])
    result = play.joined()
    assert list(result.persons) == ["P01", "P02"]
    assert pure(play) == [1, 0]
    assert sum(len(rows) for rows in result.persons.values()) == len(play.who)
    assert result.decisions == ()


def test_late_entry_gets_the_next_name() -> None:
    play = perform([Actor(walk(5, 2, 0), RED, seen=((1.0, 9),)), Actor(walk(7, 2, 0), BLUE)])
    assert pure(play) == [1, 0]


@pytest.mark.parametrize("wears", [BLUE, RED_TOO])
@pytest.mark.parametrize("rate", [5.0, 25.0, 60.0])
def test_crossing_people_lost_where_they_cross(rate: float, wears: np.ndarray) -> None:
    """The one behind is lost for half a second, and both come out as new tracklets."""
    right = Actor(walk(1, 2, 1.5), RED, seen=((0, 1.8), (1.9, 9)))
    left = Actor(walk(7, 2, -1.5), wears, seen=((0, 1.75), (2.25, 9)))
    play = perform([right, left], rate=rate)
    assert sorted(pure(play)) == [0, 1]


@pytest.mark.parametrize(("wears", "told"), [(BLUE, "changed"), (REDDISH, "exchanged")])
def test_tracklets_that_exchange_their_people_are_put_right(wears: np.ndarray, told: str) -> None:
    right, left = Actor(walk(1, 2, 1.5), RED), Actor(walk(7, 2, -1.5), wears)

    def swaps(actor: int, now: float) -> int:
        return actor if now < 2.0 else 1 - actor

    play = perform([right, left], swaps)
    assert sorted(pure(play)) == [0, 1]
    assert any(told in decision.reason for decision in play.joined().decisions)
    # Control: with nothing to tell them apart, the back end has to be believed.
    blind = colour_blind(play)
    assert all(len(rows) == 2 for rows in blind.cast(blind.joined()).values())


def test_people_who_meet_and_are_not_exchanged_stay() -> None:
    play = perform([Actor(walk(1, 2, 1.5), RED), Actor(walk(7, 2, -1.5), BLUE)])
    assert sorted(pure(play)) == [0, 1]
    assert not any("exchanged" in decision.reason for decision in play.joined().decisions)


def test_tracklet_that_slides_onto_somebody_else_is_cut() -> None:
    """The first is covered by the second just as the second is seen for the first time."""
    covered = Actor(walk(3, 2, 0.0), RED, seen=((0, 2.0), (3.0, 9)))
    passing = Actor(walk(2.2, 2, 0.4), BLUE, seen=((2.0, 9),))

    def slides(actor: int, now: float) -> int:
        return 7 if actor == 1 or now < 2.0 else 8

    play = perform([covered, passing], slides, seconds=5)
    assert pure(play) == [0, 1]
    careless = JoinOptions(cut=CutOptions(clothes_change=1.0))
    assert any(len(rows) > 1 for rows in play.cast(play.joined(careless)).values())


def test_clothes_that_change_for_everybody_are_light() -> None:
    """One tracklet each; halfway everybody's colours change at once, then only one's do."""

    def lit(one: tuple[np.ndarray, np.ndarray], two: tuple[np.ndarray, np.ndarray]) -> Play:
        actors = [
            Actor(walk(x, 2, 0.2), colours[half], seen=((2.0 * half, 2.0 * half + 2.0),))
            for x, colours in ((2, one), (6, two))
            for half in (0, 1)
        ]
        return perform(actors, lambda actor, _now: actor // 2)

    assert len(lit((RED, BLUE), (GREEN, OTHER)).joined().persons) == 2
    alone = lit((RED, BLUE), (GREEN, GREEN)).joined(NO_RETURNS)
    assert len(alone.persons) == 3
    assert any("clothes changed" in decision.reason for decision in alone.decisions)


def test_tracklet_that_jumps_is_cut() -> None:
    one, two = Actor(walk(2, 2, 0), RED, seen=((0, 2),)), Actor(walk(6, 2, 0), RED, seen=((2, 9),))
    play = perform([one, two], lambda _actor, _now: 3)
    assert sorted(pure(play)) == [0, 1]
    careless = JoinOptions(cut=CutOptions(jump_cost=1e9))
    assert len(play.joined(careless).persons) == 1


def test_somersault_is_bridged() -> None:
    """Lost upside down in free fall for a quarter of a second, as in the Sports2D clip."""

    def leap(t: float) -> tuple[float, float]:
        fall = max(0.0, t - 1.8)
        return 3 + 2.0 * t, 1.5 + 0.5 * 9.81 * fall**2

    play = perform([Actor(leap, RED, seen=((0, 2.0), (2.25, 9)))], seconds=2.6)
    assert pure(play) == [0]
    # Control: the same hole with somebody else three metres off on its other side.
    far = perform(
        [Actor(leap, RED, seen=((0, 2.0),)), Actor(walk(12, 2, 0), BLUE, seen=((2.25, 9),))],
        seconds=3.2,
    )
    assert sorted(pure(far)) == [0, 1]


def test_occlusion_by_a_pillar_is_bridged() -> None:
    play = perform([Actor(walk(1, 2, 1.2), RED, seen=((0, 1.5), (2.3, 9)))])
    result = play.joined()
    assert pure(play) == [0]
    (decision,) = result.decisions
    assert (decision.kind, decision.tracklets) == ("join", (0, 1))
    assert "after 0.8" in decision.reason


def test_two_who_leave_are_known_when_they_come_back() -> None:
    """They come back on the other's side, in the other order."""
    actors = [
        Actor(lambda t: (1.0, 2.0) if t < 5 else (8.0, 2.0), RED, seen=((0, 2), (8, 11))),
        Actor(lambda t: (8.0, 2.0) if t < 5 else (1.0, 2.0), BLUE, seen=((0, 2), (8.5, 11))),
    ]
    play = perform(actors, seconds=11)
    assert sorted(pure(play)) == [0, 1]
    assert sum("came back" in decision.reason for decision in play.joined().decisions) == 2
    # Controls: not looked for, and nothing to know them by.
    assert len(play.joined(NO_RETURNS).persons) == 4
    assert len(colour_blind(play).joined().persons) == 4


def test_long_absence_needs_closer_likeness() -> None:
    def gone_for(seconds: float) -> Play:
        left = Actor(walk(3, 2, 0), RED, seen=((0, 2),))
        back = Actor(walk(3, 2, 0), RED_TOO, seen=((2 + seconds, 99),))
        return perform([left, back], seconds=4 + seconds, rate=10)

    assert len(gone_for(4.0).joined().persons) == 1
    assert len(gone_for(40.0).joined().persons) == 2


def test_somebody_new_is_not_somebody_who_left() -> None:
    actors = [
        Actor(walk(1, 2, 0), RED, seen=((0, 2),)),
        Actor(walk(8, 2, 0), BLUE, seen=((6, 9),)),
        Actor(walk(5, 2, 0), GREEN, seen=((3, 4.5),)),
    ]
    assert pure(perform(actors, seconds=9)) == [0, 2, 1]


def test_child_in_the_same_dress_is_not_her_mother() -> None:
    mother = Actor(walk(1, 2, 0), RED, seen=((0, 2),))
    child = Actor(walk(8, 2, 0), RED, seen=((6, 9),), size=0.45)
    assert pure(perform([mother, child], seconds=9)) == [0, 1]
    grown = dataclasses.replace(child, size=1.0)
    assert len(perform([mother, grown], seconds=9).joined().persons) == 1


def test_new_tracklet_on_a_body_whose_old_one_slides_away_goes_on() -> None:
    """Seen in the bedroom clip: both tracklets show the girl in one frame, then the old the boy."""
    girl, boy = Actor(walk(3, 2, 0.3), RED), Actor(walk(2.0, 2, 0.1), BLUE, seen=((2.4, 9),))
    late = [sighting(girl, frame / 30, tracklet=7, who=0) for frame in (60, 61)]
    for _, _, row in late:
        row["points_px"] = np.asarray(row["points_px"]) + np.linspace(-80, 80, 33)[:, None]
    extra = {60: late[:1], 61: late[1:]}
    play = perform([girl, boy], lambda who, now: 8 if who == 0 and now >= 2.0 else 7, extra=extra)
    assert sorted(pure(play)) == [0, 1]
    careless = JoinOptions(copies=CopyOptions(handover_m=1e-6))
    assert len(play.joined(careless).persons) != 2 or any(
        len(rows) > 1 for rows in play.cast(play.joined(careless)).values()
    )


def with_copies(rate: float = 30.0) -> Play:
    """A second tracklet sits on the same body for a second, left and right exchanged."""
    actor = Actor(walk(3, 2, 0.3), RED)
    mirrored = [
        0,
        4,
        5,
        6,
        1,
        2,
        3,
        8,
        7,
        10,
        9,
        *(i + 1 if i % 2 else i - 1 for i in range(11, 33)),
    ]
    extra = {}
    for frame in range(int(rate), int(2 * rate)):
        number, who, row = sighting(actor, frame / rate, tracklet=55, who=0)
        row["points_px"] = np.asarray(row["points_px"])[mirrored]
        row["score"] = 0.9
        extra[frame] = [(number, who, row)]
    return perform([actor], rate=rate, extra=extra)


def test_two_tracklets_on_one_body_are_one() -> None:
    play = with_copies()
    result = play.joined()
    assert len(result.persons) == 1
    rows = result.persons["P01"]
    assert not np.any(play.rows.tracklets[rows] == 55)
    assert any(decision.kind == "duplicate" for decision in result.decisions)
    careless = JoinOptions(copies=CopyOptions(same_pose=1.0, inner_place_m=0.001))
    assert len(play.joined(careless).persons) == 2


def test_small_copy_inside_a_body_is_a_copy_but_a_child_is_not() -> None:
    grown = Actor(walk(3, 2, 0.3), RED)
    small = dataclasses.replace(grown, size=0.6, score=0.9)
    play = perform([grown, small])
    assert pure(play) == [0]
    child = dataclasses.replace(small, wears=BLUE)
    assert sorted(pure(perform([grown, child]))) == [0, 1]


def test_partners_who_dance_close_are_two() -> None:
    lead = Actor(lambda t: (3 + 0.3 * np.sin(t), 2.0), RED)
    follow = Actor(lambda t: (3.35 + 0.3 * np.sin(t), 2.02), BLUE)
    assert sorted(pure(perform([lead, follow]))) == [0, 1]


def test_scraps_are_dropped_with_a_reason() -> None:
    ghost = Actor(walk(8, 2, 0), GREEN, seen=((1.0, 1.1),), score=0.55)
    play = perform([Actor(walk(3, 2, 0), RED), ghost])
    assert pure(play) == [0]
    (decision,) = play.joined().decisions
    assert (decision.kind, decision.tracklets) == ("drop", (100,))
    assert "seen for 0.10 s only" in decision.reason


@pytest.mark.parametrize("fault", [{"score": 0.5}, {"torso": 0.2}, {"in_mask": 0.6}])
def test_furniture_is_dropped(fault: dict[str, float]) -> None:
    poster = Actor(walk(8, 2, 0), GREEN)
    assert sorted(pure(perform([Actor(walk(3, 2, 0), RED), poster]))) == [0, 1]
    doubtful = dataclasses.replace(poster, **fault)
    assert pure(perform([Actor(walk(3, 2, 0), RED), doubtful])) == [0]


def test_scrap_that_fits_a_hole_is_used() -> None:
    play = perform([Actor(walk(3, 2, 0.5), RED, seen=((0, 1), (1.2, 1.3), (1.5, 9)))])
    (rows,) = play.joined().persons.values()
    assert len(rows) == len(play.who)


def test_lone_row_long_before_a_person_is_left_out() -> None:
    actor = Actor(walk(3, 2, 0), RED, seen=((0.0, 0.1), (1.5, 9)))
    play = perform([actor])
    result = play.joined()
    assert result.persons["P01"][0] == 3
    assert "alone" in result.decisions[-1].reason
    kept = play.joined(JoinOptions(belief=BeliefOptions(stray_s=0.0)))
    assert kept.persons["P01"][0] == 0


def test_at_most_so_many_people() -> None:
    actors = [
        Actor(walk(1, 2, 0), RED, size=0.5),
        Actor(walk(4, 2, 0), BLUE),
        Actor(walk(7, 2, 0), GREEN, seen=((0, 1),)),
    ]
    play = perform(actors)
    assert sorted(pure(play)) == [0, 1, 2]
    assert pure(play, JoinOptions(max_people=2)) == [0, 1]
    assert pure(play, JoinOptions(max_people=1)) == [1]
    reasons = [decision.reason for decision in play.joined(JoinOptions(max_people=1)).decisions]
    assert sum("1 people asked for" in reason for reason in reasons) == 2


def test_nobody() -> None:
    result = perform([]).joined()
    assert (dict(result.persons), result.decisions) == ({}, ())


def test_one_frame() -> None:
    play = perform([Actor(walk(3, 2, 0), RED), Actor(walk(5, 2, 0), BLUE)], seconds=0.03)
    assert pure(play) == [0, 1]


def test_rows_must_lie_inside_the_clip() -> None:
    play = perform([Actor(walk(3, 2, 0), RED)])
    with pytest.raises(InputError, match="120 times"):
        join_tracklets(play.rows, play.times[:-1], FrameRange(0, 120), JoinOptions())
    with pytest.raises(InputError, match="outside"):
        join_tracklets(play.rows, play.times, FrameRange(50, 170), JoinOptions())


def crowd(seed: int, rate: float = 30.0) -> Play:
    """Three people with holes, copies and exchanges, as a bad back end reports them."""
    draw = np.random.default_rng(seed)
    actors = []
    for wears in (RED, BLUE, GREEN):
        cuts = np.sort(draw.uniform(0.3, 3.7, 2))
        x, speed = draw.uniform(1, 8), draw.uniform(-1, 1)
        seen = ((0.0, cuts[0]), (cuts[0] + draw.uniform(0, 0.4), cuts[1]), (cuts[1], 9.0))
        actors.append(Actor(walk(x, draw.uniform(1.5, 2.5), speed), wears, seen=seen))
    numbers = draw.integers(0, 6, (3, 8))
    return perform(
        actors, lambda actor, now: int(numbers[actor, int(now * 2)]), rate=rate, seed=seed
    )


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), order=st.integers(0, 10_000))
def test_order_and_numbers_do_not_matter_and_nobody_is_in_two_places(seed: int, order: int) -> None:
    play = crowd(seed, rate=15.0)
    mixed, permutation = shuffled(play, order)
    result, again = play.joined(), mixed.joined()
    assert again.decisions == result.decisions
    assert list(again.persons) == list(result.persons)
    for name, rows in result.persons.items():
        np.testing.assert_array_equal(permutation[again.persons[name]], rows)
        assert np.all(np.diff(play.rows.frames[rows]) > 0)
    numbers = np.random.default_rng(order).permutation(1000)
    renumbered = dataclasses.replace(play.rows, tracklets=numbers[play.rows.tracklets])
    again = dataclasses.replace(play, rows=renumbered).joined()
    assert {name: rows.tolist() for name, rows in again.persons.items()} == {
        name: rows.tolist() for name, rows in result.persons.items()
    }
    used = np.concatenate([*result.persons.values(), np.zeros(0, dtype=int)])
    assert len(np.unique(used)) == len(used)


@pytest.mark.parametrize("rate", [5.0, 12.0, 60.0])
def test_rate_of_the_film_does_not_change_who_is_who(rate: float) -> None:
    actors = [
        Actor(walk(1, 2, 0.8), RED, seen=((0, 1.6), (2.2, 9))),
        Actor(walk(6, 2, -0.8), BLUE, seen=((0, 3), (6, 9))),
        Actor(walk(9, 2, 0), GREEN, seen=((3.5, 9),)),
    ]
    play = perform(actors, seconds=8, rate=rate)
    assert pure(play) == [0, 1, 2]
