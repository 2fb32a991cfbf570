"""Back ends that answer nonsense, too little or too much: frames are named, the rest is made."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fault_cases import FRAMES, Runs, command, manifest_of

from choreoscope.capture import guard
from choreoscope.capture.config import configured
from choreoscope.capture.film import capture_configured
from choreoscope.cli import flags
from choreoscope.datatypes.frames import FrameSet
from choreoscope.formats.video import probe
from results import content

pytestmark = pytest.mark.slow

STAGE_FAILED, WITH_GAPS = 5, 7
NAME = "people back end FakePeople"
BAD = {
    "nan": ({"nan_at": [20]}, "20:21", "points_px: expected finite numbers where visibility is"),
    "shape": ({"wrong_shape_at": [20]}, "20:21", "expected shape (33, 2), got (17, 2)"),
    "raise": ({"raise_at": [20]}, "20:21", "raised RuntimeError: fake: told to raise at frame 20"),
    "too few": ({"skip_at": [20]}, "20:21", "gave no answer for this frame"),
    "too many": ({"twice_at": [20]}, "21:24", "answered frame 20 out of turn, where 21 was due"),
    "order": ({"out_of_order_at": [20]}, "20:21, 22:24", "answered frame 20 out of turn, where 22"),
    "start": ({"raise_at": [0, 1, 2]}, "0:3", "raised RuntimeError"),
    "end": ({"short": FRAMES - 3}, f"{FRAMES - 3}:{FRAMES}", "ended before the film"),
    "a window": ({"skip_at": [*range(18, 24)]}, "18:24", "gave no answer for this frame"),
    "nearly all": ({"raise_at": [*range(1, FRAMES)]}, f"1:{FRAMES}", "raised RuntimeError"),
}


def failed(out: Path) -> tuple[FrameSet, str]:
    """Frames the people stage could not make, and all reasons."""
    record = manifest_of(out, "people")["failed"]
    parts = [part for key in record for part in FrameSet.parse(key).ranges]
    return FrameSet.of(parts), "; ".join(record.values())


def test_nothing_is_wrong_with_a_sound_back_end(calm: Path) -> None:
    """Control."""
    assert failed(calm) == (FrameSet(), "")


@pytest.mark.parametrize("name", BAD)
def test_bad_answers_cost_their_frames_and_no_others(
    name: str, film: Path, runs: Runs, calm: Path, tmp_path: Path
) -> None:
    options, frames, line = BAD[name]
    out = tmp_path / "out"
    ended = runs.end(command(film, out, **options))
    assert ended.code == WITH_GAPS, ended.text
    gaps, why = failed(out)
    assert str(gaps) == frames
    assert frames in ended.text
    assert why.startswith(NAME)
    assert line in why
    assert manifest_of(out, "people")["done"] == str(FrameSet.parse(f"0:{FRAMES}") - gaps)
    for path, data in content(calm).items():
        if "/observations/" in path and not _covers(path, gaps):
            assert (out / path).read_bytes() == data, "a window beside was touched"
    _everything_else_is_there(out, gaps)
    again = runs.end(command(film, out, **options))
    assert again.code == WITH_GAPS
    assert "/observations/" not in "".join(_changed(out, content(out)))


def _covers(path: str, gaps: FrameSet) -> bool:
    start, _, stop = Path(path).stem.partition("-")
    return bool(FrameSet.parse(f"{int(start)}:{int(stop)}") & gaps)


def _changed(out: Path, before: dict[str, bytes]) -> list[str]:
    return [path for path, data in content(out).items() if before.get(path) != data]


def _everything_else_is_there(out: Path, gaps: FrameSet) -> None:
    """Overlay with every frame, finite motions, a page that names the gap."""
    clip = out / "clip-001"
    assert probe(clip / "overlay.mp4").frame_count == FRAMES
    people = json.loads((clip / "shot.json").read_text("utf-8"))["people"]
    assert len(people) == (2 if len(gaps) < FRAMES // 2 else 0)
    for one in people:
        with np.load(clip / "people" / one["id"] / "motion.npz") as motion:
            assert np.isfinite(motion["root_position"]).all()
            assert np.isfinite(motion["rotations"]).all()
    page = (clip / "report.html").read_text("utf-8")
    assert NAME in page
    assert re.search(rf'\[{gaps.ranges[0].start},\d+,"missing"', page)


@pytest.mark.parametrize(
    "options", [{"raise_at": [*range(FRAMES)]}, {"people": 1, "nan_at": [*range(FRAMES)]}]
)
def test_one_that_never_answers_soundly_fails_the_stage(
    options: dict[str, Any], film: Path, runs: Runs, tmp_path: Path
) -> None:
    for _ in range(2):
        ended = runs.end(command(film, tmp_path / "out", **options))
        assert ended.code == STAGE_FAILED, ended.text
        assert "stage 'people' failed: not one frame could be used; first: " + NAME in ended.text


def test_what_happens_once_leaves_no_trace(
    film: Path, runs: Runs, calm: Path, tmp_path: Path
) -> None:
    out, counted = tmp_path / "out", tmp_path / "attempts"
    runs.calm(command(film, out, raise_at=[20], attempts=1, attempts_file=str(counted)))
    assert counted.read_bytes() == b"x", "control: it did raise"
    assert failed(out) == (FrameSet(), "")
    for path, data in content(calm).items():
        if "/observations/" in path or path.endswith(".npz"):
            assert (out / path).read_bytes() == data


def test_without_the_guard_nonsense_would_get_through(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: what the checks above find is found by the guard and by nobody else."""
    monkeypatch.setattr(guard, "fault_of_person", lambda *_: "")
    words = ["--people.backend", "fake", "--people.options.fake.nan_at", "[20]"]
    words += ["--film.frames", "0:25", "--stages.lift.method", "separate"]
    words += ["--run.executor", "inline"]
    capture_configured(film, tmp_path, configured([flags.parse(words)]).values)
    gaps, _ = failed(tmp_path)
    assert not gaps
    with np.load(tmp_path / "clip-001" / "people" / "P01" / "landmarks.npz") as landmarks:
        assert any(
            np.isnan(array).any()
            for name, array in landmarks.items()
            if array.dtype.kind == "f" and "hand" not in name
        )
