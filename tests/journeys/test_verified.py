"""Verify and status of a finished capture, hurt in every way."""

import json
from pathlib import Path

import numpy as np
import pytest
from hurt_results import (
    CLIP,
    FRAMES,
    HURTS,
    LIES,
    choreoscope,
    look,
    vouch,
)

from choreoscope.capture.result_folder import open_result
from choreoscope.cli.verify import size_text
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.pipeline import events
from choreoscope.pipeline.condition import opened
from choreoscope.pipeline.manifest import read_manifest
from choreoscope.pipeline.status import unit_status
from choreoscope.pipeline.verify import verify


def test_a_whole_result_has_no_fault(calm: Path) -> None:
    """Control of all that follows."""
    before = {path: path.stat().st_mtime_ns for path in calm.rglob("*")}
    told: list[events.Event] = []
    found = verify(open_result(calm).units, told.append)
    assert (found.faults, found.notes, found.exit_code) == ([], [], 0)
    assert (found.frames, found.complete, found.stages) == (FRAMES, FRAMES, 11)
    recorded = [
        file["size"]
        for manifest in calm.glob("**/work/manifests/*.json")
        for file in json.loads(manifest.read_text())["files"]
    ]
    assert (found.files, found.size) == (len(recorded), sum(recorded))
    last = [event for event in told if isinstance(event, events.Progress)][-1]
    assert last.done == last.total > 1e5
    assert before == {path: path.stat().st_mtime_ns for path in calm.rglob("*")}
    assert len(verify(open_result(calm / CLIP).units).faults) == 0
    for unit in open_result(calm).units:
        status = unit_status(unit)
        assert status.exit_code == 0
        assert {stage.state for stage in status.stages} == {"done"}


@pytest.mark.parametrize("what", ["a cut film", "a removed window"])
def test_damage_is_found(what: str, result: Path) -> None:
    path, hurt, got, _ = HURTS[what]
    hurt(result / CLIP / path)
    found = look(result)
    assert [(fault.unit, fault.path, fault.sort) for fault in found.faults] == [
        (CLIP, path, "broken")
    ]
    assert got in found.faults[0].got
    assert found.exit_code == 4


@pytest.mark.parametrize("what", ["a motion of other frames", "a BVH shorter than the motion"])
def test_what_a_stage_made_wrongly_is_found(what: str, result: Path) -> None:
    """The record says that it is as it was made, so that only a look into it can tell."""
    path, hurt, expected, got, stage = LIES[what]
    hurt(result / CLIP / path)
    vouch(result, path)
    faults = look(result).faults
    assert [(fault.path, fault.stage, fault.sort, fault.expected) for fault in faults] == [
        (path, stage, "broken", expected)
    ]
    assert got in faults[0].got


def test_a_result_of_other_frames_or_another_film(result: Path) -> None:
    for old, new in (('"frames": "0:40"', '"frames": "0:39"'), ('"film": "', '"film": "0')):
        manifest = result / CLIP / "work" / "manifests" / "views.json"
        text = manifest.read_text()
        manifest.write_text(text.replace(old, new, 1))
        assert manifest.read_text() != text
        faults = look(result).faults
        assert [(fault.stage, fault.sort) for fault in faults] == [("views", "broken")]
        assert "other film" in faults[0].got or "0:39" in faults[0].got
        manifest.write_text(text)


def test_gaps_alone_end_with_7(result: Path) -> None:
    manifest = result / CLIP / "work" / "manifests" / "views.json"
    manifest.unlink()
    for name in ("top.png", "side.png"):
        (result / CLIP / "views" / name).unlink()
    found = look(result)
    assert [(fault.stage, fault.sort) for fault in found.faults] == [("views", "gap")]
    assert found.exit_code == 7
    assert found.complete == 0
    statuses = [unit_status(unit) for unit in open_result(result).units]
    assert [status.exit_code for status in statuses] == [0, 7]
    record = json.loads((result / CLIP / "work/manifests/people.json").read_text())
    record["failed"], record["done"] = {"3:5": "too dark"}, "0:3, 5:40"
    (result / CLIP / "work/manifests/people.json").write_text(json.dumps(record))
    gaps = [fault for fault in look(result).faults if fault.stage == "people"]
    assert [(one.sort, one.got, one.frames) for one in gaps] == [
        ("gap", "too dark", FrameSet.of([FrameRange(3, 5)]))
    ]


def test_a_foreign_file_is_told(result: Path) -> None:
    (result / CLIP / "people" / "P01" / "notes of mine.txt").write_text("mine")
    (result / "corrections.yaml").write_text("# nothing yet")
    found = look(result)
    assert found.exit_code == 0
    assert found.notes == [
        f"{CLIP}: 1 files that no record vouches for: people/P01/notes of mine.txt"
    ]


def test_every_file_cut_anywhere_does_not_open(result: Path) -> None:
    """Else half a file would count as somebody's work. Only a last number may lose digits."""
    rng = np.random.default_rng(2)
    for unit in open_result(result).units:
        for stage in unit.stages:
            manifest = read_manifest(unit.folder, stage.name)
            assert manifest is not None
            for file in manifest.files:
                path = unit.folder.root / file.path
                whole = path.read_bytes()
                assert not opened(stage, unit.folder, file)[1]
                last = len(whole) - 20
                for length in (0, 1, last // 2, last, *rng.integers(1, last, 3)):
                    path.write_bytes(whole[:length])
                    assert opened(stage, unit.folder, file)[1], (file.path, length, len(whole))
                path.write_bytes(whole)


def test_the_status_of_what_is_not_finished(
    result: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = result / CLIP / "work" / "manifests" / "people.json"
    record = json.loads(place.read_text())
    record["done"], record["failed"] = "0:10, 12:20", {"10:11": "too dark", "11:12": "too dark"}
    place.write_text(json.dumps(record))
    (result / CLIP / "work" / "manifests" / "lift.json").unlink()
    failures = result / CLIP / "work" / "failures"
    failures.mkdir()
    (failures / "lift.json").write_text(json.dumps({"cause": "no floor"}))
    assert choreoscope("status", result) == 5
    printed = capsys.readouterr().out
    assert "█" * 10 + "xx" + "█" * 8 + "·" * 20 in printed
    assert "people: gaps: 10:11, 11:12: too dark" in printed
    assert "people: not made: 20:40" in printed
    assert "lift: the last run failed: no floor" in printed
    (result / CLIP / "work" / "manifests" / "views.json").write_text("{")
    (failures / "lift.json").unlink()
    assert choreoscope("status", result) == 7
    assert "unreadable" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["film.json", "choreoscope.yaml", "work/shots.json"])
def test_a_damaged_record_of_the_whole(
    name: str, result: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (result / name).write_text("{")
    assert choreoscope("verify", result) == 4
    assert name in capsys.readouterr().out
    assert choreoscope("status", result / CLIP) == 0


def test_sizes_in_words() -> None:
    assert [size_text(size) for size in (0, 999, 1000, 3_140_000, 3_100_000_000)] == [
        "0 B", "999 B", "1.0 kB", "3.1 MB", "3.1 GB",
    ]  # fmt: skip
