"""Curve files: laws of the interpolation, every form read alike, faults told in words."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.capture.cloud.curves import CurveKey, DepthCurve, curve_text, read_curve
from choreoscope.datatypes.errors import InputError

NUMBERS = st.floats(-20, 20).filter(lambda value: abs(value) > 1e-3)
KEYS = st.lists(
    st.tuples(st.integers(0, 500), NUMBERS, NUMBERS),
    min_size=1,
    max_size=6,
    unique_by=lambda k: k[0],
).map(lambda rows: tuple(CurveKey(frame=float(f), scale=s, offset=o) for f, s, o in sorted(rows)))
KINDS = st.sampled_from(["linear", "smooth"])


@given(KEYS, KINDS)
def test_a_curve_passes_through_its_keys_and_stays_outside_them(
    keys: tuple[CurveKey, ...], kind: Any
) -> None:
    curve = DepthCurve(keys=keys, interpolation=kind)
    for key in keys:
        assert curve.at(key.frame) == pytest.approx((key.scale, key.offset), abs=1e-9)
    assert curve.at(keys[0].frame - 7) == pytest.approx((keys[0].scale, keys[0].offset))
    assert curve.at(keys[-1].frame + 1000) == pytest.approx((keys[-1].scale, keys[-1].offset))


@given(KEYS, KINDS, st.floats(0, 1))
def test_a_curve_never_swings_beyond_its_keys(
    keys: tuple[CurveKey, ...], kind: Any, share: float
) -> None:
    curve = DepthCurve(keys=keys, interpolation=kind)
    for low, high in itertools.pairwise(keys):
        scale, offset = curve.at(low.frame + share * (high.frame - low.frame))
        for value, ends in ((scale, (low.scale, high.scale)), (offset, (low.offset, high.offset))):
            assert min(ends) - 1e-9 <= value <= max(ends) + 1e-9


def test_linear_is_linear_and_smooth_is_smooth() -> None:
    keys = (CurveKey(frame=0), CurveKey(frame=10, scale=2.0, offset=-1.0), CurveKey(frame=20))
    linear = DepthCurve(keys=keys)
    assert linear.at(2.5) == pytest.approx((1.25, -0.25))
    smooth = DepthCurve(keys=keys, interpolation="smooth")
    assert smooth.at(2.5) != pytest.approx((1.25, -0.25))
    for curve, kink in ((linear, 0.2), (smooth, 0.02)):
        left = curve.at(10)[0] - curve.at(9.9)[0]
        right = curve.at(10.1)[0] - curve.at(10)[0]
        assert abs(left - right) <= kink * 0.1 + 1e-9
        assert (abs(left - right) > 0.015) == (curve is linear)


@pytest.mark.parametrize("kind", ["linear", "smooth"])
def test_every_form_reads_alike(tmp_path: Path, kind: str) -> None:
    keys = (CurveKey(frame=0.0), CurveKey(frame=12.5, scale=1.25, offset=-0.3))
    curve = DepthCurve(keys=keys, interpolation=kind)
    (tmp_path / "a.yaml").write_text(curve_text(curve))
    rows = [{"frame": k.frame, "scale": k.scale, "offset": k.offset} for k in keys]
    (tmp_path / "a.json").write_text(json.dumps({"interpolation": kind, "keys": rows}))
    assert read_curve(tmp_path / "a.yaml") == read_curve(tmp_path / "a.json") == curve
    (tmp_path / "a.csv").write_text("# by hand\nframe,scale,offset\n0,1,0\n12.5, 1.25, -0.3\n")
    assert read_curve(tmp_path / "a.csv").keys == keys


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.yaml", "keys: []", "at least one key"),
        ("a.yaml", "- 1", "expected 'keys:'"),
        ("a.yaml", "keys: [{frame: 3}, {frame: 1}]", "must rise"),
        ("a.yaml", "keys: [{frame: 3, scael: 1}]", "did you mean 'scale'"),
        ("a.yaml", "keys: [{frame: 3, scale: 0}]", "other than 0"),
        ("a.yaml", "keys: [{frame: 3, scale: much}]", "expected numbers"),
        ("a.yaml", "keys: [{frame: 3}]\ninterpolation: wavy", "linear or smooth"),
        ("a.yaml", "keys: [{frame: 3", "line 1"),
        ("a.csv", "frame,size\n1,2", "header frame,scale,offset"),
        ("a.csv", "frame,scale,offset\nx,1,0", "expected numbers"),
    ],
)
def test_faults_are_told(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=words) as told:
        read_curve(tmp_path / name)
    assert str(told.value).startswith(str(tmp_path / name))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_curve(tmp_path / "none.yaml")
