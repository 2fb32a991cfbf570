"""Files of a finished result cut off, records damaged, times set wrong: mended or left alone."""

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fault_cases import CLOCK_BACKWARDS, Runs, command, kept, same, vouched_for

pytestmark = pytest.mark.slow

CLIP = "clip-001"
SHOTS = "work/manifests/shots.json"
YEAR = 365 * 24 * 3600


@pytest.fixture
def result(calm: Path, tmp_path: Path) -> Path:
    """A copy of the undisturbed result, to be damaged."""
    shutil.copytree(calm, tmp_path / "result")
    return tmp_path / "result"


CUT = {
    "a window": f"{CLIP}/work/observations/00000018-00000024.npz",
    "landmarks": f"{CLIP}/people/P01/landmarks.npz",
    "a motion": f"{CLIP}/people/P02/motion.npz",
    "the overlay": f"{CLIP}/overlay.mp4",
    "the page": f"{CLIP}/report.html",
    "the shots": "work/shots.json",
}


@pytest.mark.parametrize("what", CUT)
def test_a_file_that_is_cut_off_is_made_again(
    what: str, film: Path, runs: Runs, calm: Path, result: Path
) -> None:
    path = result / CUT[what]
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    listed = vouched_for(calm).keys()
    runs.calm(command(film, result))
    assert len(path.read_bytes()) > len(whole) // 2
    assert vouched_for(result).keys() == listed
    assert same(result, calm) == []


def test_of_a_chain_of_windows_only_the_lost_one_is_made_again(
    film: Path, runs: Runs, calm: Path, result: Path
) -> None:
    before = vouched_for(result)
    (result / CUT["a window"]).write_bytes(b"cut")
    runs.calm(command(film, result))
    after = vouched_for(result)
    assert kept(before, after) == [CUT["a window"]]
    assert same(result, calm) == []


def garbage(text: str) -> bytes:
    return np.random.default_rng(5).bytes(len(text))


DAMAGE: dict[str, Callable[[str], bytes]] = {
    "random bytes": garbage,
    "empty": lambda _: b"",
    "cut": lambda text: text[: len(text) // 2].encode(),
    "a newer schema": lambda text: json.dumps(json.loads(text) | {"schema": 999}).encode(),
    "no record": lambda _: b"[1, 2, 3]",
    "another stage's": lambda text: json.dumps(json.loads(text) | {"stage": "glb"}).encode(),
    "frames that are none": lambda text: json.dumps(json.loads(text) | {"done": "x"}).encode(),
    "files outside": lambda text: text.replace('"path": "', '"path": "../../').encode(),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_record_counts_as_none(
    damage: str, film: Path, runs: Runs, calm: Path, result: Path
) -> None:
    """Of the longest chain, of a stage for users and of the film."""
    outside = result.parent / "people.json"
    outside.write_text("precious")
    manifests = result / CLIP / "work" / "manifests"
    damaged = [manifests / "people.json", manifests / "lift.json", result / SHOTS]
    for path in damaged:
        whole = path.read_bytes()
        path.write_bytes(DAMAGE[damage](whole.decode()))
        assert path.read_bytes() != whole
    runs.calm(command(film, result))
    assert same(result, calm) == []
    assert outside.read_text() == "precious"


@pytest.mark.parametrize("place", ["work/lock", "work/moving/people.json", "work/tmp/people/x"])
def test_what_a_dead_run_left_behind_does_no_harm(
    place: str, film: Path, runs: Runs, calm: Path, result: Path
) -> None:
    left = result / CLIP / place
    left.parent.mkdir(parents=True, exist_ok=True)
    left.write_bytes(b"\x00half")
    before = vouched_for(result)
    runs.calm(command(film, result))
    assert not left.exists()
    assert kept(before, vouched_for(result)) == []
    assert same(result, calm) == []


def set_times(folder: Path, seconds: float) -> None:
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (seconds, seconds))


@pytest.mark.parametrize("years", [-30, 10])
def test_times_of_files_mean_nothing(
    years: int, film: Path, runs: Runs, calm: Path, tmp_path: Path, result: Path
) -> None:
    """Results older than the film or from the future, as after a clock was set: all still there."""
    copied = tmp_path / film.name
    shutil.copy(film, copied)
    set_times(result, time.time() + years * YEAR)
    older = (result / CLIP / "overlay.mp4").stat().st_mtime < copied.stat().st_mtime
    assert older == (years < 0), "control: whoever compares times would make it again, or never"
    before = vouched_for(result)
    runs.calm(command(copied, result))
    assert kept(before, vouched_for(result)) == []
    lost = result / CUT["a motion"]
    lost.unlink()
    runs.calm(command(copied, result))
    assert same(result, calm) == []


def test_a_clock_that_runs_backwards(film: Path, runs: Runs, calm: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    runs.calm([CLOCK_BACKWARDS, *command(film, out)])
    assert same(out, calm) == []
    before = vouched_for(out)
    runs.calm(command(film, out))
    assert kept(before, vouched_for(out)) == []
