"""The camera stage on a written film, with people, and with a camera file."""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from camera_scenes import SIZE, pictures, shot

from choreoscope.capture.camera.people_masks import PeopleMasks
from choreoscope.capture.stages import camera as stage
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.people import MaskTrack, Track
from choreoscope.formats.camera_path_json import read_camera_path
from choreoscope.formats.lens_json import write_lens
from choreoscope.formats.masks_json import write_masks
from choreoscope.formats.video import probe
from choreoscope.geometry.masks import encode_patch
from choreoscope.geometry.projection import assumed_lens


class PlayedJob:
    """As much of a job as the stage asks for."""

    def __init__(self, folder: Path, film: Path, options: stage.CameraOptions) -> None:
        self.video = probe(film, rate=Fraction(30))
        self.frames = FrameRange(0, self.video.frame_count)
        self.options = options
        self.settings = SimpleNamespace(workers=1)
        self.notes: list[str] = []
        self._folder = folder

    def input(self, kind: str) -> Path:
        return self._folder / f"{kind}.json"

    def inputs(self, kind: str) -> Mapping[str, Path]:
        found = self._folder.glob(f"{kind}-*.json")
        return {path.stem.partition("-")[2]: path for path in found}

    def output(self, kind: str) -> Path:
        return self._folder / f"{kind}.json"

    def progress(self, done: int, total: int, unit: str) -> None:
        assert 0 < done <= total
        assert unit == "frame"

    def note(self, text: str) -> None:
        self.notes.append(text)


def a_film(folder: Path, frames: int, **motion: float) -> Path:
    """Write a folder of pictures of a made room."""
    film = folder / "film"
    film.mkdir()
    for number, seen in enumerate(pictures(shot(frames, **motion))):
        cv2.imwrite(str(film / f"{number:04d}.png"), seen)
    write_lens(folder / "lens.json", assumed_lens(*SIZE), background_px_s=0.0)
    return film


def test_a_turning_camera(tmp_path: Path) -> None:
    job = PlayedJob(tmp_path, a_film(tmp_path, 12, pan=6.0), stage.CameraOptions())
    stage.run(job)  # type: ignore[arg-type]
    stage.check("camera_path", job.output("camera_path"))
    found = read_camera_path(job.output("camera_path"))
    assert found.movement == "pan"
    assert len(found.camera.intrinsics) == 12
    assert job.notes == list(found.notes)
    assert stage.contents("camera_path", job.output("camera_path")).count == 12


def test_told_to_be_locked(tmp_path: Path) -> None:
    job = PlayedJob(tmp_path, a_film(tmp_path, 8, pan=4.0), stage.CameraOptions(movement="locked"))
    stage.run(job)  # type: ignore[arg-type]
    found = read_camera_path(job.output("camera_path"))
    assert found.movement == "locked"
    assert "seen to move" in found.notes[0]
    assert np.ptp(found.camera.camera_from_world, axis=0).max() == 0.0


def test_a_camera_file_goes_before_everything(tmp_path: Path) -> None:
    lines = [f"{n} {n * 0.1} 1.5 0 0 0 0 50\n" for n in range(1, 9) if n != 4]
    (tmp_path / "shot.chan").write_text("".join(lines))
    options = stage.CameraOptions(path=str(tmp_path / "shot.chan")).with_digest()
    job = PlayedJob(tmp_path, a_film(tmp_path, 8), options)
    stage.run(job)  # type: ignore[arg-type]
    found = read_camera_path(job.output("camera_path"))
    assert found.movement == "travelling"
    assert found.camera.metric
    np.testing.assert_array_equal(np.flatnonzero(~found.known), [3])
    centres = -found.camera.camera_from_world[:, 0, 3]
    np.testing.assert_allclose(centres, np.arange(1, 9) * 0.1, atol=1e-9)
    assert found.focal_sigma == 0.0


def test_a_changed_camera_file_is_another_cause(tmp_path: Path) -> None:
    path = tmp_path / "shot.chan"
    path.write_text("1 0 0 0 0 0 0 50\n")
    before = stage.CameraOptions(path=str(path)).with_digest()
    path.write_text("1 0 0 0 0 0 0 51\n")
    assert stage.CameraOptions(path=str(path)).with_digest() != before
    assert stage.CameraOptions().with_digest() == stage.CameraOptions()


def test_an_absent_camera_file_is_told(tmp_path: Path) -> None:
    options = stage.CameraOptions(path=str(tmp_path / "none.chan"))
    job = PlayedJob(tmp_path, a_film(tmp_path, 2), options)
    with pytest.raises(InputError, match=r"none\.chan"):
        stage.run(job)  # type: ignore[arg-type]


def test_masks_of_people_reach_the_tracker(tmp_path: Path) -> None:
    """A big moving picture on a person must not look like a moving camera."""
    film = a_film(tmp_path, 10)
    mask = encode_patch(np.ones((180, 200), dtype=bool), 60, 0, *SIZE)
    for number in range(10):
        path = film / f"{number:04d}.png"
        seen = cv2.imread(str(path), 0)
        seen[:, 60:260] = np.roll(seen, 5 * number, axis=1)[:, 60:260]
        cv2.imwrite(str(path), seen)
    without = PlayedJob(tmp_path, film, stage.CameraOptions())
    stage.run(without)  # type: ignore[arg-type]
    assert read_camera_path(without.output("camera_path")).movement != "locked"
    track = MaskTrack(frames=np.arange(10), masks=(mask,) * 10)
    write_masks(tmp_path / "masks-P01.json", "P01", track, SIZE[::-1])
    job = PlayedJob(tmp_path, film, stage.CameraOptions())
    stage.run(job)  # type: ignore[arg-type]
    assert read_camera_path(job.output("camera_path")).movement == "locked"


def test_boxes_stand_in_for_masks_that_are_missing() -> None:
    mask = encode_patch(np.ones((40, 20), dtype=bool), 100, 50, 640, 360)
    masks = {"P01": MaskTrack(frames=np.array([0]), masks=(mask,))}
    track = Track(
        person="P01",
        frames=np.array([0, 1, 2]),
        boxes_xyxy=np.array([[0, 0, 640, 360], [400, 100, 500, 300], [np.nan] * 4], dtype=float),
        score=np.ones(3),
    )
    people = PeopleMasks.of((320, 180), (640, 360), masks, [track])
    first = people.background(0)
    assert first[35, 55] == 0
    assert first[150, 200] == 255
    assert first[25 - 8, 55] == 255
    second = people.background(1)
    assert second[100, 225] == 0
    assert second[35, 55] == 255
    assert (people.background(2) == 255).all()
    assert (people.background(99) == 255).all()
