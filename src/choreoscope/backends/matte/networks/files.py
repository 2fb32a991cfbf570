"""Networks in a TorchScript or ONNX file, with several inputs and outputs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.backends.torch_models.device import Device, Stopwatch, device_for, failures
from choreoscope.backends.torch_models.weights import (
    Brought,
    brought_file,
    onnx_session,
    run_onnx,
    script_network,
)
from choreoscope.datatypes.errors import BackendUnavailableError, WeightsError
from choreoscope.datatypes.models import RunSettings

ONNX = ".onnx"
SCRIPTS = (".pt", ".pth", ".torchscript")
"""Names TorchScript files are published under."""
HALF = "tensor(float16)"


def open_file(options: Brought, settings: RunSettings, *, model: str, source: str) -> "FileNetwork":
    """Open a file of either kind once its hash is right.

    Raises
    ------
    WeightsError
        If it is absent, another, or cannot be run.
    BackendUnavailableError
        If the library its kind needs is not installed.
    """
    path = brought_file(options, model=model, source=source, suffixes=(*SCRIPTS, ONNX))
    try:
        return FileNetwork(path, settings, options.device)
    except ImportError as error:
        extra = "onnx" if path.suffix == ONNX else "torch"
        raise BackendUnavailableError(
            f"{model}: {path.name} needs '{error.name}': "
            f'python -m pip install "choreoscope[{extra}]"'
        ) from error


class FileNetwork:
    """A network behind arrays; either kind of file.

    Parameters
    ----------
    path : Path
        Checked by its hash: either kind can hold any code.
    settings : RunSettings
        Threads.
    device : Device
        Where it is to run.

    Attributes
    ----------
    is_onnx : bool
        Which kind it is; `run` is for ONNX, `call` for TorchScript.
    """

    def __init__(self, path: Path, settings: RunSettings, device: Device) -> None:
        self.watch = Stopwatch()
        self.path = path
        self.is_onnx = path.suffix == ONNX
        self.is_accelerated = False
        if self.is_onnx:
            self.module = onnx_session(path, settings, device)
            self.inputs = {one.name: one for one in self.module.get_inputs()}
            self.outputs = {one.name: one for one in self.module.get_outputs()}
        else:
            self._device = device_for(settings, device)
            self.module = script_network(path, device=self._device)
            self.is_accelerated = self._device != "cpu"

    def require(self, inputs: tuple[str, ...], outputs: tuple[str, ...], what: str) -> None:
        """Make sure that an ONNX file has inputs and outputs of these names.

        Raises
        ------
        WeightsError
            If it lacks one: it is another network.
        """
        lacking = [name for name in inputs if name not in self.inputs]
        lacking += [name for name in outputs if name not in self.outputs]
        if lacking:
            raise WeightsError(
                f"{self.path} is no {what}: it has no {', '.join(lacking)}; its inputs are "
                f"{', '.join(self.inputs)}, its outputs {', '.join(self.outputs)}"
            )

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run an ONNX file on arrays by input name; float32 outputs by name.

        Inputs are brought to the precision the file wants.

        Raises
        ------
        WeightsError
            If it does not take them.
        """
        given = {
            name: one.astype(np.float16) if self.inputs[name].type == HALF else one
            for name, one in feeds.items()
        }
        try:
            with self.watch.running():
                found = run_onnx(self.module, given)
        except failures() as error:
            raise self._refusal(error) from error
        return {name: one.astype(np.float32) for name, one in found.items()}

    def call(self, *given: "np.ndarray | float | None") -> list[np.ndarray]:
        """Call a TorchScript file on arrays, numbers and absent inputs; float32 outputs.

        Raises
        ------
        WeightsError
            If it does not take them.
        """
        import torch

        dtype = self._dtype()
        try:
            with self.watch.running(), torch.inference_mode():
                answer = self.module(
                    *(
                        torch.from_numpy(one).to(self._device, dtype)
                        if isinstance(one, np.ndarray)
                        else one
                        for one in given
                    )
                )
                several = answer if isinstance(answer, (list, tuple)) else [answer]
                return [one.float().cpu().numpy() for one in several]
        except failures() as error:
            raise self._refusal(error) from error

    def _dtype(self) -> Any:  # noqa: ANN401
        """Precision of the weights; files are published in float32 and in half."""
        import torch

        weights = (one for one in self.module.parameters() if one.is_floating_point())
        return next((one.dtype for one in weights), torch.float32)

    def _refusal(self, error: Exception) -> WeightsError:
        why = str(error).strip().splitlines()[-1]
        return WeightsError(f"{self.path} does not take what it is given: {why}")
