"""A whole capture whose back end takes its worker process down: what it costs, and what not."""

import sys
from pathlib import Path
from typing import Any

import pytest
from fault_cases import Runs, command, manifest_of, same

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="forks processes whose modules are loaded"),
]

BAD = 20
GAPS = 7
STAGE_FAILED = 5


@pytest.mark.parametrize(
    ("fault", "words"),
    [("abort_at", "signal 6"), ("memory_at", "memory ran out"), ("exit_at", "exit code 77")],
)
def test_the_frame_that_kills_a_worker_is_the_only_one_lost(
    film: Path, runs: Runs, tmp_path: Path, fault: str, words: str
) -> None:
    out = tmp_path / "out"
    ended = runs.end(command(film, out, executor="pool", **{fault: [BAD]}))
    assert ended.code == GAPS, ended.text
    record = manifest_of(out, "people")
    assert list(record["failed"]) == [f"{BAD}:{BAD + 1}"]
    assert words in record["failed"][f"{BAD}:{BAD + 1}"]
    assert record["done"] == f"0:{BAD}, {BAD + 1}:48"
    assert (out / "clip-001" / "report.html").exists()


def test_a_hang_ends_when_patience_does(film: Path, runs: Runs, tmp_path: Path) -> None:
    out = tmp_path / "out"
    silent = ("--run.silence_timeout", "2s")
    ended = runs.end(command(film, out, *silent, executor="pool", hang_at=[BAD]))
    assert ended.code == GAPS, ended.text
    (why,) = manifest_of(out, "people")["failed"].values()
    assert why == "the worker process showed no sign of life for 2 s"


def test_a_stage_that_takes_too_long_is_stopped(film: Path, runs: Runs, tmp_path: Path) -> None:
    """What needs it is not made, and the next run goes on from the last window."""
    out = tmp_path / "out"
    slow = command(film, out, executor="pool", delay_seconds=0.1)
    ended = runs.end([*slow, "--run.timeouts.people", "2s"])
    assert ended.code == STAGE_FAILED
    assert "stage time-out" in ended.text
    done = manifest_of(out, "people")["done"]
    assert done
    assert done != "0:48"
    runs.calm(slow)


@pytest.mark.parametrize(
    "once",
    [
        {"abort_at": [BAD]},
        {"memory_at": [BAD]},
        {"memory_at": [BAD], "abort_above_batch": 4, "attempts": 0},
    ],
)
def test_what_happens_once_leaves_no_trace(
    film: Path, calm: Path, runs: Runs, tmp_path: Path, once: dict[str, Any]
) -> None:
    """Also a batch too large for the memory: half of it is not."""
    counted = tmp_path / "attempts"
    fake = {"attempts": 1, "attempts_file": str(counted)} | once
    if not fake["attempts"]:
        fake = once | {"attempts": 0}
    out = tmp_path / "out"
    ended = runs.end(command(film, out, executor="pool", **fake))
    assert ended.code == 0, ended.text
    # The options of the fake are in its manifest and so in the fingerprints; the files are alike.
    differ = [name for name in same(out, calm) if "/work/manifests/" not in name]
    assert [name for name in differ if name.endswith((".npz", ".bvh", ".glb", ".mp4"))] == []


def test_the_control_loses_nothing(film: Path, calm: Path, runs: Runs, tmp_path: Path) -> None:
    """The same without a fault, in worker processes: the bytes of a run in one process."""
    out = tmp_path / "out"
    runs.calm(command(film, out, executor="pool"))
    assert [name for name in same(out, calm) if name != "choreoscope.yaml"] == []
