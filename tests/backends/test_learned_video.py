"""Depth of stretches from an exported file: TorchScript and ONNX."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_depth
from depth_cases import HEIGHT, WIDTH, shot_of, soft_frames

from choreoscope.backends.depth.video_depth_anything import working_size
from choreoscope.capture.passes.interfaces import PassFrame, Windows
from choreoscope.datatypes.errors import InputError, WeightsError
from choreoscope.datatypes.models import RunSettings, Tier
from choreoscope.pipeline import backends

pytest.importorskip("torch")

SPEC = backends.backend("depth", "video_depth_anything")


def opened(options: dict[str, Any]) -> Any:
    model = backends.load(SPEC, RunSettings(workers=1), options)
    model.start(shot_of(4))
    return model


def onnx_file(folder: Path, shape: tuple[int | str, ...]) -> dict[str, Any]:
    """As the TorchScript one, brightness of each frame: larger is nearer."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    floats = onnx.TensorProto.FLOAT
    node = onnx.helper.make_node("ReduceMean", ["film"], ["depth"], axes=[2], keepdims=0)
    answer = (*shape[:2], *shape[3:])
    graph = onnx.helper.make_graph(
        [node],
        "net",
        [onnx.helper.make_tensor_value_info("film", floats, shape)],
        [onnx.helper.make_tensor_value_info("depth", floats, answer)],
    )
    opset = onnx.helper.make_opsetid("", 17)
    path = folder / "video.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=9), path)
    return tiny_depth.options(path)


def test_a_torchscript_file_answers_for_a_stretch(tmp_path: Path) -> None:
    model = opened(tiny_depth.video_depth_anything(tmp_path))
    assert model.feeding == Windows(length=32, overlap=10, join="align")
    assert model.depth_space == "affine_inverse"
    frames = soft_frames(4)
    answers, state = model.infer(frames, None)
    assert len(answers) == 4
    assert not state
    for frame, answer in zip(frames, answers, strict=True):
        depth = answer["depth"]
        assert depth.shape == (HEIGHT, WIDTH)
        assert depth.dtype == np.float32
        # The stand-in answers the brightness, so what is brighter must come out larger.
        grey = frame.picture.mean(axis=-1)
        assert np.corrcoef(depth.ravel(), grey.ravel())[0, 1] > 0.9
    again, _ = model.infer(frames, None)
    assert all(np.array_equal(a["depth"], b["depth"]) for a, b in zip(answers, again, strict=True))
    # Control: frames in another order give other answers.
    turned, _ = model.infer(frames[::-1], None)
    assert not np.allclose(turned[0]["depth"], answers[0]["depth"])


def test_an_onnx_file_says_its_own_size(tmp_path: Path) -> None:
    model = opened(onnx_file(tmp_path, (1, 32, 3, 28, 42)))
    depth = model.infer(soft_frames(2), None)[0][1]["depth"]
    assert depth.shape == (HEIGHT, WIDTH)
    assert model.network.size == (28, 42)


def test_an_onnx_file_of_any_size_runs_at_its_makers(tmp_path: Path) -> None:
    model = opened(onnx_file(tmp_path, (1, "frames", 3, "height", "width")))
    assert model.network.size is None
    assert working_size((1080, 1920)) == (518, 924)
    assert working_size((1920, 1080)) == (924, 518)
    # Wider than 16:9, the shorter side gives way.
    assert working_size((800, 1920)) == (378, 910)


@pytest.mark.parametrize("shape", [(1, 16, 3, 28, 42), (1, 3, 28, 42)])
def test_onnx_files_of_other_shapes_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    options = onnx_file(tmp_path, shape)
    with pytest.raises(WeightsError, match=r"expected one input \(1, 32, 3, h, w\)"):
        opened(options)


def test_a_file_that_answers_otherwise_is_refused(tmp_path: Path) -> None:
    import warnings

    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(torch.nn.ReLU(), torch.zeros(1)).save(str(tmp_path / "relu.pt"))
    model = opened(tiny_depth.options(tmp_path / "relu.pt", height=28, width=42))
    with pytest.raises(WeightsError, match="it answers"):
        model.infer(soft_frames(1), None)


def test_a_size_it_was_not_exported_for_is_named(tmp_path: Path) -> None:
    model = opened(onnx_file(tmp_path, (1, 32, 3, 28, 42)) | {"height": 42, "width": 42})
    with pytest.raises(WeightsError, match="options 'height' and 'width'"):
        model.infer(soft_frames(1), None)


def test_the_small_back_end_takes_only_small_networks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = backends.backend("depth", "video_depth_anything_small")
    one = RunSettings(workers=1)
    assert spec.licence.tier == Tier.COMMERCIAL
    options = tiny_depth.video_depth_anything(tmp_path)
    model = backends.load(spec, one, options)
    assert model.network.weight_count == 1
    assert model.origin == spec.name
    with pytest.raises(WeightsError, match=r"expected a file .pt"):
        backends.load(spec, one, onnx_file(tmp_path, (1, 32, 3, 28, 42)))
    monkeypatch.setattr("choreoscope.backends.depth.video_depth_anything_small.MOST", 0)
    with pytest.raises(WeightsError, match="video_depth_anything takes every size"):
        backends.load(spec, one, options)


def test_options(tmp_path: Path) -> None:
    options = tiny_depth.video_depth_anything(tmp_path)
    assert opened(options | {"metric": True}).depth_space == "metric"
    with pytest.raises(InputError, match="multiples of 14"):
        opened(options | {"height": 30})
    assert SPEC.licence.tier == Tier.RESEARCH
    assert isinstance(soft_frames(1)[0], PassFrame)
