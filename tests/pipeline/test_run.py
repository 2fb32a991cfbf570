"""Running and running again: what is made, what is left alone, what a failure stops."""

import os
import shutil

import pytest
from fake_recipe import SeeOptions, WhoOptions, World, fake_kinds, tree, world

from choreoscope.datatypes.errors import (
    InputError,
)
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.models import RunSettings, Tier
from choreoscope.pipeline.events import (
    ClipFinished,
    ClipStarted,
    Event,
    Note,
    Progress,
    StageFailed,
    StageFinished,
    StageSkipped,
    StageStarted,
)
from choreoscope.pipeline.folder import ClipFolder
from choreoscope.pipeline.loading import LoadedModels
from choreoscope.pipeline.manifest import read_manifest
from choreoscope.pipeline.run import RunResult, run
from choreoscope.pipeline.stage import Job

__all__ = ["fake_kinds", "world"]

WINDOWS = [f"window {window}" for window in FrameRange(5, 42).windows(10)]
EVERYTHING = ["see", *WINDOWS, "who", "lines", "index", "side"]


def states(result: RunResult) -> dict[str, str]:
    return {outcome.stage: outcome.state for outcome in result.outcomes}


def test_everything_is_made_once_in_order(world: World) -> None:
    result = world.run()
    assert result.is_complete
    assert set(states(result).values()) == {"finished"}
    assert world.called == EVERYTHING
    assert sorted(tree(world.folder)) == [
        "index.txt",
        "people/P01/line.txt",
        "people/P02/line.txt",
        "people/P03/line.txt",
        "side.txt",
        *(f"work/manifests/{name}.json" for name in ("index", "lines", "see", "side", "who")),
        *(f"work/seen/{name}.txt" for name in ("0005-0015", "0015-0025", "0025-0035", "0035-0042")),
        "work/who.json",
    ]
    assert not [
        path for path in world.folder.rglob("*") if path.is_dir() and not any(path.iterdir())
    ]


def test_the_same_command_again_runs_nothing(world: World) -> None:
    world.run()
    before = tree(world.folder)
    stamps = {path: path.stat().st_mtime_ns for path in world.folder.rglob("*")}
    world.forget_calls()
    result = world.run()
    assert world.called == []
    assert world.loads == 1
    assert set(states(result).values()) == {"skipped"}
    assert tree(world.folder) == before
    assert {path: path.stat().st_mtime_ns for path in world.folder.rglob("*")} == stamps


def test_run_settings_change_nothing(world: World) -> None:
    world.run(settings=RunSettings(workers=1))
    world.forget_calls()
    world.run(settings=RunSettings(workers=7, offline=True))
    assert world.called == []


@pytest.mark.parametrize(
    ("options", "again"),
    [
        ({"who": WhoOptions(people=2)}, ["who", "lines", "index"]),
        ({"see": SeeOptions(gain=2)}, ["see", *WINDOWS, "who", "lines", "index"]),
        ({"see": SeeOptions(gain=1)}, []),
    ],
)
def test_a_changed_option_redoes_what_follows(
    world: World, options: dict[str, SeeOptions | WhoOptions], again: list[str]
) -> None:
    world.run()
    world.forget_calls()
    assert world.run(**options).is_complete
    assert world.called == again


@pytest.mark.parametrize(
    ("change", "again"),
    [
        ({"versions": {"lines": 2}}, ["lines", "index"]),
        ({"digest": "film-2"}, EVERYTHING),
        ({"folder": None}, []),
    ],
)
def test_other_causes_redo_what_follows(
    world: World, change: dict[str, object], again: list[str]
) -> None:
    world.run()
    world.forget_calls()
    for name, value in change.items():
        setattr(world, name, value or world.folder)
    world.run()
    assert world.called == again


def test_a_person_who_vanished_leaves_no_files(world: World) -> None:
    world.run()
    kept = world.folder / "people" / "P02" / "mine.txt"
    kept.write_text("a user's own file")
    world.run(who=WhoOptions(people=1))
    assert not (world.folder / "people" / "P03").exists()
    assert [path.name for path in (world.folder / "people" / "P02").iterdir()] == ["mine.txt"]
    assert (world.folder / "people" / "P01" / "line.txt").read_text() == "P01 of 1\n"


def test_nobody_is_a_valid_result(world: World) -> None:
    result = world.run(who=WhoOptions(people=0))
    assert result.is_complete
    assert not (world.folder / "people").exists()
    world.forget_calls()
    world.run(who=WhoOptions(people=0))
    assert world.called == []


@pytest.mark.parametrize("damage", ["delete", "truncate", "lengthen"])
@pytest.mark.parametrize(
    ("path", "again"),
    [
        ("people/P02/line.txt", ["lines"]),
        ("index.txt", ["index"]),
        ("work/seen/0015-0025.txt", ["see", "window 15:25"]),
    ],
)
def test_a_damaged_file_is_made_again(
    world: World, damage: str, path: str, again: list[str]
) -> None:
    world.run()
    before = tree(world.folder)
    world.forget_calls()
    file = world.folder / path
    match damage:
        case "delete":
            file.unlink()
        case "truncate":
            file.write_bytes(file.read_bytes()[:-2])
        case "lengthen":
            file.write_bytes(file.read_bytes() + b"x")
    assert world.run().is_complete
    assert world.called == again
    assert tree(world.folder) == before


def test_flipped_bytes_are_found_by_a_deep_look_only(world: World) -> None:
    world.run()
    before = tree(world.folder)
    (world.folder / "index.txt").write_bytes(before["index.txt"][::-1])
    world.forget_calls()
    world.run()
    assert world.called == []
    world.run(deep=True)
    assert world.called == ["index"]
    assert tree(world.folder) == before
    assert (world.folder / "work/set-aside/index.txt").read_bytes() == before["index.txt"][::-1]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 1}', '{"schema": 99}', "\xff\x00"])
def test_a_corrupt_manifest_counts_as_none(world: World, text: str) -> None:
    world.run()
    before = tree(world.folder)
    world.forget_calls()
    (world.folder / "work/manifests/lines.json").write_text(text, encoding="latin-1")
    notes: list[Event] = []
    world.plan(events=notes.append)
    assert [event.stage for event in notes if isinstance(event, Note)] == ["lines"]
    assert world.run().is_complete
    assert world.called == ["lines"]
    assert tree(world.folder) == before


def test_a_failing_check_moves_nothing(world: World) -> None:
    world.run()
    before = tree(world.folder)
    world.refuse = {"line"}
    result = world.run(who=WhoOptions(people=2))
    assert states(result)["lines"] == "failed"
    assert result.outcome("lines").why == "line.txt does not read back as line"
    after = tree(world.folder)
    assert {name: after[name] for name in before if "people" in name} == {
        name: before[name] for name in before if "people" in name
    }
    assert after["work/manifests/lines.json"] == before["work/manifests/lines.json"]
    world.refuse = set()
    assert world.run(who=WhoOptions(people=2)).is_complete
    assert (world.folder / "people/P01/line.txt").read_text() == "P01 of 2\n"


def test_a_failing_check_of_a_window_keeps_the_windows_before(world: World) -> None:
    windows = iter([0, 0, 1, 1, 1])

    def refuse_third() -> None:
        if next(windows):
            world.refuse = {"seen"}

    world.in_window = refuse_third
    result = world.run()
    assert states(result)["see"] == "failed"
    assert world.plan().standing("see").missing == FrameSet((FrameRange(25, 42),))
    world.refuse = set()
    world.in_window = lambda: None
    world.forget_calls()
    world.run()
    assert world.called[:3] == ["see", *WINDOWS[2:]]


def test_timings_and_tier(world: World) -> None:
    world.tier = Tier.RESEARCH
    world.run()
    folder = ClipFolder(world.folder)
    see, index, side = (read_manifest(folder, name) for name in ("see", "index", "side"))
    assert see is not None
    assert index is not None
    assert side is not None
    assert see.model_cpu_seconds == pytest.approx(0.25 * 37)
    assert side.model_cpu_seconds == 0.0
    assert 0 < see.seconds < 60
    assert (see.tier, index.tier, side.tier) == ("research", "research", "commercial")
    assert see.notes == ("windows of ten",)


def refuse(_: Job) -> None:
    raise InputError("no")


def test_events_tell_what_happens(world: World) -> None:
    events: list[Event] = []
    world.before["who"] = refuse
    world.run(events=events.append)
    told = [(type(event), event.stage) for event in events if not isinstance(event, Progress)]
    assert told == [
        (ClipStarted, ""),
        (StageStarted, "see"),
        (StageFinished, "see"),
        (StageStarted, "who"),
        (StageFailed, "who"),
        (StageSkipped, "lines"),
        (StageSkipped, "index"),
        (StageStarted, "side"),
        (StageFinished, "side"),
        (ClipFinished, ""),
    ]
    last = [event for event in events if isinstance(event, Progress)][-1]
    assert (last.done, last.total, last.unit) == (37, 37, "frame")


def test_the_library_prints_nothing(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    world.before["who"] = refuse
    world.run()
    assert capfd.readouterr() == ("", "")


def test_failed_frames_are_gaps_that_block_nothing(world: World) -> None:
    world.before["side"] = lambda job: job.failed(FrameRange(7, 9), "too\ndark")
    world.before["see"] = lambda job: job.failed(FrameRange(20, 21), "torn")
    result = world.run()
    assert not result.is_complete
    assert not result.failures
    assert {stage: str(gaps) for stage, gaps in result.gaps.items()} == {
        "see": "20:21",
        "side": "7:9",
    }
    manifest = read_manifest(ClipFolder(world.folder), "side")
    assert manifest is not None
    assert str(manifest.done) == "5:7, 9:42"
    assert manifest.failed == {"7:9": "too dark"}
    world.forget_calls()
    again = world.run()
    assert world.called == []
    assert again.gaps == result.gaps


def test_filled_gaps_redo_what_was_made_without_them(world: World) -> None:
    world.before["see"] = lambda job: job.failed(FrameRange(20, 21), "torn")
    world.run()
    world.before = {}
    world.forget_calls()
    result = world.run(retry=True)
    assert world.called == ["see", "window 15:25", "who", "lines", "index"]
    assert result.is_complete
    fresh = World(folder=world.folder.parent / "fresh")
    fresh.run()
    assert tree(world.folder) == tree(fresh.folder)


def test_frames_that_do_not_decode_are_not_tried_again(world: World) -> None:
    broken = [FrameRange(20, 21), FrameRange(40, 42)]
    world.before["see"] = lambda job: [job.failed(part, "torn") for part in broken]
    world.run()
    world.hopeless = FrameSet.of(broken)
    world.forget_calls()
    world.run(retry=True)
    assert world.called == []
    world.hopeless, world.before = FrameSet.of(broken[:1]), {}
    world.run(retry=True)
    assert world.called[:2] == ["see", "window 35:42"]


def test_edited_results_are_never_overwritten(world: World) -> None:
    world.run()
    record = world.folder / "work/manifests/lines.json"
    line = world.folder / "people/P02/line.txt"
    record.write_text(record.read_text().replace('"computed"', '"edited"'))
    world.forget_calls()
    assert world.run().is_complete
    assert world.called == ["index"], "what reads an edited result follows its files"
    world.forget_calls()
    result = world.run(who=WhoOptions(people=2))
    assert states(result) == {
        "see": "skipped",
        "who": "finished",
        "lines": "blocked",
        "index": "blocked",
        "side": "skipped",
    }
    assert "it is never overwritten: delete" in result.outcome("lines").why
    assert "was edited, and since then: stage who changed" in result.outcome("lines").why
    assert line.read_text() == "P02 of 3\n"
    record.unlink()
    assert world.run(who=WhoOptions(people=2)).is_complete
    assert line.read_text() == "P02 of 2\n"


def test_the_folder_may_move(world: World) -> None:
    world.run()
    moved = world.folder.with_name("elsewhere")
    shutil.move(world.folder, moved)
    world.folder = moved
    world.forget_calls()
    world.run()
    assert world.called == []


def test_back_ends_load_once_and_only_when_needed(world: World) -> None:
    models = LoadedModels(RunSettings(), load=world._load)
    run(world.plan(), RunSettings(), models=models)
    other = World(folder=world.folder.with_name("other"))
    run(other.plan(), RunSettings(), models=models)
    assert world.loads == 1, "kept from clip to clip"
    world.run(who=WhoOptions(people=1))
    assert world.loads == 1, "no stage that runs asks for it"
    world.run(see=SeeOptions(gain=2))
    assert world.loads == 2, "control: this one does"


@pytest.mark.skipif(os.name != "posix", reason="inode numbers")
def test_every_file_is_on_the_disk_before_a_manifest_vouches_for_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled: set[int] = set()
    monkeypatch.setattr(os, "fsync", lambda number: settled.add(os.fstat(number).st_ino))
    world.run()
    files = [path for path in world.folder.rglob("*") if path.is_file()]
    # The log alone may lose its last lines in a power cut.
    files = [path for path in files if path.name != "log.txt"]
    assert files
    assert {path.stat().st_ino for path in files} <= settled
