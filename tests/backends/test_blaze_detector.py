"""The detector's own arithmetic, and the squares it looks at."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.backends.people.blaze.crops import Crop
from choreoscope.backends.people.blaze.detector import Detection, anchors, detect, merged
from choreoscope.backends.people.blaze.windows import first_look, grid, next_look


class OneAnswer:
    """A detector that is sure of one anchor."""

    size = 224

    def __init__(self, anchor: int, logit: float) -> None:
        self.boxes = np.zeros((2254, 12), dtype=np.float32)
        self.boxes[:, 2:4] = 20
        self.boxes[:, 7] = -40
        self.logits = np.full((2254, 1), -20, dtype=np.float32)
        self.logits[anchor] = logit

    def __call__(self, pixels: np.ndarray, *, scale: float, offset: float) -> dict[str, np.ndarray]:
        low, high = pixels.min() * scale + offset, pixels.max() * scale + offset
        assert -1 <= low <= high <= 1
        return {"boxes": self.boxes, "logits": self.logits}


def detection(x: float, y: float, *, score: float = 0.8, reach: float = 80) -> Detection:
    return Detection(score, (x - 10, y - reach, x + 10, y - reach + 20), (x, y), (x, y - reach))


def test_anchors_are_the_published_layout() -> None:
    table = anchors(224)
    assert table.shape == (2254, 2)
    assert table[0] == pytest.approx([4, 4])
    assert np.array_equal(table[0], table[1])
    assert table[2 * 28 * 28] == pytest.approx([8, 8])
    assert len(np.unique(table[-6:], axis=0)) == 1
    assert table[-1] == pytest.approx([208, 208])


def test_an_answer_is_carried_into_the_picture() -> None:
    window = Crop(1000, 500, 448)
    picture = np.zeros((900, 1600, 3), dtype=np.uint8)
    (found,) = detect(OneAnswer(0, 2.0), picture, window, 0.5)
    corner = np.array([1000 - 224, 500 - 224])
    assert found.score == pytest.approx(1 / (1 + math.exp(-2)))
    assert found.hips == pytest.approx(tuple(corner + 8))
    assert found.reach == pytest.approx(tuple(corner + np.array([8, 8 - 80])))
    assert found.crop.angle == pytest.approx(0)
    assert found.crop.side == pytest.approx(2 * 1.25 * 80)


def test_below_the_threshold_there_is_nobody() -> None:
    picture = np.zeros((300, 300, 3), dtype=np.uint8)
    assert detect(OneAnswer(7, -1.0), picture, Crop(150, 150, 300), 0.3) == []


def test_doubles_of_overlapping_squares_become_one() -> None:
    found = merged([detection(100, 100, score=0.9), detection(106, 103, score=0.6)])
    assert len(found) == 1
    assert found[0].score == 0.9
    assert 100 < found[0].hips[0] < 103


def test_neighbours_and_other_sizes_stay_apart() -> None:
    assert len(merged([detection(100, 100), detection(140, 100)])) == 2
    assert len(merged([detection(100, 100), detection(102, 100, reach=300)])) == 2


@given(st.permutations(range(5)))
def test_order_of_arrival_does_not_matter(order: list[int]) -> None:
    found = [detection(100 + 3 * index, 100, score=0.5 + index / 20) for index in range(5)]
    assert merged([found[index] for index in order]) == merged(found)


def test_nobody_merges_to_nobody() -> None:
    assert merged([]) == []


@given(st.integers(16, 4000), st.integers(16, 4000), st.floats(0.2, 1.5))
def test_squares_cover_the_picture(width: int, height: int, share: float) -> None:
    squares = grid(width, height, share * min(width, height))
    for length, axis in ((width, 0), (height, 1)):
        spans = sorted({(one[axis] - one.side / 2, one[axis] + one.side / 2) for one in squares})
        assert spans[0][0] <= 1e-6
        assert spans[-1][1] >= length - 1e-6
        for before, after in itertools.pairwise(spans):
            assert before[1] - after[0] >= 0.3 * squares[0].side - 1e-6


def test_a_wide_picture_gets_three_by_two_and_a_tall_one_two_by_three() -> None:
    assert len(grid(1768, 994, 0.75 * 994)) == 6
    tall = grid(1080, 1920, 0.75 * 1080)
    assert len(tall) == 6
    assert len({one.x for one in tall}) == 2


def test_sides_follow_the_people() -> None:
    fitting = next_look(1920, 1080, [300.0], 0)
    assert any(one.side == pytest.approx(500) for one in fitting)
    assert not any(one.side == pytest.approx(500) for one in next_look(1920, 1080, [], 0))


@given(st.lists(st.floats(0.1, 5000), max_size=12), st.integers(0, 10**6))
def test_a_look_has_a_bounded_price(heights: list[float], turn: int) -> None:
    assert len(next_look(1920, 1080, heights, turn)) <= 6 + 12 + 3


def test_all_sizes_have_their_turn() -> None:
    everything = set(first_look(1280, 720))
    looked_at = {one for turn in range(60) for one in next_look(1280, 720, [], turn)}
    assert looked_at == everything
