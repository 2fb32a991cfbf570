"""Which files are films, which are series, and what is left aside."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from watch_world import STILL, World

from choreoscope.datatypes.errors import InputError
from choreoscope.pipeline.watch.names import natural_key, places
from choreoscope.pipeline.watch.options import WatchOptions
from choreoscope.pipeline.watch.sights import is_ignored, look_around

NAMES = st.text("aAéE\u0301bq_.-0 19%#ueqstah", min_size=1, max_size=9).filter(
    lambda name: name.strip(".") != ""
)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)


def finished(world: World) -> dict[str, str]:
    """Film to the folder of its result."""
    records, _ = world.queue.read_all()
    return {one.film: one.result for one in records.values() if one.state == "finished"}


def test_films_series_and_the_rest(world: World) -> None:
    for name in ("a.mov", "sub/deep/b.MP4", "sub/Ünal 10%#.mkv"):
        world.film(name)
    world.film("render/f1.png")
    world.film("render/f2.png")
    for name in ("notes.txt", "sub/poster1.jpg", "loose.png", "README"):
        world.film(name)
    for name in (".hidden.mov", "._a.mov", "a.mov~", "b.mp4.crdownload", "c.mov.tmp"):
        world.film(name)
    for name in ("Thumbs.db", ".DS_Store", "sub/.cache/x.mov", "@eaDir/a.mov"):
        world.film(name)
    assert world.once() == 0
    assert finished(world) == {
        name: name for name in ("a.mov", "sub/deep/b.MP4", "sub/Ünal 10%#.mkv", "render")
    }
    records, _ = world.queue.read_all()
    skipped = {one.film: one.reason for one in records.values() if one.state == "skipped"}
    assert skipped == {
        "notes.txt": "files ending in .txt are no films",
        "README": "no film by its name",
        "(pictures)": "pictures beside films: a series needs a folder of its own",
        "sub/(pictures)": "pictures beside films: a series needs a folder of its own",
    }
    world.run(20)
    assert world.told().count("notes.txt skipped") == 1, "told once"


def test_what_was_left_aside_is_forgotten_with_its_file(world: World) -> None:
    path = world.film("notes.txt")
    world.run(2)
    assert world.states() == {"notes.txt": "skipped"}
    path.unlink()
    world.run(2)
    assert world.states() == {}


def test_a_picture_without_a_number_makes_no_series(world: World) -> None:
    world.film("covers/front.png")
    world.run(3 * STILL)
    assert world.states() == {"covers/(pictures)": "skipped"}


def test_a_folder_inside_a_series_is_told_not_lost(world: World) -> None:
    world.film("shot/f1.png")
    world.film("shot/alpha/a1.png")
    world.once()
    assert world.states() == {"shot": "finished", "shot/alpha": "skipped"}


def test_patterns(world: World) -> None:
    for name in ("a_take1.mov", "a_test.mov", "old/b_take2.mov", "c.mov"):
        world.film(name)
    world.set(include=("*_TAKE*",), exclude=("old",))
    world.once()
    assert world.films() == ["a_take1.mov"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_links(world: World, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "real.mov").write_bytes(b"FILM")
    (world.source / "link.mov").symlink_to(elsewhere / "real.mov")
    (world.source / "folder").symlink_to(elsewhere)
    (world.source / "loop").symlink_to(world.source)
    (world.source / "gone.mov").symlink_to(tmp_path / "nowhere.mov")
    os.mkfifo(world.source / "pipe.mov")
    world.once()
    assert finished(world) == {"link.mov": "link.mov", "folder/real.mov": "folder/real.mov"}
    assert world.record("gone.mov").reason == "a link that leads nowhere"
    assert world.record("pipe.mov").reason == "neither a file nor a folder"
    (tmp_path / "nowhere.mov").write_bytes(b"FILM")
    world.once()
    assert world.record("gone.mov").state == "finished"


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="the administrator may read everything"
)
def test_a_folder_that_may_not_be_read_by_permission(world: World) -> None:
    world.film("closed/a.mov")
    (world.source / "closed").chmod(0)
    world.film("b.mov")
    world.once()
    (world.source / "closed").chmod(0o755)
    assert world.states() == {"closed": "skipped", "b.mov": "finished"}


def test_a_folder_that_may_not_be_read_holds_nothing_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.film("closed/a.mov")
    world.film("b.mov")
    real = os.scandir

    def refusing(path: Path) -> object:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refusing)
    world.once()
    assert world.states() == {"closed": "skipped", "b.mov": "finished"}
    assert "may not be read (Permission denied)" in world.record("closed").reason
    monkeypatch.undo()
    world.once()
    assert world.states()["closed/a.mov"] == "finished"


def test_results_inside_the_folder_are_not_films(world: World) -> None:
    world.out = world.source / "results"
    world.watcher = world.new_watcher()
    world.does = lambda film, out, events: (
        out.mkdir(parents=True),
        (out / "overlay.mp4").write_bytes(b"FILM"),
        type(world).does(film, out, events),
    )[-1]
    world.film("a.mov")
    world.once()
    world.run(3 * STILL)
    assert world.films() == ["a.mov"]


@pytest.mark.parametrize("out", ["in", "."])
def test_results_around_the_films_are_refused(world: World, out: str) -> None:
    world.out = world.root / out
    with pytest.raises(InputError, match="would lie around the films"):
        world.new_watcher()


def test_names_that_some_disks_cannot_tell_apart(world: World) -> None:
    names = ("Take.mov", "take.mov", "take.mp4", "r\u00e9el.mov", "re\u0301el.mov")
    for name in names:
        world.film(name)
    if len(list(world.source.iterdir())) < len(names):
        pytest.skip("this disk is one of them")
    world.once()
    results = finished(world)
    assert sorted(results) == sorted(names)
    assert results["take.mp4"] == "take.mp4"
    folded = {result.casefold().replace("e\u0301", "\u00e9") for result in results.values()}
    assert len(folded) == len(names)
    world.watcher = world.new_watcher()
    world.run(3 * STILL)
    assert finished(world) == results
    assert len(world.worked) == len(names)


def test_names_the_queue_uses_itself(world: World) -> None:
    for name in ("queue/a.mov", "Queue_/a.mov", "status.html/a.mov", "queues/a.mov"):
        world.film(name)
    world.once()
    assert finished(world) == {
        "queue/a.mov": "queue_/a.mov",
        "Queue_/a.mov": "Queue__/a.mov",
        "status.html/a.mov": "status.html_/a.mov",
        "queues/a.mov": "queues/a.mov",
    }


@pytest.mark.skipif(sys.platform != "linux", reason="needs names that are no text")
def test_a_name_that_is_no_text(world: World) -> None:
    path = world.film(os.fsdecode(b"r\xe9el.mov"))
    world.once()
    assert world.films() == [path.name]
    assert world.record(path.name).state == "finished"


@given(st.lists(PATHS, min_size=2, max_size=6, unique=True))
def test_every_film_has_places_of_its_own(films: list[str]) -> None:
    taken: dict[str, str] = {}
    results = set()
    for film in films:
        place = next(one for one in places(film) if one.key not in taken)
        taken[place.key] = film
        results.add(place.result)
        assert len(place.key) < 100
        assert place.key.isascii()
        assert not place.key.startswith(".")
    assert len(results) == len(films)


def test_places_depend_on_the_name_alone() -> None:
    assert places("sub/a.mov") == places("sub/a.mov")
    plain, apart = places("sub/a.mov")
    assert plain.key != apart.key
    assert plain.result != apart.result


def test_numbers_count() -> None:
    names = ["take 10", "take 2", "Take 2", "take", "10", "9"]
    assert sorted(names, key=natural_key) == ["9", "10", "take", "Take 2", "take 2", "take 10"]


def test_ignored_names_are_few() -> None:
    assert not any(map(is_ignored, ("a.mov", "part.mov", "tmp.mp4", "thumbs.mov", "a~b.mov")))


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        look_around(tmp_path / "nothing", WatchOptions(), tmp_path)
