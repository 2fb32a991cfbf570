"""Frame ranges and sets: the algebra is that of Python's sets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange, FrameSet

bounds = st.tuples(st.integers(0, 40), st.integers(0, 40)).map(sorted)
ranges = bounds.map(lambda pair: FrameRange(*pair))
parts = st.lists(ranges | st.integers(0, 40), max_size=8)
sets = parts.map(FrameSet.of)


def members(items: list[FrameRange | int]) -> set[int]:
    return {
        frame for item in items for frame in (item if isinstance(item, FrameRange) else (item,))
    }


@given(parts)
def test_a_set_holds_exactly_its_parts(items: list[FrameRange | int]) -> None:
    frames = FrameSet.of(items)
    assert set(frames) == members(items)
    assert list(frames) == sorted(members(items))
    assert len(frames) == len(members(items))
    assert bool(frames) == bool(members(items))
    assert [frame in frames for frame in range(45)] == [
        frame in members(items) for frame in range(45)
    ]


@given(sets, sets)
def test_algebra(one: FrameSet, other: FrameSet) -> None:
    assert set(one | other) == set(one) | set(other)
    assert set(one - other) == set(one) - set(other)
    assert set(one & other) == set(one) & set(other)


@given(sets, sets, sets)
def test_laws(one: FrameSet, other: FrameSet, third: FrameSet) -> None:
    # Equal sets are equal objects, because ranges are disjoint, sorted and never touch.
    assert one | other == other | one
    assert one & other == other & one
    assert (one | other) | third == one | (other | third)
    assert one - (other | third) == (one - other) - third
    assert (one & other) | (one - other) == one
    assert one - one == FrameSet()
    assert one | FrameSet() == one


@given(sets)
def test_ranges_are_disjoint_sorted_and_apart(frames: FrameSet) -> None:
    for before, after in zip(frames.ranges, frames.ranges[1:], strict=False):
        assert before.stop < after.start
    assert all(len(part) > 0 for part in frames.ranges)


@given(sets)
def test_text_round_trip(frames: FrameSet) -> None:
    assert FrameSet.parse(str(frames)) == frames


@pytest.mark.parametrize(
    "text", ["", "5", "5:", ":", "1:2:3", "a:b", "5:3", "-1:3", "0:5, 5:7", "3:4, 1:2", "2:2"]
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        FrameSet.parse(text)


@pytest.mark.parametrize(
    "wrong",
    [
        (FrameRange(0, 5), FrameRange(5, 7)),
        (FrameRange(3, 5), FrameRange(0, 1)),
        (FrameRange(2, 2),),
    ],
)
def test_a_set_refuses_ranges_that_are_not_in_form(wrong: tuple[FrameRange, ...]) -> None:
    with pytest.raises(InputError):
        FrameSet(wrong)


@given(ranges, st.integers(1, 50))
def test_windows_cut_a_range_without_loss(frames: FrameRange, length: int) -> None:
    windows = frames.windows(length)
    assert [frame for window in windows for frame in window] == list(frames)
    assert all(len(window) == length for window in windows[:-1])
    assert all(0 < len(window) <= length for window in windows)


@given(ranges)
def test_a_range_counts_and_holds_its_frames(frames: FrameRange) -> None:
    assert list(frames) == list(range(frames.start, frames.stop))
    assert len(frames) == frames.stop - frames.start
    assert frames.start - 1 not in frames
    assert frames.stop not in frames
    assert "0" not in frames


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("100:400", FrameRange(100, 400)),
        (":400", FrameRange(0, 400)),
        ("100:", FrameRange(100, 500)),
        ("100:9999", FrameRange(100, 500)),
        (":", FrameRange(0, 500)),
    ],
)
def test_parse_a_range(text: str, expected: FrameRange) -> None:
    assert FrameRange.parse(text, frame_count=500) == expected


@pytest.mark.parametrize("text", ["", "100", "400:100", "5:5", "-3:5", "a:b", "1:2:3", "500:600"])
def test_a_wrong_range_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(InputError, match=text or "expected frames"):
        FrameRange.parse(text, frame_count=500)


@pytest.mark.parametrize(("start", "stop"), [(-1, 3), (5, 4)])
def test_a_range_refuses_impossible_bounds(start: int, stop: int) -> None:
    with pytest.raises(InputError, match=f"{start}:{stop}"):
        FrameRange(start, stop)
