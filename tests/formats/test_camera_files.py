"""Cameras of other programs: hand-made files whose truth is known, and the real ones."""

import json
import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.video import Colour, Video
from choreoscope.formats.camera_files import CameraFileOrder, ReadCamera, read_camera_file
from choreoscope.formats.camera_json import write_camera
from choreoscope.formats.camera_poses import HOUSE_FROM
from choreoscope.formats.chan import ORDERS
from choreoscope.formats.film_lens import lens_of_words
from choreoscope.formats.lens_files import read_lens_file
from choreoscope.formats.qualisys import read_qualisys
from choreoscope.geometry import rotation
from choreoscope.geometry.projection import assumed_lens

CLIP = FrameRange(10, 16)


def film(width: int = 1280, height: int = 720, name: str = "cam01") -> Video:
    return Video(
        path=f"/films/{name}.mp4",
        kind="film",
        width=width,
        height=height,
        rate=Fraction(30),
        pts=np.arange(30),
        time_base=Fraction(1, 30),
        rotation=0,
        codec="h264",
        colour=Colour(
            matrix="bt709", primaries="bt709", transfer="bt709", full_range=False, bits=8
        ),
        audio=None,
        declared_frames=30,
        digest="0",
    )


def read(path: Path, video: Video | None = None, **said: object) -> ReadCamera:
    video = video or film()
    lens = assumed_lens(video.width, video.height)
    return read_camera_file(path, video, CLIP, lens, CameraFileOrder(**said))  # type: ignore[arg-type]


def a_file(folder: Path, text: str, name: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def places(camera: CameraTrack) -> np.ndarray:
    poses = camera.camera_from_world
    return -np.einsum("tji,tj->ti", poses[:, :3, :3], poses[:, :3, 3])


def ahead(camera: CameraTrack) -> np.ndarray:
    """Where the camera looks in the world, ``(T, 3)``."""
    return camera.camera_from_world[:, 2, :3]


class TestChan:
    def test_a_camera_without_angles_looks_along_minus_z(self, tmp_path: Path) -> None:
        found = read(a_file(tmp_path, "1 1.0 2.0 3.0 0 0 0 60\n", "shot.chan"))
        np.testing.assert_allclose(places(found.camera), [[1.0, 2.0, 3.0]], atol=1e-12)
        np.testing.assert_allclose(ahead(found.camera), [[0.0, 0.0, -1.0]], atol=1e-12)
        # Down in the picture is down in the world.
        np.testing.assert_allclose(found.camera.camera_from_world[0, 1, :3], [0, -1, 0], atol=1e-12)

    def test_the_field_of_view_spans_the_height(self, tmp_path: Path) -> None:
        found = read(a_file(tmp_path, "1 0 0 0 0 0 0 90\n2 0 0 0 0 0 0 60\n", "shot.chan"))
        np.testing.assert_allclose(
            found.camera.intrinsics[:, 1, 1], [360.0, 360.0 / np.tan(np.pi / 6)]
        )

    def test_without_one_the_lens_of_the_film_is_taken(self, tmp_path: Path) -> None:
        found = read(a_file(tmp_path, "1 0 0 0 0 0 0\n", "shot.chan"))
        np.testing.assert_array_equal(
            found.camera.intrinsics[0], assumed_lens(1280, 720).intrinsics
        )

    def test_positive_angles_turn_left_and_up(self, tmp_path: Path) -> None:
        found = read(a_file(tmp_path, "1 0 0 0 0 90 0 60\n2 0 0 0 90 0 0 60\n", "shot.chan"))
        np.testing.assert_allclose(ahead(found.camera), [[-1, 0, 0], [0, 1, 0]], atol=1e-12)

    @pytest.mark.parametrize("order", ORDERS)
    def test_the_first_letter_is_turned_about_first(self, tmp_path: Path, order: str) -> None:
        angles = np.radians([20.0, 35.0, 50.0])
        turn = np.eye(3)
        for letter in order:
            axis = "XYZ".index(letter)
            turn = (
                rotation.to_matrix(rotation.from_rotation_vector(np.eye(3)[axis] * angles[axis]))
                @ turn
            )
        path = a_file(tmp_path, "1 0 0 0 20 35 50 60\n", "shot.chan")
        found = read(path, rotation_order=order)
        np.testing.assert_allclose(ahead(found.camera)[0], turn @ [0, 0, -1], atol=1e-12)

    def test_numbers_are_brought_to_source_frames(self, tmp_path: Path) -> None:
        text = "".join(f"{1001 + i} {i} 0 0 0 0 0 60\n" for i in range(30))
        path = a_file(tmp_path, text, "shot.chan")
        np.testing.assert_array_equal(read(path).frames, np.arange(10, 16))
        np.testing.assert_allclose(places(read(path).camera)[:, 0], np.arange(6))
        later = read(path, first_number=1011)
        np.testing.assert_allclose(places(later.camera)[:, 0], np.arange(10, 16))

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("1 0 0 0 0 0\n", "line 1"),
            ("1 0 0 0 0 0 0 60\n2 0 0 0 0 0 0\n", "line 2"),
            ("1 0 0 0 0 zero 0 60\n", "line 1"),
            ("# nothing\n", "no camera"),
            ("1 0 0 0 0 0 0 180\n", "field"),
            ("2 0 0 0 0 0 0 60\n1 0 0 0 0 0 0 60\n", "rise"),
            ("1 nan 0 0 0 0 0 60\n", "no numbers"),
        ],
    )
    def test_faults_are_told(self, tmp_path: Path, text: str, words: str) -> None:
        with pytest.raises(InputError, match=words):
            read(a_file(tmp_path, text, "shot.chan"))

    def test_a_wrong_order_and_frames_of_another_clip_are_told(self, tmp_path: Path) -> None:
        path = a_file(tmp_path, "1 0 0 0 0 0 0 60\n", "shot.chan")
        with pytest.raises(InputError, match="rotation order"):
            read(path, rotation_order="ZXZ")
        with pytest.raises(InputError, match="first_number"):
            read(path, first_number=500)


CAMERAS_TXT = "# cameras\n1 SIMPLE_RADIAL 640 360 500.0 320.0 180.0 -0.05\n"
HALF = np.sqrt(0.5)
IMAGES_TXT = (
    "# images\n"
    "1 1 0 0 0 0 0 2 1 frame_0007.png\n10 20 -1 30 40 5\n"
    f"2 {HALF} 0 {HALF} 0 1 0 0 1 frame_0005.png\n\n"
)


class TestColmap:
    def text_model(self, folder: Path) -> Path:
        a_file(folder, CAMERAS_TXT, "cameras.txt")
        a_file(folder, IMAGES_TXT, "images.txt")
        return folder

    def binary_model(self, folder: Path) -> Path:
        camera = struct.pack("<QIiQQ4d", 1, 1, 2, 640, 360, 500.0, 320.0, 180.0, -0.05)
        (folder / "cameras.bin").write_bytes(camera)
        first = struct.pack("<I7dI", 1, 1, 0, 0, 0, 0, 0, 2, 1) + b"frame_0007.png\0"
        first += struct.pack("<Q", 1) + struct.pack("<2dq", 10.0, 20.0, -1)
        second = struct.pack("<I7dI", 2, HALF, 0, HALF, 0, 1, 0, 0, 1) + b"frame_0005.png\0"
        second += struct.pack("<Q", 0)
        (folder / "images.bin").write_bytes(struct.pack("<Q", 2) + first + second)
        return folder

    @pytest.mark.parametrize("kind", ["text_model", "binary_model"])
    def test_poses_lens_and_numbers(self, tmp_path: Path, kind: str) -> None:
        found = read(getattr(self, kind)(tmp_path))
        np.testing.assert_array_equal(found.frames, [10, 12])
        # The size is half the film's: the lens is scaled to it, its bending is not.
        np.testing.assert_allclose(found.camera.intrinsics[0, 0, 0], 1000.0)
        np.testing.assert_allclose(found.camera.intrinsics[0, :2, 2], [640.0, 360.0])
        np.testing.assert_allclose(found.camera.distortion, [-0.05, 0, 0, 0])
        assert not found.camera.metric
        # Frame 7 stands 2 behind the origin; with -y up, z turns round.
        np.testing.assert_allclose(places(found.camera)[1], [0, 0, 2.0], atol=1e-12)
        np.testing.assert_allclose(ahead(found.camera)[1], [0, 0, -1], atol=1e-12)
        # A quarter turn about y brings x ahead: x = -1 of the camera is its z.
        np.testing.assert_allclose(ahead(found.camera)[0], [-1, 0, 0], atol=1e-9)

    def test_metres_make_it_metric(self, tmp_path: Path) -> None:
        found = read(self.text_model(tmp_path), metres=0.5)
        assert found.camera.metric
        np.testing.assert_allclose(places(found.camera)[1], [0, 0, 1.0], atol=1e-12)

    def test_faults_are_told(self, tmp_path: Path) -> None:
        folder = self.text_model(tmp_path)
        a_file(folder, CAMERAS_TXT.replace("SIMPLE_RADIAL", "OPENCV_FISHEYE"), "cameras.txt")
        with pytest.raises(InputError, match="OPENCV_FISHEYE"):
            read(folder)
        a_file(folder, CAMERAS_TXT, "cameras.txt")
        a_file(folder, IMAGES_TXT.replace("\n10 20 -1 30 40 5", ""), "images.txt")
        with pytest.raises(InputError, match="line of points"):
            read(folder)
        with pytest.raises(InputError, match="COLMAP"):
            read(tmp_path / "elsewhere" / "images.bin")


QUALISYS = """<?xml version='1.0'?>
<calibration><cameras><camera serial="one">
<fov_video bottom="719" left="0" right="1279" top="0"/>
<transform r11="1" r12="0" r13="0" r21="0" r22="0" r23="1" r31="0" r32="-1" r33="0"
 x="1000" y="-4000" z="1500"/>
<intrinsic centerPointU="40960" centerPointV="23040" focalLengthU="64000" focalLengthV="64000"
 radialDistortion1="-0.05" radialDistortion2="0.1" radialDistortion3="0"
 tangentalDistortion1="0" tangentalDistortion2="0"/>
</camera></cameras></calibration>
"""


class TestCalibrations:
    def test_qualisys(self, tmp_path: Path) -> None:
        path = a_file(tmp_path, QUALISYS, "calib.qca.txt")
        found = read(path)
        assert found.camera.metric
        np.testing.assert_array_equal(found.frames, np.arange(10, 16))
        np.testing.assert_allclose(
            found.camera.intrinsics[0], [[1000, 0, 640], [0, 1000, 360], [0, 0, 1]]
        )
        # Z up, millimetres: 1.5 m high, 4 m before the origin, looking along +y, which is our -z.
        np.testing.assert_allclose(places(found.camera)[0], [1.0, 1.5, 4.0], atol=1e-12)
        np.testing.assert_allclose(ahead(found.camera)[0], [0, 0, -1], atol=1e-12)
        np.testing.assert_allclose(read_lens_file(path, film()).distortion, [-0.05, 0.1, 0, 0, 0])

    @pytest.mark.parametrize("text", ["", "<calibration/>", QUALISYS.replace("r33", "r99")])
    def test_broken_qualisys(self, tmp_path: Path, text: str) -> None:
        with pytest.raises(InputError, match="Qualisys"):
            read(a_file(tmp_path, text, "calib.qca.txt"))

    def test_json_with_matrices_and_a_unit(self, tmp_path: Path) -> None:
        record = {
            "view": {
                "K": [[1000, 0, 640], [0, 1000, 360], [0, 0, 1]],
                "dist": [0, 0, 0, 0],
                "R": [[1, 0, 0], [0, 0, -1], [0, 1, 0]],
                "t": [0, 1500, 4000],
            },
            "note": "words",
        }
        path = a_file(tmp_path, json.dumps(record), "view.json")
        found = read(path, metres=0.001)
        np.testing.assert_allclose(places(found.camera)[0], [0, 1.5, 4.0], atol=1e-12)
        np.testing.assert_allclose(ahead(found.camera)[0], [0, 0, -1], atol=1e-12)
        with pytest.raises(InputError, match="no camera 'other'"):
            read(path, name="other")

    def test_stretched_rotations_are_refused(self, tmp_path: Path) -> None:
        record = {"a": {"R": [[2, 0, 0], [0, 1, 0], [0, 0, 1]], "t": [0, 0, 0]}}
        with pytest.raises(InputError, match="no rotation"):
            read(a_file(tmp_path, json.dumps(record), "a.json"))

    def test_our_own_file_is_for_a_clip_of_its_length(self, tmp_path: Path) -> None:
        lens = assumed_lens(640, 360)
        camera = CameraTrack(
            width=640,
            height=360,
            intrinsics=np.tile(lens.intrinsics, (6, 1, 1)),
            camera_from_world=np.tile(np.eye(4), (6, 1, 1)),
            distortion=np.zeros(0),
            source="given",
            metric=True,
        )
        path = tmp_path / "camera.json"
        write_camera(path, camera)
        found = read(path)
        np.testing.assert_allclose(found.camera.intrinsics[:, 0, 2], 640.0)
        assert found.camera.metric
        with pytest.raises(InputError, match="6 frames, the clip has 3"):
            read_camera_file(path, film(), FrameRange(0, 3), lens, CameraFileOrder())

    def test_unknown_kinds_are_told(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"\.chan"):
            read(a_file(tmp_path, "", "camera.fbx"))


@pytest.mark.parametrize("up", list(HOUSE_FROM))
def test_each_up_axis_comes_out_as_y_by_a_turn(up: str) -> None:
    turn = HOUSE_FROM[up]
    axis = np.eye(3)["xyz".index(up[-1])] * (-1 if up.startswith("-") else 1)
    np.testing.assert_array_equal(turn @ axis, [0, 1, 0])
    assert np.linalg.det(turn) == 1.0


def test_focal_length_of_a_film() -> None:
    key = "com.apple.quicktime.camera.focal_length.35mm_equivalent"
    lens = lens_of_words({key: "26"}, 1920, 1080)
    assert lens is not None
    # A 35 mm equivalent keeps the diagonal's angle.
    assert np.hypot(1920, 1080) / lens.fx == pytest.approx(np.hypot(36, 24) / 26, rel=1e-3)
    assert lens.source == "metadata"
    assert lens_of_words({key: "0"}, 1920, 1080) is None
    assert lens_of_words({key: "wide"}, 1920, 1080) is None
    assert lens_of_words({}, 1920, 1080) is None


@pytest.mark.data
class TestRealFiles:
    def test_qualisys_and_pose2sim_say_the_same_of_the_same_cameras(
        self, shared_data: Path
    ) -> None:
        folder = shared_data / "video" / "pose2sim_single"
        serials = read_qualisys(folder / "Calib.qca.txt")
        assert list(serials) == ["cam01", "cam02", "cam03", "cam04"]
        for number in (1, 2, 3, 4):
            video = film(1080, 1920, f"cam0{number}")
            one = read(folder / "Calib.qca.txt", video).camera
            two = read(folder / "Pose2Sim_cameras.toml", video).camera
            np.testing.assert_allclose(one.camera_from_world, two.camera_from_world, atol=1e-6)
            np.testing.assert_allclose(one.intrinsics, two.intrinsics, atol=1e-3)
            # Tripods of a laboratory: at the height of a man, all looking a little downward.
            assert 1.5 < places(one)[0, 1] < 2.5
            assert -0.5 < ahead(one)[0, 1] < 0.0

    def test_the_street_camera(self, shared_data: Path) -> None:
        path = shared_data / "video" / "opencv_vtest" / "camera_view001.json"
        found = read(path, film(768, 576, "vtest"), metres=0.001)
        # PETS 2009: a camera high over a campus.
        assert 5.0 < places(found.camera)[0, 1] < 10.0
        assert ahead(found.camera)[0, 1] < 0.0
