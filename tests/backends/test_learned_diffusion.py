"""Marigold and DepthCrafter with random weights: saved, loaded, run, continued."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_depth
import tiny_diffusion
from depth_cases import HEIGHT, WIDTH, shot_of, soft_frames, soft_picture

from choreoscope.capture.passes.answers import checked
from choreoscope.capture.passes.interfaces import Recurrent, Windows
from choreoscope.capture.passes.origin import origin_of
from choreoscope.datatypes.errors import InputError, WeightsError
from choreoscope.datatypes.models import RunSettings, Tier
from choreoscope.pipeline import backends

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")


def opened(task: str, name: str, options: Mapping[str, Any]) -> Any:
    model = backends.load(backends.backend(task, name), RunSettings(workers=1), options)
    model.start(shot_of(3))
    return model


@pytest.fixture(scope="module")
def brought(tmp_path_factory: pytest.TempPathFactory) -> Mapping[tuple[str, str], dict[str, Any]]:
    return {
        key: build(tmp_path_factory.mktemp("-".join(key)))
        for key, build in tiny_diffusion.BUILDERS.items()
    }


@pytest.fixture(scope="module")
def marigold(brought: Mapping[tuple[str, str], dict[str, Any]]) -> Any:
    return opened("depth", "marigold", brought["depth", "marigold"])


@pytest.fixture(scope="module")
def crafter(brought: Mapping[tuple[str, str], dict[str, Any]]) -> Any:
    return opened("depth", "depthcrafter", brought["depth", "depthcrafter"])


def same_weights(network: Any, file: Path) -> bool:
    from safetensors.numpy import load_file

    stored, held = load_file(file), network.state_dict()
    return len(stored) > 20 and all(np.array_equal(held[k].numpy(), v) for k, v in stored.items())


def copied(options: Mapping[str, Any], folder: Path) -> Path:
    source = Path(options["weights"])
    for file in source.rglob("*.*"):
        place = folder / file.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.read_bytes())
    return folder


def test_marigold_answers_affine_depth(marigold: Any) -> None:
    assert isinstance(marigold.feeding, Recurrent)
    assert marigold.depth_space == "affine"
    answers, state = marigold.infer(soft_frames(2), None)
    for answer in answers:
        assert answer["depth"].shape == (HEIGHT, WIDTH)
        assert answer["depth"].dtype == np.float32
        assert 0 <= answer["depth"].min() < answer["depth"].max() <= 1
    assert set(state) == {"latent"}
    assert state["latent"].dtype == np.float32
    assert marigold.model_cpu_seconds > 0


def test_marigold_continues_from_its_state(marigold: Any) -> None:
    frames = soft_frames(3)
    whole, last = marigold.infer(frames, None)
    first, state = marigold.infer(frames[:1], None)
    rest, end = marigold.infer(frames[1:], state)
    for one, other in zip(whole, [*first, *rest], strict=True):
        assert np.array_equal(one["depth"], other["depth"])
    assert np.array_equal(last["latent"], end["latent"])
    # Control: the state matters, and so does the order.
    alone, _ = marigold.infer(frames[1:2], None)
    assert np.abs(alone[0]["depth"] - whole[1]["depth"]).max() > 1e-4
    # The state of a film of another size is no state.
    other, _ = marigold.infer(frames[1:2], {"latent": np.zeros((4, 2, 2), dtype=np.float32)})
    assert np.array_equal(other[0]["depth"], alone[0]["depth"])


def test_marigold_draws_the_same_noise_whoever_drew_before(marigold: Any) -> None:
    frames = soft_frames(1)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one = marigold.infer(frames, None)[0][0]["depth"]
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    assert np.array_equal(marigold.infer(frames, None)[0][0]["depth"], one)


def test_marigolds_weights_come_back_and_holes_are_refused(
    marigold: Any, brought: Mapping[tuple[str, str], dict[str, Any]], tmp_path: Path
) -> None:
    from safetensors.numpy import load_file, save_file

    options = brought["depth", "marigold"]
    file = "unet/diffusion_pytorch_model.safetensors"
    assert same_weights(marigold.network.pipeline.unet, Path(options["weights"]) / file)
    stored = load_file(copied(options, tmp_path) / file)
    save_file(dict(list(stored.items())[1:]), tmp_path / file, metadata={"format": "pt"})
    with pytest.raises(WeightsError, match="UNet2DConditionModel"):
        opened("depth", "marigold", tiny_depth.options(tmp_path))
    with pytest.raises(WeightsError, match="MarigoldDepthPipeline, got MarigoldNormalsPipeline"):
        opened("depth", "marigold", brought["normals", "marigold"])
    with pytest.raises(InputError, match="steadiness"):
        opened("depth", "marigold", options | {"steadiness": 1.0})


def test_marigold_normals_keep_the_pipelines_axes(
    brought: Mapping[tuple[str, str], dict[str, Any]],
) -> None:
    model = opened("normals", "marigold", brought["normals", "marigold"])
    frame = soft_frames(1)[0]
    normals = model.infer([frame], None)[0][0]["normals"]
    assert normals.shape == (HEIGHT, WIDTH, 3)
    assert np.linalg.norm(normals, axis=-1) == pytest.approx(1.0, abs=1e-5)
    raw = model.network([frame], None)[0][0]
    raw = raw / np.linalg.norm(raw, axis=-1, keepdims=True)
    assert normals == pytest.approx(raw, abs=1e-5)
    assert backends.backend("normals", "marigold").licence.tier == Tier.ASK


def test_depthcrafter_answers_for_a_stretch(crafter: Any) -> None:
    assert crafter.feeding == Windows(length=3, overlap=1, join="align")
    assert crafter.depth_space == "affine_inverse"
    frames = soft_frames(3)
    answers, _ = crafter.infer(frames, None)
    again, _ = crafter.infer(frames, None)
    for one, other in zip(answers, again, strict=True):
        assert one["depth"].shape == (HEIGHT, WIDTH)
        assert one["depth"].dtype == np.float32
        assert 0 <= one["depth"].min() < one["depth"].max() <= 1
        assert np.array_equal(one["depth"], other["depth"])
    assert crafter.infer(frames[:2], None)[0][1]["depth"].shape == (HEIGHT, WIDTH)
    assert backends.backend("depth", "depthcrafter").licence.tier == Tier.RESEARCH


def test_depthcrafter_tells_every_frame_of_its_own_picture(crafter: Any) -> None:
    from choreoscope.backends.depth.networks.crafter import tell_frames

    unet = crafter.networks.unet
    generator = torch.Generator().manual_seed(3)
    latents = torch.randn((1, 3, 8, 8, 8), generator=generator)
    told = torch.randn((3, 1, 16), generator=generator)

    def answer(embeddings: Any) -> Any:
        with torch.inference_mode(), tell_frames(unet, embeddings):
            return unet(
                latents, 1.0, encoder_hidden_states=told[:1], added_time_ids=torch.ones(1, 3)
            ).sample

    with torch.inference_mode():
        plain = unet(
            latents, 1.0, encoder_hidden_states=told[:1], added_time_ids=torch.ones(1, 3)
        ).sample
    # All told the same: what the library's own network does.
    assert torch.equal(answer(told[:1].expand(3, 1, 16)), plain)
    # The last frame told of another picture: an answer that one embedding for all cannot give.
    changed = answer(torch.cat([told[:1], told[:1], told[2:]]))
    assert (changed - plain)[0, 2].abs().max() > 1e-3
    assert (changed - plain)[0, 2].abs().mean() > (changed - plain)[0, 0].abs().mean()
    # The hooks are gone afterwards.
    with torch.inference_mode():
        again = unet(
            latents, 1.0, encoder_hidden_states=told[:1], added_time_ids=torch.ones(1, 3)
        ).sample
    assert torch.equal(again, plain)


def test_depthcrafters_small_pictures_are_stable_video_diffusions() -> None:
    from diffusers.pipelines.stable_video_diffusion import pipeline_stable_video_diffusion as svd

    from choreoscope.backends.depth.networks.crafter import CLIP_MEAN, CLIP_STD, _for_clip

    picture = soft_picture(4, 576, 1024).astype(np.float32) / 255
    tensor = torch.from_numpy(picture).permute(2, 0, 1)[None]
    theirs = svd._resize_with_antialiasing(tensor * 2 - 1, (224, 224))[0].numpy() / 2 + 0.5
    ours = _for_clip(picture) * np.array(CLIP_STD)[:, None, None]
    ours = ours + np.array(CLIP_MEAN)[:, None, None]
    assert np.abs(ours - theirs).max() < 1e-3


def test_depthcrafters_weights_are_checked(
    crafter: Any, brought: Mapping[tuple[str, str], dict[str, Any]], tmp_path: Path
) -> None:
    options = brought["depth", "depthcrafter"]
    file = "unet/diffusion_pytorch_model.safetensors"
    assert same_weights(crafter.networks.unet, Path(options["weights"]) / file)
    for lost in ("scheduler/scheduler_config.json", "image_encoder/config.json"):
        folder = copied(options, tmp_path / lost.partition("/")[0])
        (folder / lost).unlink()
        with pytest.raises(WeightsError, match=lost.partition("/")[0]):
            opened("depth", "depthcrafter", tiny_depth.options(folder))
    swapped = copied(options, tmp_path / "swapped")
    (swapped / "unet/config.json").write_bytes((swapped / "vae/config.json").read_bytes())
    with pytest.raises(WeightsError, match="got AutoencoderKLTemporalDecoder"):
        opened("depth", "depthcrafter", tiny_depth.options(swapped))
    with pytest.raises(InputError, match="cannot share"):
        opened("depth", "depthcrafter", options | {"length": 3, "overlap": 3})


@pytest.mark.parametrize("key", sorted(tiny_diffusion.BUILDERS))
def test_the_framework_accepts_the_answers(
    key: tuple[str, str], brought: Mapping[tuple[str, str], dict[str, Any]]
) -> None:
    task, name = key
    model = opened(task, name, brought[key])
    frame = soft_frames(1)[0]
    answers, _ = model.infer([frame], None)
    assert checked(answers[0], (WIDTH, HEIGHT), frame.frame, model, task)
    assert origin_of(model) == {"origin": name}
