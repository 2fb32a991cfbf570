"""Loose ends of tracks go, everything else stays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.capture.association import JoinResult
from choreoscope.capture.trimming import without_loose_ends
from choreoscope.datatypes.people import ObservationRows


def kept_frames(frames: list[int], rate: float = 30.0) -> tuple[list[int], int]:
    count = len(frames)
    rows = ObservationRows(
        frames=np.array(frames),
        tracklets=np.zeros(count, dtype=int),
        boxes_xyxy=np.zeros((count, 4)),
        score=np.ones(count),
        points_px=np.zeros((count, 33, 2)),
        points_m=np.zeros((count, 33, 3)),
        visibility=np.ones((count, 33)),
        appearance=np.zeros((count, 4)),
        in_mask=np.ones(count),
    )
    joined = JoinResult(persons={"P01": np.arange(count)}, decisions=())
    times = np.arange(max(frames) + 1) / rate
    trimmed = without_loose_ends(joined, rows, times, 0)
    return rows.frames[trimmed.persons["P01"]].tolist(), len(trimmed.decisions)


def test_slivers_after_somebody_has_left() -> None:
    whole = list(range(40, 199))
    assert kept_frames([*whole, 202, 205]) == (whole, 1)


def test_slivers_before_somebody_comes() -> None:
    whole = list(range(40, 100))
    assert kept_frames([30, 31, *whole]) == (whole, 1)


def test_a_return_of_some_length_stays() -> None:
    frames = [*range(40, 100), *range(110, 118)]
    assert kept_frames(frames) == (frames, 0)


def test_a_short_gap_in_the_middle_stays() -> None:
    frames = [*range(20), 22, *range(25, 60)]
    assert kept_frames(frames) == (frames, 0)


@pytest.mark.parametrize("frames", [[5], [5, 9], [5, 6, 7]])
def test_the_longest_piece_always_stays(frames: list[int]) -> None:
    assert kept_frames(frames)[0]


def test_seconds_count_not_frames() -> None:
    frames = [*range(30), 33]
    assert kept_frames(frames, rate=5.0) == (frames, 0)
    assert kept_frames(frames, rate=60.0) == (list(range(30)), 1)


@given(st.sets(st.integers(0, 80), min_size=1))
def test_trimming_again_changes_nothing(chosen: set[int]) -> None:
    once, _ = kept_frames(sorted(chosen))
    assert kept_frames(once)[0] == once
