"""What raw depth becomes: directions, lens, prompts; known answers, and mistakes that must show."""

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest
from depth_cases import FOCAL, HEIGHT, WIDTH, shot_of, soft_picture

from choreoscope.backends.depth.depth_pro import USUAL, DepthPro, metres
from choreoscope.backends.depth.networks.hub import HubDepth
from choreoscope.backends.depth.networks.preparing import Preparation
from choreoscope.backends.depth.networks.prompts import LidarFolder, ProxyPrompts, filled
from choreoscope.backends.depth.prompt_depth_anything import PromptDepth
from choreoscope.backends.torch_models.device import Stopwatch
from choreoscope.backends.torch_models.lens import focal_px, fov_degrees, is_known_lens
from choreoscope.capture.passes.interfaces import PassFrame
from choreoscope.datatypes.errors import InputError
from choreoscope.formats.exr import write_exr

PLAIN = Preparation(size=(30, 45), keep_aspect=False, multiple=1, mean=(0.0,) * 3, std=(1.0,) * 3)


class Known:
    """Stands in for a network: answers what it is made with, and keeps what it was asked."""

    batch = 2

    def __init__(self, **answers: np.ndarray) -> None:
        self.answers = answers
        self.watch = Stopwatch()
        self.asked: dict[str, np.ndarray] = {}

    def __call__(self, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        self.asked = inputs
        count = len(inputs["pixel_values"])
        return {name: np.stack([one] * count) for name, one in self.answers.items()}


def scene() -> np.ndarray:
    """Metres of a wall that leads away to the right, 2 to 8 m."""
    return np.tile(np.linspace(2.0, 8.0, WIDTH, dtype=np.float32), (HEIGHT, 1))


def frame() -> PassFrame:
    return PassFrame(frame=10, picture=soft_picture(0))


def far_to_the_right(depth: np.ndarray) -> bool:
    return bool(np.all(np.diff(depth[HEIGHT // 2]) > 0))


def test_depth_pro_gives_the_scenes_metres() -> None:
    canonical = (FOCAL / WIDTH) / scene()
    model = DepthPro(Known(predicted_depth=canonical), USUAL)
    model.start(shot_of(1, source="given"))
    depth = model.infer([frame()], None)[0][0]["depth"]
    assert depth == pytest.approx(scene(), rel=1e-6)
    assert far_to_the_right(depth)
    # Controls: inverse depth taken as depth turns the wall round; a squashed picture's focal
    # length, as a share of another width, scales it.
    assert not far_to_the_right(canonical)
    assert np.abs(metres(canonical, FOCAL / HEIGHT) / scene() - 1).min() > 0.4


def test_without_a_lens_one_factor_is_missing_for_the_whole_shot() -> None:
    model = DepthPro(Known(predicted_depth=1 / scene(), field_of_view=np.float32(50.0)), USUAL)
    model.start(shot_of(2))
    one, two = model.infer([frame(), frame()], None)[0]
    ratio = one["depth"] / scene()
    assert np.ptp(ratio) < 1e-5
    assert np.array_equal(one["depth"], two["depth"])
    assert one["fov"] == pytest.approx(50.0)
    assert model.depth_space == "scale"


def test_what_is_infinitely_far_is_unknown() -> None:
    found = metres(np.array([[0.0, -1.0, 1e-5, 2.0]], dtype=np.float32), 1.0)
    assert np.isnan(found).tolist() == [[True, True, True, False]]
    assert found[0, 3] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("space", "raw"),
    [
        ("metric", lambda z: z),
        ("affine_inverse", lambda z: 3.0 / z + 0.2),
    ],
)
def test_raw_depth_is_what_its_space_says(space: str, raw: object) -> None:
    model = HubDepth(Known(predicted_depth=raw(scene())), PLAIN, space, "x")  # type: ignore[arg-type,operator]
    found = model.infer([frame()], None)[0][0]["depth"]
    target = scene() if space == "metric" else 1 / scene()

    def misfit(values: np.ndarray, wanted: np.ndarray) -> float:
        lines = np.stack([values.ravel(), np.ones(values.size)], axis=1)
        solved = np.linalg.lstsq(lines, wanted.ravel(), rcond=None)
        residual = lines @ solved[0] - wanted.ravel()
        return float(np.abs(residual).max() / np.ptp(wanted))

    assert misfit(found, target) < 1e-4
    # Control: the other space bends the wall.
    other = 1 / scene() if space == "metric" else scene()
    assert misfit(found, other) > 0.05


def test_answers_that_are_no_distance_are_unknown() -> None:
    raw = scene()
    raw[0, :4] = np.inf, np.nan, 0.0, -1.0
    found = HubDepth(Known(predicted_depth=raw), PLAIN, "metric", "x").infer([frame()], None)[0][0]
    assert np.isnan(found["depth"][0, :4]).all()
    assert np.isfinite(found["depth"][1:]).all()


def test_the_cameras_field_of_view() -> None:
    shot = shot_of(2, source="given")
    assert fov_degrees(shot, 11) == pytest.approx(np.degrees(2 * np.arctan(45 / 80)))
    assert fov_degrees(shot_of(2), 11) is None
    assert fov_degrees(None, 0) is None
    assert is_known_lens(shot)
    assert not is_known_lens(shot_of(2, source="assumed"))


def test_a_zoom_counts_frame_by_frame() -> None:
    shot = shot_of(2, source="given")
    assert shot.camera is not None
    zoomed = shot.camera.intrinsics * np.array([1.0, 2.0])[:, None, None]
    shot = dataclasses.replace(shot, camera=dataclasses.replace(shot.camera, intrinsics=zoomed))
    assert (focal_px(shot, 10), focal_px(shot, 11)) == (FOCAL, 2 * FOCAL)
    model = DepthPro(Known(predicted_depth=1 / scene()), USUAL)
    model.start(shot)
    frames = [PassFrame(frame=number, picture=soft_picture(0)) for number in (10, 11)]
    near, far = (one["depth"] for one in model.infer(frames, None)[0])
    assert far / near == pytest.approx(2.0, rel=1e-5)


def test_lidar_files_are_found_by_number_and_read_in_metres(tmp_path: Path) -> None:
    depth = np.full((6, 8), 2.5, dtype=np.float32)
    write_exr(tmp_path / "d_1011.exr", {"Z": depth})
    cv2.imwrite(str(tmp_path / "d_1012.png"), np.full((6, 8), 2500, dtype=np.uint16))
    (tmp_path / "notes_3.txt").write_text("no depth")
    prompts = LidarFolder(tmp_path, 1001, 0.001)
    prompts.start(shot_of(2))
    for number in (10, 11):
        found = prompts.of(PassFrame(frame=number, picture=soft_picture(0)))
        assert found == pytest.approx(depth, abs=1e-6)
        assert found.dtype == np.float32
    with pytest.raises(InputError, match=r"1 frames of the shot, the first is frame 12"):
        prompts.start(shot_of(3))
    # Control: numbered as if the film began at 0.
    with pytest.raises(InputError, match="option 'first'"):
        LidarFolder(tmp_path, 0, 0.001).start(shot_of(2))


def test_folders_without_lidar_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        LidarFolder(tmp_path / "absent", 0, 0.001)
    with pytest.raises(InputError, match="holds no numbered"):
        LidarFolder(tmp_path, 0, 0.001)


def test_gaps_in_prompts_take_the_nearest_depth() -> None:
    prompt = np.array([[1.0, 0.0, 0.0, 3.0], [np.nan, 0.0, -1.0, 3.0]], dtype=np.float32)
    assert filled(prompt).tolist() == [[1, 1, 3, 3], [1, 1, 3, 3]]
    with pytest.raises(InputError, match="unknown everywhere"):
        filled(np.zeros((3, 4), dtype=np.float32))


def test_without_lidar_the_solved_scene_prompts() -> None:
    prompts = ProxyPrompts(1)
    prompts.start(shot_of(2, source="given"))
    depth = prompts.of(PassFrame(frame=10, picture=soft_picture(0)))
    # A level camera 1.5 m above the floor: z = 1.5 m * f / (y - cy) below the horizon.
    rows = (np.arange(depth.shape[0]) + 0.5) * HEIGHT / depth.shape[0]
    below = rows > HEIGHT / 2 + 5
    wanted = 1.5 * FOCAL / (rows[below] - HEIGHT / 2)
    assert depth[below, depth.shape[1] // 2] == pytest.approx(wanted, rel=0.1)
    assert not np.isfinite(depth[: depth.shape[0] // 3]).any()


def test_prompts_reach_the_network() -> None:
    class Flat:
        def start(self, shot: object) -> None:
            del shot

        def of(self, frame: PassFrame) -> np.ndarray:
            return np.array([[float(frame.frame), 0.0]], dtype=np.float32)

    network = Known(predicted_depth=scene())
    model = PromptDepth(network, PLAIN, Flat())
    model.start(shot_of(2))
    frames = [PassFrame(frame=n, picture=soft_picture(n)) for n in (10, 11)]
    answers, _ = model.infer(frames, None)
    asked = network.asked["prompt_depth"]
    assert asked.shape == (2, 1, 1, 2)
    assert asked[:, 0, 0, 1].tolist() == [10, 11]
    assert model.depth_space == "metric"
    assert answers[0]["depth"] == pytest.approx(scene(), abs=1e-4)
