"""``landmarks.npz`` survives the disk and is what its page says."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.datatypes.errors import InputError, ShapeError
from choreoscope.datatypes.people import PersonExtras, PersonSequence
from choreoscope.formats.sequence import SequenceFile, read_sequence, write_sequence

PAGE = Path(__file__).resolve().parents[2] / "docs" / "landmarks_npz.md"


def landmarks(rows: int, faces: int, seed: int = 0) -> SequenceFile:
    draw = np.random.default_rng(seed)

    def numbers(*shape: int) -> np.ndarray:
        return draw.normal(size=shape).astype(np.float32)

    frames = np.cumsum(draw.integers(1, 4, rows))
    hands = numbers(rows, 2, 21, 2)
    hands[:, 1] = np.nan
    return SequenceFile(
        sequence=PersonSequence(
            person="P01",
            frames=frames,
            boxes_xyxy=numbers(rows, 4),
            score=numbers(rows),
            points_px=numbers(rows, 33, 2),
            points_m=numbers(rows, 33, 3),
            visibility=numbers(rows, 33),
            hands_px=hands,
            hands_m=numbers(rows, 2, 21, 3),
            hands_score=numbers(rows, 2),
        ),
        extras=PersonExtras(
            face_frames=frames[:faces],
            face_px=numbers(min(faces, rows), 468, 2),
            appearance=numbers(8),
        ),
        times=frames / 30.0,
        point_set="blazepose33",
    )


@given(rows=st.integers(1, 6), faces=st.integers(0, 3), seed=st.integers(0, 99))
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory, rows: int, faces: int, seed: int
) -> None:
    path = tmp_path_factory.mktemp("person") / "landmarks.npz"
    content = landmarks(rows, faces, seed)
    write_sequence(path, content)
    back = read_sequence(path)
    assert (back.point_set, back.sequence.person) == ("blazepose33", "P01")
    np.testing.assert_array_equal(back.times, content.times)
    for one, two in ((content.sequence, back.sequence), (content.extras, back.extras)):
        for field in dataclasses.fields(one):
            np.testing.assert_array_equal(getattr(one, field.name), getattr(two, field.name))
    before = path.read_bytes()
    write_sequence(path, back)
    assert path.read_bytes() == before


def test_the_page_lists_what_the_file_holds(tmp_path: Path) -> None:
    rows, faces = 5, 2
    path = tmp_path / "landmarks.npz"
    write_sequence(path, landmarks(rows, faces))
    sizes = {"N": rows, "F": faces, "P": 33, "A": 8}
    table = re.findall(
        r"^\| `(\w+)` \| \(([^)]*)\) \| (\w+) \|", PAGE.read_text("utf-8"), re.MULTILINE
    )
    page = {
        name: (tuple(sizes.get(size) or int(size) for size in shape.split(", ") if size), kind)
        for name, shape, kind in table
    }
    with np.load(path, allow_pickle=False) as stored:
        held = {
            name: (array.shape, "text" if array.dtype.kind == "U" else str(array.dtype))
            for name, array in stored.items()
        }
    assert page == held


def test_the_pages_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_sequence(tmp_path / "landmarks.npz", landmarks(5, 2))
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    exec(compile(example, "landmarks_npz.md", "exec"), {})  # noqa: S102


def test_unlike_lengths_are_refused(tmp_path: Path) -> None:
    content = landmarks(5, 2)
    with pytest.raises(ShapeError, match="4 times for 5 rows"):
        write_sequence(tmp_path / "x.npz", dataclasses.replace(content, times=content.times[:4]))
    stray = dataclasses.replace(content.extras, face_frames=np.array([1000, 1001]))
    with pytest.raises(ShapeError, match="without a body"):
        write_sequence(tmp_path / "x.npz", dataclasses.replace(content, extras=stray))


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "landmarks.npz"
    with pytest.raises(InputError, match="run the same command again"):
        read_sequence(path)
    np.savez(path, frames=np.arange(3))
    with pytest.raises(InputError, match=r"choreoscope\.landmarks"):
        read_sequence(path)
