"""Time as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.viewer.timecode import duration_text, time_code


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "00:00.000"),
        (4.1, "00:04.100"),
        (59.9996, "01:00.000"),
        (3599.9996, "1:00:00.000"),
        (-0.5, "-00:00.500"),
        (-0.0001, "00:00.000"),
    ],
)
def test_time_codes(seconds: float, text: str) -> None:
    assert time_code(seconds) == text


@given(st.integers(0, 10_000_000))
def test_time_codes_can_be_read_back(millis: int) -> None:
    *hours, minutes, seconds = time_code(millis / 1000).split(":")
    total = int(hours[0]) * 3600 if hours else 0
    assert total * 1000 + int(minutes) * 60_000 + round(float(seconds) * 1000) == millis


@pytest.mark.parametrize(
    ("seconds", "text"), [(7.66, "7.7 s"), (139, "2 min 19 s"), (3700, "1 h 1 min 40 s")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
