"""Depth networks of the transformers library: one class, many back ends."""

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.backends.depth.networks.preparing import Preparation
from choreoscope.backends.torch_models.device import Stopwatch, device_for, dtype_for
from choreoscope.backends.torch_models.timed import TimedModel
from choreoscope.backends.torch_models.weights import Brought, hub_network
from choreoscope.capture.passes.interfaces import Answer, DepthSpace, Frames, PassFrame, PassState
from choreoscope.datatypes.models import RunSettings

MODULES = ("torch", "transformers", "safetensors", "cv2")
DEPTH = "predicted_depth"
LENGTHS = ("metric", "scale")
"""Spaces whose numbers are distances, above 0."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HubOptions(Brought):
    """Weights in a folder as a model hub keeps it.

    Attributes
    ----------
    side : int
        Height or width, in pixels, that the network works at; 0 for what the weights were made
        for. Less is faster and coarser.
    """

    side: int = 0


class HubNetwork:
    """A network of transformers behind arrays.

    Parameters
    ----------
    kind : str
        Its class.
    folder : Path
        Of its weights, checked.
    settings : RunSettings
        Threads.
    asked : Brought
        Its `device`.
    precise : tuple of str
        Names of the network's parts that run in float32 everywhere: in half precision the last
        layers would band depth in steps of up to 1/256.
    """

    def __init__(
        self,
        kind: str,
        folder: Path,
        settings: RunSettings,
        asked: Brought,
        precise: tuple[str, ...] = ("head",),
    ) -> None:
        self.device = device_for(settings, asked.device)
        self.batch = settings.batch if self.device == "cuda" else 1
        self.module = hub_network(kind, folder, device=self.device)
        self.watch = Stopwatch()
        self.half = dtype_for(self.device)
        for name in precise:
            run_precisely(getattr(self.module, name), self.device)

    def __call__(self, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        """Run it on arrays; the outputs that are tensors, float32."""
        import torch

        with self.watch.running(), torch.inference_mode(), self._precision():
            tensors = {name: torch.from_numpy(one).to(self.device) for name, one in inputs.items()}
            found = self.module(**tensors)
            return {
                name: one.float().cpu().numpy()
                for name, one in found.items()
                if isinstance(one, torch.Tensor)
            }

    @contextlib.contextmanager
    def _precision(self) -> Iterator[None]:
        import torch

        is_half = self.half != torch.float32
        with torch.autocast(self.device, dtype=self.half if is_half else None, enabled=is_half):
            yield


def run_precisely(module: Any, device: str) -> None:  # noqa: ANN401
    """Let a part of a network run in float32 though the rest runs in half precision."""
    import torch

    inner = module.forward

    def widened(value: Any) -> Any:  # noqa: ANN401
        if isinstance(value, torch.Tensor) and value.is_floating_point():
            return value.float()
        if isinstance(value, (list, tuple)):
            return type(value)(widened(one) for one in value)
        return value

    def forward(*given: Any, **named: Any) -> Any:  # noqa: ANN401
        with torch.autocast(device, enabled=False):
            return inner(
                *(widened(one) for one in given),
                **{name: widened(one) for name, one in named.items()},
            )

    module.forward = forward


class HubDepth(TimedModel[HubNetwork]):
    """A depth model whose network looks at one picture at a time; see `PassModel`.

    Parameters
    ----------
    network : HubNetwork
        What answers ``predicted_depth``.
    preparation : Preparation
        What its pictures are like.
    space : DepthSpace
        What its depth means.
    origin : str
        What the files are to say made them.
    farthest : float
        Depth from which on the network means "at least so far"; unknown then.
    """

    def __init__(
        self,
        network: HubNetwork,
        preparation: Preparation,
        space: DepthSpace,
        origin: str,
        farthest: float = np.inf,
    ) -> None:
        self.depth_space: DepthSpace = space
        self.origin = origin
        self.feeding = Frames(batch=network.batch)
        self.network, self.preparation = network, preparation
        self._farthest = farthest

    def infer(
        self, frames: Sequence[PassFrame], state: PassState | None
    ) -> tuple[list[Answer], PassState]:
        """Answer for each frame, in order; see `PassModel.infer`."""
        del state
        found = self.network(**self._inputs(frames))
        return [
            self._answer(frame, {name: one[at] for name, one in found.items()})
            for at, frame in enumerate(frames)
        ], {}

    def _inputs(self, frames: Sequence[PassFrame]) -> dict[str, np.ndarray]:
        pictures = [self.preparation.prepared(frame.picture) for frame in frames]
        return {"pixel_values": np.stack(pictures)}

    def _answer(self, frame: PassFrame, found: Mapping[str, np.ndarray]) -> Answer:
        raw = found[DEPTH]
        is_known = np.isfinite(raw) & (raw < self._farthest)
        if self.depth_space in LENGTHS:
            is_known &= raw > 0
        known = np.where(is_known, raw, np.nan)
        return {"depth": self.preparation.restored(known, frame.picture.shape[:2])}
