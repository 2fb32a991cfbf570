"""A film exchanged for another of the same name: results of the two never mix."""

import dataclasses
import os
import shutil
import time
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from fault_cases import FRAMES, Runs, command, kill, make_film, manifest_of, same, vouched_for

from choreoscope.datatypes.errors import InputError
from choreoscope.formats.video import probe
from choreoscope.pipeline.source import ensure_unchanged

INPUT_ERROR = 2


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of this file's own: it is disguised, which the other tests' film must not be."""
    return make_film(tmp_path_factory.mktemp("film") / "a dance é.mp4")


@pytest.fixture(scope="module")
def other(film: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another film with the same name, size in bytes and time."""
    path = tmp_path_factory.mktemp("other") / film.name
    make_film(path, frames=FRAMES + 5, seed=2)
    disguise(path, film)
    return path


def disguise(path: Path, film: Path) -> None:
    """Give two films the same size, by bytes after the end, and the same time."""
    size = max(path.stat().st_size, film.stat().st_size)
    for one in (path, film):
        with one.open("ab") as file:
            # A box of type 'free': players pass over it.
            short = size - one.stat().st_size
            file.write(b"\0" * short)
        os.utime(one, (1e9, 1e9))
    assert path.stat().st_size == film.stat().st_size


def exchange(place: Path, film: Path) -> None:
    """Put a film in a place, as a program does that saves beside and renames."""
    shutil.copy2(film, place.with_suffix(".part"))
    place.with_suffix(".part").replace(place)


@pytest.mark.slow
def test_another_film_of_the_same_name_size_and_time(
    film: Path, other: Path, runs: Runs, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    runs.calm(command(film, first))
    runs.calm(command(other, second))
    place, out = tmp_path / film.name, tmp_path / "out"
    exchange(place, film)
    runs.calm(command(place, out))
    assert same(out, first) == []
    before = vouched_for(out)
    assert same(first, second), "control: the two results can be told apart"
    exchange(place, other)
    runs.calm(command(place, out))
    assert same(out, second) == []
    assert not before.items() & vouched_for(out).items(), "not one file stayed"
    exchange(place, film)
    runs.calm(command(place, out))
    assert same(out, first) == []


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="kills with SIGKILL")
def test_exchanged_after_a_kill(film: Path, other: Path, runs: Runs, tmp_path: Path) -> None:
    """Half of the windows are of the first film; they must not count for the second."""
    place, out = tmp_path / film.name, tmp_path / "out"
    exchange(place, film)
    arguments = command(place, out, delay_seconds=0.02)
    process = runs.start(arguments)
    while not list(out.glob("clip-001/work/observations/*18.npz")):
        assert process.is_alive()
        time.sleep(0.005)
    kill(process, group=True)
    half = manifest_of(out, "people")["done"]
    assert half not in {"none", f"0:{FRAMES}"}
    exchange(place, other)
    runs.calm(arguments)
    runs.calm(command(other, tmp_path / "fresh", delay_seconds=0.02))
    assert same(out, tmp_path / "fresh") == []


@pytest.mark.slow
@pytest.mark.parametrize("way", ["exchanged", "written to", "removed"])
def test_changed_while_it_is_worked_on(
    way: str, film: Path, other: Path, runs: Runs, tmp_path: Path
) -> None:
    place, out = tmp_path / film.name, tmp_path / "out"
    exchange(place, film)
    os.utime(place, (2e9, 2e9))
    arguments = command(place, out, delay_seconds=0.02)
    process = runs.start(arguments)
    while not list(out.glob("clip-001/work/observations/*18.npz")):
        assert process.is_alive()
        time.sleep(0.005)
    if way == "exchanged":
        exchange(place, other)
    elif way == "written to":
        with place.open("ab") as file:
            file.write(b"more")
    else:
        place.rename(tmp_path / "elsewhere.mp4")
    process.join(60)
    assert process.exitcode == INPUT_ERROR, runs.words.read_text("utf-8")
    words = "has gone while" if way == "removed" else "has changed while it was worked on"
    assert words in runs.words.read_text("utf-8")
    assert manifest_of(out, "people")["done"] != f"0:{FRAMES}"
    exchange(place, other)
    runs.calm(arguments)
    runs.calm(command(other, tmp_path / "fresh", delay_seconds=0.02))
    assert same(out, tmp_path / "fresh") == []


def test_what_is_looked_at(film: Path, tmp_path: Path) -> None:
    place = tmp_path / "film.mp4"
    shutil.copy2(film, place)
    video = probe(place)
    ensure_unchanged(video)
    os.utime(place, (1.5e9, 1.5e9))
    with pytest.raises(InputError, match=r"has changed while it was worked on \(same size"):
        ensure_unchanged(video)
    ensure_unchanged(probe(place))
    with place.open("ab") as file:
        file.write(b"more")
    with pytest.raises(InputError, match=r"bytes before, \d+ now"):
        ensure_unchanged(video)
    place.unlink()
    with pytest.raises(InputError, match="has gone while it was worked on"):
        ensure_unchanged(video)


def test_every_picture_of_a_folder_is_looked_at(tmp_path: Path) -> None:
    for number in range(4):
        picture = np.full((8, 8, 3), 20 * number, dtype=np.uint8)
        cv2.imwrite(str(tmp_path / f"{number:04d}.png"), picture)
    video = probe(tmp_path, rate=Fraction(24))
    ensure_unchanged(video)
    os.utime(tmp_path / "0002.png", (1.5e9, 1.5e9))
    with pytest.raises(InputError, match="has changed while it was worked on"):
        ensure_unchanged(video)


def test_a_film_that_is_on_no_disk_is_not_looked_for(film: Path) -> None:
    ensure_unchanged(dataclasses.replace(probe(film), path="/nowhere", stamp=None))
