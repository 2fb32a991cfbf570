import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.datatypes.corrections import (
    Correction,
    Corrections,
    CutChanges,
    DepthKey,
    DepthKeys,
    Focal,
    Heights,
    Rename,
    Swap,
    check_name,
    depth_scale_offset,
)
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange


def depth(*keys: tuple[int, float, float], frames: FrameRange | None = None) -> Correction:
    return Correction(
        action=DepthKeys(
            keys=tuple(DepthKey(frame=at, scale=scale, offset=offset) for at, scale, offset in keys)
        ),
        frames=frames,
    )


def test_depth_is_left_alone_without_keys() -> None:
    np.testing.assert_array_equal(depth_scale_offset(Corrections(), [3, 1]), [[1, 0], [1, 0]])


def test_depth_is_linear_between_keys_and_constant_outside() -> None:
    told = Corrections(entries=(depth((10, 1.0, 0.0), (20, 2.0, -1.0)),))
    np.testing.assert_allclose(
        depth_scale_offset(told, np.array([0, 10, 15, 20, 99])),
        [[1, 0], [1, 0], [1.5, -0.5], [2, -1], [2, -1]],
    )


def test_keys_of_one_range_belong_together_and_hold_only_there() -> None:
    first, second = FrameRange(0, 10), FrameRange(10, 20)
    told = Corrections(
        entries=(
            depth((8, 3.0, 0.0), frames=first),
            depth((15, 5.0, 0.5), frames=second),
            depth((0, 1.0, 0.0), frames=first),
        )
    )
    np.testing.assert_allclose(
        depth_scale_offset(told, [4, 9, 10, 19, 25]),
        [[2, 0], [3, 0], [5, 0.5], [5, 0.5], [1, 0]],
    )


@given(st.lists(st.integers(0, 50), min_size=2, max_size=5, unique=True))
def test_the_order_of_entries_with_other_keys_does_not_matter(frames: list[int]) -> None:
    entries = [depth((frame, 1.0 + frame, frame / 2)) for frame in frames]
    one = depth_scale_offset(Corrections(entries=tuple(entries)), range(60))
    other = depth_scale_offset(Corrections(entries=tuple(reversed(entries))), range(60))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["anna", "Zoë", "P01", "the-tall_one2"])
def test_names_for_folders(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "a/b", "..", "a b", "all", "CON", "lpt1", "x" * 41, unicodedata.normalize("NFD", "Zoë")],
)
def test_names_that_cannot_be_folders_everywhere(name: str) -> None:
    with pytest.raises(InputError, match="cannot name a person"):
        check_name(name)


def test_nonsense_is_refused() -> None:
    with pytest.raises(InputError, match="two different persons, got 'P01' twice"):
        Swap(one="P01", other="P01")
    with pytest.raises(InputError, match="'anna' is given twice"):
        Rename(names={"P01": "anna", "P02": "anna"})
    with pytest.raises(InputError, match="either focal_px or focal_mm"):
        Focal()
    with pytest.raises(InputError, match="above 0, got -3"):
        Focal(focal_mm=-3.0)
    with pytest.raises(InputError, match=r"0\.4 to 2\.6 m, got 172 for P01"):
        Heights(metres={"P01": 172.0})
    with pytest.raises(InputError, match="frame 3 is both added and removed"):
        CutChanges(add=(3,), remove=(3,))
    with pytest.raises(InputError, match="rising frames"):
        DepthKeys(keys=(DepthKey(frame=3), DepthKey(frame=3)))
    with pytest.raises(InputError, match="scale above 0"):
        DepthKey(frame=3, scale=0.0)


def test_an_entry_touches_what_it_overlaps() -> None:
    entry = Correction(action=Swap(one="P01", other="P02"), frames=FrameRange(10, 20))
    assert entry.within(FrameRange(0, 15)) == FrameRange(10, 15)
    assert entry.within(FrameRange(20, 30)) is None
    assert entry.within(FrameRange(0, 10)) is None
    whole = Correction(action=entry.action)
    assert whole.within(FrameRange(3, 9)) == FrameRange(3, 9)
    assert Correction(action=entry.action, line=3) == Correction(action=entry.action, line=9)
