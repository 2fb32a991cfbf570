"""Films that are replaced, taken away or change while they are worked on."""

import os
from pathlib import Path

import pytest
from watch_world import STILL, World

from choreoscope.datatypes.errors import OutputError, StageFailedError
from choreoscope.pipeline.events import Events
from choreoscope.pipeline.lock import HeldError
from choreoscope.pipeline.watch.verdict import Verdict


def test_a_finished_film_is_not_worked_on_again(world: World) -> None:
    world.film("a.mov")
    world.run(3 * STILL)
    world.watcher = world.new_watcher()
    world.run(3 * STILL)
    assert world.films() == ["a.mov"]


@pytest.mark.parametrize(("content", "age"), [(b"FILM longer", 5e8), (b"FILM", 6e8)])
def test_another_film_of_the_same_name_is_a_new_one(
    world: World, content: bytes, age: float
) -> None:
    world.film("a.mov", age=5e8)
    world.film("b.mov")
    world.run(STILL + 4)
    world.film("a.mov", content, age=age)
    world.run(STILL + 4)
    assert world.films() == ["a.mov", "b.mov", "a.mov"]
    record = world.record("a.mov")
    assert record.order > world.record("b.mov").order
    assert record.notes == ("changed after it was finished: a new film",)


def test_a_film_of_the_same_size_and_time_is_the_same(world: World) -> None:
    world.film("a.mov", age=5e8)
    world.run(STILL + 4)
    world.film("a.mov", age=5e8)
    world.run(STILL + 4)
    assert world.films() == ["a.mov"]


def test_a_film_replaced_while_worked_on_counts_only_the_second_time(world: World) -> None:
    def replace_once(film: Path, out: Path, _events: Events) -> Verdict:
        if len(world.worked) == 1:
            film.write_bytes(b"another FILM")
            return Verdict(state="finished", report=out / "wrong.html", facts={"people": "9"})
        return Verdict(state="finished", report=out / "right.html")

    world.does = replace_once
    world.film("a.mov")
    world.run(STILL + 3)
    record = world.record("a.mov")
    assert (record.state, record.stamp, record.report) == ("waiting", None, "")
    assert "replaced while it was worked on" in record.reason
    world.run(STILL + 3)
    record = world.record("a.mov")
    assert (record.state, record.report) == ("finished", "a.mov/right.html")
    assert any("replaced while it was worked on" in note for note in record.notes)
    first, second = (when for _, when in world.worked)
    assert second - first >= STILL


def test_a_ready_film_that_moves_again_waits_again(world: World) -> None:
    first, second = world.film("a.mov"), world.film("b.mov")

    def touch_the_next(film: Path, _out: Path, _events: Events) -> Verdict:
        if film == first:
            second.write_bytes(b"longer FILM")
        return Verdict(state="finished")

    world.does = touch_the_next
    world.run(STILL + 4)
    assert world.films() == ["a.mov"]
    world.run(STILL + 4)
    assert world.films() == ["a.mov", "b.mov"]
    assert world.worked[1][1] - world.worked[0][1] >= STILL


def test_a_failure_of_a_film_that_was_taken_away_does_not_count(world: World) -> None:
    def lose(film: Path, _out: Path, _events: Events) -> Verdict:
        film.unlink()
        return Verdict(state="failed", exit_code=2, reason="no such file")

    world.does = lose
    world.film("a.mov")
    world.run(STILL + 4)
    assert world.record("a.mov").state == "waiting"
    world.does = lambda *_: Verdict(state="finished")
    world.film("a.mov")
    world.run(STILL + 4)
    assert world.record("a.mov").state == "finished"


def test_a_result_of_a_film_that_was_taken_away_counts(world: World) -> None:
    def take_away(film: Path, _out: Path, _events: Events) -> Verdict:
        film.unlink()
        return Verdict(state="finished")

    world.does = take_away
    world.film("a.mov")
    world.run(STILL + 4)
    assert world.record("a.mov").state == "finished"
    assert world.record("a.mov").notes == ("it was taken away during the work",)


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (StageFailedError(clip="c", stage="s", cause="why"), 5, "c: stage 's' failed: why"),
        (OutputError("no room"), 4, "no room"),
        (ZeroDivisionError("by nought"), 1, "ZeroDivisionError: by nought"),
        (MemoryError(), 1, "MemoryError"),
    ],
)
def test_whatever_one_film_raises_the_queue_goes_on(
    world: World, error: Exception, code: int, reason: str
) -> None:
    def fail(film: Path, _out: Path, _events: Events) -> Verdict:
        if film.name == "a.mov":
            raise error
        return Verdict(state="gaps", exit_code=7, reason="3 frames", facts={"gaps": "3 frames"})

    world.does = fail
    world.film("a.mov")
    world.film("b.mov")
    assert world.once() == code
    record = world.record("a.mov")
    assert (record.state, record.exit_code, record.reason) == ("failed", code, reason)
    assert world.record("b.mov").state == "gaps"


def test_a_failed_film_is_tried_again_as_often_as_told_and_after_the_others(world: World) -> None:
    def fail(film: Path, _out: Path, _events: Events) -> Verdict:
        return Verdict(state="failed" if film.name == "a.mov" else "finished", reason="no")

    world.set(retry=2)
    world.does = fail
    world.film("a.mov")
    world.film("b.mov")
    world.run(3 * STILL)
    assert world.films() == ["a.mov", "b.mov", "a.mov", "a.mov"]
    record = world.record("a.mov")
    assert (record.state, record.attempts) == ("failed", 3)
    assert len(record.notes) == 2


def test_a_failed_film_is_left_alone_unless_told(world: World) -> None:
    world.does = lambda *_: Verdict(state="failed", exit_code=5, reason="no")
    world.film("a.mov")
    world.run(5 * STILL)
    assert world.films() == ["a.mov"]


def test_a_result_somebody_else_works_on_is_taken_up_later(world: World) -> None:
    def held(_film: Path, _out: Path, _events: Events) -> Verdict:
        if len(world.worked) == 1:
            raise HeldError("being worked on by process 7", None)
        return Verdict(state="finished")

    world.does = held
    world.film("a.mov")
    world.run(STILL + 5)
    assert [film for film, _ in world.worked] == ["a.mov", "a.mov"]
    assert world.worked[1][1] > world.worked[0][1], "not in a hurry"
    assert world.record("a.mov").state == "finished"


def test_a_full_disk_is_no_fault_of_the_film(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    room = {"free": 500_000_000}
    monkeypatch.setattr(
        "choreoscope.pipeline.watch.working.shutil.disk_usage",
        lambda _path: type("Usage", (), room),
    )

    def fill(_film: Path, _out: Path, _events: Events) -> Verdict:
        if len(world.worked) == 1:
            room["free"] = 1_000_000
            raise OutputError("the disk is full")
        return Verdict(state="finished")

    world.set(free_megabytes=100.0)
    world.does = fill
    world.film("a.mov")
    world.film("b.mov")
    world.run(5 * STILL)
    assert world.films() == ["a.mov"]
    assert world.states() == {"a.mov": "ready", "b.mov": "ready"}
    assert world.told().count("100 MB left") == 1
    room["free"] = 500_000_000
    world.run(3)
    assert world.films() == ["a.mov", "a.mov", "b.mov"]
    assert set(world.states().values()) == {"finished"}


def test_a_result_that_does_not_read_back_is(world: World) -> None:
    def fail(_film: Path, _out: Path, _events: Events) -> Verdict:
        raise OutputError("does not read back")

    world.does = fail
    world.film("a.mov")
    world.run(3 * STILL)
    assert world.films() == ["a.mov"]
    assert world.record("a.mov").state == "failed"


def test_a_film_copied_under_another_name_and_moved_waits_too(world: World) -> None:
    part = world.film("a.mov.part")
    world.run(3 * STILL)
    assert world.states() == {}
    os.rename(part, world.source / "a.mov")  # noqa: PTH104 - what copying programs do
    world.run(STILL - 1)
    assert world.films() == []
    world.run(4)
    assert world.films() == ["a.mov"]


def test_a_new_watcher_takes_up_what_is_outdated(world: World) -> None:
    """Once, at its first look; the control is the other film, which is not."""
    world.film("a.mov")
    world.film("b.mov")
    world.run(3 * STILL)
    assert world.films() == ["a.mov", "b.mov"]

    def outdated(film: Path, out: Path, state: str) -> str:
        assert (out.name, state) == (film.name, "finished")
        return "made otherwise" if film.name == "a.mov" else ""

    world.watcher = world.new_watcher(outdated=outdated)
    world.run(3 * STILL)
    assert world.films() == ["a.mov", "b.mov", "a.mov"]
    assert "made otherwise" in world.record("a.mov").notes
    world.run(3 * STILL)
    assert len(world.films()) == 3
