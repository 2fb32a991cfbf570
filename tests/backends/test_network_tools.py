"""Devices, memory, stopwatch and brought weights of the learned back ends."""

import os
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

from choreoscope.backends.torch_models import device as devices
from choreoscope.backends.torch_models import weights as loaders
from choreoscope.backends.torch_models.device import (
    Stopwatch,
    device_for,
    dtype_for,
    guard_memory,
    threads_for,
)
from choreoscope.backends.torch_models.weights import (
    Brought,
    brought_file,
    brought_folder,
    onnx_session,
    read_options,
    run_onnx,
    script_network,
)
from choreoscope.datatypes.errors import BackendUnavailableError, InputError, WeightsError
from choreoscope.datatypes.models import RunSettings
from choreoscope.pipeline.weights.brought import digest_of

torch = pytest.importorskip("torch")
ONE = RunSettings(workers=1)


def hub_folder(folder: Path, config: str = '{"model_type": "dpt"}') -> Path:
    (folder / "config.json").write_text(config)
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


def test_the_processor_is_always_there() -> None:
    assert device_for(RunSettings(workers=4, processes=2), "cpu") == "cpu"
    assert torch.get_num_threads() == threads_for(RunSettings(workers=4, processes=2)) == 2
    assert threads_for(RunSettings(workers=1, processes=4)) == 1
    assert device_for(ONE, "auto") == ("cuda" if torch.cuda.is_available() else "cpu")
    assert dtype_for("cpu") == torch.float32


def test_a_device_that_is_not_there_is_named() -> None:
    if torch.cuda.is_available():
        pytest.skip("has one")
    with pytest.raises(BackendUnavailableError, match=r"'cuda' asked for.*option 'device'"):
        device_for(ONE, "cuda")


@pytest.mark.parametrize("words", devices.OUT_OF_MEMORY)
def test_no_memory_becomes_memory_error(words: str) -> None:
    with pytest.raises(MemoryError, match="first"), guard_memory():
        raise RuntimeError(f"first line {words}\nsecond")


def test_pytorchs_own_error_becomes_memory_error() -> None:
    with pytest.raises(MemoryError), guard_memory():
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
    with pytest.raises(MemoryError), guard_memory():
        torch.zeros(1 << 58, dtype=torch.float32)


def test_other_errors_pass() -> None:
    with pytest.raises(RuntimeError, match="sizes"), guard_memory():
        raise RuntimeError("sizes of tensors must match")
    with pytest.raises(ValueError, match="out of memory"), guard_memory():
        raise ValueError("out of memory, but not theirs")


def test_the_stopwatch_counts_work_and_not_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    # The processor's clock is played: the true one also counts threads that other tests left.
    clock = [7.0]

    def advance(seconds: float) -> float:
        clock[0] += seconds
        return clock[0]

    monkeypatch.setattr(time, "process_time", lambda: clock[0])
    watch = Stopwatch()
    with watch.running():
        time.sleep(0.001)
    assert watch.seconds == 0
    with watch.running():
        advance(0.5)
    advance(3)
    assert watch.seconds == 0.5
    with pytest.raises(ZeroDivisionError), watch.running():
        _ = advance(0.25) / 0
    assert watch.seconds == 0.75


def test_options_that_nobody_knows_are_refused() -> None:
    assert read_options(Brought, {"weights": "x"}, "dpt").weights == "x"
    with pytest.raises(InputError, match="dpt knows no option 'weight'; it has weights, sha256"):
        read_options(Brought, {"weight": "x"}, "dpt")


def test_a_folder_is_taken_by_hash_and_type(tmp_path: Path) -> None:
    folder = hub_folder(tmp_path)
    right = Brought(weights=str(folder), sha256=digest_of(folder))
    found = brought_folder(right, model="dpt", source="the hub", types=("dpt",))
    assert found == folder
    with pytest.raises(WeightsError, match=r"type zoedepth, got dpt; get the hub"):
        brought_folder(right, model="zoedepth", source="the hub", types=("zoedepth",))
    with pytest.raises(WeightsError, match="set its option 'weights'"):
        brought_folder(Brought(), model="dpt", source="the hub", types=("dpt",))
    with pytest.raises(WeightsError, match=f"has sha256 {right.sha256}.*set its option 'sha256'"):
        brought_folder(Brought(weights=str(folder)), model="dpt", source="the hub", types=("dpt",))
    # Control: one byte of the weights changed.
    (folder / "model.safetensors").write_bytes(b"Weights")
    with pytest.raises(WeightsError, match="fetch it again"):
        brought_folder(right, model="dpt", source="the hub", types=("dpt",))


@pytest.mark.parametrize("config", ["[1]", "{", ""])
def test_a_folder_without_a_readable_config_is_refused(tmp_path: Path, config: str) -> None:
    folder = hub_folder(tmp_path, config)
    with pytest.raises(WeightsError, match="config\\.json"):
        brought_folder(
            Brought(weights=str(folder), sha256=digest_of(folder)),
            model="dpt",
            source="the hub",
            types=("dpt",),
        )


def test_a_file_is_taken_by_hash_and_suffix(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(b"no network")
    right = Brought(weights=str(path), sha256=digest_of(path))
    assert brought_file(right, model="m", source="s") == path
    with pytest.raises(WeightsError, match=r"expected a file .pt, got net.onnx"):
        brought_file(right, model="m", source="s", suffixes=(".pt",))


def test_a_torchscript_file_runs_and_a_broken_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    with warnings.catch_warnings():
        # PyTorch advises its successor.
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(torch.nn.ReLU(), torch.zeros(1)), str(path))
    network = script_network(path, device="cpu")
    assert network(torch.tensor([-1.0, 2.0])).tolist() == [0.0, 2.0]
    path.write_bytes(b"no network")
    with pytest.raises(WeightsError, match="no TorchScript"):
        script_network(path, device="cpu")


def test_an_onnx_file_runs_and_a_broken_one_is_refused(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Relu", ["x"], ["y"])],
        "net",
        [value("x", onnx.TensorProto.FLOAT, [2])],
        [value("y", onnx.TensorProto.FLOAT, [2])],
    )
    path = tmp_path / "net.onnx"
    opset = onnx.helper.make_opsetid("", 17)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=9), path)
    session = onnx_session(path, ONE)
    assert run_onnx(session, {"x": np.array([-1, 2], np.float32)})["y"].tolist() == [0, 2]

    class Full:
        def get_outputs(self) -> list[object]:
            return []

        def run(self, names: list[str], feeds: dict[str, object]) -> None:
            del names, feeds
            from onnxruntime.capi import onnxruntime_pybind11_state as state

            raise state.RuntimeException("Failed to allocate memory for requested buffer")

    with pytest.raises(MemoryError):
        run_onnx(Full(), {})
    path.write_bytes(b"no network")
    with pytest.raises(WeightsError, match="cannot be run"):
        onnx_session(path, ONE)


def test_hub_libraries_stay_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with loaders.quiet_offline():
        assert os.environ["HF_HUB_OFFLINE"] == "1"
