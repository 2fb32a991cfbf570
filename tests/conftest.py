"""Fixtures shared by all tests."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("house", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("house")

LONG = (
    "faults/",
    "pipeline/test_executors",
    "journeys/",
    "capture/test_real_clips",
    "backends/test_blaze_on_film",
    "motion/test_bodies_smpl",
    "motion/test_solve_",
    "motion/test_lift_robust",
    "capture/test_camera_",
    "formats/test_passes_in_blender",
)
"""Files that take longest, the longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long files: dealt out last, one worker would wait for the other."""
    folder = Path(__file__).parent

    def rank(item: pytest.Item) -> int:
        place = item.path.relative_to(folder).as_posix()
        ranks = (number for number, name in enumerate(LONG) if place.startswith(name))
        return next(ranks, len(LONG))

    items.sort(key=rank)


REPOSITORY = Path(__file__).resolve().parent.parent

# A shell that starts the tests in the background has them ignore Ctrl-C, and every program they
# start inherits that: tests that interrupt one would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261121)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real clips: $CHOREOSCOPE_DATA, or ../shared/data beside the repository."""
    named = os.environ.get("CHOREOSCOPE_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the real clips: set CHOREOSCOPE_DATA (looked in {folder})")
    return folder


@pytest.fixture(scope="session")
def weights_folder() -> Path:
    """Folder that holds the default .tflite files."""
    named = os.environ.get("CHOREOSCOPE_WEIGHTS")
    if named:
        return Path(named)
    from choreoscope.pipeline.weights.store import cache_folder

    folder = cache_folder()
    if not (folder / "pose_landmark_full.tflite").exists():
        pytest.skip("needs the default weights: run 'choreoscope models fetch'")
    return folder


@pytest.fixture(scope="session")
def demo_clip() -> Path:
    """The clip of ``make demo``, wherever it lies."""
    for path in (
        REPOSITORY / "demo" / "demo-clip.mp4",
        REPOSITORY.parent / "shared" / "data" / "video" / "sports2d" / "demo.mp4",
    ):
        if path.exists():
            return path
    pytest.skip("needs the demo clip: choreoscope models fetch demo-clip.mp4 --to demo")
