"""Which windows are made: all that is missing, nothing twice, as they were before."""

import hypothesis.strategies as st
from hypothesis import given

from choreoscope.datatypes.artifacts import WrittenFile
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.pipeline.task import windows_to_make

CLIP = FrameRange(5, 105)


def written(frames: FrameRange, kind: str = "seen") -> WrittenFile:
    return WrittenFile(
        kind=kind, path=f"work/{kind}/{frames}", size=1, sha256="0" * 64, frames=frames
    )


def frame_sets() -> st.SearchStrategy[FrameSet]:
    single = st.sets(st.integers(CLIP.start, CLIP.stop - 1))
    return single.map(lambda found: FrameSet.of(FrameRange(one, one + 1) for one in found))


@given(missing=frame_sets(), length=st.integers(1, 40))
def test_without_anything_there_it_is_the_missing_frames_in_windows(
    missing: FrameSet, length: int
) -> None:
    windows = windows_to_make(CLIP, length, missing, ())
    assert FrameSet.of(windows) == missing
    assert sum(map(len, windows)) == len(missing)
    assert all(len(window) <= length for window in windows)
    assert list(windows) == sorted(windows, key=lambda window: window.start)


@given(missing=frame_sets(), length=st.integers(1, 40))
def test_windows_that_lack_frames_are_made_again_as_they_were(
    missing: FrameSet, length: int
) -> None:
    grid = CLIP.windows(length)
    frames = [written(FrameRange(one, one + 1), "frame") for one in CLIP]
    windows = windows_to_make(CLIP, length, missing, (*map(written, grid), *frames))
    assert set(windows) == {window for window in grid if FrameSet.of([window]) & missing}


def test_windows_that_were_cut_after_a_crash_stay_as_they_are() -> None:
    kept = [written(FrameRange(*part)) for part in ((5, 25), (25, 31), (32, 45), (45, 105))]
    alone = FrameSet.of([FrameRange(31, 32)])
    assert windows_to_make(CLIP, 40, alone, tuple(kept)) == (FrameRange(31, 32),)
    both = FrameSet.of([FrameRange(30, 31), FrameRange(40, 41)])
    assert windows_to_make(CLIP, 40, both, tuple(kept)) == (FrameRange(25, 31), FrameRange(32, 45))
