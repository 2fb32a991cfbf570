"""``choreoscope watch`` from the outside, with the back end that needs no weights."""

import json
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from choreoscope.capture.config import configure
from choreoscope.capture.film_record import write_configuration
from choreoscope.cli import flags
from choreoscope.cli.queue_text import is_queue, queue_exit_code
from choreoscope.cli.watch import queue_lines
from choreoscope.cli.watching import Outdating
from choreoscope.datatypes.errors import InputError
from choreoscope.formats.video_writer import FilmWriter

FLAGS = (
    *("--people.backend", "fake", "--run.executor", "inline", "--watch.free_megabytes", "0"),
    *("--watch.still_seconds", "0.1", "--watch.poll_seconds", "0.1"),
    *("--watch.series_still_seconds", "0.1"),
)


def made_film(path: Path, frames: int = 6) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.random.default_rng(3).integers(0, 255, (64, 96, 3), dtype=np.uint8)
    with FilmWriter(path, size=(96, 64), rate=Fraction(25), time_base=Fraction(1, 12800)) as film:
        for frame in range(frames):
            film.write(np.roll(picture, frame, axis=1), frame * 512)
    return path


def watch(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "choreoscope", "watch", *words, *FLAGS]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )


def pictures(folder: Path, count: int) -> None:
    import cv2

    folder.mkdir(parents=True)
    for number in range(count):
        picture = np.full((64, 96, 3), number, np.uint8)
        (folder / f"f_{number:03d}.png").write_bytes(cv2.imencode(".png", picture)[1].tobytes())


def test_films_series_and_what_is_none(tmp_path: Path) -> None:
    made_film(tmp_path / "in" / "sub" / "a é.mp4")
    pictures(tmp_path / "in" / "walk", 5)
    (tmp_path / "in" / "letter.mp4").write_text("Dear dancer, " * 99)
    (tmp_path / "shot.yaml").write_text("film: {rate: 24}\nfolders: {input: in}\n")
    ended = watch(tmp_path, "--config", "shot.yaml", "--once")
    assert ended.returncode == 2, ended.stderr
    out = tmp_path / "in.choreoscope"
    for film in ("sub/a é.mp4", "walk"):
        assert (out / film / "clip-001" / "report.html").exists(), film
        assert f"{film} finished" in ended.stderr
    assert "letter.mp4 failed: not a film that can be decoded" in ended.stderr
    page = (out / "status.html").read_text("utf-8")
    assert "sub/a%20%C3%A9.mp4/clip-001/report.html" in page
    assert "The watcher has stopped" in page
    lines = "\n".join(queue_lines(out))
    assert "1 failed, 2 finished" in lines
    assert queue_exit_code(out) == 2
    (tmp_path / "in" / "letter.mp4").unlink()
    again = watch(tmp_path, "--config", "shot.yaml", "--once", "--json")
    assert again.returncode == 0, again.stderr
    events = [json.loads(line) for line in again.stdout.splitlines()]
    assert [one["event"] for one in events] == ["summary"], "nothing is done twice"


def test_quiet_tells_failures_alone(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "bad.mp4").write_text("Dear")
    (tmp_path / "in" / "notes.txt").write_text("x")
    ended = watch(tmp_path, "in", "--once", "--quiet")
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1
    assert "bad.mp4 failed: " in ended.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
@pytest.mark.parametrize(
    ("number", "background"),
    [(signal.SIGINT, False), (signal.SIGTERM, False), (signal.SIGTERM, True)],
)
def test_stopped_while_it_watches(tmp_path: Path, number: signal.Signals, background: bool) -> None:
    (tmp_path / "in").mkdir()
    command = [sys.executable, "-m", "choreoscope", "watch", "in", *FLAGS]
    helpers = ("--watch.films_at_once", "2")
    # A script's shell lets what it puts into the background ignore Ctrl-C.
    deaf = partial(signal.signal, signal.SIGINT, signal.SIG_IGN) if background else None
    process = subprocess.Popen(
        [*command, *helpers],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        preexec_fn=deaf,  # noqa: PLW1509 - no threads here
    )
    page = tmp_path / "in.choreoscope" / "status.html"
    deadline = time.monotonic() + 60
    while not page.exists():
        assert time.monotonic() < deadline
        assert process.poll() is None, process.stderr
        time.sleep(0.05)
    assert "Watching." in page.read_text()
    os.kill(process.pid, number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "stopped; the same command continues" in said.decode()
    assert "The watcher has stopped" in page.read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "which folder is to be watched?"),
        (("nowhere", "--once"), "nowhere cannot be reached (No such file or directory)"),
        (("film.mov",), "is a file; to work on one film: choreoscope capture"),
        ((".", "--out", "."), "would lie around the films"),
        ((".", "--watch.still_second", "3"), "did you mean 'watch.still_seconds'?"),
        ((".", "--watch.on_finish", "say 'x"), "No closing quotation"),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    (tmp_path / "film.mov").write_text("x")
    ended = watch(tmp_path, *words)
    assert ended.returncode == 2, ended.stderr
    assert said in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_a_folder_without_a_queue(tmp_path: Path) -> None:
    assert not is_queue(tmp_path)
    with pytest.raises(InputError, match="holds no queue"):
        queue_lines(tmp_path)


def test_a_changed_configuration_is_noticed(tmp_path: Path) -> None:
    """The control: threads and folders change no result."""
    made = configure(None, flags.parse(("--people.max_people", "2"))).values
    write_configuration(tmp_path, made)
    film = tmp_path / "a.mp4"
    same = configure(None, flags.parse(("--people.max_people", "2", "--run.workers", "7"))).values
    assert Outdating(same)(film, tmp_path, "finished") == ""
    other = configure(None, flags.parse(("--people.max_people", "3"))).values
    assert "configuration" in Outdating(other)(film, tmp_path, "finished")
    assert Outdating(other)(film, tmp_path / "nothing there", "failed") == ""


def test_gaps_are_looked_at_again_where_somebody_delivers(tmp_path: Path) -> None:
    waiting = configure(None, flags.parse(("--recipe", "relight"))).values
    assert "delivered" in Outdating(waiting)(tmp_path / "a.mp4", tmp_path, "gaps")
    assert Outdating(configure().values)(tmp_path / "a.mp4", tmp_path, "gaps") == ""


def test_a_bad_configuration_is_told_as_json_too(tmp_path: Path) -> None:
    """The control: without --json the line is for people."""
    (tmp_path / "shot.yaml").write_text("lens:\n  fow_degrees: 62\n", encoding="utf-8")
    ended = watch(tmp_path, ".", "--json", "--config", "shot.yaml")
    *_, error, summary = [json.loads(line) for line in ended.stdout.splitlines()]
    assert (ended.returncode, error["event"], summary["event"]) == (2, "error", "summary")
    assert "fov_degrees" in error["text"]
    plain = watch(tmp_path, ".", "--config", "shot.yaml")
    assert (plain.returncode, plain.stdout) == (2, "")
    assert "fov_degrees" in plain.stderr
