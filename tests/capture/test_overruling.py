"""Persons put right by hand: laws, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.capture.overruling import IdentityCorrection, overruled
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.people import ObservationRows

CLIP = FrameRange(100, 140)
WHOLE = (100, 140)
Persons = dict[str, np.ndarray]


def rows_of(frames: list[int]) -> ObservationRows:
    count = len(frames)
    return ObservationRows(
        frames=np.array(frames),
        tracklets=np.arange(count) // 10,
        boxes_xyxy=np.zeros((count, 4)),
        score=np.ones(count),
        points_px=np.zeros((count, 33, 2)),
        points_m=np.zeros((count, 33, 3)),
        visibility=np.ones((count, 33)),
        appearance=np.ones((count, 4)),
        in_mask=np.ones(count),
    )


# P01 and P02 all the time, P03 at the end, where P01 is away.
FRAMES = [*range(100, 130), *range(100, 140), *range(132, 140)]
ROWS = rows_of(FRAMES)
PERSONS = {"P01": np.arange(30), "P02": np.arange(30, 70), "P03": np.arange(70, 78)}


def swap(one: str, other: str, frames: tuple[int, int] = WHOLE) -> IdentityCorrection:
    return IdentityCorrection(action="swap", names=((one, other),), frames=frames)


def merge(one: str, into: str, frames: tuple[int, int] = WHOLE) -> IdentityCorrection:
    return IdentityCorrection(action="merge", names=((one, into),), frames=frames)


def rename(frames: tuple[int, int] = WHOLE, **names: str) -> IdentityCorrection:
    return IdentityCorrection(action="rename", names=tuple(names.items()), frames=frames)


def after(*corrections: IdentityCorrection) -> Persons:
    return overruled(PERSONS, ROWS, CLIP, corrections)[0]


def same(one: Persons, other: Persons) -> bool:
    return list(one) == list(other) and all(np.array_equal(one[name], other[name]) for name in one)


ranges = st.tuples(st.integers(100, 128), st.integers(1, 12)).map(lambda r: (r[0], r[0] + r[1]))


def test_nothing_to_replay() -> None:
    assert same(after(), PERSONS)


@given(ranges)
def test_swapping_twice_is_nothing(frames: tuple[int, int]) -> None:
    assert same(after(swap("P01", "P02", frames), swap("P02", "P01", frames)), PERSONS)
    assert not same(after(swap("P01", "P02", frames)), PERSONS)


@given(ranges)
def test_naming_back_is_nothing(frames: tuple[int, int]) -> None:
    there, back = rename(frames, P01="anna"), rename(frames, anna="P01")
    assert same(after(there, back), PERSONS)
    assert not same(after(there), PERSONS)
    assert same(after(rename(P02="b", P01="a"), rename(a="P01", b="P02")), PERSONS)


@given(ranges)
def test_a_swap_is_undone_by_exchanging_names(frames: tuple[int, int]) -> None:
    swapped = after(swap("P01", "P02", frames))
    renamed = after(rename(frames, P01="P02", P02="P01"))
    assert all(np.array_equal(swapped[name], renamed[name]) for name in PERSONS)


@given(st.lists(st.tuples(st.sampled_from(["P01", "P02", "P03"]), ranges), max_size=6))
def test_every_row_has_one_owner_and_every_frame_one_row(
    chosen: list[tuple[str, tuple[int, int]]],
) -> None:
    corrections = [swap(name, "P02" if name != "P02" else "P01", span) for name, span in chosen]
    try:
        persons = after(*corrections)
    except InputError:
        return
    rows = np.concatenate(list(persons.values()))
    assert sorted(rows) == list(range(len(FRAMES)))
    for own in persons.values():
        assert np.all(np.diff(ROWS.frames[own]) > 0)


def test_a_swap_exchanges_only_the_range() -> None:
    persons = after(swap("P01", "P02", (110, 120)))
    np.testing.assert_array_equal(persons["P01"], [*range(10), *range(40, 50), *range(20, 30)])
    np.testing.assert_array_equal(persons["P02"][10:20], range(10, 20))


def test_a_merge_leaves_one_person() -> None:
    persons = after(merge("P03", "P01"))
    assert list(persons) == ["P01", "P02"]
    np.testing.assert_array_equal(persons["P01"], [*range(30), *range(70, 78)])


def test_people_seen_together_are_not_merged_unless_the_range_leaves_that_out() -> None:
    with pytest.raises(InputError, match=r"P01 and P02 are both seen in 30 frames \(100:130\)"):
        after(merge("P01", "P02"))
    assert list(after(merge("P02", "P01", (130, 132)))) == ["P01", "P02", "P03"]
    with pytest.raises(InputError, match=r"8 frames \(132:140\)"):
        after(merge("P03", "P02"))


def test_order_matters_where_it_should() -> None:
    late = after(rename(P01="anna"), merge("P03", "anna"))
    assert list(late) == ["anna", "P02"]
    with pytest.raises(InputError, match="there is no 'anna' here; there is P01, P02, P03"):
        after(merge("P03", "anna"), rename(P01="anna"))
    one = after(swap("P01", "P02", (110, 112)), swap("P01", "P02", (120, 122)))
    other = after(swap("P01", "P02", (120, 122)), swap("P01", "P02", (110, 112)))
    assert same(one, other)


def test_a_name_that_is_taken_is_refused() -> None:
    with pytest.raises(InputError, match="the name 'P01' is taken; if both are one person"):
        after(rename(P03="P01"))
    with pytest.raises(InputError, match="the name 'anna' is taken"):
        after(rename(P01="anna"), rename(P02="Anna"))
    assert list(after(rename(P01="anna"), rename(anna="Anna"))) == ["Anna", "P02", "P03"]


def test_a_piece_may_be_cut_off() -> None:
    persons = after(rename((110, 140), P01="guest"))
    assert [(name, len(rows)) for name, rows in persons.items()] == [
        ("P01", 10),
        ("guest", 20),
        ("P02", 40),
        ("P03", 8),
    ]


@pytest.mark.parametrize(
    ("correction", "why"),
    [
        (swap("P01", "P09"), "there is no 'P09' here; there is P01, P02, P03"),
        (merge("P09", "P01"), "there is no 'P09'"),
        (rename(P09="anna"), "there is no 'P09'"),
        (merge("P03", "P01", (100, 110)), "P03 is not seen there, but in frames 132:140"),
        (rename((100, 110), P03="x"), "P03 is not seen there"),
        (swap("P01", "P03", (130, 132)), "neither of them is seen there"),
    ],
)
def test_what_cannot_be_replayed_is_told(correction: IdentityCorrection, why: str) -> None:
    with pytest.raises(InputError, match=why):
        after(correction)


def test_nobody_at_all() -> None:
    with pytest.raises(InputError, match="there is nobody"):
        overruled({}, rows_of([]), CLIP, [rename(P01="anna")])


def test_every_correction_is_a_decision_with_its_note() -> None:
    noted = swap("P01", "P02", (110, 120)).model_copy(update={"note": "column", "author": "Kim"})
    _, decisions = overruled(PERSONS, ROWS, CLIP, [noted, rename(P01="anna")])
    assert decisions[0].reason == ("by hand, swap P01 with P02 over frames 110:120: column (Kim)")
    assert (decisions[0].kind, decisions[0].score) == ("corrected", 1.0)
    assert decisions[0].tracklets == (1, 4)
    assert decisions[1].reason == "by hand, rename P01 to anna over frames 100:140"
