"""The log of a clip: what it keeps, when it keeps nothing, and that it never stops a run."""

import datetime as dt
import re
import threading
from pathlib import Path

import pytest
from fake_recipe import World, fake_kinds, world

from choreoscope import __version__
from choreoscope.datatypes.errors import InputError
from choreoscope.pipeline import log
from choreoscope.pipeline.events import (
    ClipFinished,
    ClipStarted,
    Event,
    Events,
    Note,
    Progress,
    Retried,
    StageFailed,
    StageFinished,
    StagePlanned,
    StageSkipped,
    StageStarted,
    WorkerLost,
    ignore,
)
from choreoscope.pipeline.folder import ClipFolder
from choreoscope.pipeline.log import logged, old_log
from choreoscope.pipeline.stage import Job
from choreoscope.pipeline.weights.events import WeightsEvent

__all__ = ["fake_kinds", "world"]

STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00 ", re.MULTILINE)
STARTED = StageStarted(clip="clip-001", stage="people", missing=40, why="no result yet")
FINISHED = StageFinished(
    clip="clip-001",
    stage="people",
    seconds=1.25,
    frames=38,
    failed=2,
    files=4,
    notes=("one left early",),
)


@pytest.fixture
def folder(tmp_path: Path) -> ClipFolder:
    return ClipFolder(tmp_path / "clip")


def written(folder: ClipFolder) -> list[str]:
    """Return the lines of the log without their times."""
    if not folder.log.exists():
        return []
    return STAMP.sub("", folder.log.read_text("utf-8")).splitlines()


def test_a_run_is_told_from_beginning_to_end(folder: ClipFolder) -> None:
    heard: list[Event] = []
    tell = logged(folder, heard.append)
    told: list[Event] = [
        ClipStarted(clip="clip-001", stages=("people",), backends=("blazepose 3",)),
        STARTED,
        Progress(clip="clip-001", stage="people", done=1, total=40, unit="frame"),
        WeightsEvent(kind="done", name="pose.tflite"),
        WorkerLost(stage="people", why="killed by the system", attempt=1, frames="10:20"),
        Retried(stage="people", attempt=2, batch=4, frames="10:20"),
        FINISHED,
        StageFailed(stage="lift", cause="no floor", trace="Traceback\n  in lift\n"),
        StageSkipped(stage="bvh", why="it reads from stage 'lift'", blocked=True),
        StageSkipped(stage="index", why=""),
        ClipFinished(clip="clip-001", seconds=2.0, complete=False, failed_stages=("lift", "bvh")),
    ]
    for event in told:
        tell(event)
    assert heard == told
    first, *rest = written(folder)
    assert first.startswith(f"run started: choreoscope {__version__}, Python 3.")
    assert "numpy 2." in first
    assert first.endswith("back ends: blazepose 3")
    assert rest == [
        "stage 'people' started: no result yet; 40 frames to make",
        "weights pose.tflite: fetched and checked",
        "stage 'people' lost its worker at frames 10:20, attempt 1: killed by the system",
        "stage 'people' tried again at frames 10:20, attempt 2, 4 frames at once",
        "stage 'people' finished in 1.2 s: 38 frames, 4 files, 2 frames could not be made",
        "  one left early",
        "stage 'lift' failed: no floor",
        "Traceback",
        "  in lift",
        "stage 'bvh' not made: it reads from stage 'lift'",
        "run ended after 2.0 s: no result of lift, bvh",
    ]


def test_times_are_those_of_the_moment_in_utc(folder: ClipFolder) -> None:
    before = dt.datetime.now(dt.UTC).replace(microsecond=0)
    logged(folder, ignore)(STARTED)
    lines = folder.log.read_text("utf-8").splitlines()
    assert len(lines) == 2
    for line in lines:
        assert before <= dt.datetime.fromisoformat(line.split()[0]) <= dt.datetime.now(dt.UTC)


def tell_nothing_much(tell: Events) -> None:
    tell(ClipStarted(clip="clip-001", stages=("people",)))
    tell(StagePlanned(stage="people", state="done", missing=0, why=""))
    tell(Note(stage="people", text="its record could not be read"))
    tell(StageSkipped(stage="people", why="edited by hand", blocked=True))
    tell(StageSkipped(stage="lift", why=""))


def test_a_run_that_makes_nothing_adds_nothing(folder: ClipFolder) -> None:
    tell = logged(folder, ignore)
    tell_nothing_much(tell)
    tell(ClipFinished(clip="clip-001", seconds=0.0, complete=False))
    assert not folder.root.exists()


def test_what_came_before_the_first_stage_is_kept_if_one_runs(folder: ClipFolder) -> None:
    tell = logged(folder, ignore)
    tell_nothing_much(tell)
    tell(STARTED)
    assert written(folder)[1:] == [
        "stage 'people' note: its record could not be read",
        "stage 'people' not made: edited by hand",
        "stage 'people' started: no result yet; 40 frames to make",
    ]


def test_runs_are_appended(folder: ClipFolder) -> None:
    for _ in range(2):
        tell = logged(folder, ignore)
        tell(STARTED)
        tell(FINISHED)
        tell(ClipFinished(clip="clip-001", seconds=0.0, complete=True))
    assert sum(line.startswith("run started") for line in written(folder)) == 2
    assert written(folder)[-1] == "run ended after 0.0 s: complete"


def test_it_is_put_aside_once_when_it_is_too_large(
    folder: ClipFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "MAX_BYTES", 2000)
    tell = logged(folder, ignore)
    tell(STARTED)
    for number in range(200):
        tell(Note(stage="people", text=f"number {number:04d} {'x' * 60}"))
    kept = old_log(folder).read_text("utf-8") + folder.log.read_text("utf-8")
    assert "number 0199" in folder.log.read_text("utf-8")
    assert "number 0000" not in kept
    assert old_log(folder).stat().st_size < 2400
    assert folder.log.stat().st_size < 2400
    assert sorted(path.name for path in folder.work.iterdir()) == ["log.old.txt", "log.txt"]


def test_below_that_size_it_is_left_alone(folder: ClipFolder) -> None:
    tell = logged(folder, ignore)
    tell(STARTED)
    for number in range(200):
        tell(Note(stage="people", text=f"number {number:04d}"))
    assert not old_log(folder).exists()
    assert len(written(folder)) == 202


def test_a_log_that_cannot_be_written_is_told_once_and_stops_nothing(folder: ClipFolder) -> None:
    folder.log.mkdir(parents=True)
    heard: list[Event] = []
    tell = logged(folder, heard.append)
    for event in (STARTED, FINISHED, STARTED):
        tell(event)
    notes = [event for event in heard if isinstance(event, Note)]
    assert len(notes) == 1
    assert "log.txt cannot be written" in notes[0].text
    assert [event for event in heard if not isinstance(event, Note)] == [STARTED, FINISHED, STARTED]
    folder.log.rmdir()
    tell(FINISHED)
    assert written(folder)[0].startswith("stage 'people' finished")


def test_names_that_are_no_unicode_are_written_all_the_same(folder: ClipFolder) -> None:
    tell = logged(folder, ignore)
    tell(StageStarted(stage="people", missing=1, why="dance \udce9 é 舞"))
    assert written(folder)[-1] == "stage 'people' started: dance \\udce9 é 舞; 1 frames to make"


def test_lines_of_several_threads_stay_whole(folder: ClipFolder) -> None:
    tell = logged(folder, ignore)
    tell(STARTED)

    def many(name: str) -> None:
        for number in range(50):
            tell(Note(stage=name, text=f"{number} {'y' * 300}"))

    threads = [threading.Thread(target=many, args=(f"s{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = written(folder)[2:]
    assert len(lines) == 200
    assert all(re.fullmatch(r"stage 's\d' note: \d+ y{300}", line) for line in lines)


def fail(_: Job) -> None:
    raise InputError("no such lens")


def test_the_engine_keeps_a_log(world: World) -> None:
    world.before["who"] = fail
    world.run()
    folder = ClipFolder(world.folder)
    text = "\n".join(written(folder))
    for line in (
        "stage 'see' started: no result yet; 37 frames to make",
        "stage 'see' finished in ",
        "stage 'who' failed: no such lens",
        "Traceback (most recent call last):",
        "stage 'lines' not made: it reads from stage 'who', which has no usable result",
        "no result of who, lines, index",
    ):
        assert line in text
    world.before.clear()
    assert world.run().is_complete
    before = folder.log.read_bytes()
    assert b": complete" in before
    world.run()
    assert folder.log.read_bytes() == before
    (world.folder / "side.txt").unlink()
    world.run()
    assert folder.log.read_bytes() != before


def test_the_engine_does_without_a_log(world: World) -> None:
    ClipFolder(world.folder).log.mkdir(parents=True)
    heard: list[Event] = []
    assert world.run(events=heard.append).is_complete
    assert sum(isinstance(event, Note) for event in heard) == 1
