"""Shots survive the disk, and damage is told in one line."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.shots import Shot, ShotsResult
from choreoscope.formats.shots_json import read_shots, write_shots


@st.composite
def results(draw: st.DrawFn) -> ShotsResult:
    count = draw(st.integers(0, 60))
    lost = FrameSet.of(draw(st.sets(st.integers(0, max(count - 1, 0)), max_size=5)))
    whole = FrameSet.of([FrameRange(0, count)])
    decoded, undecodable = whole - lost, whole & lost
    cuts = sorted(draw(st.sets(st.integers(1, max(count - 1, 1)), max_size=3))) if count > 1 else []
    bounds = [0, *cuts, count] if count else []
    kinds = st.sampled_from([("still", 0.25), ("moving", 123.5), ("unknown", None)])
    shots = []
    for start, stop in pairwise(bounds):
        movement, speed = draw(kinds)
        shots.append(Shot(frames=FrameRange(start, stop), movement=movement, speed_px_s=speed))
    return ShotsResult(
        decoded=decoded,
        undecodable=undecodable,
        pts=np.cumsum(np.ones(len(decoded), dtype=np.int64) * 512),
        time_base=Fraction(1, 15360),
        shots=tuple(shots),
    )


@given(result=results())
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, result: ShotsResult) -> None:
    path = tmp_path_factory.mktemp("shots") / "shots.json"
    write_shots(path, result)
    back = read_shots(path)
    assert back.decoded == result.decoded
    assert back.undecodable == result.undecodable
    assert back.shots == result.shots
    assert back.cuts == result.cuts
    assert back.time_base == result.time_base
    np.testing.assert_array_equal(back.pts, result.pts)
    before = path.read_bytes()
    write_shots(path, back)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"0:3"', '"3:0"'),
        ('"still"', '"dancing"'),
        ('"1/10"', '"1/0"'),
        ("choreoscope.shots", "choreoscope.else"),
        ('"schema_version": 1', '"schema_version": 2'),
        ("[0, 1, 2]", "[0, 1]"),
        ("}\n", ""),
        ("pts", "times"),
    ],
)
def test_damage_gives_one_clear_line(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "shots.json"
    frames = FrameSet.of([FrameRange(0, 3)])
    shot = Shot(frames=FrameRange(0, 3), movement="still", speed_px_s=1.0)
    result = ShotsResult(
        decoded=frames,
        undecodable=FrameSet(),
        pts=np.arange(3),
        time_base=Fraction(1, 10),
        shots=(shot,),
    )
    write_shots(path, result)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match="run the same command again") as told:
        read_shots(path)
    assert "\n" not in str(told.value)


def test_absent_file(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        read_shots(tmp_path / "absent.json")
