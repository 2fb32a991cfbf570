"""Once: everything that lies there, then the end."""

import pytest
from watch_world import STILL, World

from choreoscope.datatypes.errors import InputError


def test_once_does_not_wait_for_a_folder(world: World) -> None:
    world.source.rmdir()
    with pytest.raises(InputError, match="in cannot be reached"):
        world.once()
    world.out = world.root / "none" / "out"
    world.watcher = world.new_watcher()
    with pytest.raises(InputError, match="cannot be reached"):
        world.once()


def test_once_takes_what_becomes_ready_and_leaves_what_does_not(world: World) -> None:
    world.film("a.mov")
    growing = world.film("growing.mov")
    for when in range(1, 200, 3):
        world.at(float(when), lambda: growing.write_bytes(growing.read_bytes() + b"."))
    world.at(4.0, lambda: world.film("late.mov"))
    assert world.once() == 0
    assert world.films() == ["a.mov", "late.mov"]
    assert world.record("growing.mov").state == "waiting"
    assert "growing.mov still changes; left for the next time" in world.told()
    assert world.now < 5 * STILL


def test_once_ends_with_the_worst_code_of_all_films_there(world: World) -> None:
    world.film("bad.mov", b"no")
    world.film("good.mov")
    assert world.once() == 2
    world.watcher = world.new_watcher()
    assert world.once() == 2, "the same command says the same"
    (world.source / "bad.mov").unlink()
    world.watcher = world.new_watcher()
    assert world.once() == 0


def test_once_with_nothing_there(world: World) -> None:
    assert world.once() == 0
    assert world.now == 0.0
