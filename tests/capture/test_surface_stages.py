"""The stages normals and parts: files of the house that read back, one per frame."""

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from pass_models import SIZE, Model, PlayedJob, film_of

from choreoscope.capture.stages import normals, parts
from choreoscope.datatypes.errors import BackendFailedError, OutputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.formats.cryptomatte import read_cryptomatte
from choreoscope.formats.passes import read_pass
from choreoscope.formats.pictures import read_picture

NAMES = ("hair", "left_hand", "right_hand")


class Upwards(Model):
    """Normals that point up; nothing in the first row."""

    notes = ("a note of the model",)

    def answer(self, frames: Any, state: Any) -> Any:
        value = np.zeros((SIZE[1], SIZE[0], 3), dtype=np.float32)
        value[1:, :, 1] = 1
        return [{"normals": value} for _ in frames], state or {}


class Striped(Model):
    """Parts in columns: hair, left hand, nothing, nothing, ..."""

    part_names = NAMES

    def answer(self, frames: Any, state: Any) -> Any:
        value = np.full((SIZE[1], SIZE[0]), -1, dtype=np.int32)
        value[:, 0], value[:, 1] = 0, 1
        return [{"parts": value} for _ in frames], state or {}


def played(tmp_path: Path, stage: ModuleType, model: Model) -> PlayedJob:
    windows = [FrameRange(0, 2), FrameRange(2, 3)]
    job = PlayedJob(tmp_path, film_of(tmp_path, 3), windows, model)
    stage.run(job)
    assert job.done == windows
    for frame in range(3):
        path = job.output(stage.WRITES[0], frame=frame)
        stage.check(stage.WRITES[0], path)
        held = stage.contents(stage.WRITES[0], path)
        assert held.frames is not None
        assert list(held.frames) == [frame]
        assert held.size == SIZE
        assert held.finite
    assert read_picture(path).header["origin"] == type(model).__name__
    return job


def test_normals_are_written_as_answered(tmp_path: Path) -> None:
    job = played(tmp_path, normals, Upwards())
    path = job.output("normals", frame=1)
    found = read_pass("normals", path)
    assert (found[1:] == [0, 1, 0]).all()
    assert not found[0].any()
    assert "y up" in read_picture(path).header["axes"]
    assert job.notes == ["a note of the model"]


def test_parts_are_a_cryptomatte_of_all_names(tmp_path: Path) -> None:
    job = played(tmp_path, parts, Striped())
    found = read_cryptomatte(job.output("parts", frame=2), "CryptoPart")
    assert tuple(found) == NAMES
    assert (found["hair"][:, 0] == 1).all()
    assert not found["hair"][:, 1:].any()
    assert (found["left_hand"][:, 1] == 1).all()
    assert not found["right_hand"].any()


@pytest.mark.parametrize(("stage", "model"), [(normals, Striped), (parts, Upwards)])
def test_another_task_is_refused(tmp_path: Path, stage: ModuleType, model: Any) -> None:
    wrong = model()
    wrong.part_names = NAMES
    with pytest.raises(BackendFailedError, match=f"expected '{stage.WRITES[0]}'"):
        played(tmp_path, stage, wrong)


@pytest.mark.parametrize(("stage", "model"), [(normals, Upwards), (parts, Striped)])
def test_damaged_files_are_told(tmp_path: Path, stage: ModuleType, model: Any) -> None:
    job = played(tmp_path, stage, model())
    path = job.output(stage.WRITES[0], frame=0)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(OutputError, match="does not read back"):
        stage.check(stage.WRITES[0], path)
