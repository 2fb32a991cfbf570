"""Reading corrections: every kind of entry, and every mistake with its line."""

import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.datatypes.corrections import (
    Contact,
    Correction,
    Corrections,
    CutChanges,
    DepthKey,
    DepthKeys,
    Distrust,
    FloorPoints,
    Focal,
    Heights,
    Horizon,
    Merge,
    Pin,
    Rename,
    Swap,
)
from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.formats.corrections_template import (
    corrections_template,
    write_corrections_template,
)
from choreoscope.formats.corrections_yaml import ABOUT, ACTIONS, read_corrections

DOCS = Path(__file__).resolve().parents[2] / "docs" / "corrections.md"


def read(folder: Path, text: str, frame_count: int = 1000) -> Corrections:
    path = folder / "corrections.yaml"
    path.write_text(text, encoding="utf-8")
    return read_corrections(path, frame_count=frame_count)


def uncommented(text: str) -> str:
    """Examples of the template as somebody would switch them on."""
    return re.sub(r"^#(?=- |  )", "", text, flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("- swap: [P01, P02]", Swap(one="P01", other="P02")),
        ("- merge: [P03, P01]", Merge(person="P03", into="P01")),
        ("- rename: {P01: anna, P02: Zoë}", Rename(names={"P01": "anna", "P02": "Zoë"})),
        (
            "- contact: {person: P01, part: left_foot, is: on}",
            Contact(person="P01", part="left_foot", touching=True),
        ),
        (
            "- contact: {person: P01, part: right_heel, is: off}",
            Contact(person="P01", part="right_heel", touching=False),
        ),
        ("- pin: {person: P01, part: left_toes}", Pin(person="P01", part="left_toes")),
        ("- focal_mm: 35", Focal(focal_mm=35.0)),
        ("- {focal_mm: 24, sensor_mm: 23.5}", Focal(focal_mm=24.0, sensor_mm=23.5)),
        ("- focal_px: 1850.5", Focal(focal_px=1850.5)),
        ("- height: {P01: 1.72, P02: 2}", Heights(metres={"P01": 1.72, "P02": 2.0})),
        (
            "- floor: {points: [[0, 1, 2], [1, 1, 2], [0, 1, 3]]}",
            FloorPoints(points=((0.0, 1.0, 2.0), (1.0, 1.0, 2.0), (0.0, 1.0, 3.0))),
        ),
        ("- floor: {horizon: [[0, 310], [9, 305]]}", Horizon(points=((0.0, 310.0), (9.0, 305.0)))),
        ("- cuts: {add: [10, 20], remove: [30]}", CutChanges(add=(10, 20), remove=(30,))),
        ("- distrust: {person: P02}", Distrust(person="P02")),
        ("- distrust: {person: all}", Distrust(person="all")),
        (
            "- depth: [{frame: 0, scale: 1.5}, {frame: 9, offset: -0.2}]",
            DepthKeys(keys=(DepthKey(frame=0, scale=1.5), DepthKey(frame=9, offset=-0.2))),
        ),
    ],
)
def test_every_action(tmp_path: Path, text: str, action: object) -> None:
    (entry,) = read(tmp_path, text).entries
    assert entry.action == action
    assert entry.frames is None


def test_what_an_entry_says_about_itself(tmp_path: Path) -> None:
    text = "# mine\n\n- frames: 100:200\n  note: they cross\n  author: Kim\n  swap: [P01, P02]\n"
    (entry,) = read(tmp_path, text).entries
    action = Swap(one="P01", other="P02")
    frames = FrameRange(100, 200)
    assert entry == Correction(action=action, frames=frames, note="they cross", author="Kim")
    assert entry.line == 3


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("100:", FrameRange(100, 1000)),
        ('":7"', FrameRange(0, 7)),
        ('"0:1000"', FrameRange(0, 1000)),
    ],
)
def test_open_ranges(tmp_path: Path, text: str, frames: FrameRange) -> None:
    quoted = text if text.startswith('"') else f'"{text}"'
    (entry,) = read(tmp_path, f"- frames: {quoted}\n  focal_px: 900").entries
    assert entry.frames == frames


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "[]"])
def test_a_file_without_entries(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == Corrections()


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("# a\n- swapp: [P01, P02]", 2, "unknown key 'swapp'; did you mean 'swap'?"),
        ("- swap: [P01, P02]\n  nite: x", 2, "unknown key 'nite'; did you mean 'note'?"),
        (
            "- swap: [P01, P02]\n- pin:\n    person: P01\n    prt: left_foot",
            4,
            "did you mean 'part'",
        ),
        ("- zzz: 1", 1, "unknown key 'zzz'; known: author,"),
        ("- note: only\n  author: me", 1, "exactly one action, got none"),
        ("- swap: [a, b]\n  merge: [a, b]", 1, "exactly one action, got swap and merge"),
        ("- swap: [P01]", 1, "expected a list of 2"),
        ("- swap: [P01, P01]", 1, "two different persons"),
        ("- swap:\n  - P01\n  - 7", 3, "expected text, got '7'"),
        ("- swap: [P01, all]", 1, "expected one person such as P01, got 'all'"),
        ("- swap: P01", 1, "expected a list of 2, got 'P01'"),
        ("- rename: {}", 1, "expected an id and a name"),
        ("- rename:\n    P01: anna\n    P02: a/b", 1, "'a/b' cannot name a person"),
        ("- frames: 100:200", 1, "got none"),
        ("- focal_px: 9\n  frames: 100", 2, "expected frames as START:STOP"),
        ("- focal_px: 9\n  frames: 100:", 2, "needs quotes, such as frames: "),
        ("- focal_px: 9\n  frames: '200:100'", 2, "which holds no frame"),
        ("- focal_px: 9\n  frames: -5:10", 2, "expected frames as START:STOP"),
        ("- focal_px: 9\n  frames: 900:1001", 2, r"lie outside the film, which has 1000 frames"),
        ("- focal_px: wide", 1, "expected a number, got 'wide'"),
        ("- focal_px: true", 1, "expected a number, got 'True'"),
        ("- focal_px: .nan", 1, "expected a number"),
        ("- focal_px: -1", 1, "above 0, got -1"),
        ("- focal_px: 900\n  sensor_mm: 36", 2, "belongs to focal_mm"),
        ("- sensor_mm: 36", 1, "exactly one action, got none"),
        ("- height:\n    P01: 1.7\n    P02: 172", 1, "0.4 to 2.6 m, got 172 for P02"),
        ("- height: 1.7", 1, "expected keys with values, got '1.7'"),
        (
            "- contact: {person: P01, part: left_fot, is: on}",
            1,
            "unknown part 'left_fot'; did you mean 'left_foot'?",
        ),
        (
            "- contact:\n    person: P01\n    part: left_foot\n    is: maybe",
            4,
            "expected on or off",
        ),
        ("- contact: {person: P01, part: left_foot}", 1, "'is' is missing"),
        ("- pin: {person: P01, part: nose}", 1, "unknown part 'nose'; known: left_foot"),
        ("- floor: {points: [[0, 1, 2], [1, 1, 2]]}", 1, "three or more points of the floor"),
        ("- floor:\n    points:\n    - [0, 1, 2]\n    - [0, 1]", 4, "expected a list of 3"),
        ("- floor: {horizon: [[1, 1], [1, 1]]}", 1, "two different points of the horizon"),
        ("- floor: {}", 1, "expected either points or horizon"),
        ("- cuts: {add: [0]}", 1, "frame 0 lies outside; expected 1 to 999"),
        ("- cuts:\n    add:\n    - 10\n    - 1000", 4, "frame 1000 lies outside"),
        ("- cuts: {add: [1.5]}", 1, "expected the number of a frame, got '1.5'"),
        ("- cuts: {add: [5], remove: [5]}", 1, "both added and removed"),
        ("- cuts: {add: [5]}\n  frames: '0:9'", 2, "cuts name their frames themselves"),
        ("- distrust: {}", 1, "'person' is missing"),
        ("- depth: []", 1, "expected keys at rising frames"),
        ("- depth:\n  - {frame: 5}\n  - {scale: 2}", 3, "'frame' is missing"),
        ("- depth: [{frame: 5}, {frame: 5}]", 1, "rising frames, got"),
        ("- depth: [{frame: 50}]\n  frames: '0:9'", 1, "frame 50 lies outside this entry's frames"),
        ("- depth: [{frame: 5000}]", 1, "frame 5000 lies outside"),
        ("swap: [P01, P02]", 1, "expected a list of entries"),
        ("- 3", 1, "expected keys with values, got '3'"),
        ("-", 1, "expected keys with values, got nothing"),
        ("- swap: [P01, P02", 2, "not readable as YAML"),
        ("- swap: [a, b]\n  swap: [a, c]", 2, "duplicate key"),
        ("- swap: [a, b]\n---\n- swap: [a, b]", 2, "not readable as YAML"),
        ("- swap: !!python/object/apply:os.system [a, b]\n- pin: {}", 2, "'person' is missing"),
    ],
)
def test_every_mistake_is_told_with_its_line(
    tmp_path: Path, text: str, line: int, why: str
) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, text + "\n")
    assert str(caught.value).startswith(f"corrections.yaml, line {line}: ")
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_corrections(tmp_path / "absent.yaml", frame_count=9)
    (tmp_path / "bad.yaml").write_bytes(b"- note: \xff\xfe")
    with pytest.raises(InputError, match=r"bad\.yaml is not readable as YAML text"):
        read_corrections(tmp_path / "bad.yaml", frame_count=9)


@given(data=st.data())
def test_whatever_stands_in_the_file_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    lines = uncommented(corrections_template()).splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(lines) - 1))
        rubbish = data.draw(
            st.sampled_from(
                ["- ", "  x: &a [*a]", "- !!set {a, b}", "  <<: {swap: [a, b]}", "- ? 3"]
            )
            | st.text(alphabet="-: [],{}#&*!'\"aP01\t", max_size=12)
        )
        lines[place] = rubbish
    folder = tmp_path_factory.mktemp("any")
    with contextlib.suppress(InputError):
        assert isinstance(read(folder, "\n".join(lines)), Corrections)


def test_the_template_corrects_nothing_until_it_is_switched_on(tmp_path: Path) -> None:
    path = tmp_path / "corrections.yaml"
    write_corrections_template(path)
    assert read_corrections(path, frame_count=1000) == Corrections()
    with pytest.raises(OutputError, match="exists already"):
        write_corrections_template(path)


def test_every_example_of_the_template_is_an_entry(tmp_path: Path) -> None:
    text = corrections_template()
    entries = read(tmp_path, uncommented(text)).entries
    assert len(entries) == len(re.findall(r"^#- ", text, flags=re.MULTILINE))
    for word in (*ACTIONS, *ABOUT):
        assert re.search(rf"^#(- |  ){word}: ", text, flags=re.MULTILINE) or f"#- {word}:" in text
    kinds = {type(entry.action) for entry in entries}
    assert kinds == {type(entry.action) for entry in _one_of_each(tmp_path)}


def _one_of_each(folder: Path) -> tuple[Correction, ...]:
    return read(
        folder,
        "- swap: [a, b]\n- merge: [a, b]\n- rename: {a: b}\n- focal_px: 9\n- height: {a: 1.7}\n"
        "- contact: {person: a, part: left_foot, is: on}\n- pin: {person: a, part: left_foot}\n"
        "- floor: {points: [[0, 1, 2], [1, 1, 2], [0, 1, 3]]}\n"
        "- floor: {horizon: [[0, 1], [2, 1]]}\n"
        "- cuts: {add: [5]}\n- distrust: {person: a}\n- depth: [{frame: 1}]\n",
    ).entries


def test_the_example_of_the_docs_is_read_and_names_every_key(tmp_path: Path) -> None:
    text = DOCS.read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    assert len(read(tmp_path, example).entries) >= 8
    for word in (*ACTIONS, *ABOUT):
        assert f"`{word}" in text
