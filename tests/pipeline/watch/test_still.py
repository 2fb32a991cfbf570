"""No film is touched before it has been still; every film is once it has been."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from watch_world import STILL, World

from choreoscope.datatypes.errors import InputError
from choreoscope.pipeline.watch.sights import Sight, Stamp
from choreoscope.pipeline.watch.stillness import Stillness

DAY = 86_400.0
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["append", "touch", "pause", "nothing"]),
        st.floats(min_value=0.3, max_value=2 * STILL),
    ),
    max_size=12,
)


def play(world: World, steps: list[tuple[str, float]], clocks: list[float]) -> list[float]:
    """Change a film step by step; returns the moments of its changes by the watcher's clock."""
    path = world.film("a.mov")
    changes = [world.now]
    for number, (what, seconds) in enumerate(steps):
        if what == "append":
            with path.open("ab") as file:
                file.write(b".")
            changes.append(world.now)
        elif what == "touch":
            # The clock of the disk may stand anywhere, but not twice at the same moment.
            stamp = clocks[number % len(clocks)] + number
            if path.stat().st_mtime != stamp:
                os.utime(path, (stamp, stamp))
                changes.append(world.now)
        world.run(seconds)
    return changes


@settings(max_examples=40)
@given(
    steps=STEPS,
    clocks=st.lists(st.floats(min_value=1e6, max_value=4e9), min_size=1, max_size=3),
)
def test_a_film_is_worked_on_when_it_has_been_still_and_not_before(
    steps: list[tuple[str, float]], clocks: list[float]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        changes = play(world, steps, clocks)
        for _, when in world.worked:
            since = when - max(change for change in changes if change <= when)
            assert since >= STILL, "never before it has been still"
        last = changes[-1]
        world.run(max(0.0, last + STILL + 4.0 - world.now))
        assert world.worked, "always after"
        assert last + STILL <= world.worked[-1][1], "and what counts is the last change"
        assert world.record("a.mov").state == "finished"


def test_the_law_can_be_broken(world: World) -> None:
    world.set(still_seconds=0.0)
    path = world.film("a.mov")
    world.run(3)
    with path.open("ab") as file:
        file.write(b".")
    assert world.worked[0][1] < STILL


def test_a_film_being_copied_waits(world: World) -> None:
    path = world.film("slow.mov", b"")
    for _ in range(30):
        with path.open("ab") as file:
            file.write(b"FILM")
        world.run(2)
        assert world.states() == {"slow.mov": "waiting"}
    world.run(STILL + 3)
    assert world.films() == ["slow.mov"]
    assert world.record("slow.mov").stamp.size == 120


@pytest.mark.parametrize("age", [-DAY, 0.0, DAY * 3650])
def test_the_clock_on_the_wall_does_not_count(world: World, age: float) -> None:
    world.film("a.mov", age=max(0.0, 1.7e9 + age))
    world.run(STILL - 1)
    assert world.films() == []
    world.run(4)
    assert world.films() == ["a.mov"]


def test_a_clock_set_back_while_it_is_copied_is_a_change(world: World) -> None:
    path = world.film("a.mov", age=1.7e9)
    world.run(STILL - 1)
    os.utime(path, (1.6e9, 1.6e9))
    world.run(STILL - 1)
    assert world.films() == []
    world.run(4)
    assert world.films() == ["a.mov"]


def test_stillness_is_counted_from_the_end_of_a_look_to_the_beginning_of_another() -> None:
    """A look at a slow drive lasts: the film may have changed at its end."""
    sight = Sight(film="a.mov", kind="film", stamp=Stamp(size=1, modified_ns=1))
    stillness = Stillness()
    stillness.observe([sight], 0.0, 8.0)
    assert stillness.seconds(sight) == 0.0
    stillness.observe([sight], 10.0, 18.0)
    assert stillness.seconds(sight) == 2.0
    changed = Sight(film="a.mov", kind="film", stamp=Stamp(size=2, modified_ns=1))
    assert stillness.seconds(changed) == 0.0
    stillness.observe([], 20.0, 28.0)
    stillness.observe([sight], 30.0, 38.0)
    stillness.observe([sight], 39.0, 47.0)
    assert stillness.seconds(sight) == 1.0, "what was away begins anew"


def test_a_film_that_moves_while_it_is_probed_is_not_judged(world: World) -> None:
    path = world.film("a.mov", b"half")

    def probe_and_append(film: Path) -> dict[str, str]:
        whole = film.read_bytes()
        film.write_bytes(whole + b" of a FILM")
        if b"FILM" not in whole:
            raise InputError("half a film")
        return {}

    world.watcher = world.new_watcher(probe=probe_and_append)
    world.run(STILL + 3)
    assert b"FILM" in path.read_bytes()
    assert world.states() == {"a.mov": "waiting"}
    assert "half a film" not in world.told()


def test_a_series_is_ready_when_nothing_of_it_moves(world: World) -> None:
    for number in range(5):
        world.film(f"walk/f_{number:04d}.png")
        world.run(STILL - 2)
    assert world.films() == []
    os.utime(world.source / "walk" / "f_0002.png", (1, 1))
    world.run(STILL - 2)
    assert world.films() == [], "an older frame written again counts"
    world.run(6)
    assert world.films() == ["walk"]
    assert world.record("walk").facts == {"frames": "5"}


def test_a_frame_still_under_another_name_keeps_a_series_waiting(world: World) -> None:
    world.film("walk/f_0001.png")
    path = world.film("walk/f_0002.png.part")
    for _ in range(8):
        with path.open("ab") as file:
            file.write(b".")
        world.run(STILL - 2)
    assert world.films() == []
    world.run(6)
    assert world.films() == ["walk"]


def test_a_series_has_a_time_of_its_own(world: World) -> None:
    world.set(series_still_seconds=60.0)
    world.film("walk/f_0001.png")
    world.film("a.mov")
    world.run(50)
    assert world.films() == ["a.mov"]
    world.run(15)
    assert world.films() == ["a.mov", "walk"]


def test_something_that_is_no_film_inside_fails_only_when_still(world: World) -> None:
    path = world.film("a.mov", b"half")
    world.run(STILL - 1)
    assert world.states() == {"a.mov": "waiting"}
    world.run(4)
    record = world.record("a.mov")
    assert (record.state, record.exit_code) == ("failed", 2)
    assert record.reason == "not a film that can be decoded: a.mov is not a film that can be read"
    world.run(30)
    assert world.record("a.mov") == record, "and is not looked at again"
    path.write_bytes(b"now a FILM")
    world.run(STILL + 4)
    assert world.states() == {"a.mov": "finished"}
