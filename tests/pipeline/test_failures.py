"""Stages that fail, break their contract, or meet a disk that refuses."""

import contextlib
import dataclasses
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_recipe import WhoOptions, World, fake_kinds, tree, world

from choreoscope.datatypes.errors import (
    BackendUnavailableError,
    InputError,
    OutputError,
    StageFailedError,
)
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.pipeline.events import (
    Event,
    Note,
)
from choreoscope.pipeline.recipe import Recipe
from choreoscope.pipeline.run import RunResult
from choreoscope.pipeline.stage import Job

__all__ = ["fake_kinds", "world"]


def states(result: RunResult) -> dict[str, str]:
    return {outcome.stage: outcome.state for outcome in result.outcomes}


def raises(error: Exception) -> dict[str, object]:
    def body(_: Job) -> None:
        raise error

    return {"who": body}


@pytest.mark.parametrize(
    ("error", "line", "exit_code"),
    [
        (InputError("no such lens"), "no such lens", 2),
        (BackendUnavailableError("needs weights"), "needs weights", 3),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero", 5),
        (KeyError("two\nlines"), "KeyError: 'two\\nlines'", 5),
        (MemoryError(), "MemoryError", 5),
    ],
)
def test_a_failure_blocks_only_what_depends_on_it(
    world: World, error: Exception, line: str, exit_code: int
) -> None:
    world.before = raises(error)
    result = world.run()
    assert states(result) == {
        "see": "finished",
        "who": "failed",
        "lines": "blocked",
        "index": "blocked",
        "side": "finished",
    }
    assert result.outcome("who").why == line
    assert result.outcome("who").exit_code == exit_code
    assert [outcome.stage for outcome in result.failures] == ["who", "lines", "index"]
    with pytest.raises(StageFailedError, match="stage 'who' failed") as caught:
        result.raise_first()
    assert caught.value.__cause__ is error
    assert line.replace("\\", "\\\\") in (world.folder / "work/failures/who.json").read_text()
    assert "Traceback" in (world.folder / "work/log.txt").read_text()
    assert not (world.folder / "work/tmp").exists()
    world.before = {}
    world.forget_calls()
    assert world.run().is_complete
    assert world.called == ["who", "lines", "index"]
    assert not (world.folder / "work/failures").exists()


def test_what_depends_on_a_failure_and_is_done_stays_done(world: World) -> None:
    world.run()
    (world.folder / "work/who.json").unlink()
    world.before = raises(InputError("no"))
    assert states(world.run()) == {
        "see": "skipped",
        "who": "failed",
        "lines": "skipped",
        "index": "skipped",
        "side": "skipped",
    }


def test_an_old_failure_is_forgotten_when_the_result_is_there(world: World) -> None:
    world.run()
    before = tree(world.folder)
    world.before = raises(InputError("no"))
    world.run(who=WhoOptions(people=9))
    assert tree(world.folder).keys() - before.keys() == {"work/failures/who.json"}
    assert world.run().is_complete
    assert tree(world.folder).keys() == before.keys()


def with_body(world: World, name: str, body: Callable[[Job], None]) -> Recipe:
    """Return the fake recipe with another body for one stage."""
    stages = world.recipe().stages
    swapped = (dataclasses.replace(one, run=body) if one.name == name else one for one in stages)
    return Recipe(name="swapped", stages=tuple(swapped))


def test_a_window_stage_must_account_for_every_frame(world: World) -> None:
    def half(job: Job) -> None:
        job.output("seen", window="a").write_text("x")
        job.commit(FrameRange(5, 25))

    outcome = world.run(recipe=with_body(world, "see", half)).outcome("see")
    assert outcome.state == "failed"
    assert "frames 25:42 are neither made nor reported as failed" in outcome.why

    def whole(job: Job) -> None:
        job.output("seen", window="b").write_text("x")
        job.commit(FrameRange(25, 42))

    assert world.run(recipe=with_body(world, "see", whole)).is_complete


def test_a_window_stage_may_fail_all_that_is_left(world: World) -> None:
    def blind(job: Job) -> None:
        job.failed(job.frames, "the film does not decode")

    result = world.run(recipe=with_body(world, "see", blind))
    assert not result.failures
    assert result.gaps == {"see": FrameSet((FrameRange(5, 42),))}
    world.forget_calls()
    world.run(recipe=with_body(world, "see", blind))
    assert world.called == []


def test_files_that_are_never_committed_are_a_failure(world: World) -> None:
    def forgetful(job: Job) -> None:
        job.output("seen", window="a").write_text("x")

    why = world.run(recipe=with_body(world, "see", forgetful)).outcome("see").why
    assert why == "stage 'see' did not commit work/seen/a.txt"


def test_a_whole_clip_kind_that_is_not_written_is_a_failure(world: World) -> None:
    result = world.run(recipe=with_body(world, "side", lambda _: None))
    assert result.outcome("side").why == "stage 'side' wrote no side"


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (lambda job: job.input("seen", window="x"), "declares that it reads who"),
        (lambda job: job.output("index"), "declares that it writes line"),
        (lambda job: job.output("line"), "it wants person"),
        (lambda job: job.output("line", person="../P01"), "cannot name a file"),
        (lambda job: job.output("line", person=""), "cannot name a file"),
        (lambda job: job.output("line", person="P9", window="1"), "takes no window"),
        (lambda job: job.output("line", person="P9"), "people/P9/line.txt, not written"),
        (lambda job: job.output("line", person="P9").touch(), "people/P9/line.txt with 0 bytes"),
        (lambda job: job.commit(FrameRange(5, 6)), "works on whole clips"),
        (lambda job: job.failed(FrameRange(0, 9), "x"), "the clip has 5:42"),
        (lambda job: job.model(), "has no task"),
    ],
)
def test_a_stage_that_breaks_its_contract_fails_in_words(
    world: World, body: object, line: str
) -> None:
    world.before["lines"] = body
    result = world.run()
    assert states(result)["lines"] == "failed"
    assert line in result.outcome("lines").why


def test_a_person_may_have_any_name_a_file_may_have(world: World) -> None:
    name = "Zoë von der Höhe"
    world.before["lines"] = lambda job: job.output("line", person=name).write_text("\n") and None
    assert world.run().is_complete
    assert (world.folder / "people" / name / "line.txt").exists()


@contextlib.contextmanager
def ordinary_user() -> Iterator[None]:
    """Give up the right of root to write anywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@pytest.mark.parametrize("finished", [False, True])
def test_a_read_only_folder(
    world: World, monkeypatch: pytest.MonkeyPatch, *, finished: bool
) -> None:
    root = world.folder.parent
    monkeypatch.chdir(root)
    root.chmod(0o755)
    world.folder = Path("clip")
    if finished:
        world.run()
    else:
        world.folder.mkdir()
    (root / "clip").chmod(0o555)
    if (root / "clip/work").exists():
        (root / "clip/work").chmod(0o555)
    with ordinary_user():
        if finished:
            assert world.run().is_complete
        else:
            with pytest.raises(OutputError, match=r"cannot write clip/work: no permission"):
                world.run()
    assert ("who" in world.called) == finished


def test_a_file_where_a_folder_is_needed(world: World) -> None:
    world.folder.write_text("not a folder")
    with pytest.raises(OutputError, match="a file stands where a folder is needed"):
        world.run()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk(world: World) -> None:
    def fill(_: Job) -> None:
        with Path("/dev/full").open("wb", buffering=0) as file:
            file.write(b"x")

    world.before["who"] = fill
    result = world.run()
    assert states(result)["who"] == "failed"
    assert "the disk is full; free some space" in result.outcome("who").why
    assert result.outcome("who").exit_code == OutputError.exit_code
    assert states(result)["side"] == "finished"


def test_a_disk_that_refuses_everything_is_told_for_every_stage(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self), None, str(target))

    monkeypatch.setattr(Path, "replace", refuse)
    events: list[Event] = []
    result = world.run(events=events.append)
    assert states(result)["see"] == "failed"
    assert states(result)["side"] == "failed"
    assert "the disk is full" in result.outcome("side").why
    assert [event.stage for event in events if isinstance(event, Note)] == ["see", "side"]
    monkeypatch.undo()
    assert not (world.folder / "work/lock").exists()


def test_a_film_that_cannot_be_read_is_no_writing_trouble(world: World) -> None:
    world.before = raises(PermissionError(errno.EACCES, "Permission denied", "/films/dance.mp4"))
    assert "PermissionError" in world.run().outcome("who").why
