from pathlib import Path

import numpy as np
import pytest

from choreoscope.datatypes.camera import CameraPath, CameraTrack
from choreoscope.datatypes.errors import InputError, ShapeError
from choreoscope.formats.camera_path_json import read_camera_path, write_camera_path


def a_path(rng: np.random.Generator) -> CameraPath:
    poses = np.tile(np.eye(4), (5, 1, 1))
    poses[:, :3, 3] = rng.normal(size=(5, 3))
    residual = rng.uniform(size=5)
    residual[2] = np.nan
    return CameraPath(
        camera=CameraTrack(
            width=640,
            height=360,
            intrinsics=np.tile(np.diag([500.0, 500.0, 1.0]), (5, 1, 1)),
            camera_from_world=poses,
            distortion=np.array([0.1, 0, 0, 0]),
            source="solved",
            metric=False,
        ),
        movement="travelling",
        known=np.array([True, True, False, True, True]),
        residual_px=residual,
        focal_sigma=0.02,
        trusted=False,
        notes=("one sentence", "another"),
    )


def test_everything_comes_back(tmp_path: Path, rng: np.random.Generator) -> None:
    path = a_path(rng)
    write_camera_path(tmp_path / "a.json", path)
    write_camera_path(tmp_path / "b.json", path)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    back = read_camera_path(tmp_path / "a.json")
    np.testing.assert_array_equal(back.known, path.known)
    np.testing.assert_array_equal(back.residual_px, path.residual_px)
    np.testing.assert_array_equal(back.camera.camera_from_world, path.camera.camera_from_world)
    for name in ("movement", "focal_sigma", "trusted", "notes"):
        assert getattr(back, name) == getattr(path, name)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"travelling"', '"flying"'),
        ('"11011"', '"1101"'),
        ("camera_path", "camera_way"),
        ('"known"', '"unknown"'),
        ("{", ""),
    ],
)
def test_damage_is_told(tmp_path: Path, rng: np.random.Generator, old: str, new: str) -> None:
    write_camera_path(tmp_path / "a.json", a_path(rng))
    text = (tmp_path / "a.json").read_text()
    assert old in text
    (tmp_path / "a.json").write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match="run the same command again"):
        read_camera_path(tmp_path / "a.json")


def test_flags_of_another_clip_are_refused(rng: np.random.Generator) -> None:
    path = a_path(rng)
    with pytest.raises(ShapeError):
        CameraPath(
            camera=path.camera,
            movement="pan",
            known=np.ones(3, dtype=bool),
            residual_px=np.zeros(3),
            focal_sigma=0.0,
        )
