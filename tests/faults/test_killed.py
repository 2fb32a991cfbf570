"""Killed at any moment and run again: the same bytes, nothing lost, nothing made twice."""

import sys
import time
from pathlib import Path

import numpy as np
import pytest
from fault_cases import (
    Runs,
    command,
    kept,
    kill,
    living,
    manifest_of,
    same,
    vouched_for,
    wait_for_work,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="kills with SIGKILL"),
]

KILLS = 50
DELAY = 0.005


def test_killed_fifty_times_it_ends_with_the_same_bytes(
    film: Path, runs: Runs, tmp_path: Path, rng: np.random.Generator
) -> None:
    """Several captures after one another, each killed again and again until it is done."""
    began = time.monotonic()
    runs.calm(command(film, tmp_path / "calm", delay_seconds=DELAY))
    # At most a quarter of the work at a time, so that every stage gets its share of the kills.
    longest = (time.monotonic() - began) / 4
    kills, finished, hit = 0, 0, set()
    vouched: dict[str, tuple[int, int]] = {}
    while kills < KILLS or vouched:
        out = tmp_path / f"hard-{finished}"
        arguments = command(film, out, delay_seconds=DELAY)
        process = runs.start(arguments)
        wait_for_work(process, out)
        process.join(float(rng.uniform(0.0, longest)) if kills < KILLS else None)
        if process.exitcode is None:
            kill(process, group=bool(kills % 2))
            kills += 1
        after = vouched_for(out)
        hit.add(len(after))
        assert kept(vouched, after) == [], "what was vouched for was made again"
        vouched = after
        if process.exitcode == 0:
            assert same(out, tmp_path / "calm") == []
            finished, vouched = finished + 1, {}
    assert finished >= 1
    assert len(hit) > 4, "control: kills at many stages of the work"


def test_the_comparison_sees_what_is_made_again(film: Path, runs: Runs, tmp_path: Path) -> None:
    """Control: a result whose record is lost is made again, and the comparison tells."""
    runs.calm(command(film, tmp_path / "out"))
    before = vouched_for(tmp_path / "out")
    assert kept(before, vouched_for(tmp_path / "out")) == []
    (tmp_path / "out" / "clip-001" / "work" / "manifests" / "people.json").unlink()
    runs.calm(command(film, tmp_path / "out"))
    again = kept(before, vouched_for(tmp_path / "out"))
    assert len([name for name in again if "observations" in name]) == 8


def test_only_the_window_in_flight_is_made_twice(film: Path, runs: Runs, tmp_path: Path) -> None:
    """Killed while the back end is at frame 33: the windows up to 30 stay as they are."""
    out = tmp_path / "out"
    counted = tmp_path / "attempts"
    arguments = command(film, out, hang_at=[33], attempts=1, attempts_file=str(counted))
    process = runs.start(arguments)
    while not counted.exists():
        assert process.is_alive()
        time.sleep(0.01)
    kill(process, group=True)
    assert manifest_of(out, "people")["done"] == "0:30"
    before = vouched_for(out)
    runs.calm(arguments)
    assert manifest_of(out, "people")["done"] == "0:48"
    assert kept(before, vouched_for(out)) == []


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("group", [False, True])
def test_workers_do_not_outlive_the_run(
    film: Path, runs: Runs, tmp_path: Path, group: bool, rng: np.random.Generator
) -> None:
    """The parent alone is killed, then the whole group: nobody goes on writing."""
    out = tmp_path / "out"
    calm = tmp_path / "calm"
    runs.calm(command(film, calm, delay_seconds=0.05))
    arguments = command(film, out, delay_seconds=0.05, executor="pool")
    for _ in range(2):
        process = runs.start(arguments)
        known = len(list(out.glob("clip-001/work/observations/*.npz")))
        while len(list(out.glob("clip-001/work/observations/*.npz"))) <= known:
            assert process.is_alive()
            time.sleep(0.01)
        time.sleep(float(rng.uniform(0, 0.3)))
        assert living(runs.words), "the control: there is a worker to be left behind"
        kill(process, group=group)
        before = vouched_for(out)
        deadline = time.monotonic() + 10
        while living(runs.words) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert living(runs.words) == []
        assert vouched_for(out) == before
    runs.calm(arguments)
    assert same(out, calm) == []
