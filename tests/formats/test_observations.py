"""A window of observations survives the disk: every array, every gap, the state to the bit."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from choreoscope.datatypes.errors import InputError, ShapeError
from choreoscope.datatypes.people import PeopleInFrame
from choreoscope.formats.npz import write_arrays
from choreoscope.formats.observations import (
    SCHEMA,
    VERSION,
    read_observations,
    read_rows,
    read_state,
    write_observations,
)
from people_cases import person, windows


def same(one: object, two: object) -> None:
    """Equal dataclasses, arrays bit for bit, NaN equal to NaN."""
    if dataclasses.is_dataclass(one):
        for field in dataclasses.fields(one):
            same(getattr(one, field.name), getattr(two, field.name))
    elif isinstance(one, np.ndarray):
        assert isinstance(two, np.ndarray)
        np.testing.assert_array_equal(one, two)
    else:
        assert one == two


def one_window(*people: int, frame: int = 3) -> list[PeopleInFrame]:
    return [PeopleInFrame(frame=frame, people=tuple(map(person, people)), state={})]


@given(seen=windows())
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, seen: list[PeopleInFrame]) -> None:
    path = tmp_path_factory.mktemp("window") / "w.npz"
    write_observations(path, seen)
    back = read_observations(path)
    assert [entry.frame for entry in back] == [entry.frame for entry in seen]
    for one, two in zip(seen, back, strict=True):
        assert len(one.people) == len(two.people)
        for first, second in zip(one.people, two.people, strict=True):
            same(first, second)
    for index, entry in enumerate(back):
        wanted = seen[-1].state if index == len(seen) - 1 else {}
        assert sorted(entry.state) == sorted(wanted)
        for key, value in wanted.items():
            assert entry.state[key].dtype == value.dtype
            np.testing.assert_array_equal(entry.state[key], value)
    assert sorted(read_state(path)) == sorted(seen[-1].state if seen else {})


@given(seen=windows())
def test_rows_are_the_same_people_in_the_same_order(
    tmp_path_factory: pytest.TempPathFactory, seen: list[PeopleInFrame]
) -> None:
    path = tmp_path_factory.mktemp("window") / "w.npz"
    write_observations(path, seen)
    rows = read_rows([path])
    people = [(entry.frame, someone) for entry in seen for someone in entry.people]
    assert rows.frames.tolist() == [frame for frame, _ in people]
    assert rows.tracklets.tolist() == [someone.tracklet for _, someone in people]
    for row, (_, someone) in enumerate(people):
        np.testing.assert_array_equal(rows.points_px[row], someone.points_px)
        np.testing.assert_array_equal(rows.appearance[row], someone.appearance)


def test_rows_of_several_windows_follow_each_other(tmp_path: Path) -> None:
    paths = [tmp_path / f"{index}.npz" for index in range(3)]
    for index, path in enumerate(paths):
        write_observations(path, one_window(*([] if index == 1 else [index, 5]), frame=index))
    assert read_rows(paths).frames.tolist() == [0, 0, 2, 2]
    assert len(read_rows([]).frames) == 0


def test_same_observations_same_bytes(tmp_path: Path) -> None:
    state = {"a": np.arange(3), "b": np.ones((2, 2), dtype=np.float32)}
    first, second, third = (tmp_path / name for name in ("1.npz", "2.npz", "3.npz"))
    write_observations(first, [PeopleInFrame(frame=0, people=(person(1),), state=state)])
    swapped = dict(reversed(state.items()))
    write_observations(second, [PeopleInFrame(frame=0, people=(person(1),), state=swapped)])
    write_observations(third, [PeopleInFrame(frame=0, people=(person(2),), state=state)])
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes() != third.read_bytes()


def test_float64_is_kept_to_a_five_hundredth_of_a_pixel(tmp_path: Path) -> None:
    exact = dataclasses.replace(person(1), points_px=np.full((33, 2), 3839.123456789))
    write_observations(tmp_path / "w.npz", [PeopleInFrame(frame=0, people=(exact,), state={})])
    back = read_observations(tmp_path / "w.npz")[0].people[0]
    assert abs(back.points_px - exact.points_px).max() < 0.002


def test_state_with_objects_is_refused(tmp_path: Path) -> None:
    seen = [PeopleInFrame(frame=0, people=(), state={"bad": np.array([{}], dtype=object)})]
    with pytest.raises(ShapeError, match=r"state\.bad.*Python objects"):
        write_observations(tmp_path / "w.npz", seen)


def test_frames_that_do_not_rise_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match="rise"):
        write_observations(tmp_path / "w.npz", one_window(1) + one_window(2))


def test_people_with_unlike_points_are_refused(tmp_path: Path) -> None:
    odd = dataclasses.replace(
        person(2),
        points_px=np.zeros((17, 2)),
        points_m=np.zeros((17, 3)),
        visibility=np.zeros(17),
    )
    seen = [PeopleInFrame(frame=0, people=(person(1), odd), state={})]
    with pytest.raises(ShapeError, match="points_px"):
        write_observations(tmp_path / "w.npz", seen)


def damaged(path: Path) -> list[Path]:
    """The same window, hurt in ways a disk or a person may hurt it."""
    whole = path.read_bytes()
    hurt = {
        "cut.npz": whole[: len(whole) // 2],
        "empty.npz": b"",
        "text.npz": b"not a zip at all",
        "flipped.npz": bytes(byte ^ (0xFF if 400 < i < 900 else 0) for i, byte in enumerate(whole)),
    }
    for name, content in hurt.items():
        (path.parent / name).write_bytes(content)
    np.save(path.parent / "array.npy", np.arange(3))
    np.savez(path.parent / "other.npz", frames=np.arange(3))
    write_arrays(path.parent / "schema.npz", "choreoscope.else", VERSION, {})
    write_arrays(path.parent / "newer.npz", SCHEMA, VERSION + 1, {})
    write_arrays(path.parent / "bare.npz", SCHEMA, VERSION, {})
    np.savez(path.parent / "pickled.npz", schema=np.array([SCHEMA, {}], dtype=object))
    names = ("array.npy", "other.npz", "schema.npz", "newer.npz", "bare.npz", "pickled.npz")
    return [path.parent / name for name in (*hurt, *names, "absent.npz")]


def test_damaged_files_give_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    write_observations(path, one_window(1, 2))
    for hurt in damaged(path):
        with pytest.raises(InputError, match="run the same command again") as told:
            read_observations(hurt)
        assert "\n" not in str(told.value)
        with pytest.raises(InputError):
            read_rows([hurt])


def test_counts_that_do_not_add_up_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    write_observations(path, one_window(1, 2))
    members = dict(np.load(path))
    members["people_per_frame"] = np.array([1])
    write_arrays(path, SCHEMA, VERSION, members)
    with pytest.raises(InputError, match="add up"):
        read_observations(path)
