"""A finished capture, made once, and copies of it to be hurt."""

import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hurt_results import FRAMES, SIZE, captured

from choreoscope.formats.video_writer import FilmWriter


@pytest.fixture(scope="session")
def still_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "dance.mp4"
    texture = np.random.default_rng(1).integers(0, 255, (*SIZE[::-1], 3), dtype=np.uint8)
    with FilmWriter(path, size=SIZE, rate=Fraction(25), time_base=Fraction(1, 12800)) as writer:
        for frame in range(FRAMES):
            writer.write(texture, frame * 512)
    return path


@pytest.fixture(scope="session")
def calm(still_film: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("calm") / "result"
    assert captured(still_film, out)[0].clips[0].is_complete
    return out


@pytest.fixture
def result(calm: Path, tmp_path: Path) -> Path:
    """A copy of the finished result, to be hurt."""
    shutil.copytree(calm, tmp_path / "result")
    return tmp_path / "result"
