"""A small capture as a process of its own, to be hurt: killed, starved of disk, misled."""

import contextlib
import dataclasses
import itertools
import json
import multiprocessing
import os
import signal
import sys
import time
from fractions import Fraction
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from choreoscope.formats.video_writer import FilmWriter
from results import content

FRAMES = 48
WINDOW = 6
SIZE = (96, 72)
MARK = "CHOREOSCOPE_FAULT_RUN"
CLOCK_BACKWARDS = "--clock-backwards"
"""First argument of a run for which time goes backwards."""
PATIENCE = 60.0


def make_film(path: Path, *, frames: int = FRAMES, seed: int = 1) -> Path:
    """A film of noise that stands still; the fake looks at its size alone."""
    texture = np.random.default_rng(seed).integers(0, 255, (*SIZE[::-1], 3), dtype=np.uint8)
    with FilmWriter(path, size=SIZE, rate=Fraction(25), time_base=Fraction(1, 12800)) as writer:
        for frame in range(frames):
            writer.write(texture, frame * 512)
    return path


def command(film: Path, out: Path, *more: str, executor: str = "inline", **fake: Any) -> list[str]:
    """Arguments of ``choreoscope``; options of the fake by name."""
    options = [part for key, value in fake.items() for part in _option(key, value)]
    return [
        *("capture", str(film), "--out", str(out), "--quiet", "--people-backend", "fake"),
        *("--stages.people.window_frames", str(WINDOW), "--run.executor", executor),
        # The engine is looked at here; the shot solve would be most of every run's time.
        *("--stages.lift.method", "separate"),
        *options,
        *more,
    ]


def _option(key: str, value: Any) -> tuple[str, str]:
    return "--people-option", f"{key}={value if isinstance(value, str) else json.dumps(value)}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ended."""

    code: int
    text: str


class Runs:
    """Starts captures in processes whose modules are loaded already, so that each costs little."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["__main__", "preloaded"])
        # The server looks for modules in the environment's path alone, not in this process's.
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
            forkserver.ensure_running()

    def start(self, arguments: list[str]) -> ForkServerProcess:
        """Start one; it leads a process group of its own."""
        self._count += 1
        process = self._context.Process(target=_run, args=(arguments, str(self.words)))
        process.start()
        return process

    @property
    def words(self) -> Path:
        """What the run started last says."""
        return self._folder / f"{self._count}.txt"

    def end(self, arguments: list[str]) -> Ended:
        """Run one to its end."""
        process = self.start(arguments)
        process.join(PATIENCE)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise AssertionError(f"still running after {PATIENCE} s: {arguments}")
        return Ended(code=process.exitcode, text=self.words.read_text("utf-8"))

    def calm(self, arguments: list[str]) -> None:
        """Run one that has to go well."""
        ended = self.end(arguments)
        assert ended.code == 0, ended.text


def _run(arguments: list[str], words: str) -> None:
    os.setsid()
    os.environ[MARK] = words
    said = os.open(words, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o644)
    os.dup2(said, 1)
    os.dup2(said, 2)
    if arguments[0] == CLOCK_BACKWARDS:
        arguments = arguments[1:]
        # An hour earlier at every look.
        now, looks = time.time(), itertools.count()
        time.time = lambda: now - 3600 * next(looks)
        time.time_ns = lambda: int(1e9 * time.time())
    sys.argv = ["choreoscope", *arguments]
    from choreoscope.cli.main import main

    main()


def wait_for_work(process: ForkServerProcess, out: Path) -> None:
    """Wait until that very process has begun; a lock left by a killed one does not count."""
    sign = f'"pid": {process.pid}'
    deadline = time.monotonic() + PATIENCE
    while process.is_alive() and time.monotonic() < deadline:
        # Not "**": folders of unfinished files vanish while one walks through them.
        locks = (*out.glob("work/lock"), *out.glob("*/work/lock"))
        if any(sign in _text(lock) for lock in locks):
            return
        time.sleep(0.002)


def _text(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text("utf-8", errors="replace")
    return ""


def kill(process: ForkServerProcess, *, group: bool) -> None:
    """End it without warning, alone or with everything it has started."""
    assert process.pid is not None
    if group:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.join()


def living(words: Path) -> list[int]:
    """Processes of a run that are still there (Linux), zombies left out."""
    sign = f"{MARK}={words}\0".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            is_ours = sign in (folder / "environ").read_bytes()
            state = (folder / "stat").read_text("utf-8").rpartition(")")[2].split()[0]
            if is_ours and state != "Z":
                found.append(int(folder.name))
    return found


def vouched_for(out: Path) -> dict[str, tuple[int, int]]:
    """Every file that a manifest lists: its inode and time of writing.

    A file that is written anew, with the same bytes or not, has others.
    """
    found = {}
    for manifest in sorted(out.glob("**/work/manifests/*.json")):
        record = json.loads(manifest.read_text("utf-8"))
        for file in record["files"]:
            path = manifest.parents[2] / file["path"]
            state = path.stat()
            assert state.st_size == file["size"]
            found[path.relative_to(out).as_posix()] = (state.st_ino, state.st_mtime_ns)
    return found


def kept(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> list[str]:
    """Files that were vouched for and are not the same any more."""
    return [name for name, state in before.items() if after.get(name) != state]


def manifest_of(out: Path, stage: str) -> dict[str, Any]:
    """Record of a stage of the first clip."""
    path = out / "clip-001" / "work" / "manifests" / f"{stage}.json"
    record: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return record


def same(first: Path, second: Path) -> list[str]:
    """Names of the files in which two results differ."""
    one, other = content(first), content(second)
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
