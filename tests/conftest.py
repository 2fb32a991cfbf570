"""Fixtures shared by all tests."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("house", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("house")

REPOSITORY = Path(__file__).resolve().parent.parent


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
