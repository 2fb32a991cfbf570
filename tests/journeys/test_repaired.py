"""Repair of a hurt result: exactly what is missing or broken, to the byte; edits live on."""

import json
import shutil
from pathlib import Path

import pytest
from hurt_results import (
    BVH,
    CLIP,
    FRAMES,
    HURTS,
    LIES,
    MIDDLE,
    WINDOW,
    captured,
    choreoscope,
    look,
    mended,
    overlay,
    shorter,
    tampered,
    vouch,
)

from choreoscope.capture.repair import accept_edits, repair
from choreoscope.datatypes.errors import InputError
from results import content

BATCHES = (
    ("cut off", "a cut BVH", "a cut film", "a cut page", "emptied", "a removed window", "removed"),
    ("a flipped bit", "a cut window", "a frame too few"),
    ("a damaged record", "a window without its last frame", "an overlay of another size"),
    ("a motion of nothing", "landmarks of nothing", "a lens for other pictures"),
    ("a motion of other frames", "a BVH shorter than the motion", "a frame too many"),
)
"""Damages that do not touch each other, mended in one go."""
HIDDEN = "a BVH shorter than the motion"
"""Found when the motion itself is whole again."""


def stage_of(what: str) -> str:
    return HURTS[what][-1] if what in HURTS else LIES[what][-1]


def test_no_damage_is_forgotten() -> None:
    assert sorted(what for batch in BATCHES for what in batch) == sorted([*HURTS, *LIES])


@pytest.mark.parametrize("batch", BATCHES)
def test_what_is_broken_is_mended_and_nothing_else_is_made(
    batch: tuple[str, ...], calm: Path, result: Path
) -> None:
    own = result / CLIP / "people" / "P01" / "mine.txt"
    own.write_text("mine")
    expected = []
    for what in batch:
        path, hurt, *_, got, stage = HURTS[what] if what in HURTS else LIES[what]
        hurt(result / CLIP / path)
        if what in LIES:
            # The record says that it is as it was made: only a look into it can tell.
            vouch(result, path)
        if what != HIDDEN:
            expected.append((path, stage, got))
    done, ran, frames = mended(result)
    faults = {fault.path: fault for fault in done.before.faults}
    assert sorted(faults) == sorted(path for path, *_ in expected)
    for path, stage, got in expected:
        assert (faults[path].stage, faults[path].sort, faults[path].unit) == (stage, "broken", CLIP)
        assert got in faults[path].got
    assert sorted(ran) == sorted(map(stage_of, batch))
    assert frames == (WINDOW if "people" in ran else 0), "of a chain, the one lost window"
    assert done.after.faults == []
    assert len(done.aside) == len([what for what in batch if "removed" not in what])
    assert done.left == ()
    assert own.read_text() == "mine"
    own.unlink()
    assert content(result) == content(calm)


@pytest.mark.parametrize("lost", [(0,), (16,), (8, 24, 32)])
def test_of_the_windows_only_those_lost_are_made_again(
    lost: tuple[int, ...], calm: Path, result: Path
) -> None:
    folder = result / CLIP / "work" / "observations"
    for start in lost:
        (folder / f"{start:08d}-{start + WINDOW:08d}.npz").unlink()
    before = {path.name: path.stat().st_ino for path in folder.iterdir()}
    _, ran, frames = mended(result)
    assert (ran, frames) == (["people"], WINDOW * len(lost))
    after = {path.name: path.stat().st_ino for path in folder.iterdir()}
    assert {name: after[name] for name in before} == before, "those that were there are the same"
    assert content(result) == content(calm)


def test_a_record_without_its_files_is_not_believed(calm: Path, result: Path) -> None:
    """It says that all frames are made, and lists no file for some of them."""
    manifest = result / CLIP / "work" / "manifests" / "people.json"
    record = json.loads(manifest.read_text())
    record["files"] = [file for file in record["files"] if file["path"] != MIDDLE]
    manifest.write_text(json.dumps(record))
    faults = look(result).faults
    assert [(fault.sort, fault.path, str(fault.frames)) for fault in faults] == [
        ("broken", "", "16:24")
    ]
    mended(result)
    assert look(result).faults == []
    assert content(result) == content(calm)


def test_an_edited_bvh_lives_on(still_film: Path, result: Path) -> None:
    bvh = result / CLIP / BVH
    shorter(bvh)
    mine = bvh.read_bytes()
    found = look(result)
    assert [(fault.path, fault.sort) for fault in found.faults] == [(BVH, "changed")]
    assert "it holds 37" in found.faults[0].got
    _, ran = captured(still_film, result)
    assert ran == ["index", "report"], "what reads it follows"
    assert "edited by hand" in (result / CLIP / "report.html").read_text()
    found = look(result)
    assert found.faults == []
    assert found.notes == [f"{CLIP}: {BVH} was edited by hand, 37 instead of 40 frames"]
    assert captured(still_film, result)[1] == []
    taller, _ = captured(still_film, result, P01=1.9)
    assert bvh.read_bytes() == mine
    outcome = taller.clips[0].outcome("bvh")
    assert outcome.state == "blocked"
    assert "edited by hand" in outcome.why
    mended(result, overwrite_changed=True)
    assert bvh.read_bytes() == mine
    captured(still_film, result)
    assert bvh.read_bytes() == mine


def test_repair_takes_an_edit_for_what_it_is(result: Path) -> None:
    """Of another size it is an edit already; it is made again only if that is asked for."""
    overwritten = result.parent / "overwritten"
    shutil.copytree(result, overwritten)
    for place in (result, overwritten):
        shorter(place / CLIP / BVH)
    mine = (result / CLIP / BVH).read_bytes()
    done, ran, _ = mended(result)
    assert (ran, done.aside, done.left) == (["index", "report"], (), ())
    assert (result / CLIP / BVH).read_bytes() == mine
    done, ran, _ = mended(overwritten, overwrite_changed=True)
    assert (ran, done.aside, done.left) == (["bvh"], (f"{CLIP}/{BVH}",), ())
    assert (overwritten / CLIP / "work" / "set-aside" / BVH).read_bytes() == mine


def test_same_size_other_content_needs_a_word(still_film: Path, calm: Path, result: Path) -> None:
    bvh = result / CLIP / BVH
    tampered(bvh)
    mine = bvh.read_bytes()
    assert len(mine) == (calm / CLIP / BVH).stat().st_size
    found = look(result)
    assert [(fault.path, fault.sort, fault.got) for fault in found.faults] == [
        (BVH, "changed", "other bytes, as many")
    ]
    assert found.exit_code == 4
    assert captured(still_film, result)[1] == []
    done, ran, _ = mended(result)
    assert ran == []
    assert [fault.path for fault in done.left] == [BVH]
    assert bvh.read_bytes() == mine
    accepted = result.parent / "accepted"
    shutil.copytree(result, accepted)
    _, ran, _ = mended(result, overwrite_changed=True)
    assert ran == ["bvh"]
    assert content(result) == content(calm)
    assert (result / CLIP / "work" / "set-aside" / BVH).read_bytes() == mine
    assert accept_edits(accepted, [Path(CLIP) / BVH]) == {f"{CLIP}/{BVH}": "bvh"}
    assert captured(still_film, accepted)[1] == ["index", "report"]
    assert (accepted / CLIP / BVH).read_bytes() == mine
    assert look(accepted).faults == []
    with pytest.raises(InputError, match="no such file"):
        accept_edits(accepted, [Path("nowhere.bvh")])


def test_repair_needs_the_same_film(still_film: Path, result: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere.mp4"
    shutil.copy(still_film, moved)
    (result / CLIP / BVH).unlink()
    record = json.loads((result / "film.json").read_text())
    (result / "film.json").write_text(json.dumps(record | {"path": "/nowhere/dance.mp4"}))
    with pytest.raises(InputError, match="no such file"):
        repair(result)
    other = tmp_path / "other.mp4"
    overlay(other, 12, (64, 48))
    with pytest.raises(InputError, match="is another film"):
        repair(result, film=other)
    _, ran, _ = mended(result, film=moved)
    assert ran == ["bvh"]


def test_the_commands(result: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert choreoscope("status", result) == 0
    printed = capsys.readouterr().out
    assert "clip-001: frames 0:40, 40/40 complete in every stage" in printed
    assert printed.count("█" * FRAMES) == 12
    assert choreoscope("verify", result, "--quiet") == 0
    assert capsys.readouterr().out == ""
    assert choreoscope("verify", result / CLIP) == 0
    assert "40/40 frames of 11 stages" in capsys.readouterr().out
    (result / CLIP / MIDDLE).unlink()
    assert choreoscope("verify", result, "--quiet") == 4
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"broken: {CLIP}/{MIDDLE}: expected ")
    assert lines[0].endswith("got no such file [frames 16:24]")
    assert lines[-1] == f"'choreoscope repair {result}' makes again what is broken or missing"
    assert choreoscope("verify", result, "--json") == 4
    assert json.loads(capsys.readouterr().out)["faults"][0]["frames"] == "16:24"
    assert choreoscope("repair", result, "--quiet") == 0
    assert choreoscope("repair", result) == 0
    assert "nothing was missing or broken" in capsys.readouterr().err
    assert choreoscope("status", result, "--json") == 0
    units = json.loads(capsys.readouterr().out)["units"]
    assert [unit["name"] for unit in units] == ["film", CLIP]
    tampered(result / CLIP / BVH)
    assert choreoscope("repair", result, "--quiet") == 4
    assert f"choreoscope accept {result} {CLIP}/{BVH}" in capsys.readouterr().err
    assert choreoscope("accept", result, f"{CLIP}/{BVH}") == 0
    assert choreoscope("status", result.parent) == 2
    assert "is no result folder" in capsys.readouterr().err
