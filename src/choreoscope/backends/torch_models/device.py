"""Where networks run, in which precision, for how long, and what running out of memory becomes."""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from choreoscope.datatypes.errors import BackendUnavailableError
from choreoscope.datatypes.models import RunSettings

if TYPE_CHECKING:
    import torch

Device = Literal["auto", "cpu", "cuda", "mps"]
"""auto: CUDA where there is one, else the processor. mps (Apple) only when asked for: untested."""

OUT_OF_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "Failed to allocate memory",
    "bad allocation",
)
"""How PyTorch and ONNX Runtime say it where they have no error type of its own for it."""

ONNX_ERRORS = (
    "Fail",
    "InvalidArgument",
    "InvalidGraph",
    "InvalidProtobuf",
    "NoSuchFile",
    "NotImplemented",
    "RuntimeException",
)


def device_for(settings: RunSettings, asked: Device = "auto") -> str:
    """Choose where networks run, and give PyTorch its share of the threads.

    Parameters
    ----------
    settings : RunSettings
        Its `workers` threads are shared by its `processes`.
    asked : {"auto", "cpu", "cuda", "mps"}
        What the user wants.

    Returns
    -------
    {"cpu", "cuda", "mps"}

    Raises
    ------
    BackendUnavailableError
        If what is asked for is not there.
    """
    import torch

    torch.set_num_threads(threads_for(settings))
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if asked == "auto":
        return "cuda" if there["cuda"] else "cpu"
    if not there[asked]:
        raise BackendUnavailableError(
            f"device '{asked}' asked for, but PyTorch {torch.__version__} finds none; "
            "set the option 'device' to auto"
        )
    return asked


def threads_for(settings: RunSettings) -> int:
    """Return the threads one process may use."""
    return max(1, settings.workers // settings.processes)


def dtype_for(device: str) -> "torch.dtype":
    """Return the precision of networks: half on CUDA (bfloat16 where it has it), else float32."""
    import torch

    if device != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16


@contextlib.contextmanager
def guard_memory() -> Iterator[None]:
    """Turn running out of memory inside the block into MemoryError, so that less is tried.

    Raises
    ------
    MemoryError
        If PyTorch or ONNX Runtime could not get memory.
    """
    try:
        yield
    except failures() as error:
        if not any(words in str(error) for words in OUT_OF_MEMORY):
            raise
        _free_cache()
        raise MemoryError(str(error).splitlines()[0]) from error


def failures() -> tuple[type[Exception], ...]:
    """List what PyTorch and ONNX Runtime raise; the latter's errors share no base but Exception."""
    state = sys.modules.get("onnxruntime.capi.onnxruntime_pybind11_state")
    names = () if state is None else ONNX_ERRORS
    return (RuntimeError, *(getattr(state, name) for name in names))


def _free_cache() -> None:
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


class Stopwatch:
    """Adds up processor time of model calls.

    The time is that of the whole process: PyTorch's threads cannot be told from others, so what
    else runs at the same moment (decoding the next frames, say) is counted too.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds = 0.0

    @property
    def seconds(self) -> float:
        """Processor seconds so far."""
        with self._lock:
            return self._seconds

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Count the block; what runs out of memory in it becomes MemoryError."""
        before = time.process_time()
        try:
            with guard_memory():
                yield
        finally:
            with self._lock:
                self._seconds += time.process_time() - before
