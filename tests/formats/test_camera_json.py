import json
from pathlib import Path

import numpy as np
import pytest

from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.errors import InputError
from choreoscope.formats.camera_json import read_camera, write_camera
from choreoscope.geometry import rotation


def a_camera(rng: np.random.Generator, frames: int, *, moving: bool) -> CameraTrack:
    count = frames if moving else 1
    poses = np.tile(np.eye(4), (count, 1, 1))
    turns = rotation.normalized(rng.normal(size=(count, 4)))
    poses[:, :3, :3] = rotation.to_matrix(turns)
    poses[:, :3, 3] = rng.normal(size=(count, 3))
    matrix = np.array([[1111.1, 0.0, 640.3], [0.0, 1099.9, 1 / 3], [0.0, 0.0, 1.0]])
    return CameraTrack(
        width=1280,
        height=720,
        intrinsics=np.tile(matrix, (frames, 1, 1)),
        camera_from_world=poses if moving else np.repeat(poses, frames, axis=0),
        distortion=np.array([0.1, -0.2, 1e-5, 0.0]),
        source="assumed",
        metric=True,
    )


@pytest.mark.parametrize("moving", [True, False])
@pytest.mark.parametrize("frames", [1, 2, 7])
def test_every_number_comes_back_exactly(
    tmp_path: Path, rng: np.random.Generator, frames: int, moving: bool
) -> None:
    camera = a_camera(rng, frames, moving=moving)
    write_camera(tmp_path / "camera.json", camera)
    back = read_camera(tmp_path / "camera.json")
    for name in ("intrinsics", "camera_from_world", "distortion"):
        np.testing.assert_array_equal(getattr(back, name), getattr(camera, name))
    assert (back.width, back.height, back.source, back.metric) == (1280, 720, "assumed", True)


def test_equal_cameras_give_equal_bytes_and_a_still_one_is_short(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    still = a_camera(rng, 500, moving=False)
    write_camera(tmp_path / "a.json", still)
    write_camera(tmp_path / "b.json", still)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert (tmp_path / "a.json").stat().st_size < 1500


def test_an_empty_clip(tmp_path: Path, rng: np.random.Generator) -> None:
    camera = a_camera(rng, 0, moving=True)
    write_camera(tmp_path / "camera.json", camera)
    assert len(read_camera(tmp_path / "camera.json").intrinsics) == 0


@pytest.mark.parametrize(
    "harm",
    [
        lambda record: record.pop("intrinsics"),
        lambda record: record.update(schema="other"),
        lambda record: record.update(schema_version=99),
        lambda record: record.update(frames=5),
        lambda record: record.update(camera_from_world=[[[1, 2], [3, 4]]]),
        lambda record: record.update(camera_from_world="none"),
    ],
)
def test_damage_is_one_clear_line(
    tmp_path: Path,
    rng: np.random.Generator,
    harm,  # noqa: ANN001
) -> None:
    path = tmp_path / "camera.json"
    write_camera(path, a_camera(rng, 3, moving=True))
    record = json.loads(path.read_text(encoding="utf-8"))
    harm(record)
    path.write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(InputError, match=r"camera\.json: cannot be read") as caught:
        read_camera(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", "null"])
def test_no_json_at_all(tmp_path: Path, text: str) -> None:
    path = tmp_path / "camera.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError):
        read_camera(path)
    with pytest.raises(InputError):
        read_camera(tmp_path / "absent.json")
