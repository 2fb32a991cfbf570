"""Items made ahead: the same, in order, errors and early ends included."""

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.formats.read_ahead import AHEAD, read_ahead


@given(st.lists(st.integers(), max_size=30))
def test_the_same_items_in_order(items: list[int]) -> None:
    assert list(read_ahead(lambda: iter(items))) == items


def test_what_goes_wrong_is_raised_after_the_items_before_it() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    got: list[int] = []
    with pytest.raises(ValueError, match="no more"):
        got.extend(read_ahead(broken))
    assert got in ([], [1])


def test_an_early_end_stops_the_thread_and_closes_the_source() -> None:
    closed = threading.Event()
    made = 0

    def endless() -> Iterator[int]:
        nonlocal made
        try:
            while True:
                made += 1
                yield made
        finally:
            closed.set()

    items = read_ahead(endless)
    assert next(items) == 1
    items.close()
    assert closed.is_set()
    assert made <= AHEAD + 3
