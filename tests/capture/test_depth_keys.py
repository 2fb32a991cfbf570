"""Depth keys of the corrections become the keys of a pass taken in from outside."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.capture.corrections import depth_keys
from choreoscope.capture.external.conversion import scale_offset_at
from choreoscope.datatypes.corrections import (
    Correction,
    Corrections,
    DepthKey,
    DepthKeys,
    depth_scale_offset,
)
from choreoscope.datatypes.frames import FrameRange

CLIP = FrameRange(10, 60)


@st.composite
def entries(draw: st.DrawFn) -> Correction:
    frames = sorted(draw(st.sets(st.integers(0, 80), min_size=1, max_size=4)))
    keys = tuple(
        DepthKey(frame=frame, scale=draw(st.floats(0.5, 2)), offset=draw(st.floats(-1, 1)))
        for frame in frames
    )
    span = draw(st.none() | st.tuples(st.integers(0, 40), st.integers(1, 40)))
    whole = None if span is None else FrameRange(span[0], span[0] + span[1])
    return Correction(frames=whole, action=DepthKeys(keys=keys))


@given(found=st.lists(entries(), max_size=3))
def test_the_keys_say_what_the_corrections_say(found: list[Correction]) -> None:
    corrections = Corrections(entries=tuple(found))
    truth = depth_scale_offset(corrections, list(CLIP))
    keys = depth_keys(corrections, CLIP)
    if keys:
        told = np.array([scale_offset_at(keys, frame) for frame in CLIP])
        np.testing.assert_allclose(told, truth, atol=1e-9)
    else:
        np.testing.assert_array_equal(truth, np.tile([1.0, 0.0], (len(CLIP), 1)))


def test_nothing_to_say_is_no_key() -> None:
    assert depth_keys(Corrections(entries=()), CLIP) == ()


def test_a_straight_line_is_two_keys() -> None:
    ends = DepthKeys(keys=(DepthKey(frame=0, scale=1.0), DepthKey(frame=100, scale=2.0)))
    keys = depth_keys(Corrections(entries=(Correction(action=ends),)), CLIP)
    assert [frame for frame, _, _ in keys] == [10, 59]
