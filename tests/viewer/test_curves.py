"""Confidence curves: right values, gaps stay gaps, long ones are brought down."""

import re

import numpy as np
import pytest
from viewer_builders import MakeMotion, entry_of

from choreoscope.datatypes.frames import FrameRange
from choreoscope.viewer.curves import MOST_POINTS, band_path, curves_of, line_path


def spots(path: str) -> list[list[tuple[float, float]]]:
    return [
        [tuple(map(float, spot.split())) for spot in piece.rstrip("Z").split("L")]  # type: ignore[misc]
        for piece in re.split("M", path)[1:]
    ]


def test_values_come_from_the_motion(make_motion: MakeMotion) -> None:
    motion = make_motion(20, first=5, unseen=(3,))
    curves = curves_of(entry_of("p", motion), FrameRange(0, 40))
    assert np.isnan(curves.body[[0, 4, 8, 25]]).all()
    assert curves.body[5] == pytest.approx(0.8)
    assert curves.hands[5] == pytest.approx(0.8)


def test_without_motion_they_come_from_what_was_seen() -> None:
    curves = curves_of(entry_of("p", None, np.array([3, 4])), FrameRange(0, 10))
    assert curves.body[3] == pytest.approx(0.7)
    assert curves.hands[4] == pytest.approx(0.5)
    assert np.isnan(curves.body[5])


def test_a_line_breaks_at_gaps() -> None:
    values = np.array([0.0, 1.0, np.nan, 0.5, 0.25])
    assert spots(line_path(values)) == [[(0.5, 100), (1.5, 0)], [(3.5, 50), (4.5, 75)]]
    assert len(spots(line_path(np.array([0.0, 1.0, 0.5])))) == 1


def test_a_single_frame_is_a_dash() -> None:
    assert line_path(np.array([np.nan, 0.5, np.nan])) == "M1 50H2"


def test_nothing_known_draws_nothing() -> None:
    assert line_path(np.full(4, np.nan)) == ""
    assert band_path(np.full(4, np.nan)) == ""


def test_long_curves_keep_their_extremes_in_the_band() -> None:
    values = np.full(5 * MOST_POINTS, 0.6)
    values[1234] = 0.1
    (line,) = spots(line_path(values))
    (band,) = spots(band_path(values))
    assert len(line) <= MOST_POINTS
    assert max(y for _, y in band) == pytest.approx(90)
    assert max(y for _, y in line) < 60
    assert 0 <= min(x for x, _ in line) <= max(x for x, _ in line) <= len(values)
