"""``--json``: every line parses, nothing else is on the stream, the last line is the summary."""

import json
import os
import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from told_runs import Clock, clip_with_trouble, finished, progress, started, tell_film

from choreoscope.cli.json_events import (
    STATES,
    JsonTeller,
    exit_code_of,
    refused,
    state_of,
    teller,
)
from choreoscope.cli.progress import Teller
from choreoscope.datatypes.errors import InputError, StageFailedError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.formats.video_writer import FilmWriter
from choreoscope.pipeline.events import Note, Progress
from choreoscope.pipeline.folder import ClipFolder
from choreoscope.pipeline.run import RunResult, StageOutcome
from choreoscope.pipeline.weights.events import WeightsEvent

PAGE = Path(__file__).resolve().parents[2] / "docs" / "events.md"
Captured = pytest.CaptureFixture[str]


def made_film(path: Path) -> Path:
    texture = np.random.default_rng(3).integers(0, 255, (64, 96, 3), dtype=np.uint8)
    with FilmWriter(path, size=(96, 64), rate=Fraction(25), time_base=Fraction(1, 12800)) as writer:
        for frame in range(12):
            writer.write(np.roll(texture, frame, axis=1), frame * 512)
    return path


def objects(capsys: Captured) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_every_event_is_a_line_and_the_last_is_the_summary(capsys: Captured) -> None:
    with JsonTeller(quiet=False) as tell:
        tell_film(tell)
        tell.ended(5)
    lines = objects(capsys)
    assert all(list(line)[:2] == ["time", "event"] for line in lines)
    assert [line["event"] for line in lines[:4]] == [
        "film-started",
        "clip-started",
        "stage-skipped",
        "stage-started",
    ]
    assert lines[-2]["event"] == "film-finished"
    summary = lines[-1]
    summary.pop("time")
    assert summary == {
        "event": "summary",
        "state": "failed",
        "exit_code": 5,
        "clips": [],
        "reports": [],
        "gaps": [],
        "undecodable": "",
    }


def test_the_summary_tells_what_became_of_each_clip(capsys: Captured, tmp_path: Path) -> None:
    error = StageFailedError(clip="clip-001", stage="lift", cause="no floor")
    gaps = FrameSet.of([FrameRange(3, 5)])
    result = RunResult(
        clip="clip-001",
        folder=ClipFolder(tmp_path / "clip-001"),
        outcomes=(
            StageOutcome(stage="people", state="finished", gaps=gaps),
            StageOutcome(stage="lift", state="failed", why="no floor", error=error),
        ),
    )
    with JsonTeller(quiet=False) as tell:
        tell.ended(5, [result], [tmp_path / "clip-001" / "report.html"], "3:5")
    summary = objects(capsys)[-1]
    folder = (tmp_path / "clip-001").as_posix()
    assert summary["clips"] == [
        {
            "clip": "clip-001",
            "folder": folder,
            "complete": False,
            "stages": {"people": "finished", "lift": "failed"},
            "failures": {"lift": "no floor"},
        }
    ]
    assert summary["gaps"] == [
        {"clip": "clip-001", "folder": folder, "stage": "people", "frames": "3:5"}
    ]
    assert summary["reports"] == [f"{folder}/report.html"]
    assert summary["undecodable"] == "3:5"


@pytest.mark.parametrize(
    ("error", "code", "state", "text"),
    [
        (InputError("no such file"), 2, "error", "no such file"),
        (KeyboardInterrupt(), 130, "stopped", "stopped; the same command continues from here"),
        (ZeroDivisionError("division by zero"), 1, "error", "ZeroDivisionError: division by zero"),
    ],
)
def test_an_error_is_told_before_the_summary(
    capsys: Captured, error: BaseException, code: int, state: str, text: str
) -> None:
    def break_off() -> None:
        with JsonTeller(quiet=False) as tell:
            tell(started("people"))
            raise error

    with pytest.raises(type(error)):
        break_off()
    told, summary = objects(capsys)[-2:]
    assert (told["event"], told["text"], told["exit_code"]) == ("error", text, code)
    assert (summary["event"], summary["state"], summary["exit_code"]) == ("summary", state, code)


def test_an_exit_is_no_error_and_keeps_what_was_said(capsys: Captured) -> None:
    def leave() -> None:
        with JsonTeller(quiet=False) as tell:
            tell.ended(7, (), [Path("report.html")])
            raise typer.Exit(7)

    with pytest.raises(typer.Exit):
        leave()
    assert [line["event"] for line in objects(capsys)] == ["summary"]


def test_codes_of_exits() -> None:
    assert exit_code_of(SystemExit(3)) == 3
    assert exit_code_of(SystemExit(None)) == 0
    assert exit_code_of(SystemExit("text")) == 1
    assert exit_code_of(typer.Exit(4)) == 4


def test_a_problem_is_an_object_and_a_line_for_people(capsys: Captured) -> None:
    with JsonTeller(quiet=False) as tell:
        tell.problem("finished with gaps", 7)
        tell.line("for people")
        tell.result("out/report.html")
        tell.ended(7)
    out, err = capsys.readouterr()
    assert [json.loads(line)["event"] for line in out.splitlines()] == ["error", "summary"]
    assert err == "choreoscope: finished with gaps\n"


def test_a_command_that_never_began_ends_with_a_summary_too(capsys: Captured) -> None:
    refused("No such option: --heigth", 2)
    assert [(line["event"], line["exit_code"]) for line in objects(capsys)] == [
        ("error", 2),
        ("summary", 2),
    ]


def test_quiet_leaves_errors_and_the_summary(capsys: Captured) -> None:
    with JsonTeller(quiet=True) as tell:
        tell_film(tell)
        tell.problem("no floor", 5)
        tell.ended(5)
    assert [line["event"] for line in objects(capsys)] == ["error", "summary"]


def told_in(seconds: float, capsys: Captured, *, stages: int = 1) -> int:
    """Count the lines of stages that tell a hundred times a second how far they are."""
    clock = Clock()
    with JsonTeller(quiet=False, clock=clock) as tell:
        for done in range(int(seconds * 100)):
            clock.now += 0.01
            for number in range(stages):
                tell(progress(f"stage {number}", done, 10**6))
    return len(objects(capsys)) - 1


def test_progress_comes_five_times_a_second_for_each_stage(capsys: Captured) -> None:
    assert 45 <= told_in(10, capsys) <= 51
    assert 90 <= told_in(10, capsys, stages=2) <= 102


def test_the_end_of_a_stage_is_always_told_and_once(capsys: Captured) -> None:
    clock = Clock()
    with JsonTeller(quiet=False, clock=clock) as tell:
        for done in (1, 2, 3, 3, 3):
            tell(progress("people", done, 3))
        tell(finished("people"))
        tell(WeightsEvent(kind="progress", name="a", done=1, total=2))
        tell(WeightsEvent(kind="progress", name="a", done=2, total=2))
    lines = objects(capsys)
    assert [(line["event"], line.get("done")) for line in lines] == [
        ("progress", 1),
        ("progress", 3),
        ("stage-finished", None),
        ("weights", 1),
        ("weights", 2),
        ("summary", None),
    ]


def test_lines_of_several_threads_stay_whole(capsys: Captured) -> None:
    with JsonTeller(quiet=False) as tell:

        def one(clip: str) -> None:
            for _ in range(20):
                for event in clip_with_trouble(clip):
                    tell(event)

        threads = [threading.Thread(target=one, args=(f"clip-{n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    lines = objects(capsys)
    calls = [line for line in lines if line["event"] not in ("progress", "summary")]
    told = [event for event in clip_with_trouble() if not isinstance(event, Progress)]
    assert len(calls) == 4 * 20 * len(told)


def test_lines_are_ascii_whatever_the_names(capsys: Captured) -> None:
    with JsonTeller(quiet=False) as tell:
        tell(Note(clip="é 舞", text="no unicode: \udce9\nsecond line"))
    line = capsys.readouterr().out.splitlines()[0]
    assert line.isascii()
    assert json.loads(line)["clip"] == "é 舞"


def test_what_is_printed_meanwhile_goes_to_the_error_stream(capsys: Captured) -> None:
    with JsonTeller(quiet=False):
        sys.stdout.write("a library says hello\n")
    out, err = capsys.readouterr()
    assert err == "a library says hello\n"
    assert len(out.splitlines()) == 1


PROGRAM = """
import os, subprocess, sys
from told_runs import *
from choreoscope.cli.json_events import JsonTeller
with JsonTeller(quiet=False) as tell:
    tell_film(tell)
    print("printed")
    sys.stdout.flush()
    os.write(1, b"by a library in C\\n")
    subprocess.run([sys.executable, "-c", "print('by a worker')"], check=True)
    if sys.argv[1:] == ["reader-leaves"]:
        for done in range(3000):
            tell(finished("people"))
        print("went on", file=sys.stderr)
    tell.ended(0)
print("after")
"""


def program(*words: str) -> subprocess.Popen[str]:
    folder = str(Path(__file__).parent)
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": folder},
    )


def test_on_a_real_stream_libraries_and_workers_are_kept_off_too() -> None:
    out, err = program().communicate(timeout=60)
    *lines, after = out.splitlines()
    assert after == "after"
    assert json.loads(lines[-1])["event"] == "summary"
    assert all(json.loads(line) for line in lines)
    assert sorted(err.splitlines()) == ["by a library in C", "by a worker", "printed"]


def test_a_reader_that_goes_away_does_not_stop_the_work() -> None:
    process = program("reader-leaves")
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["event"] == "film-started"
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=60)
    # The program's own last word finds nobody: that much is Python's way.
    assert "went on" in err
    assert "JsonTeller" not in err


def command_line(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "choreoscope", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_capture_as_json(tmp_path: Path) -> None:
    film, out = made_film(tmp_path / "dance é.mp4"), tmp_path / "out"
    told = ("--people-backend", "fake", "--json")
    done = command_line("capture", str(film), "--out", str(out), *told)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    names = [line["event"] for line in lines]
    assert (done.returncode, done.stderr) == (0, "")
    assert names[-2:] == ["film-finished", "summary"]
    assert {line["film"] for line in lines[:-1]} == {"dance é.mp4"}
    assert names.count("stage-started") == names.count("stage-finished") > 5
    summary = lines[-1]
    assert (summary["state"], summary["exit_code"]) == ("finished", 0)
    assert summary["reports"] == [(out / "clip-001" / "report.html").as_posix()]
    assert set(summary["clips"][0]["stages"].values()) == {"finished"}
    again = command_line("capture", str(film), "--out", str(out), *told)
    summary = json.loads(again.stdout.splitlines()[-1])
    assert set(summary["clips"][0]["stages"].values()) == {"skipped"}


@pytest.mark.parametrize("words", [("nowhere.mp4",), ("nowhere.mp4", "--no-such-option")])
def test_a_capture_that_cannot_begin_as_json(words: tuple[str, ...]) -> None:
    done = command_line("capture", *words, "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(line["event"], line["exit_code"]) for line in lines] == [("error", 2), ("summary", 2)]
    assert done.returncode == 2
    assert done.stderr == f"choreoscope: {lines[0]['text']}\n"


def test_which_teller_a_command_gets() -> None:
    assert isinstance(teller(quiet=False, as_json=True), JsonTeller)
    assert isinstance(teller(quiet=True, as_json=False), Teller)


def test_states_are_those_of_the_page() -> None:
    table = PAGE.read_text("utf-8").partition("| state | exit code | meaning |")[2]
    rows = [line.split("|")[1:3] for line in table.splitlines() if line.startswith("| `")]
    listed = {int(code): name.strip(" `") for name, codes in rows for code in codes.split(",")}
    assert set(listed) == {*STATES, 1, 2, 3, 4}
    assert all(state_of(code) == name for code, name in listed.items())
