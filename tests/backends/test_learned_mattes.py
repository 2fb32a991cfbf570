"""Mattes from files: loaded as saved, prepared as published, continued, and others refused."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_mattes
from depth_cases import HEIGHT, WIDTH, shot_of, soft_frames, soft_picture
from tiny_depth import options

from choreoscope.backends.bodypix_network.network import PART_NAMES, SIZE
from choreoscope.backends.matte.background_matting_v2 import coarse_scale
from choreoscope.backends.matte.modnet import prepared, working_size
from choreoscope.backends.matte.robust_video_matting import STATES, body_ratio
from choreoscope.capture.passes.interfaces import CropBatch, Frames, PassFrame, Recurrent
from choreoscope.capture.passes.running import run_frames
from choreoscope.datatypes.errors import InputError, WeightsError
from choreoscope.datatypes.models import RunSettings, Tier
from choreoscope.formats.pictures import write_png
from choreoscope.pipeline.backends import backend

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

ONE = RunSettings(workers=1)
COUNT = 6
Build = Callable[[Path], dict[str, Any]]
both_rvm = pytest.mark.parametrize("build", [tiny_mattes.rvm_script, tiny_mattes.rvm_onnx])


def opened(name: str, chosen: dict[str, Any], task: str = "matte") -> Any:
    return backend(task, name).load({}, ONE, chosen)


def through(model: Any, batch: int = 2) -> list[np.ndarray]:
    film = run_frames(model, soft_frames(COUNT), shot_of(COUNT), batch=batch)
    return [answer["alpha"] for _, answer in film]


def film() -> np.ndarray:
    return np.stack([frame.picture for frame in soft_frames(COUNT)]).astype(np.float32) / 255


def test_rvm_weights_are_the_saved_ones(tmp_path: Path) -> None:
    model = opened("robust_video_matting", tiny_mattes.rvm_script(tmp_path))
    made = tiny_mattes.recurrent().state_dict()
    loaded = model.network.module.state_dict()
    assert set(made) == set(loaded)
    for name, value in made.items():
        np.testing.assert_array_equal(loaded[name].numpy(), value.numpy())


@both_rvm
def test_rvm_chunks_change_nothing(build: Build, tmp_path: Path) -> None:
    model = opened("robust_video_matting", build(tmp_path))
    assert isinstance(model.feeding, Recurrent)
    whole, state = model.infer(soft_frames(COUNT), None)
    held = None
    for frame, expected in zip(soft_frames(COUNT), whole, strict=True):
        (answer,), held = model.infer([frame], held)
        for name, value in expected.items():
            np.testing.assert_allclose(answer[name], value, atol=1e-6)
    assert set(held) == set(state) == set(STATES)
    for name in STATES:
        np.testing.assert_allclose(held[name], state[name], atol=1e-6)
        assert np.ptp(state[name]) > 0.01, "a state that says nothing proves nothing"
    # Control: without the state, frames are answered otherwise.
    (alone,), _ = model.infer(soft_frames(COUNT)[-1:], None)
    assert np.abs(alone["alpha"] - whole[-1]["alpha"]).max() > 0.01
    for size in (1, 3):
        for one, other in zip(through(model, size), through(model, COUNT), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)


@both_rvm
def test_rvm_begins_anew_with_a_shot(build: Build, tmp_path: Path) -> None:
    chosen = build(tmp_path)
    used = opened("robust_video_matting", chosen)
    through(used)
    for one, other in zip(
        through(used), through(opened("robust_video_matting", chosen)), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_rvm_states_lie_at_their_strides(tmp_path: Path) -> None:
    chosen = tiny_mattes.rvm_script(tmp_path)
    _, state = opened("robust_video_matting", chosen).infer(soft_frames(1), None)
    inner = (HEIGHT // 2, WIDTH // 2)
    for place, name in enumerate(STATES):
        stride = 2 << place
        size = tuple(-(-side // stride) for side in inner)
        assert state[name].shape == (1, place + 2, *size)
    # The ratio chosen by itself: small pictures are not shrunk.
    _, state = opened("robust_video_matting", chosen | {"ratio": 0.0}).infer(soft_frames(1), None)
    assert state["r1"].shape[2:] == (HEIGHT // 2, WIDTH // 2)


@pytest.mark.parametrize(
    ("size", "ratio"),
    [((512, 512), 1.0), ((720, 1280), 0.6), ((1080, 1920), 0.4), ((2160, 3840), 0.2)],
)
def test_rvm_ratio_is_the_one_for_whole_bodies(size: tuple[int, int], ratio: float) -> None:
    assert body_ratio(size) == pytest.approx(ratio)
    assert body_ratio(size[::-1]) == pytest.approx(ratio)


def test_rvm_onnx_remembers_as_its_graph_says(tmp_path: Path) -> None:
    chosen = tiny_mattes.rvm_onnx(tmp_path)
    answers, _ = opened("robust_video_matting", chosen | {"ratio": 0.5}).infer(
        soft_frames(COUNT), None
    )
    held = np.zeros((4, HEIGHT, WIDTH), np.float32)
    keep = np.array([0.2, 0.4, 0.6, 0.8])[:, None, None]
    for picture, answer in zip(film(), answers, strict=True):
        grey = picture.mean(axis=-1)
        held = keep * held + 0.5 * grey
        np.testing.assert_allclose(answer["alpha"], (grey + held.sum(0)) / 10, atol=1e-5)
        # The colours come as the network gives them, not multiplied by alpha.
        np.testing.assert_allclose(answer["foreground"], 1 - picture, atol=1e-6)


def test_rvm_is_primed_backwards(tmp_path: Path) -> None:
    chosen = tiny_mattes.rvm_script(tmp_path)
    plain = through(opened("robust_video_matting", chosen | {"prime": 0}))
    primed = through(opened("robust_video_matting", chosen | {"prime": 4}))
    assert np.abs(plain[0] - primed[0]).max() > 0.01
    model = opened("robust_video_matting", chosen)
    _, state = model.infer(soft_frames(4)[::-1], None)
    answers, _ = model.infer(soft_frames(COUNT), state)
    for one, answer in zip(primed, answers, strict=True):
        np.testing.assert_allclose(one, answer["alpha"], atol=1e-6)


def test_files_of_other_networks_are_refused(tmp_path: Path) -> None:
    import torch

    other = tiny_mattes.modnet(tmp_path)
    del other["side"]
    with pytest.raises(WeightsError, match=r"no Robust Video Matting: it has no src, r1i"):
        opened("robust_video_matting", other)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(torch.nn.ReLU(), torch.zeros(1)).save(str(tmp_path / "relu.pt"))
    relu = options(tmp_path / "relu.pt")
    with pytest.raises(WeightsError, match="does not take what it is given"):
        opened("robust_video_matting", relu).infer(soft_frames(1), None)
    with pytest.raises(WeightsError, match="no Background Matting V2: it has no backbone_scale"):
        opened("background_matting_v2", relu)
    with pytest.raises(WeightsError, match=r"is no MODNet: expected alpha \(1, 1, 512, 768\)"):
        opened("modnet", relu).infer(soft_frames(1), None)
    (tmp_path / "rvm.bin").write_bytes(b"anything")
    with pytest.raises(WeightsError, match=r"expected a file .pt or .pth or .torchscript or .onnx"):
        opened("robust_video_matting", options(tmp_path / "rvm.bin"))


both_plates = pytest.mark.parametrize(
    "build", [tiny_mattes.background_matting, tiny_mattes.background_matting_onnx]
)


@both_plates
def test_what_differs_from_the_plate_is_the_matte(build: Build, tmp_path: Path) -> None:
    chosen = build(tmp_path)
    plate = soft_picture(99)
    write_png(tmp_path / "here.png", plate)
    model = opened("background_matting_v2", chosen | {"plate": str(tmp_path / "here.png")})
    assert isinstance(model.feeding, Frames)
    model.start(shot_of(COUNT))
    empty = PassFrame(frame=9, picture=plate)
    answers, _ = model.infer([*soft_frames(2), empty], None)
    gain = 1 if model.network.is_onnx else 4
    for picture, answer in zip(film()[:2], answers[:2], strict=True):
        apart = np.abs(picture - plate.astype(np.float32) / 255).mean(axis=-1)
        np.testing.assert_allclose(answer["alpha"], np.clip(gain * apart, 0, 1), atol=1e-5)
        np.testing.assert_allclose(answer["foreground"], np.clip(1.2 * picture, 0, 1), atol=1e-5)
    assert answers[-1]["alpha"].max() < 1e-6, "nobody stands before an empty stage"


def test_a_torchscript_file_is_told_how_coarse_to_look(tmp_path: Path) -> None:
    chosen = tiny_mattes.background_matting(tmp_path)
    write_png(tmp_path / "here.png", soft_picture(99))
    chosen["plate"] = str(tmp_path / "here.png")
    model = opened("background_matting_v2", chosen)
    model.start(shot_of(1))
    assert model.network.module.backbone_scale == 0.5
    assert model.network.module.refine_mode == "sampling"
    assert model.network.module.refine_sample_pixels == round(80_000 * 90 * 60 / (1920 * 1080))
    given = opened("background_matting_v2", chosen | {"scale": 0.125})
    given.start(shot_of(1))
    assert given.network.module.backbone_scale == 0.125
    assert coarse_scale((1080, 1920)) == 0.25
    assert coarse_scale((2160, 3840)) == 0.125


def test_without_a_plate_the_next_step_is_told(tmp_path: Path) -> None:
    chosen = tiny_mattes.background_matting(tmp_path)
    with pytest.raises(InputError, match=r"picture of the empty stage: set its option 'plate'"):
        opened("background_matting_v2", chosen | {"plate": ""})
    with pytest.raises(InputError, match=r"plate .+ is 61x47, the film 90x60"):
        opened("background_matting_v2", chosen).start(shot_of(1))
    write_png(tmp_path / "grey.png", soft_picture(1)[..., :1])
    with pytest.raises(InputError, match="expected a colour picture"):
        opened("background_matting_v2", chosen | {"plate": str(tmp_path / "grey.png")})
    with pytest.raises(InputError, match=r"scale must be 0 to 0\.5"):
        opened("background_matting_v2", chosen | {"scale": 0.7})


@pytest.mark.parametrize("build", [tiny_mattes.modnet, tiny_mattes.modnet_script])
def test_modnet_looks_at_the_size_its_makers_chose(build: Build, tmp_path: Path) -> None:
    assert working_size((1080, 1920), 512) == (512, 896)
    assert working_size((1920, 1080), 512) == (896, 512)
    assert working_size((480, 640), 512) == (480, 640)
    assert working_size((300, 400), 512) == (512, 672)
    white = np.full((40, 40, 3), 255, np.uint8)
    assert prepared(white, (32, 32)).min() == 1
    assert prepared(0 * white, (32, 32)).max() == -1
    model = opened("modnet", build(tmp_path))
    answers, _ = model.infer(soft_frames(1), None)
    assert answers[0]["alpha"].shape == (HEIGHT, WIDTH)
    assert np.ptp(answers[0]["alpha"]) > 0.1


def crops(size: tuple[int, int], count: int = 2) -> CropBatch:
    """Ramps: their mean over any symmetric place is what they are there."""
    y, x = np.mgrid[: size[0], : size[1]]
    ramp = np.stack([x / size[1], y / size[0], (x + y) / sum(size)], axis=-1).astype(np.float32)
    pictures = np.stack([ramp * (place + 1) / count for place in range(count)])
    return CropBatch(pictures=pictures, focal_px=np.full(count, 900.0), people=("p1", "p2"))


def logistic(values: np.ndarray) -> np.ndarray:
    found: np.ndarray = 1 / (1 + np.exp(-values))
    return found


def test_selfie_segmentation_takes_crops_as_they_are(tmp_path: Path) -> None:
    model = opened("selfie_segmentation", tiny_mattes.selfie(tmp_path))
    batch = crops(model.feeding.size)
    weights = np.random.default_rng(6).normal(0, 3, (3, 1)).astype(np.float32)
    expected = logistic(batch.pictures @ weights)[..., 0]
    np.testing.assert_allclose(model.infer_crops(batch)["alpha"], expected, atol=1e-5)
    with pytest.raises(WeightsError, match="is no selfie segmentation"):
        opened("selfie_segmentation", tiny_mattes.bodypix(tmp_path))


def test_bodypix_answers_lie_where_they_were_seen(tmp_path: Path) -> None:
    chosen = tiny_mattes.bodypix(tmp_path)
    draw = np.random.default_rng(7)
    outline = draw.normal(0, 2, (1, 3, 1, 1)).astype(np.float32)[0, :, 0, 0]
    parts = draw.normal(0, 2, (24, 3, 1, 1)).astype(np.float32)[:, :, 0, 0]
    batch = crops(SIZE)
    given = 2 * batch.pictures - 1
    # On ramps, what is seen at every sixteenth pixel says what lies between; half a cell's shift
    # would show.
    matte = opened("bodypix", chosen).infer_crops(batch)["alpha"]
    np.testing.assert_allclose(matte, logistic(given @ outline), atol=2e-5)
    shifted = np.roll(given, 8, axis=2)
    assert np.abs(matte - logistic(shifted @ outline)).max() > 0.01
    scores = opened("bodypix", chosen, "parts").infer_crops(batch)["scores"]
    assert scores.shape == (2, 25, *SIZE)
    own = np.moveaxis(given @ parts.T, -1, 1)
    np.testing.assert_allclose(scores[:, 0], 0)
    np.testing.assert_allclose(scores[:, 1:].max(axis=1), given @ outline, atol=1e-4)
    clear = np.sort(own, axis=1)[:, -1] - np.sort(own, axis=1)[:, -2] > 1e-3
    same = scores[:, 1:].argmax(axis=1) == own.argmax(axis=1)
    assert same[clear].all()
    with pytest.raises(WeightsError, match="is no BodyPix"):
        opened("bodypix", tiny_mattes.bodypix(tmp_path, parts=23), "parts")


def test_the_small_networks_are_pinned() -> None:
    for task, name in (
        ("matte", "selfie_segmentation"),
        ("matte", "bodypix"),
        ("parts", "bodypix"),
    ):
        spec = backend(task, name)
        assert spec.options is not None
        assert len(spec.options().sha256) == 64
        assert spec.extra == "onnx"
        assert spec.licence.tier == Tier.COMMERCIAL
    assert len(set(PART_NAMES)) == 24
    assert backend("matte", "robust_video_matting").licence.tier == Tier.ASK


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("robust_video_matting", {"ratio": 1.5}),
        ("robust_video_matting", {"prime": -1}),
        ("modnet", {"side": 8}),
        ("sam2", {"reseed": -1}),
        ("selfie_segmentation", {"prime": 1}),
    ],
)
def test_options_out_of_range_are_refused(name: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        opened(name, wrong)
