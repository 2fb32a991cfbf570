"""The assignment is the best there is, and furniture is told from people."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage_play import Actor, clothes, perform

from choreoscope.capture.belief import BeliefOptions, doubtful, doubts, looks_human, shaking
from choreoscope.capture.chains import assigned
from choreoscope.capture.likeness import Sightings, sightings
from choreoscope.capture.returns import nearest_looks

BELIEF = BeliefOptions()
costs = st.floats(0.0, 10.0) | st.just(np.inf)


@given(values=st.lists(st.lists(costs, min_size=3, max_size=3), min_size=3, max_size=3))
def test_assignment_saves_most(values: list[list[float]]) -> None:
    matrix, limit = np.array(values), 5.0
    pairs = assigned(matrix, limit)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    assert all(matrix[i, j] < limit for i, j in pairs)
    saved = sum(limit - matrix[i, j] for i, j in pairs)
    best = max(
        sum(max(0.0, limit - matrix[i, j]) for i, j in enumerate(order))
        for order in itertools.permutations(range(3))
    )
    assert saved == pytest.approx(best)


def test_nothing_to_assign() -> None:
    assert assigned(np.zeros((0, 0)), 5.0) == []
    assert assigned(np.full((2, 2), np.inf), 5.0) == []


def test_greedy_pairs_would_be_worse() -> None:
    """The cheapest pair taken first leaves the other two with nothing."""
    matrix = np.array([[1.0, 2.0], [2.0, 9.0]])
    assert sorted(assigned(matrix, 5.0)) == [(0, 1), (1, 0)]


def test_nearest_looks_finds_the_one_light_both_were_seen_in() -> None:
    sun, shade, other = (np.sqrt(clothes(seed)) for seed in (1, 2, 3))
    assert nearest_looks(np.stack([sun, shade]), np.stack([shade, other])) < 0.3
    assert nearest_looks(np.stack([sun]), np.stack([other])) > 0.5
    # One look in nine that is somebody else's: the moment in which a body is settled on.
    assert nearest_looks(np.stack([sun] * 9), np.stack([other] * 8 + [sun])) > 0.5
    assert nearest_looks(np.full((1, 24), np.nan), np.stack([other])) == np.inf


def seen(actor: Actor, rate: float = 30.0, shake_px: float = 0.0) -> Sightings:
    play = perform([actor], rate=rate, shake_px=shake_px)
    return sightings(play.rows, play.times, 0)


@pytest.mark.parametrize("rate", [5.0, 30.0, 60.0])
def test_walker_looks_human_and_a_shaking_thing_does_not(rate: float) -> None:
    walker = seen(Actor(lambda t: (2 + t, 2.0), clothes(1)), rate)
    rows = np.arange(len(walker))
    assert doubts(walker, rows, 4.0, 0.4, BELIEF) == []
    thing = seen(Actor(lambda _: (2.0, 2.0), clothes(1), score=0.9, in_mask=0.8), rate, 20.0)
    (reason,) = doubts(thing, rows, 4.0, 0.4, BELIEF)
    assert reason.startswith("looks human to")
    assert shaking(thing, rows)[0] > 4 * shaking(walker, rows)[0]


def test_missing_masks_are_not_held_against_anybody() -> None:
    walker = seen(Actor(lambda t: (2 + t, 2.0), clothes(1), in_mask=np.nan))
    assert looks_human(walker, np.arange(len(walker)), BELIEF) > 0.9


def test_short_run_is_judged_with_its_neighbours() -> None:
    good = seen(Actor(lambda t: (2 + t, 2.0), clothes(1)))
    rows = np.arange(len(good))
    assert not doubtful(good, rows[10:12], BELIEF)
    bad = seen(Actor(lambda t: (2 + t, 2.0), clothes(1), in_mask=0.5))
    assert doubtful(bad, rows[10:12], BELIEF)
    # Two poor rows in the middle of a good run: the somersault.
    good.in_mask[10:12] = 0.3
    assert looks_human(good, rows[10:12], BELIEF) < BELIEF.least_doubtful
    assert not doubtful(good, rows[10:12], BELIEF)


def test_single_rows_do_not_shake() -> None:
    one = seen(Actor(lambda t: (2 + t, 2.0), clothes(1)))
    assert shaking(one, np.array([0])) == (0.0, 0.0)
    assert shaking(one, np.array([0, 5, 9])) == (0.0, 0.0)
