"""Which frames are shown, and their pictures."""

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.datatypes.frames import FrameRange
from choreoscope.viewer.filmstrip import thumbnail, thumbnail_frames


@given(start=st.integers(0, 500), length=st.integers(1, 900), count=st.integers(1, 20))
def test_frames_rise_inside_the_clip(start: int, length: int, count: int) -> None:
    clip = FrameRange(start, start + length)
    chosen = thumbnail_frames(clip, count)
    assert len(chosen) == min(count, length)
    assert all(frame in clip for frame in chosen)
    assert sorted(set(chosen)) == list(chosen)


def test_frames_are_spread_evenly() -> None:
    assert thumbnail_frames(FrameRange(100, 200), 4) == (112, 137, 162, 187)


def test_a_thumbnail_decodes_to_the_same_colours() -> None:
    frame = np.zeros((360, 640, 3), dtype=np.uint8)
    frame[:] = (200, 60, 20)
    shot = thumbnail(frame, frame=7, seconds=0.28)
    assert (shot.width, shot.height) == (320, 180)
    back = cv2.imdecode(np.frombuffer(shot.jpeg, dtype=np.uint8), cv2.IMREAD_COLOR)
    assert back.shape == (180, 320, 3)
    assert np.abs(back[90, 160, ::-1].astype(int) - (200, 60, 20)).max() < 6


def test_small_pictures_are_not_enlarged() -> None:
    shot = thumbnail(np.zeros((40, 30, 3), dtype=np.uint8), frame=0, seconds=0.0)
    assert (shot.width, shot.height) == (30, 40)
