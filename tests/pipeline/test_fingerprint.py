"""Fingerprints: equal causes look equal, different ones do not."""

import dataclasses
import enum
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.datatypes.errors import InputError
from choreoscope.pipeline.digests import content_of, sha256_of
from choreoscope.pipeline.fingerprint import (
    Causes,
    canonical,
    canonical_json,
    differences,
)
from choreoscope.pipeline.stage import Options

plain = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
values = st.recursive(
    plain, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12
)
options = st.dictionaries(st.text(), values, max_size=5)


def causes(**changes: Any) -> Causes:
    return dataclasses.replace(
        Causes(
            stage="people",
            version=1,
            backend="people/fake v1",
            options={"a": 1, "b": {"c": 0.1, "d": [1, 2]}},
            inputs={"film": "abc", "frames": "0:10"},
        ),
        **changes,
    )


def reversed_keys(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: reversed_keys(value[key]) for key in reversed(list(value))}
    if isinstance(value, list):
        return [reversed_keys(item) for item in value]
    return value


@given(options)
def test_the_order_of_keys_does_not_matter(chosen: dict[str, Any]) -> None:
    one = causes(options=chosen, inputs={"film": "x", "frames": "y"})
    other = causes(options=reversed_keys(chosen), inputs={"frames": "y", "film": "x"})
    assert one.fingerprint == other.fingerprint


@given(options)
def test_a_round_trip_through_json_does_not_matter(chosen: dict[str, Any]) -> None:
    stored = json.loads(json.dumps(canonical(chosen)))
    assert causes(options=stored).fingerprint == causes(options=chosen).fingerprint
    assert canonical_json(canonical(chosen)) == canonical_json(chosen)


@given(values, values)
def test_different_values_look_different(one: Any, other: Any) -> None:
    # Control of the two tests above: booleans and numbers are told apart, as JSON does.
    same = json.dumps(canonical(one), sort_keys=True) == json.dumps(
        canonical(other), sort_keys=True
    )
    assert (
        causes(options={"x": one}).fingerprint == causes(options={"x": other}).fingerprint
    ) == same


@pytest.mark.parametrize(
    "change",
    [
        {"stage": "person"},
        {"version": 2},
        {"backend": None},
        {"backend": "people/fake v2"},
        {"options": {"a": 1, "b": {"c": 0.1, "d": [2, 1]}}},
        {"options": {"a": 1, "b": {"c": np.nextafter(0.1, 1), "d": [1, 2]}}},
        {"options": {"a": True, "b": {"c": 0.1, "d": [1, 2]}}},
        {"options": {"a": "1", "b": {"c": 0.1, "d": [1, 2]}}},
        {"inputs": {"film": "other", "frames": "0:10"}},
        {"inputs": {"film": "abc", "frames": "0:11"}},
        {"inputs": {"film": "abc", "frames": "0:10", "stage x": "1"}},
    ],
)
def test_every_cause_counts(change: dict[str, Any]) -> None:
    assert causes(**change).fingerprint != causes().fingerprint


class Colour(enum.Enum):
    RED = "red"


class Choice(Options):
    limit: float = 1
    parts: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (0.0, -0.0),
        ((1, 2), [1, 2]),
        ({3, 1, 2}, [1, 2, 3]),
        (np.float32(0.5), 0.5),
        (np.array([[1, 2]]), [[1, 2]]),
        (Fraction(24000, 1001), "24000/1001"),
        (Colour.RED, "red"),
        (PureWindowsPath("a\\b"), PurePosixPath("a/b")),
        (Choice(limit=1, parts=frozenset("ab")), {"limit": 1.0, "parts": ["a", "b"]}),
        (1e22, 10**22),
    ],
)
def test_equal_choices_look_equal(one: object, other: object) -> None:
    assert canonical_json(one) == canonical_json(other)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"x", {1: 2}, object()])
def test_what_has_no_one_form_is_refused(value: object) -> None:
    with pytest.raises(InputError, match="an option"):
        canonical({"x": [value]})


def test_sets_look_equal_in_every_process() -> None:
    code = (
        "from choreoscope.pipeline.fingerprint import canonical_json;"
        "print(canonical_json({'x': {'left', 'right', 'hips', 'head'}}))"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert texts == {'{"x":["head","hips","left","right"]}\n'}


def test_the_scheme_has_not_changed_by_accident() -> None:
    """A changed fingerprint makes every result of every user stale: raise SCHEME on purpose."""
    known = "5079e4496aa2b2fdd832f80d86ebd54cf1877d2a42836e79d82b165afae64199"
    assert causes().fingerprint == known


def test_differences_say_what_changed() -> None:
    new = causes(
        version=2,
        backend="people/other v1",
        options={"a": 2, "b": {"c": 0.1, "d": [1, 2]}, "e": "x" * 100},
        inputs={"film": "xyz", "frames": "0:20", "stage who": "1"},
    )
    assert differences(causes(), new) == [
        "stage version 1 -> 2",
        "back end people/fake v1 -> people/other v1",
        "option a: 1 -> 2",
        f'option e: absent -> "{"x" * 56}...',
        "film changed",
        "frames 0:10 -> 0:20",
        "stage who is a new input",
    ]
    assert differences(new, causes())[-1] == "stage who is no longer an input"
    assert differences(causes(), causes()) == []


def test_long_values_that_differ_at_the_end_differ() -> None:
    one, other = causes(options={"a": "x" * 99 + "1"}), causes(options={"a": "x" * 99 + "2"})
    assert len(differences(one, other)) == 1


def test_hash_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_of(path) == known


def test_content_of_a_folder_is_its_names_and_bytes(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder / "deep").mkdir(parents=True)
        (tmp_path / folder / "deep" / "a").write_bytes(b"1")
        (tmp_path / folder / "b").write_bytes(b"2")
    one, two = tmp_path / "one", tmp_path / "two"
    first = content_of(one)
    assert content_of(two) == first
    (two / "b").rename(two / "c")
    assert content_of(two) != first
    (one / "b").write_bytes(b"3")
    assert content_of(one) != first
    assert content_of(tmp_path / "nothing") == "absent"
