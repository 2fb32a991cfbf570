"""Manifests: what is written is read, what is damaged is refused, old ones are upgraded."""

import dataclasses
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.datatypes.artifacts import Manifest, WrittenFile
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.pipeline import manifest as module
from choreoscope.pipeline.folder import ClipFolder
from choreoscope.pipeline.manifest import (
    causes_of,
    contribution,
    failed_frames,
    of_text,
    read_manifest,
    to_text,
    write_manifest,
)

EXAMPLE = Manifest(
    stage="see",
    stage_version=3,
    fingerprint="f" * 64,
    backend="look/fake v1 weights 0123",
    options={"gain": 1.5, "names": ["Zoë"], "deep": {"a": None}},
    inputs={"film": "abc", "frames": "0:20"},
    files=(
        WrittenFile(
            kind="seen",
            path="work/seen/a.txt",
            size=12,
            sha256="a" * 64,
            window="a",
            frames=FrameRange(0, 10),
        ),
        WrittenFile(kind="line", path="people/Zoë/line.txt", size=1, sha256="b" * 64, person="Zoë"),
    ),
    done=FrameSet((FrameRange(0, 8), FrameRange(12, 20))),
    failed={"8:12": "torn"},
    notes=("a note",),
    seconds=1.25,
    cpu_seconds=2.5,
    model_cpu_seconds=2.0,
    tier="ask",
)


def changed(**changes: object) -> str:
    return json.dumps({**json.loads(to_text(EXAMPLE)), **changes})


def test_round_trip(tmp_path: Path) -> None:
    folder = ClipFolder(tmp_path)
    write_manifest(folder, EXAMPLE)
    assert read_manifest(folder, "see") == EXAMPLE
    assert read_manifest(folder, "who") is None
    assert [path.name for path in (tmp_path / "work/manifests").iterdir()] == ["see.json"]


anything = st.text(st.characters(codec=None))


@given(
    st.dictionaries(anything, anything | st.integers() | st.booleans() | st.none()),
    st.lists(anything, max_size=3),
)
def test_any_text_survives(options: dict[str, object], notes: list[str]) -> None:
    """Lone surrogates too: the system's file names are not always valid Unicode."""
    manifest = dataclasses.replace(EXAMPLE, options=options, notes=tuple(notes))
    with tempfile.TemporaryDirectory() as path:
        write_manifest(ClipFolder(Path(path)), manifest)
        assert read_manifest(ClipFolder(Path(path)), "see") == manifest


def test_the_file_is_for_people_too() -> None:
    lines = to_text(EXAMPLE).splitlines()
    assert lines[1] == '  "schema": 1,'
    assert '  "done": "0:8, 12:20",' in lines
    assert sum("sha256" in line for line in lines) == 2
    json.loads(to_text(EXAMPLE))


def test_every_truncation_is_refused() -> None:
    text = to_text(EXAMPLE).rstrip()
    for length in range(len(text)):
        with pytest.raises(InputError):
            of_text(text[:length])
    of_text(text)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 2}, "newer Choreoscope"),
        ({"schema": 0}, "KeyError"),
        ({"schema": "x"}, "ValueError"),
        ({"done": "10:5"}, "0 <= start <= stop"),
        ({"done": 5}, "AttributeError"),
        ({"origin": "guessed"}, "unknown origin"),
        ({"tier": "free"}, "ValueError"),
        ({"files": [{}]}, "KeyError"),
        ({"files": {"a": 1}}, "TypeError"),
        ({"inputs": []}, "AttributeError"),
        ({"failed": {"a": "b"}}, "expected frames"),
        ({"stage": None, "notes": None}, "TypeError"),
    ],
)
def test_damage_is_told(change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        of_text(changed(**change))


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", "C:\\x", "\\\\host\\x"])
def test_no_manifest_speaks_of_files_outside(path: str) -> None:
    """The engine removes files that manifests list."""
    files = [{"kind": "seen", "path": path, "size": 1, "sha256": "a"}]
    with pytest.raises(InputError, match="outside the clip's folder"):
        of_text(changed(files=files))


def test_a_manifest_under_another_stages_name(tmp_path: Path) -> None:
    folder = ClipFolder(tmp_path)
    write_manifest(folder, EXAMPLE)
    (tmp_path / "work/manifests/see.json").rename(tmp_path / "work/manifests/who.json")
    with pytest.raises(InputError, match="manifest of stage 'see'"):
        read_manifest(folder, "who")


def test_an_older_schema_is_upgraded_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    old = json.loads(to_text(EXAMPLE))
    old["finished"] = old.pop("done")
    old["schema"] = 1
    monkeypatch.setattr(module, "SCHEMA", 3)
    monkeypatch.setitem(module.UPGRADES, 1, lambda r: {**r, "done": r["finished"]})
    monkeypatch.setitem(module.UPGRADES, 2, lambda r: {**r, "notes": [*r["notes"], "upgraded"]})
    manifest = of_text(json.dumps(old))
    assert manifest.schema == 3
    assert manifest.done == EXAMPLE.done
    assert manifest.notes == ("a note", "upgraded")


def test_contribution_tells_gaps_and_hand_work_apart() -> None:
    whole = dataclasses.replace(EXAMPLE, failed={})
    assert contribution(whole) == whole.fingerprint
    assert contribution(EXAMPLE) == f"{whole.fingerprint} without 8:12"
    edited = dataclasses.replace(whole, origin="edited")
    other = dataclasses.replace(
        edited, files=(dataclasses.replace(edited.files[0], sha256="c" * 64), edited.files[1])
    )
    assert len({contribution(one) for one in (whole, EXAMPLE, edited, other)}) == 4
    assert failed_frames(EXAMPLE) == FrameSet((FrameRange(8, 12),))


def test_causes_are_kept() -> None:
    causes = causes_of(of_text(to_text(EXAMPLE)))
    assert causes == causes_of(EXAMPLE)
    assert causes.options["gain"] == 1.5
