"""Watchers as real processes: several on one folder, and one that is killed at work."""

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from choreoscope.pipeline.watch.view import read_queue

SCRIPT = Path(__file__).with_name("watching_process.py")
PATIENCE_SECONDS = 20.0


class Place:
    """A watched folder and those who watch it."""

    def __init__(self, root: Path) -> None:
        self.source, self.out, self.lines_file = root / "in", root / "out", root / "lines.txt"
        self.source.mkdir()
        self.lines_file.touch()
        self.watchers: list[subprocess.Popen[bytes]] = []

    def films(self, count: int) -> None:
        for number in range(1, count + 1):
            (self.source / f"take {number}.mov").write_bytes(b"FILM")

    def watch(self, name: str, seconds: float, how_long: str = "once") -> "subprocess.Popen[bytes]":
        paths = (str(self.source), str(self.out), str(self.lines_file))
        words = [sys.executable, str(SCRIPT), *paths, name, str(seconds), how_long]
        process = subprocess.Popen(words)
        self.watchers.append(process)
        return process

    def lines(self, kind: str) -> list[str]:
        lines = self.lines_file.read_text().splitlines()
        return [line.partition(" ")[2] for line in lines if line.startswith(kind)]

    def wait_for(self, kind: str, count: int) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(self.lines(kind)) < count:
            assert time.monotonic() < deadline, self.lines_file.read_text()
            time.sleep(0.005)

    def wait_for_states(self, **states: int) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.states() != states:
            assert time.monotonic() < deadline, self.states()
            time.sleep(0.02)

    def states(self) -> Counter[str]:
        return Counter(film.record.state for film in read_queue(self.out).films)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    for process in made.watchers:
        process.kill()
        process.wait()


def test_two_watchers_share_the_work_and_do_nothing_twice(place: Place) -> None:
    place.films(10)
    watchers = [place.watch(name, 0.15) for name in ("A", "B")]
    assert [process.wait(PATIENCE_SECONDS) for process in watchers] == [0, 0]
    done = place.lines("end")
    assert sorted(line.rpartition(" ")[0] for line in done) == sorted(
        f"take {number}.mov" for number in range(1, 11)
    ), "each exactly once"
    assert {line.rpartition(" ")[2] for line in done} == {"A", "B"}, "both worked"
    assert place.states() == {"finished": 10}
    assert not list((place.out / "queue" / "locks").iterdir())


def test_without_a_common_queue_everything_is_done_twice(place: Place) -> None:
    place.films(3)
    for name in ("A", "B"):
        place.out = place.out.with_name(f"out {name}")
        place.watch(name, 0.0).wait(PATIENCE_SECONDS)
    assert len(place.lines("end")) == 6


def test_killed_at_work_and_started_again(place: Place) -> None:
    place.films(4)
    first = place.watch("A", 0.05, "forever")
    place.wait_for("begin", 2)
    first.send_signal(signal.SIGKILL)
    first.wait()
    begun, ended = place.lines("begin"), place.lines("end")
    assert place.watch("B", 0.0).wait(PATIENCE_SECONDS) == 0
    assert place.states() == {"finished": 4}
    again = place.lines("begin")[len(begun) :]
    if len(begun) > len(ended):
        assert again[0] == begun[-1].replace("A", "B"), "the film at work comes first"
    assert len(again) == 4 - len(ended)


def test_killed_while_another_goes_on(place: Place) -> None:
    place.films(6)
    first = place.watch("A", 30.0, "forever")
    place.wait_for("begin", 1)
    second = place.watch("B", 0.02, "forever")
    place.wait_for_states(finished=5, working=1)
    first.send_signal(signal.SIGKILL)
    first.wait()
    place.wait_for_states(finished=6)
    second.send_signal(signal.SIGINT)
    second.wait()
    assert place.lines("stopped") == ["B"]
    assert place.lines("begin")[0] == "take 1.mov A"
    assert place.lines("begin")[-1] == "take 1.mov B"


def test_ctrl_c_at_work(place: Place) -> None:
    place.films(2)
    process = place.watch("A", 30.0, "forever")
    place.wait_for("begin", 1)
    process.send_signal(signal.SIGINT)
    process.wait(PATIENCE_SECONDS)
    assert place.states() == {"ready": 2}
    record = next(
        json.loads(path.read_text()) for path in (place.out / "queue").glob("take_1*.json")
    )
    assert (record["interrupted"], record["losses"]) == (True, 0)
    assert not list((place.out / "queue" / "locks").iterdir())


def test_films_are_noticed_while_another_is_worked_on(place: Place) -> None:
    place.films(1)
    place.watch("A", 30.0, "forever")
    place.wait_for("begin", 1)
    (place.source / "late.mov").write_bytes(b"FILM")
    place.wait_for_states(working=1, ready=1)
