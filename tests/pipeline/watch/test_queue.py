"""Order, restarts, damaged records, drives that come and go."""

import dataclasses
import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from watch_world import STILL, World

from choreoscope.datatypes.errors import InputError
from choreoscope.pipeline.events import Events, Progress, StageStarted
from choreoscope.pipeline.lock import own_holder
from choreoscope.pipeline.watch import strangers
from choreoscope.pipeline.watch.live import Live, read_progress
from choreoscope.pipeline.watch.records import SCHEMA, FilmRecord, of_text, to_text
from choreoscope.pipeline.watch.sights import Stamp, stamp_of
from choreoscope.pipeline.watch.verdict import Verdict, worst
from choreoscope.pipeline.watch.view import QueueView, read_queue


def test_first_come_first_served_then_by_natural_order(world: World) -> None:
    world.film("z.mov")
    world.run(3)
    for name in ("take 10.mov", "take 9.mov", "a.mov"):
        world.film(name)
    world.once()
    assert world.films() == ["z.mov", "a.mov", "take 9.mov", "take 10.mov"]


def test_a_film_that_took_long_to_copy_keeps_its_place(world: World) -> None:
    path = world.film("first.mov")

    def look_meanwhile(_film: Path, _out: Path, _events: Events) -> Verdict:
        for _ in range(4):
            world.watcher.look()
            world.now += STILL
        return Verdict(state="finished")

    world.does = look_meanwhile
    world.run(3)
    world.film("second.mov")
    world.film("third.mov")
    world.at(STILL - 1, lambda: path.write_bytes(b"longer FILM"))
    world.run(15 * STILL)
    assert world.films() == ["second.mov", "first.mov", "third.mov"]


def test_a_restart_loses_nothing_and_repeats_nothing(world: World) -> None:
    for name in ("a.mov", "b.mov", "c.mov"):
        world.film(name)
    while len(world.worked) < 2:
        world.run(1)
    world.film("d.mov")
    world.watcher = world.new_watcher()
    world.once()
    assert world.films() == ["a.mov", "b.mov", "c.mov", "d.mov"]
    assert world.worked[2][1] - world.worked[1][1] < STILL, "what was judged still is ready"


def test_ctrl_c_puts_the_film_at_the_front(world: World) -> None:
    def interrupt(_film: Path, _out: Path, _events: Events) -> Verdict:
        if len(world.worked) == 2:
            raise KeyboardInterrupt
        return Verdict(state="finished")

    world.does = interrupt
    for name in ("a.mov", "b.mov", "c.mov"):
        world.film(name)
    shown: list[QueueView] = []
    world.watcher = world.new_watcher(publish=shown.append)
    with pytest.raises(KeyboardInterrupt):
        world.watcher.run()
    assert not shown[-1].is_watching, "the page says that it has stopped"
    assert world.states() == {"a.mov": "finished", "b.mov": "ready", "c.mov": "ready"}
    assert world.record("b.mov").losses == 0
    assert not list((world.queue.folder / "locks").iterdir())
    world.change_record("c.mov", order=0)
    world.does = lambda *_: Verdict(state="finished")
    world.watcher = world.new_watcher()
    world.once()
    assert world.films()[2:] == ["b.mov", "c.mov"], "broken-off work comes first"


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def pretend_working(world: World, film: str, **holder: object) -> None:
    """Leave things as a watcher that was killed at work does."""
    stamp = dataclasses.asdict(stamp_of(world.source / film, "film"))
    world.change_record(film, state="working", worker="process 1 on elsewhere", stamp=stamp)
    lock = world.queue.lock(world.key(film))
    lock.write_text(json.dumps({**dataclasses.asdict(own_holder()), **holder}))


def test_a_film_whose_worker_died_goes_to_the_front(world: World) -> None:
    world.film("a.mov")
    world.film("b.mov")
    world.run(STILL - 1)
    world.watcher = world.new_watcher(process=lambda *_: pytest.fail("too early"))
    world.watcher.look()
    stamp = dataclasses.asdict(stamp_of(world.source / "a.mov", "film"))
    world.change_record("a.mov", state="ready", stamp=stamp)
    pretend_working(world, "b.mov", pid=dead_pid())
    world.watcher = world.new_watcher()
    world.run(3)
    assert world.films() == ["b.mov", "a.mov"]
    assert world.record("b.mov").losses == 1
    assert "ended without a word" in world.record("b.mov").notes[0]


def test_a_film_that_kills_its_workers_is_given_up(world: World) -> None:
    world.set(loss_limit=2)
    world.film("a.mov")
    world.film("b.mov")
    world.watcher.look()
    world.change_record("a.mov", losses=2)
    pretend_working(world, "a.mov", pid=dead_pid())
    assert world.once() == 5
    record = world.record("a.mov")
    assert (record.state, record.losses) == ("failed", 3)
    assert world.films() == ["b.mov"]


def test_one_loss_less_and_it_is_tried(world: World) -> None:
    world.set(loss_limit=2)
    world.film("a.mov")
    world.watcher.look()
    world.change_record("a.mov", losses=1)
    pretend_working(world, "a.mov", pid=dead_pid())
    assert world.once() == 0


def test_a_silent_machine_is_told_and_its_lock_not_broken(world: World) -> None:
    world.film("a.mov")
    world.film("b.mov")
    world.watcher.look()
    pretend_working(world, "a.mov", host="elsewhere", pid=1)
    progress = world.queue.progress(world.key("a.mov"))
    progress.write_text("1")
    world.run(strangers.SILENT_SECONDS - 10)
    assert "sign of life" not in world.told()
    progress.write_text("2")
    world.run(strangers.SILENT_SECONDS - 10)
    assert "sign of life" not in world.told(), "it lives"
    world.run(40)
    assert world.told().count("process 1 on elsewhere holds") == 1
    assert str(world.queue.lock(world.key("a.mov"))) in world.told()
    assert world.states() == {"a.mov": "working", "b.mov": "finished"}
    world.queue.lock(world.key("a.mov")).unlink()
    world.run(5)
    assert world.films() == ["b.mov", "a.mov"]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "\x00" * 200, '{"schema": 1, "film": "a.mov"}', '{"schema": "x"}'],
)
def test_a_damaged_record_is_set_aside_and_made_anew(world: World, text: str) -> None:
    world.film("a.mov")
    world.once()
    path = world.queue.record(world.key("a.mov"))
    path.write_text(text)
    world.watcher = world.new_watcher()
    world.once()
    assert world.films() == ["a.mov", "a.mov"]
    assert world.states() == {"a.mov": "finished"}
    assert (world.queue.folder / "damaged" / path.name).read_text() == text
    assert "it was moved to" in world.told()


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "done"},
        {"order": "1"},
        {"result": "../../elsewhere"},
        {"film": "b.mov"},
        {"stamp": 3},
        {"facts": []},
        {"unknown": 1},
    ],
)
def test_a_record_that_cannot_be_true_is_damaged(world: World, fields: dict[str, object]) -> None:
    world.film("a.mov")
    world.once()
    world.change_record("a.mov", **fields)
    world.watcher = world.new_watcher()
    world.once()
    assert world.films() == ["a.mov", "a.mov"]


def test_a_record_read_and_written_is_no_damage(world: World) -> None:
    world.film("a.mov")
    world.once()
    world.change_record("a.mov", notes=["hello"])
    world.watcher = world.new_watcher()
    world.once()
    assert world.films() == ["a.mov"]


def test_records_of_a_newer_version_are_left_alone(world: World) -> None:
    world.film("a.mov")
    world.once()
    world.change_record("a.mov", schema=SCHEMA + 1)
    before = world.queue.record(world.key("a.mov")).read_text()
    world.watcher = world.new_watcher()
    with pytest.raises(InputError, match="newer Choreoscope"):
        world.once()
    assert world.queue.record(world.key("a.mov")).read_text() == before


TEXTS = st.text(max_size=20)
RECORDS = st.builds(
    FilmRecord,
    film=st.sampled_from(["a.mov", "sub/ü.mp4", "r\udce9el.mov"]),
    kind=st.sampled_from(["film", "series", "other"]),
    state=st.sampled_from(["waiting", "ready", "working", "finished", "gaps", "failed"]),
    order=st.integers(0, 10**6),
    result=st.sampled_from(["a.mov", "sub/ü.mp4", "r\udce9el.mov"]),
    stamp=st.none() | st.builds(Stamp, size=st.integers(0), modified_ns=st.integers()),
    reason=TEXTS,
    interrupted=st.booleans(),
    seconds=st.none() | st.floats(0, 1e9),
    facts=st.dictionaries(TEXTS, TEXTS, max_size=3),
    notes=st.lists(TEXTS, max_size=3).map(tuple),
)


@given(RECORDS)
def test_records_read_back(record: FilmRecord) -> None:
    text = to_text(record).encode("utf-8", "backslashreplace").decode("utf-8")
    assert of_text(text) == record


def test_an_unreachable_folder_is_waited_for(world: World) -> None:
    world.film("a.mov")
    away = world.root / "away"
    world.source.rename(away)
    world.run(30)
    assert world.told().count("in cannot be reached") == 1
    assert world.told().count("waiting for it") == 1
    away.rename(world.source)
    world.run(STILL + 4)
    assert "everything can be reached again" in world.told()
    assert world.films() == ["a.mov"]


def test_an_unreachable_folder_of_results_is_waited_for_and_not_made(world: World) -> None:
    world.film("a.mov")
    world.once()
    world.film("b.mov")
    away = world.root / "away"
    world.out.rename(away)
    world.run(3 * STILL)
    assert not world.out.exists(), "it may be on a drive that is not mounted"
    away.rename(world.out)
    world.run(STILL + 4)
    assert world.films() == ["a.mov", "b.mov"]


def test_an_empty_mount_point_is_no_empty_folder(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.film("a.mov")
    world.once()
    shutil.move(world.source / "a.mov", world.root / "a.mov")
    real = Path.stat

    def other_drive(path: Path, **arguments: bool) -> os.stat_result:
        found = real(path, **arguments)
        if path != world.source:
            return found
        fields = list(found)
        fields[2] += 1
        return os.stat_result(fields)

    world.run(2)
    assert "not mounted" not in world.told()
    monkeypatch.setattr(Path, "stat", other_drive)
    world.run(2)
    assert "is not mounted; waiting for it" in world.told()


def test_worse_and_worst() -> None:
    assert worst([]) == 0
    assert worst([0, 6, 7]) == 7
    assert worst([6, 0]) == 6
    assert worst([7, 2]) == 2
    assert worst([5, 1, 4]) == 1
    assert worst([1, 99]) == 99


def test_progress_is_kept_for_others_while_it_lasts(world: World) -> None:
    seen: list[QueueView] = []

    def work(_film: Path, out: Path, events: Events) -> Verdict:
        assert isinstance(events, Live)
        events(StageStarted(clip="clip-001", stage="people", missing=100, why="new"))
        for done in range(0, 51, 10):
            events(Progress(clip="clip-001", stage="people", done=done, total=100, unit="frames"))
            world.now += 2.0
        events.keep()
        seen.append(read_queue(world.out))
        return Verdict(state="finished", facts={"people": "2"}, report=out / "r.html")

    world.does = work
    world.film("a.mov")
    world.once()
    (film,) = seen[0].films
    assert film.record.state == "working"
    (running,) = film.progress.running
    assert (running.done, running.total, running.unit) == (50, 100, "frames")
    assert running.rate == pytest.approx(5.0)
    assert running.left_seconds == pytest.approx(10.0)
    assert not list((world.queue.folder / "progress").iterdir())
    record = world.record("a.mov")
    assert record.facts == {"length": "1 s", "people": "2"}
    assert record.seconds == 12.0
    assert record.report == "a.mov/r.html"
    assert {event.film for event in world.events if isinstance(event, Progress)} == {"a.mov"}


@pytest.mark.parametrize("text", ["", "[]", '{"seconds": "x", "running": []}', '{"running": 3}'])
def test_progress_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.json").write_text(text)
    assert read_progress(tmp_path / "p.json") is None


def test_the_queue_is_shown_at_most_once_a_second_and_when_it_changes(world: World) -> None:
    shown: list[tuple[float, QueueView]] = []
    world.watcher = world.new_watcher(publish=lambda view: shown.append((world.now, view)))
    world.film("a.mov")
    world.run(100)
    times = [when for when, _ in shown]
    assert all(later - sooner >= 1.0 for sooner, later in itertools.pairwise(times))
    assert len(times) < 12, "mostly nothing changes"
    assert max(later - sooner for sooner, later in itertools.pairwise(times)) < 25
    assert shown[-1][1].counts() == {"finished": 1}
    assert shown[-1][1].is_watching
    assert not shown[-1][1].is_busy


def test_a_page_that_cannot_be_written_stops_nothing(world: World) -> None:
    def refuse(_view: QueueView) -> None:
        raise OSError("no")

    world.watcher = world.new_watcher(publish=refuse)
    world.film("a.mov")
    world.once()
    assert world.films() == ["a.mov"]


def test_a_film_taken_away_before_its_turn_is_not_shown(world: World) -> None:
    path = world.film("a.mov")
    world.film("b.mov")
    world.once()
    world.film("c.mov")
    world.watcher.look()
    path.unlink()
    (world.source / "c.mov").unlink()
    films = {film.record.film: film.is_here for film in read_queue(world.out).films}
    assert films == {"a.mov": False, "b.mov": True}
