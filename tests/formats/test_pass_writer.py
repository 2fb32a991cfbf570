"""Pictures written by a pool: order, errors, what is checked before a file gets its name."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from choreoscope.datatypes.errors import InputError, OutputError, WorkerLostError
from choreoscope.formats import pass_writer
from choreoscope.formats.exr import open_exr
from choreoscope.formats.pass_writer import PassWriter, WrittenPicture, checked_exr, checked_png
from choreoscope.formats.pictures import read_picture
from choreoscope.formats.pool_worker import work_of
from choreoscope.formats.shared_planes import SharedPlanes, shared_planes
from choreoscope.formats.work_pool import WorkPool, cores


def planes(seed: int, size: tuple[int, int] = (30, 40)) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    depth = rng.normal(3, 1, size).astype(np.float32)
    depth[0, 0] = np.nan
    return {"depth.Z": depth, "N.X": rng.normal(0, 1, size).astype(np.float16)[:, ::-1]}


@pytest.mark.parametrize("workers", [0, 2])
def test_pictures_are_written_in_order_and_as_given(tmp_path: Path, workers: int) -> None:
    told: list[WrittenPicture] = []
    header = {"framesPerSecond": Fraction(24000, 1001), "unit": "metres"}
    grey = np.arange(1200, dtype=np.uint16).reshape(30, 40, 1)
    with PassWriter(workers, written=told.append) as writer:
        for at in range(7):
            writer.exr(tmp_path / f"{at}.exr", planes(at), header)
        writer.png(tmp_path / "größe.png", grey)
    names = [*(f"{at}.exr" for at in range(7)), "größe.png"]
    assert [one.path.name for one in told] == names
    assert [one.size for one in told] == [one.path.stat().st_size for one in told]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    for at in range(7):
        file = open_exr(tmp_path / f"{at}.exr")
        assert file.headers[0]["framesPerSecond"] == Fraction(24000, 1001)
        for name, plane in planes(at).items():
            assert np.array_equal(file.channels[name], plane, equal_nan=True)
    assert np.array_equal(read_picture(tmp_path / "größe.png").pixels, grey)
    checked_exr(tmp_path / "alone.exr", planes(3), header)
    assert (tmp_path / "alone.exr").read_bytes() == (tmp_path / "3.exr").read_bytes()


def test_an_error_in_a_worker_is_raised_where_pictures_are_given(tmp_path: Path) -> None:
    told: list[WrittenPicture] = []
    writer = PassWriter(1, written=told.append)
    writer.exr(tmp_path / "a.exr", planes(1))
    writer.exr(tmp_path / "absent" / "b.exr", planes(2))
    with pytest.raises(OutputError, match="absent"):
        writer.__exit__(None, None, None)
    assert [one.path.name for one in told] == ["a.exr"]


def test_what_does_not_read_back_gets_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(path: Path, channels: Mapping[str, np.ndarray], *args: Any, **more: Any) -> None:
        whole(path, {**channels, "depth.Z": channels["depth.Z"] + 1}, *args, **more)

    whole = pass_writer.write_exr
    checked_exr(tmp_path / "fine.exr", planes(1))
    monkeypatch.setattr(pass_writer, "write_exr", damaged)
    with pytest.raises(OutputError, match=r"channel depth\.Z is another"):
        checked_exr(tmp_path / "x.exr", planes(1))
    monkeypatch.setattr(pass_writer, "write_exr", lambda path, *_, **__: path.write_bytes(b"x"))
    with pytest.raises(OutputError, match="does not read back"):
        checked_exr(tmp_path / "y.exr", planes(1))
    monkeypatch.setattr(pass_writer, "write_png", lambda path, _: path.write_bytes(b"x"))
    with pytest.raises(OutputError):
        checked_png(tmp_path / "z.png", np.zeros((3, 3, 1), np.uint16))
    assert {path.name for path in tmp_path.glob("?.*") if path.suffix != ".part"} == set()


def test_loss_is_allowed_where_it_was_asked_for(tmp_path: Path) -> None:
    checked_exr(tmp_path / "x.exr", planes(1), compression="pxr24")
    found = open_exr(tmp_path / "x.exr").channels["depth.Z"]
    assert np.isnan(found[0, 0])
    assert not np.array_equal(found, planes(1)["depth.Z"], equal_nan=True)


def test_only_work_of_the_house_is_done() -> None:
    for call, said in (
        ("choreoscope.formats.pass_writer:nothing", "AttributeError"),
        ("os:_exit", "works for choreoscope"),
    ):
        pool = WorkPool(1)
        pool.order(call, {})
        with pytest.raises(OutputError, match=said):
            pool.__exit__(None, None, None)
    with pytest.raises(ValueError, match="works for choreoscope"):
        work_of("os:_exit")


def test_a_worker_that_dies_is_an_error_not_a_wait(tmp_path: Path) -> None:
    def kill(_: WrittenPicture) -> None:
        for worker in writer._pool._workers:
            worker.kill()

    writer = PassWriter(1, written=kill)
    for at in range(2):
        writer.exr(tmp_path / f"{at}.exr", planes(at))
    with pytest.raises(WorkerLostError, match="ended"):
        write_many(writer, tmp_path)
    writer._pool._given_up.set()
    with contextlib.suppress(WorkerLostError):
        writer.__exit__(None, None, None)


def write_many(writer: PassWriter, folder: Path) -> None:
    for at in range(50):
        writer.exr(folder / f"{at}.exr", planes(at))


def fail_inside(folder: Path) -> None:
    with PassWriter(1) as writer:
        write_many(writer, folder)
        raise InputError("enough")


def test_a_pool_stops_at_once_when_the_caller_fails(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="enough"):
        fail_inside(tmp_path)
    assert cores() >= 1


def test_planes_are_shared_without_being_changed() -> None:
    shared = SharedPlanes()
    try:
        for size in ((3, 5), (40, 50), (2, 2)):
            sent = planes(4, size) | {"ids": np.arange(4, dtype=np.uint32)}
            record = json.loads(json.dumps(shared.fill(sent)))
            for name, plane in shared_planes(record).items():
                assert np.array_equal(plane, sent[name], equal_nan=True)
                assert plane.dtype == sent[name].dtype
                with pytest.raises(ValueError, match="read-only"):
                    plane[...] = 0
        assert shared_planes(shared.fill({})) == {}
        place = Path(record["file"])
        assert place.exists()
        # Without its name it goes on: nothing is left behind should this process be killed.
        shared.hide()
        again = shared.fill(planes(5, (2, 2)))
        assert np.array_equal(shared_planes(again)["N.X"], planes(5, (2, 2))["N.X"])
    finally:
        shared.close()
    assert not place.exists()


def test_a_worker_keeps_what_libraries_print_out_of_its_answers() -> None:
    order = {"call": "choreoscope.formats.pool_worker:main", "arguments": {}}
    done = subprocess.run(
        [sys.executable, "-m", "choreoscope.formats.pool_worker"],
        input=json.dumps(order | {"planes": {"file": "", "planes": []}}) + "\n",
        capture_output=True,
        text=True,
        check=True,
    )
    (answer,) = done.stdout.splitlines()
    assert json.loads(answer)["type"] == "TypeError"
