import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.video import Colour, Video
from choreoscope.formats.camera_json import write_camera
from choreoscope.formats.lens_files import read_lens_file
from choreoscope.formats.lens_json import write_lens
from choreoscope.geometry.projection import assumed_lens

TWO_CAMERAS = """
[cam_01]
name = "cam_01"
size = [ 1080.0, 1920.0]
matrix = [ [ 1681.2, 0.0, 532.9], [ 0.0, 1681.1, 948.1], [ 0.0, 0.0, 1.0]]
distortions = [ -0.0007, 0.002, 1e-05, 2e-05]
rotation = [ 1.7, 1.0, -0.4]
translation = [ 0.3, 0.9, 2.9]
fisheye = false

[cam_02]
name = "cam_02"
size = [ 1080.0, 1920.0]
matrix = [ [ 1673.7, 0.0, 534.5], [ 0.0, 1673.8, 963.2], [ 0.0, 0.0, 1.0]]
distortions = [ 0.0, 0.0, 0.0, 0.0]
fisheye = true

[metadata]
adjusted = false
"""


def film(width: int = 1080, height: int = 1920, name: str = "cam01") -> Video:
    return Video(
        path=f"/films/{name}.mp4",
        kind="film",
        width=width,
        height=height,
        rate=Fraction(30),
        pts=np.arange(3),
        time_base=Fraction(1, 30),
        rotation=0,
        codec="h264",
        colour=Colour(
            matrix="bt709", primaries="bt709", transfer="bt709", full_range=False, bits=8
        ),
        audio=None,
        declared_frames=3,
        digest="0",
    )


def a_file(folder: Path, text: str, name: str = "calib.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_camera_named_like_the_film_or_by_name(tmp_path: Path) -> None:
    path = a_file(tmp_path, TWO_CAMERAS)
    lens = read_lens_file(path, film())
    assert (lens.fx, lens.fy, lens.cx, lens.cy) == (1681.2, 1681.1, 532.9, 948.1)
    np.testing.assert_array_equal(lens.distortion, [-0.0007, 0.002, 1e-05, 2e-05])
    assert lens.source == "file"
    assert read_lens_file(path, film(name="other"), "cam_01").fx == 1681.2


def test_which_camera_has_to_be_clear(tmp_path: Path) -> None:
    path = a_file(tmp_path, TWO_CAMERAS)
    with pytest.raises(InputError, match="say which: cam_01, cam_02"):
        read_lens_file(path, film(name="dance"))
    with pytest.raises(InputError, match="no camera 'cam_9'; it holds: cam_01, cam_02"):
        read_lens_file(path, film(), "cam_9")


def test_a_fisheye_is_refused_only_when_it_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="fisheye"):
        read_lens_file(a_file(tmp_path, TWO_CAMERAS), film(name="CAM-02"))


def test_scaled_to_the_film_padded_or_refused(tmp_path: Path) -> None:
    path = a_file(tmp_path, TWO_CAMERAS)
    half = read_lens_file(path, film(540, 960))
    assert (half.width, half.fx, half.cx) == (540, 840.6, 266.45)
    padded = a_file(tmp_path, TWO_CAMERAS.replace("1080.0", "1088.0"), "padded.toml")
    assert read_lens_file(padded, film()).fx == 1681.2
    with pytest.raises(InputError, match="pictures of 1080x1920, the film has 1920x1080"):
        read_lens_file(path, film(1920, 1080))


def test_plain_json(tmp_path: Path) -> None:
    record = {"width": 640, "height": 360, "fx": 500, "fy": 501, "cx": 320, "cy": 180}
    path = a_file(tmp_path, json.dumps(record), "lens.json")
    lens = read_lens_file(path, film(1280, 720))
    assert (lens.fx, lens.fy, lens.cx, lens.cy) == (1000.0, 1002.0, 640.0, 360.0)
    assert lens.distortion.size == 0


def test_cameras_with_k_and_dist(tmp_path: Path) -> None:
    record = {
        "View_001": {
            "K": [[1125.8, 0.0, 289.7], [0.0, 1139.0, 258.5], [0.0, 0.0, 1.0]],
            "dist": [-0.15, 0.05, 0.001, 0.004, 0.0],
        },
        "note": "somebody's",
    }
    lens = read_lens_file(a_file(tmp_path, json.dumps(record), "view.json"), film(768, 576))
    assert (lens.width, lens.fx, lens.cy, len(lens.distortion)) == (768, 1125.8, 258.5, 5)


def test_our_own_files(tmp_path: Path) -> None:
    lens = assumed_lens(1080, 1920)
    write_lens(tmp_path / "lens.json", lens, background_px_s=0.0)
    assert read_lens_file(tmp_path / "lens.json", film()).fx == lens.fx
    track = CameraTrack(
        width=1080,
        height=1920,
        intrinsics=np.tile(lens.intrinsics, (4, 1, 1)),
        camera_from_world=np.tile(np.eye(4), (4, 1, 1)),
        distortion=lens.distortion,
        source="given",
        metric=True,
    )
    write_camera(tmp_path / "camera.json", track)
    assert read_lens_file(tmp_path / "camera.json", film()).fx == lens.fx


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.toml", "this is [not toml"),
        ("a.json", "{"),
        ("a.json", "[1, 2]"),
        ("a.json", '{"hello": 1}'),
        ("a.json", '{"fx": 3, "fy": 3}'),
        ("a.json", '{"c": {"K": [[1, 2], [3, 4]]}}'),
        ("a.json", '{"c": {"K": [[0, 0, 1], [0, 1, 1], [0, 0, 1]], "size": [1080, 1920]}}'),
        ("a.json", '{"c": {"K": [[1,0,1],[0,1,1],[0,0,1]], "dist": [1, 2, 3]}}'),
        ("a.json", '{"c": {"K": "wide"}}'),
    ],
)
def test_what_is_no_lens_is_one_clear_line(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(InputError) as caught:
        read_lens_file(a_file(tmp_path, text, name), film())
    assert "\n" not in str(caught.value)


def test_an_absent_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read as a camera file"):
        read_lens_file(tmp_path / "none.toml", film())


@pytest.mark.data
def test_real_calibration_files(shared_data: Path) -> None:
    video = shared_data / "video"
    demo = read_lens_file(video / "sports2d" / "Calib_demo.toml", film(1768, 994, "demo"))
    assert demo.fx == pytest.approx(2520.09, abs=0.01)
    cameras = video / "pose2sim_single" / "Pose2Sim_cameras.toml"
    assert read_lens_file(cameras, film(name="cam02")).fx == pytest.approx(1673.73, abs=0.01)
    towncentre = video / "opencv_vtest" / "camera_view001.json"
    assert read_lens_file(towncentre, film(768, 576)).fy == pytest.approx(1138.99, abs=0.01)
