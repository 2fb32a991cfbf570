"""motion.npz: what goes in comes out, in documented arrays, and bad files are refused in words."""

import dataclasses
import os
import re
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.datatypes.motion import Motion
from choreoscope.formats import motion_npz
from choreoscope.geometry import kinematics
from motions import small_skeleton, uneven_times, wild_motion

PAGE = Path(__file__).resolve().parents[2] / "docs" / "motion_npz.md"


def assert_equal(a: Motion, b: Motion) -> None:
    for one, other in ((a, b), (a.skeleton, b.skeleton)):
        for field in dataclasses.fields(one):
            first, second = getattr(one, field.name), getattr(other, field.name)
            if isinstance(first, np.ndarray):
                assert np.array_equal(first, second, equal_nan=True), field.name
            elif field.name != "skeleton":
                assert first == second, field.name


@pytest.fixture
def motion() -> Motion:
    return wild_motion(small_skeleton(turned_rest=True), times=uneven_times(40))


@pytest.fixture
def written(tmp_path: Path, motion: Motion) -> Path:
    path = tmp_path / "motion.npz"
    motion_npz.write_motion(path, motion, person="Zoë", notes=("lens assumed", "größer"))
    return path


def altered(path: Path, **changes: np.ndarray | None) -> Path:
    with np.load(path) as archive:
        arrays = dict(archive) | changes
    other = path.with_name("altered.npz")
    np.savez(other, **{name: value for name, value in arrays.items() if value is not None})
    return other


def test_everything_comes_back_exactly(written: Path, motion: Motion) -> None:
    found = motion_npz.check_motion(written)
    assert_equal(found.motion, motion)
    assert found.person == "Zoë"
    assert found.notes == ("lens assumed", "größer")
    assert_equal(motion_npz.read_motion(written), motion)


def test_a_motion_without_contacts_or_frames_comes_back(tmp_path: Path, motion: Motion) -> None:
    bare = dataclasses.replace(motion, contacts=None, contact_joints=())
    empty = dataclasses.replace(
        bare,
        times=bare.times[:0],
        root_position=bare.root_position[:0],
        rotations=bare.rotations[:0],
        confidence=bare.confidence[:0],
    )
    for number, case in enumerate((bare, empty)):
        path = tmp_path / f"{number}.npz"
        motion_npz.write_motion(path, case, person="p")
        found = motion_npz.check_motion(path)
        assert found.motion.contacts is None
        assert found.notes == ()
        assert_equal(found.motion, case)


def test_positions_are_there_for_those_who_want_only_positions(
    written: Path, motion: Motion
) -> None:
    with np.load(written, allow_pickle=False) as archive:
        stored = archive["joint_positions"]
    assert np.allclose(stored, kinematics.of_motion(motion)[0], atol=1e-6)


def test_the_same_motion_gives_the_same_bytes(
    tmp_path: Path, written: Path, motion: Motion, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 1e6)
    again = tmp_path / "no_ending"
    motion_npz.write_motion(again, motion, person="Zoë", notes=("lens assumed", "größer"))
    assert again.read_bytes() == written.read_bytes()
    with zipfile.ZipFile(written) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert not os.path.lexists(tmp_path / "no_ending.npz")


def test_the_documentation_lists_exactly_the_keys_shapes_and_types(
    written: Path, motion: Motion
) -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| \(([^)]*)\) \| (\w+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    sizes = {"T": motion.frame_count, "J": 17, "K": 2, "N": 2}
    documented = {
        name: (tuple(sizes.get(part) or int(part) for part in shape.split(", ") if part), kind)
        for name, shape, kind in rows
    }
    with np.load(written, allow_pickle=False) as archive:
        stored = {
            name: (array.shape, "text" if array.dtype.kind == "U" else str(array.dtype))
            for name, array in archive.items()
        }
    assert documented == stored


def test_the_lines_of_the_documentation_run(
    written: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert code
    monkeypatch.chdir(written.parent)
    exec(compile(code[1], "motion_npz.md", "exec"), {})  # noqa: S102
    assert "Zoë is on average 0.9" in capsys.readouterr().out


def test_a_newer_schema_is_refused_with_the_way_out(written: Path) -> None:
    newer = altered(written, schema_version=np.array(2))
    with pytest.raises(InputError, match=r"newer Choreoscope .*schema 2.* update"):
        motion_npz.read_motion(newer)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schema_version": None}, "not a Choreoscope motion file"),
        ({"tips": None}, "lacks the array 'tips'"),
        ({"rotations": np.ones((40, 17, 4))}, "unit length"),
        ({"times": np.zeros(3)}, "expected shape"),
        ({"rate": np.array([30, 0])}, "damaged"),
        ({"notes": np.array([{}], dtype=object)}, "pickle"),
    ],
)
def test_damaged_files_are_refused(
    written: Path, changes: dict[str, np.ndarray], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        motion_npz.read_motion(altered(written, **changes))


def test_other_files_are_refused(tmp_path: Path, written: Path) -> None:
    text = tmp_path / "text.npz"
    text.write_text("not a zip")
    half = tmp_path / "half.npz"
    half.write_bytes(written.read_bytes()[:900])
    single = tmp_path / "single.npy"
    np.save(single, np.zeros(3))
    empty = tmp_path / "empty.npz"
    empty.write_bytes(b"")
    locked = tmp_path / "locked.npz"
    # Bit 0 of the flags in the central directory says "encrypted".
    raw = bytearray(written.read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    locked.write_bytes(raw)
    for path in (text, half, single, empty, locked, tmp_path, tmp_path / "absent.npz"):
        with pytest.raises(InputError, match=path.name):
            motion_npz.read_motion(path)


def test_positions_that_do_not_follow_from_the_rotations_are_noticed(written: Path) -> None:
    with np.load(written) as archive:
        positions = archive["joint_positions"].copy()
    positions[3, 5, 1] += 0.0002
    with pytest.raises(OutputError, match=r"by 0\.20 mm"):
        motion_npz.check_motion(altered(written, joint_positions=positions))
    with pytest.raises(OutputError, match="not an array of shape"):
        motion_npz.check_motion(altered(written, joint_positions=positions[:-1]))
    with pytest.raises(OutputError, match="lacks the array"):
        motion_npz.check_motion(altered(written, parents=None))
