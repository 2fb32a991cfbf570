"""The rules above on real clips; the truth was checked by eye."""

import subprocess
import sys
from pathlib import Path

import pytest

from choreoscope.capture.shots import SMALL_SIDE, ShotFinder, ShotOptions
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.shots import ShotsResult
from choreoscope.formats.video import probe
from choreoscope.formats.video_reader import FilmReader

REPOSITORY = Path(__file__).resolve().parents[2]


def shots_of(film: Path, frames: FrameRange, options: ShotOptions) -> ShotsResult:
    video = probe(film)
    scale = SMALL_SIDE / max(video.width, video.height)
    size = (round(video.width * scale), round(video.height * scale))
    finder = ShotFinder(video.width, video.time_base, options)
    with FilmReader(video, size=size) as reader:
        for frame, picture in reader.frames(frames):
            finder.add(frame, int(video.pts[frame]), picture)
    return finder.finish(frames)


@pytest.mark.data
def test_somersault_before_the_sun_is_one_shot(shared_data: Path) -> None:
    """The man hides the sun for a few frames: PySceneDetect alone sees three cuts in his leap."""
    film = shared_data / "video" / "sports2d" / "demo.mp4"
    leap = FrameRange(155, 185)
    found = shots_of(film, leap, ShotOptions())
    assert found.cuts == ()
    assert found.shots[0].movement == "still"
    trusting = ShotOptions(same_blocks=1.0, shortest_shot_s=0.0)
    assert set(shots_of(film, leap, trusting).cuts) >= {164, 175}


@pytest.mark.data
@pytest.mark.parametrize(
    ("clip", "movement"),
    [("phalp_run/vid.mp4", "moving"), ("opencv_vtest/vtest.avi", "still")],
)
def test_tripod_and_travelling_camera(shared_data: Path, clip: str, movement: str) -> None:
    found = shots_of(shared_data / "video" / clip, FrameRange(0, 30), ShotOptions())
    assert [shot.movement for shot in found.shots] == [movement]


@pytest.mark.data
@pytest.mark.weights
@pytest.mark.slow
@pytest.mark.parametrize("benchmark", ["demo_people", "squats"])
def test_people_meet_the_bar(shared_data: Path, weights_folder: Path, benchmark: str) -> None:
    assert shared_data.is_dir()
    assert weights_folder.is_dir()
    command = [sys.executable, "-m", f"benchmarks.{benchmark}"]
    run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
