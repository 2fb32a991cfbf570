"""A disk that is full or read-only: said in words, nothing lost, the same bytes afterwards."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from fault_cases import Runs, command, kept, manifest_of, same, vouched_for

pytestmark = pytest.mark.slow

CANNOT_WRITE = 4


def free(disk: Path) -> int:
    """Bytes that still fit."""
    state = os.statvfs(disk)
    return state.f_bavail * state.f_frsize


def taken_by(result: Path, disk: Path) -> int:
    """Bytes a result takes on that disk."""
    before = free(disk)
    shutil.copytree(result, disk / "copy")
    taken = before - free(disk)
    shutil.rmtree(disk / "copy")
    return taken


def fill(disk: Path, left: int) -> Path:
    """Leave so many bytes."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        while (room := free(disk) - left) > 0:
            file.write(b"x" * min(room, 1 << 16))
            file.flush()
    return ballast


def test_a_disk_that_fills_up(film: Path, runs: Runs, calm: Path, small_disk: Path) -> None:
    taken = taken_by(calm, small_disk)
    for share in (0.0, 0.1, 0.3, 0.5, 0.7, 0.9):
        out = small_disk / f"result-{share}"
        ballast = fill(small_disk, int(share * taken))
        ended = runs.end(command(film, out))
        assert ended.code == CANNOT_WRITE, ended.text
        assert "the disk is full" in ended.text or "No space left" in ended.text
        before = vouched_for(out)
        ballast.unlink()
        runs.calm(command(film, out))
        assert kept(before, vouched_for(out)) == []
        assert same(out, calm) == []
        shutil.rmtree(out)


def test_a_disk_with_just_enough_room(film: Path, runs: Runs, calm: Path, small_disk: Path) -> None:
    """Control: it was the lack of room that stopped it."""
    fill(small_disk, int(2.5 * taken_by(calm, small_disk)))
    runs.calm(command(film, small_disk / "result"))
    assert same(small_disk / "result", calm) == []


def remount(disk: Path, how: str) -> None:
    """Make a disk read-only or writable again; refused while a file is being written."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        done = subprocess.run(
            ["mount", "-o", f"remount,{how}", str(disk)],  # noqa: S607
            capture_output=True,
            check=False,
        )
        if done.returncode == 0:
            return
    raise AssertionError(done.stderr)


def test_a_disk_that_is_read_only(film: Path, runs: Runs, calm: Path, small_disk: Path) -> None:
    out = small_disk / "result"
    remount(small_disk, "ro")
    ended = runs.end(command(film, out))
    assert ended.code == CANNOT_WRITE, ended.text
    assert "read-only" in ended.text.lower()
    assert not out.exists()
    remount(small_disk, "rw")
    runs.calm(command(film, out))
    assert same(out, calm) == []


def test_a_disk_that_becomes_read_only(
    film: Path, runs: Runs, tmp_path: Path, small_disk: Path
) -> None:
    runs.calm(command(film, tmp_path / "calm", delay_seconds=0.03))
    out = small_disk / "result"
    arguments = command(film, out, delay_seconds=0.03)
    process = runs.start(arguments)
    while process.is_alive() and not list(out.glob("clip-001/work/observations/*18*.npz")):
        time.sleep(0.005)
    remount(small_disk, "ro")
    process.join(60)
    text = runs.words.read_text("utf-8")
    assert process.exitcode == CANNOT_WRITE, text
    assert "the disk is read-only; choose another place" in text
    before = vouched_for(out)
    assert len(before) >= 2, "some windows were there before"
    remount(small_disk, "rw")
    runs.calm(arguments)
    assert kept(before, vouched_for(out)) == []
    assert manifest_of(out, "people")["failed"] == {}
    assert same(out, tmp_path / "calm") == []


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere"
)
def test_a_folder_that_may_not_be_written(
    film: Path, runs: Runs, calm: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(0o555)
    ended = runs.end(command(film, folder / "result"))
    assert ended.code == CANNOT_WRITE, ended.text
    folder.chmod(0o755)
    runs.calm(command(film, folder / "result"))
    assert same(folder / "result", calm) == []
