"""A network that answers for a stretch of frames, from a TorchScript or ONNX file."""

from pathlib import Path

import numpy as np

from choreoscope.backends.torch_models.device import Device, Stopwatch, device_for, failures
from choreoscope.backends.torch_models.weights import onnx_session, run_onnx, script_network
from choreoscope.datatypes.errors import WeightsError
from choreoscope.datatypes.models import RunSettings

DIMENSIONS = 5


class Exported:
    """``(1, T, 3, h, w)`` to ``(1, T, h, w)``, float32 both.

    Parameters
    ----------
    path : Path
        ``.pt`` or ``.onnx``, checked by its hash: either can hold any code.
    settings : RunSettings
        Threads.
    device : Device
        Where it is to run.
    length : int
        T, for files that take only one.

    Attributes
    ----------
    size : (int, int) or None
        Height and width an ONNX file takes; None where it takes any, or does not say.

    Raises
    ------
    WeightsError
        If it is no such file, or takes something else.
    """

    def __init__(self, path: Path, settings: RunSettings, device: Device, *, length: int) -> None:
        self.size: tuple[int, int] | None = None
        self.watch = Stopwatch()
        self._path, self._length = path, length
        self._is_onnx = path.suffix == ".onnx"
        if self._is_onnx:
            self._network = onnx_session(path, settings, device)
            self._read_shape()
        else:
            self._device = device_for(settings, device)
            self._network = script_network(path, device=self._device)

    def _read_shape(self) -> None:
        """Check an ONNX file's input; a side it takes any of has a name, or nothing."""
        entries = self._network.get_inputs()
        shape = entries[0].shape
        fits = len(entries) == 1 and len(shape) == DIMENSIONS
        if not fits or (isinstance(shape[1], int) and shape[1] != self._length):
            raise WeightsError(
                f"{self._path}: expected one input (1, {self._length}, 3, h, w), "
                f"got {len(entries)}, the first {shape}; export it as docs/models.md says"
            )
        height, width = shape[3:]
        if isinstance(height, int) and isinstance(width, int):
            self.size = (height, width)

    @property
    def weight_count(self) -> int:
        """Numbers in the network's weights; 0 where the file does not say."""
        if self._is_onnx:
            return 0
        return sum(one.numel() for one in self._network.parameters())

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        """Run it.

        Raises
        ------
        WeightsError
            If the file does not take this size, or answers in another shape.
        """
        try:
            with self.watch.running():
                found = self._onnx(pictures) if self._is_onnx else self._script(pictures)
        except failures() as error:
            raise self._refusal(pictures, str(error)) from error
        wanted = (*pictures.shape[:2], *pictures.shape[3:])
        if found.shape != wanted:
            raise self._refusal(pictures, f"it answers {found.shape}, expected {wanted}")
        return found.astype(np.float32)

    def _refusal(self, pictures: np.ndarray, why: str) -> WeightsError:
        return WeightsError(
            f"{self._path} does not take {pictures.shape}: {why.strip().splitlines()[-1]}; set the "
            "options 'height' and 'width' to the size it was exported for"
        )

    def _onnx(self, pictures: np.ndarray) -> np.ndarray:
        feeds = {self._network.get_inputs()[0].name: pictures}
        return next(iter(run_onnx(self._network, feeds).values()))

    def _script(self, pictures: np.ndarray) -> np.ndarray:
        import torch

        with torch.inference_mode():
            answer = self._network(torch.from_numpy(pictures).to(self._device))
            found: np.ndarray = answer.float().cpu().numpy()
            return found
