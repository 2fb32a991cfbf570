"""One process at a time: living owners are respected, dead ones are not."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.pipeline import lock as module
from choreoscope.pipeline.folder import ClipFolder
from choreoscope.pipeline.lock import locked, remove_stale


@pytest.fixture
def folder(tmp_path: Path) -> ClipFolder:
    return ClipFolder(tmp_path / "clip")


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def write_lock(folder: ClipFolder, **changes: object) -> None:
    with locked(folder):
        record = json.loads(folder.lock.read_text())
    folder.lock.write_text(json.dumps({**record, **changes}))


def test_held_for_the_block_only(folder: ClipFolder) -> None:
    with locked(folder):
        record = json.loads(folder.lock.read_text())
        assert record["pid"] == os.getpid()
        assert record["host"] == platform.node()
    assert not folder.lock.exists()


def test_released_after_an_error(folder: ClipFolder) -> None:
    with pytest.raises(ZeroDivisionError), locked(folder):
        raise ZeroDivisionError
    assert not folder.lock.exists()


def test_the_same_process_cannot_take_it_twice(folder: ClipFolder) -> None:
    refused = pytest.raises(InputError, match=f"worked on by process {os.getpid()} on .*; wait for")
    with locked(folder):
        with refused, locked(folder):
            pass
        assert folder.lock.exists(), "the refused one leaves it alone"


def test_a_dead_owner_is_followed(folder: ClipFolder) -> None:
    write_lock(folder, pid=dead_pid())
    with locked(folder):
        assert json.loads(folder.lock.read_text())["pid"] == os.getpid()
    assert list(folder.work.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_reused_process_number_is_a_dead_owner(folder: ClipFolder) -> None:
    write_lock(folder, pid=os.getppid(), started="1")
    with locked(folder):
        pass


def test_a_living_owner_is_respected(folder: ClipFolder) -> None:
    write_lock(folder, pid=os.getppid(), started=module._started(os.getppid()))
    with pytest.raises(InputError, match=str(os.getppid())), locked(folder):
        pass


def test_another_machine_is_respected(folder: ClipFolder) -> None:
    write_lock(folder, host="elsewhere", pid=dead_pid())
    with pytest.raises(InputError, match=r"on elsewhere; .* delete .*lock"), locked(folder):
        pass


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"pid": "x", "host": "y", "started": ""}'])
def test_an_unreadable_lock_is_a_dead_owners(
    folder: ClipFolder, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.01)
    folder.work.mkdir(parents=True)
    folder.lock.write_text(text)
    with locked(folder):
        pass


def test_a_slower_judge_gives_back_the_quicker_ones_new_lock(folder: ClipFolder) -> None:
    write_lock(folder, pid=dead_pid())
    stale = folder.lock.read_text()
    folder.lock.unlink()
    with locked(folder):
        new = folder.lock.read_text()
        with pytest.raises(InputError, match=str(os.getpid())):
            remove_stale(folder.lock, stale)
        assert folder.lock.read_text() == new
    folder.work.joinpath("lock").write_text(stale)
    remove_stale(folder.lock, stale)
    remove_stale(folder.lock, stale)
    assert list(folder.work.iterdir()) == []


@pytest.mark.parametrize("text", ["", '{"pid": 1', None], ids=["empty", "cut off", "whole"])
def test_what_a_killed_judge_moved_aside_is_swept(folder: ClipFolder, text: str | None) -> None:
    write_lock(folder, pid=dead_pid())
    aside = folder.lock.with_name(f"lock.stale-{dead_pid()}")
    folder.lock.rename(aside)
    if text is not None:
        aside.write_text(text)
    with locked(folder):
        assert not aside.exists()


def test_what_a_living_judge_has_moved_aside_is_left_to_it(folder: ClipFolder) -> None:
    write_lock(folder, pid=dead_pid())
    aside = folder.lock.with_name(f"lock.stale-{os.getppid()}")
    folder.lock.rename(aside)
    with locked(folder):
        assert aside.exists()


def test_a_living_lock_moved_aside_is_never_swept(folder: ClipFolder) -> None:
    write_lock(folder, host="elsewhere")
    aside = folder.lock.with_name(f"lock.stale-{dead_pid()}")
    folder.lock.rename(aside)
    with locked(folder):
        assert aside.exists()


def test_a_folder_that_cannot_be_made(folder: ClipFolder) -> None:
    folder.root.write_text("a file")
    with pytest.raises(OutputError, match="a file stands where a folder is needed"), locked(folder):
        pass
