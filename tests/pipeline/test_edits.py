"""Work done by hand on results: kept, followed by what reads it, never overwritten."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_recipe import SeeOptions, WhoOptions, World, fake_kinds, tree, world
from test_resume import killed_at

from choreoscope.datatypes.artifacts import Manifest
from choreoscope.datatypes.errors import InputError
from choreoscope.pipeline.edits import accept
from choreoscope.pipeline.events import Event, Note
from choreoscope.pipeline.folder import ClipFolder
from choreoscope.pipeline.manifest import read_manifest

__all__ = ["fake_kinds", "world"]

LINE = "people/P01/line.txt"
MINE = "P01 of 3\nand this is mine\n"
SAME_SIZE = "P01 is 3\n"


def edit(world: World, path: str = LINE, text: str = MINE) -> None:
    place = world.folder / path
    assert place.read_text() != text
    place.write_text(text)


def text_of(world: World, path: str = LINE) -> str:
    return (world.folder / path).read_text()


def record(world: World, stage: str) -> Manifest:
    manifest = read_manifest(ClipFolder(world.folder), stage)
    assert manifest is not None
    return manifest


def set_aside(world: World) -> dict[str, str]:
    root = world.folder / "work" / "set-aside"
    return {
        path.relative_to(root).as_posix(): path.read_text()
        for path in root.rglob("*")
        if path.is_file()
    }


def made(world: World, **choices: object) -> list[str]:
    """Run, and list what really ran."""
    world.forget_calls()
    world.run(**choices)
    return world.called


def test_an_edit_is_kept_and_what_reads_it_follows(world: World) -> None:
    world.run()
    others = tree(world.folder)
    edit(world)
    before = tree(world.folder)
    planned = world.plan()
    assert planned.standing("lines").state == "done"
    assert planned.standing("index").why == "stage lines changed"
    assert tree(world.folder) == before, "a plan writes nothing"
    told: list[Event] = []
    assert made(world, events=told.append) == ["index"]
    assert text_of(world) == MINE
    manifest = record(world, "lines")
    assert manifest.origin == "edited"
    assert [file.path for file in manifest.files if file.edited] == [LINE]
    assert manifest.notes == (
        f"{LINE} was edited by hand; it is kept as it is and never overwritten",
    )
    assert [event.text for event in told if isinstance(event, Note)] == [*manifest.notes]
    assert text_of(world, "people/P02/line.txt").encode() == others["people/P02/line.txt"]
    assert made(world) == []
    edit(world, text=MINE + "more\n")
    assert made(world) == ["index"]
    assert text_of(world) == MINE + "more\n"


def test_an_edited_file_that_nobody_reads_is_recorded_too(world: World) -> None:
    world.run()
    edit(world, "index.txt", json.dumps({"mine": 1}))
    assert made(world) == []
    assert record(world, "index").origin == "edited"
    assert world.plan().is_finished


@pytest.mark.parametrize("adopted_first", [True, False])
@pytest.mark.parametrize("text", [MINE, SAME_SIZE])
def test_a_changed_option_does_not_overwrite_it(
    world: World, text: str, *, adopted_first: bool
) -> None:
    """Not even an edit of the same size, which no quick look can see."""
    world.run()
    edit(world, text=text)
    if adopted_first:
        world.run()
    result = world.run(who=WhoOptions(people=2))
    assert text_of(world) == text
    outcome = result.outcome("lines")
    assert outcome.state == "blocked"
    for words in (LINE, "edited by hand", "stage who changed", f"delete {world.folder / LINE}"):
        assert words in outcome.why
    assert result.outcome("who").state == "finished"
    assert world.run(who=WhoOptions(people=2)).outcome("lines").state == "blocked"
    assert text_of(world) == text
    (world.folder / LINE).unlink()
    assert world.run(who=WhoOptions(people=2)).is_complete
    assert text_of(world) == "P01 of 2\n", "deleted, it is computed anew"
    assert record(world, "lines").origin == "computed"


def test_without_an_edit_a_changed_option_overwrites(world: World) -> None:
    """Control."""
    world.run()
    assert world.run(who=WhoOptions(people=2)).is_complete
    assert text_of(world) == "P01 of 2\n"
    assert set_aside(world) == {}


def test_an_edit_of_the_same_size_waits_for_a_word(world: World) -> None:
    world.run()
    edit(world, text=SAME_SIZE)
    assert made(world) == []
    assert made(world, deep=True) == []
    assert text_of(world) == SAME_SIZE
    stages = {stage.name: stage for stage in world.recipe().stages}
    assert accept(world.folder, stages, LINE) == "lines"
    assert record(world, "lines").origin == "edited"
    assert made(world) == ["index"]
    assert text_of(world) == SAME_SIZE
    with pytest.raises(InputError, match="nothing to accept"):
        accept(world.folder, stages, LINE)
    with pytest.raises(InputError, match="no record lists people"):
        accept(world.folder, stages, "people/P01/other.txt")
    edit(world, text="cut")
    with pytest.raises(InputError, match=r"does not open: line\.txt breaks off"):
        accept(world.folder, stages, LINE)


@pytest.mark.parametrize("text", ["P01 of", "", "P01 of 3X"])
def test_a_damaged_file_is_made_again_and_kept_aside(world: World, text: str) -> None:
    """Cut off, empty; of the right size only a deep look finds it."""
    world.run()
    before = tree(world.folder)
    edit(world, text=text)
    told: list[Event] = []
    assert made(world, deep=len(text) == 9, events=told.append) == ["lines"]
    assert tree(world.folder) == before
    assert set_aside(world) == {LINE: text}
    notes = [event.text for event in told if isinstance(event, Note)]
    assert len(notes) == 1
    assert f"work/set-aside/{LINE}" in notes[0]


def test_damaged_twice_nothing_set_aside_is_lost(world: World) -> None:
    world.run()
    for text in ("first", "second"):
        edit(world, text=text)
        world.run()
    assert set_aside(world) == {LINE: "first", "people/P01/2-line.txt": "second"}


def test_an_edited_file_that_is_damaged_later_is_left_for_its_owner(world: World) -> None:
    world.run()
    edit(world)
    world.run()
    edit(world, text="cut")
    outcome = world.run().outcome("lines")
    assert outcome.state == "blocked"
    assert LINE in outcome.why
    assert text_of(world) == "cut"
    assert set_aside(world) == {}


def test_beside_an_edited_file_a_lost_one_is_made_again(world: World) -> None:
    world.run()
    edit(world)
    world.run()
    before = tree(world.folder)
    (world.folder / "people/P02/line.txt").unlink()
    assert made(world) == ["lines"]
    assert tree(world.folder) == before
    assert record(world, "lines").origin == "edited"


def test_beside_an_edited_window_a_lost_one_is_made_again(world: World) -> None:
    world.run()
    window = "work/seen/0015-0025.txt"
    edit(world, window, text_of(world, window) + "and mine\n")
    assert made(world) == ["who", "lines", "index"]
    before = tree(world.folder)
    (world.folder / "work/seen/0025-0035.txt").unlink()
    world.forget_calls()
    world.run()
    assert world.called[:2] == ["see", "window 25:35"]
    after = tree(world.folder)
    assert after[window] == before[window]
    assert "work/seen/0025-0035.txt" in after
    assert record(world, "see").origin == "edited"
    outcome = world.run(see=SeeOptions(gain=2)).outcome("see")
    assert outcome.state == "blocked"
    assert tree(world.folder)[window] == before[window]


def by_losing_the_record(world: World) -> None:
    (world.folder / "work/manifests/lines.json").unlink()


def by_damaging_the_record(world: World) -> None:
    (world.folder / "work/manifests/lines.json").write_text("{")


@pytest.mark.parametrize("how", [by_losing_the_record, by_damaging_the_record])
def test_what_no_record_vouches_for_is_kept_aside(
    world: World, how: Callable[[World], None]
) -> None:
    world.run()
    before = tree(world.folder)
    edit(world)
    how(world)
    assert made(world) == ["lines"]
    assert tree(world.folder) == before
    assert set_aside(world) == {LINE: MINE}, "and nothing of what is the same again"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_killed_at_every_step_an_edit_survives(world: World) -> None:
    """While what was lost beside it is made again."""
    step = 0
    killed = True
    truth: dict[str, bytes] = {}
    while killed:
        trial = World(folder=world.folder.parent / f"trial-{step}")
        trial.run()
        edit(trial)
        (trial.folder / "people/P02/line.txt").unlink()
        if step:
            killed = killed_at(trial, step)
        assert trial.run().is_complete
        truth = truth or tree(trial.folder)
        assert tree(trial.folder) == truth, f"killed at step {step}"
        assert text_of(trial) == MINE
        assert set_aside(trial) == {}
        step += 1
    assert step > 15


def test_what_is_set_aside_is_no_result(tmp_path: Path) -> None:
    folder = ClipFolder(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.txt").write_text("1")
    assert folder.set_aside("a/b.txt") == "work/set-aside/a/b.txt"
    assert not (tmp_path / "a" / "b.txt").exists()
