"""Every learned depth back end of one picture, with random weights: saved, loaded, run."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_depth
from depth_cases import FOCAL, HEIGHT, WIDTH, shot_of, soft_frames, soft_picture

from choreoscope.backends.depth.networks.hub import run_precisely
from choreoscope.capture.passes.answers import checked
from choreoscope.capture.passes.interfaces import Frames, PassFrame
from choreoscope.capture.passes.origin import origin_of
from choreoscope.datatypes.errors import WeightsError
from choreoscope.datatypes.models import RunSettings, Tier
from choreoscope.pipeline import backends
from choreoscope.pipeline.weights.brought import digest_of

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

ONE = RunSettings(workers=1)
HUB = [name for _, name in tiny_depth.BUILDERS if not name.startswith("video")]
SPACES = {
    "depth_anything_v2": "affine_inverse",
    "depth_anything_v2_small": "affine_inverse",
    "depth_anything_v2_metric": "metric",
    "prompt_depth_anything": "metric",
    "dpt": "affine_inverse",
    "zoedepth": "metric",
    "depth_pro": "scale",
}
TIERS = {"depth_anything_v2": Tier.RESEARCH, "depth_anything_v2_small": Tier.COMMERCIAL}


@pytest.fixture(scope="module")
def brought(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, dict[str, Any]]:
    found = {}
    for (_, name), build in tiny_depth.BUILDERS.items():
        found[name] = build(tmp_path_factory.mktemp(name))
    found["prompt_depth_anything"]["prompts"] = str(prompts(tmp_path_factory.mktemp("lidar")))
    return found


def prompts(folder: Path) -> Path:
    import cv2

    rng = np.random.default_rng(7)
    for number in (10, 11, 12):
        depth = rng.integers(1500, 4000, (12, 16)).astype(np.uint16)
        cv2.imwrite(str(folder / f"depth_{number:06d}.png"), depth)
    return folder


def opened(name: str, options: Mapping[str, Any]) -> Any:
    return backends.load(backends.backend("depth", name), ONE, options)


@pytest.fixture(scope="module")
def models(brought: Mapping[str, dict[str, Any]]) -> Mapping[str, Any]:
    torch.set_num_threads(1)
    loaded = {name: opened(name, brought[name]) for name in brought}
    for model in loaded.values():
        model.start(shot_of(3))
    return loaded


@pytest.mark.parametrize("name", HUB)
def test_answers_are_depth_at_the_frames_size(name: str, models: Mapping[str, Any]) -> None:
    model = models[name]
    assert model.depth_space == SPACES[name]
    assert isinstance(model.feeding, Frames)
    before = model.model_cpu_seconds
    answers, state = model.infer(soft_frames(2), None)
    assert not state
    assert model.model_cpu_seconds > before
    for answer in answers:
        depth = answer["depth"]
        assert depth.shape == (HEIGHT, WIDTH)
        assert depth.dtype == np.float32
        known = depth[np.isfinite(depth)]
        assert known.size > depth.size / 2
        assert known.min() >= 0
        assert known.std() > 0
    # The frames differ, and so must the answers.
    assert np.nanmax(np.abs(answers[0]["depth"] - answers[1]["depth"])) > 0


@pytest.mark.parametrize("name", HUB)
def test_batches_and_runs_do_not_matter(name: str, models: Mapping[str, Any]) -> None:
    model, frames = models[name], soft_frames(2)
    together, _ = model.infer(frames, None)
    again, _ = model.infer(frames, None)
    for at, frame in enumerate(frames):
        alone = model.infer([frame], None)[0][0]
        for key, one in together[at].items():
            scale = max(1.0, float(np.nanmax(np.abs(one))))
            assert np.array_equal(one, again[at][key], equal_nan=True)
            assert np.nanmax(np.abs(one - alone[key])) <= 1e-5 * scale
            assert np.array_equal(np.isnan(one), np.isnan(alone[key]))


@pytest.mark.parametrize("name", HUB)
def test_weights_come_back_bit_for_bit(
    name: str, models: Mapping[str, Any], brought: Mapping[str, dict[str, Any]], tmp_path: Path
) -> None:
    """Written again, they are the same file's: names on the disk are the library's business."""
    from safetensors.numpy import load_file

    stored = load_file(Path(brought[name]["weights"]) / "model.safetensors")
    again = load_file(tiny_depth.saved(models[name].network.module, tmp_path) / "model.safetensors")
    assert len(stored) > 20
    assert stored.keys() == again.keys()
    for key, one in stored.items():
        assert np.array_equal(again[key], one), key


@pytest.mark.parametrize("name", HUB)
def test_terms(name: str) -> None:
    spec = backends.backend("depth", name)
    assert spec.licence.tier == TIERS.get(name, Tier.ASK)
    assert spec.weights == ()
    assert {"torch", "transformers"} <= set(spec.modules)


def test_weights_of_another_kind_are_refused(brought: Mapping[str, dict[str, Any]]) -> None:
    with pytest.raises(WeightsError, match=r"type depth_anything, got dpt"):
        opened("depth_anything_v2", brought["dpt"])
    with pytest.raises(WeightsError, match="metric weights; use depth_anything_v2_metric"):
        opened("depth_anything_v2", brought["depth_anything_v2_metric"])
    with pytest.raises(WeightsError, match="relative weights; use depth_anything_v2"):
        opened("depth_anything_v2_metric", brought["depth_anything_v2"])
    with pytest.raises(WeightsError, match=r"384 wide, got 24"):
        opened("depth_anything_v2_small", brought["depth_anything_v2"])


def test_weights_with_holes_are_refused(
    brought: Mapping[str, dict[str, Any]], tmp_path: Path
) -> None:
    """The library itself would fill a missing layer with random numbers, and only say so."""
    from safetensors.numpy import load_file, save_file

    source = Path(brought["dpt"]["weights"])
    for file in source.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    path = tmp_path / "model.safetensors"
    stored = load_file(path)
    assert opened("dpt", tiny_depth.options(tmp_path)) is not None
    save_file(dict(list(stored.items())[:-1]), path, metadata={"format": "pt"})
    with pytest.raises(WeightsError, match=r"1 weights of DPTForDepthEstimation are missing"):
        opened("dpt", tiny_depth.options(tmp_path))
    name = next(key for key, one in stored.items() if one.ndim > 1)
    save_file(stored | {name: stored[name][:-1]}, path, metadata={"format": "pt"})
    with pytest.raises(WeightsError, match=str(tmp_path)):
        opened("dpt", tiny_depth.options(tmp_path))
    path.write_bytes(b"no weights")
    with pytest.raises(WeightsError, match="does not load"):
        opened("dpt", tiny_depth.options(tmp_path))


def test_the_first_run_says_the_hash(brought: Mapping[str, dict[str, Any]]) -> None:
    options = brought["dpt"] | {"sha256": ""}
    with pytest.raises(WeightsError, match=digest_of(Path(options["weights"]))) as caught:
        opened("dpt", options)
    assert caught.value.exit_code == 3
    assert "set its option 'sha256'" in str(caught.value)
    with pytest.raises(WeightsError, match=r"get depth-anything/.*Small-hf.*'weights'"):
        opened("depth_anything_v2_small", {})


def test_a_smaller_side_is_coarser_work(brought: Mapping[str, dict[str, Any]]) -> None:
    model = opened("dpt", brought["dpt"] | {"side": 16})
    assert model.preparation.size_for((1080, 1920)) == (16, 16)
    assert model.infer(soft_frames(1), None)[0][0]["depth"].shape == (HEIGHT, WIDTH)


def test_the_files_of_the_processor_are_obeyed(
    brought: Mapping[str, dict[str, Any]], tmp_path: Path
) -> None:
    for file in Path(brought["dpt"]["weights"]).iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    path = tmp_path / "preprocessor_config.json"
    said = json.loads(path.read_text())
    path.write_text(json.dumps(said | {"resample": 0}))
    with pytest.raises(WeightsError, match="asks for filter 0"):
        opened("dpt", tiny_depth.options(tmp_path))
    path.write_text(json.dumps(said | {"do_pad": True, "size_divisor": 32}))
    with pytest.raises(WeightsError, match="padding to multiples"):
        opened("dpt", tiny_depth.options(tmp_path))
    path.unlink()
    usual = opened("dpt", tiny_depth.options(tmp_path)).preparation
    assert (usual.size, usual.keep_aspect, usual.mean) == ((384, 384), False, (0.5, 0.5, 0.5))


def test_metric_depth_ends_before_its_cap(models: Mapping[str, Any]) -> None:
    model = models["depth_anything_v2_metric"]
    raw = np.array([[1.0, 19.7, 19.81, 20.0]], dtype=np.float32)
    frame = PassFrame(frame=10, picture=np.zeros((1, 4, 3), dtype=np.uint8))
    depth = model._answer(frame, {"predicted_depth": raw})["depth"]
    assert np.isnan(depth).tolist() == [[False, False, True, True]]


def test_a_known_lens_makes_depth_pro_metric(models: Mapping[str, Any]) -> None:
    model, frame = models["depth_pro"], soft_frames(1)[0]
    model.start(shot_of(3))
    without = model.infer([frame], None)[0][0]
    assert model.depth_space == "scale"
    model.start(shot_of(3, source="given"))
    known = model.infer([frame], None)[0][0]["depth"]
    assert model.depth_space == "metric"
    # Twice as long a lens would put everything twice as far: depth goes with the focal length.
    assert known / without["depth"] == pytest.approx(FOCAL / (0.866 * WIDTH), rel=1e-5)
    model.start(shot_of(3, source="assumed"))
    assert model.depth_space == "scale"
    assert model.infer([frame], None)[0][0]["depth"] == pytest.approx(known, rel=1e-6)
    model.start(shot_of(3))


def test_the_last_layers_run_in_full_precision(brought: Mapping[str, dict[str, Any]]) -> None:
    """On the processor's own half precision: what an accelerator does, without one."""
    model = opened("depth_anything_v2", brought["depth_anything_v2"])
    pixels = torch.from_numpy(model.preparation.prepared(soft_picture(0))[None])
    exact = model.network.module(pixel_values=pixels).predicted_depth
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        kept = model.network.module(pixel_values=pixels).predicted_depth
    assert kept.dtype == torch.float32
    near = torch.median((kept - exact).abs()) / exact.max()
    assert near < 0.05
    # Control: left in half precision, depth comes in steps of 1/256.
    plain = torch.nn.Linear(4, 1)
    given = torch.rand(1000, 4)
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        assert plain(given).dtype == torch.bfloat16
        run_precisely(plain, "cpu")
        assert plain(given.bfloat16()).dtype == torch.float32


@pytest.mark.parametrize("name", HUB)
def test_the_framework_accepts_the_answers(name: str, models: Mapping[str, Any]) -> None:
    model, frames = models[name], soft_frames(2)
    answers, _ = model.infer(frames, None)
    for frame, answer in zip(frames, answers, strict=True):
        found = checked(answer, (WIDTH, HEIGHT), frame.frame, model, "depth")
        assert found["depth"].shape == (HEIGHT, WIDTH)
    assert origin_of(model) == {"origin": name}
