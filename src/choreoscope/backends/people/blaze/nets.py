"""The four networks, as each worker thread owns them."""

import dataclasses
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.datatypes.errors import WeightsError


class Stopwatch:
    """Adds up processor time from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: dict[str, float] = {}
        self._calls: dict[str, int] = {}

    def add(self, name: str, seconds: float) -> None:
        """Count one call."""
        with self._lock:
            self._seconds[name] = self._seconds.get(name, 0.0) + seconds
            self._calls[name] = self._calls.get(name, 0) + 1

    @property
    def seconds(self) -> Mapping[str, float]:
        """Processor seconds by name."""
        with self._lock:
            return dict(self._seconds)

    @property
    def calls(self) -> Mapping[str, int]:
        """Number of calls by name."""
        with self._lock:
            return dict(self._calls)


class Net:
    """One network in one thread; not to be shared between threads.

    Parameters
    ----------
    path : Path
        The .tflite file.
    outputs : mapping of str to shape
        The outputs wanted, found by their shapes (without the batch axis).
    watch : Stopwatch
        Gets the processor time of every call.
    """

    def __init__(
        self, path: Path, outputs: Mapping[str, tuple[int, ...]], watch: Stopwatch
    ) -> None:
        from ai_edge_litert.interpreter import Interpreter

        try:
            self._interpreter = Interpreter(model_path=str(path), num_threads=1)
        except (ValueError, RuntimeError) as error:
            raise WeightsError(
                f"{path.name} is not a network this version can run ({error}); "
                "run 'choreoscope models verify'"
            ) from error
        self._interpreter.allocate_tensors()
        entry = self._interpreter.get_input_details()[0]
        self._entry: int = entry["index"]
        self.size = int(entry["shape"][1])
        self.name = path.stem
        self._watch = watch
        self._outputs = _found(self._interpreter.get_output_details(), outputs, path.name)

    def __call__(self, pixels: np.ndarray, *, scale: float, offset: float) -> dict[str, np.ndarray]:
        """Run on ``pixels * scale + offset``.

        Parameters
        ----------
        pixels : (size, size, 3) uint8
            RGB.

        Returns
        -------
        dict of str to float32 array
            The outputs by name, without the batch axis.
        """
        entry = self._interpreter.tensor(self._entry)()
        np.multiply(pixels, np.float32(scale), out=entry[0])
        if offset:
            entry += np.float32(offset)
        # A view that is still alive would make invoke refuse.
        del entry
        before = time.thread_time()
        self._interpreter.invoke()
        self._watch.add(self.name, time.thread_time() - before)
        return {
            name: self._interpreter.get_tensor(index)[0] for name, index in self._outputs.items()
        }


def _found(
    details: list[dict[str, Any]], wanted: Mapping[str, tuple[int, ...]], file: str
) -> dict[str, int]:
    left = sorted(details, key=lambda detail: str(detail["name"]))
    found: dict[str, int] = {}
    for name, shape in wanted.items():
        match = next((item for item in left if tuple(item["shape"][1:]) == shape), None)
        if match is None:
            raise WeightsError(f"{file}: expected an output of shape {shape}, found none")
        left.remove(match)
        found[name] = match["index"]
    return found


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Nets:
    """One worker's networks."""

    detector: Net
    body: Net
    hand: Net
    face: Net

    @classmethod
    def load(cls, weights: Mapping[str, Path], watch: Stopwatch) -> "Nets":
        """Open the four files.

        Raises
        ------
        WeightsError
            If a file is no network or lacks an output.
        """
        return cls(
            detector=Net(
                weights["pose_detection.tflite"], {"boxes": (2254, 12), "logits": (2254, 1)}, watch
            ),
            body=Net(
                weights["pose_landmark_full.tflite"],
                {
                    "points": (195,),
                    "score": (1,),
                    "mask": (256, 256, 1),
                    "heat": (64, 64, 39),
                    "metres": (117,),
                },
                watch,
            ),
            hand=Net(
                weights["hand_landmark_full.tflite"],
                {"points": (63,), "score": (1,), "handedness": (1,), "metres": (63,)},
                watch,
            ),
            face=Net(
                weights["face_landmark.tflite"],
                {"points": (1, 1, 1404), "score": (1, 1, 1)},
                watch,
            ),
        )
