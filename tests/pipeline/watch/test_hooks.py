"""Commands of the user on finish and on failure."""

import shlex
import sys
import time
from pathlib import Path

import pytest
from pydantic import ValidationError
from watch_world import World

from choreoscope.pipeline.watch.events import QueueTold
from choreoscope.pipeline.watch.hooks import run_hook
from choreoscope.pipeline.watch.options import WatchOptions
from choreoscope.pipeline.watch.verdict import Verdict

WRITE = """
import os, sys
names = ("FILM", "RESULT", "STATE", "REASON")
told = [os.environ["CHOREOSCOPE_" + name] for name in names]
open(sys.argv[1], "a").write("|".join(told) + "\\n")
"""


def command(*words: str) -> str:
    return shlex.join([sys.executable, "-c", *words])


def test_on_finish_and_on_failure(world: World) -> None:
    finished, failed = world.root / "fine $(x) ü.txt", world.root / "failed.txt"
    world.set(
        on_finish=command(WRITE, str(finished)),
        on_failure=command(WRITE, str(failed)),
    )
    world.does = lambda film, *_: (
        Verdict(state="gaps", exit_code=7, reason="2 frames")
        if film.name == "gaps.mov"
        else Verdict(state="finished")
    )
    for name in ("a b.mov", "gaps.mov"):
        world.film(name)
    world.film("bad.mov", b"no")
    world.once()
    source, out = world.source, world.out
    assert finished.read_text().splitlines() == [
        f"{source}/a b.mov|{out}/a b.mov|finished|",
        f"{source}/gaps.mov|{out}/gaps.mov|gaps|2 frames",
    ]
    reason = "not a film that can be decoded: bad.mov is not a film that can be read"
    assert failed.read_text().splitlines() == [f"{source}/bad.mov|{out}/bad.mov|failed|{reason}"]
    assert world.record("a b.mov").hook == "done"
    world.watcher = world.new_watcher()
    world.once()
    assert len(finished.read_text().splitlines()) == 2, "once only"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            command("import sys; print('no pipe'); sys.exit(3)"),
            "ended with code 3: no pipe",
        ),
        ("/no/such/program x", "could not be started (No such file or directory)"),
    ],
)
def test_a_command_that_fails_is_told_and_stops_nothing(world: World, line: str, said: str) -> None:
    world.set(on_finish=line)
    world.film("a.mov")
    world.film("b.mov")
    assert world.once() == 0
    assert world.record("a.mov").state == "finished"
    assert world.record("b.mov").hook.endswith(said)
    told = [event for event in world.events if isinstance(event, QueueTold)]
    assert [event.film for event in told] == ["a.mov", "b.mov"]
    assert said in world.told()


@pytest.mark.skipif(sys.platform == "win32", reason="children are ended with their parent on POSIX")
def test_a_command_that_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    marker = tmp_path / "survived"
    child = f"import time; time.sleep(0.6); open({str(marker)!r}, 'w')"
    parent = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}])"
    began = time.monotonic()
    said = run_hook(command(f"{parent}; time.sleep(30)"), {}, 0.3)
    assert said.endswith("took longer than 0.3 s and was ended")
    assert time.monotonic() - began < 5
    time.sleep(0.9)
    assert not marker.exists()


def test_something_left_behind_by_a_command_does_not_hold_it_up() -> None:
    child = "import time; time.sleep(12)"
    parent = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}])"
    began = time.monotonic()
    assert run_hook(command(parent), {}, 30) == "done"
    assert time.monotonic() - began < 10


def test_no_shell_is_used(tmp_path: Path) -> None:
    marker = tmp_path / "made"
    assert (
        run_hook(command("import sys; assert '>' in sys.argv", ">", str(marker)), {}, 10) == "done"
    )
    assert not marker.exists()


def test_a_command_that_was_due_when_the_watcher_died_is_run(world: World) -> None:
    marker = world.root / "told.txt"
    world.film("a.mov")
    world.once()
    world.set(on_finish=command(WRITE, str(marker)))
    world.once()
    assert not marker.exists(), "not due"
    world.change_record("a.mov", hook="due")
    world.watcher = world.new_watcher()
    world.once()
    assert "finished" in marker.read_text()


def test_a_line_that_cannot_be_split_is_refused() -> None:
    with pytest.raises(ValidationError, match="No closing quotation"):
        WatchOptions(on_finish="say 'done")
    with pytest.raises(ValidationError):
        WatchOptions(still_second=3)


def test_every_option_has_a_meaning() -> None:
    assert all(field.description for field in WatchOptions.model_fields.values())
    assert WatchOptions(suffixes=("MOV", ".Mp4")).suffixes == (".mov", ".mp4")


def test_a_result_that_does_not_count_is_told_to_nobody(world: World) -> None:
    told = world.root / "told.txt"
    world.set(on_finish=command(WRITE, str(told)))

    def replace_once(film: Path, *_: object) -> Verdict:
        if len(world.worked) == 1:
            film.write_bytes(b"another FILM")
        return Verdict(state="finished")

    world.does = replace_once
    world.film("a.mov")
    world.once()
    assert len(world.worked) == 2
    assert len(told.read_text().splitlines()) == 1
