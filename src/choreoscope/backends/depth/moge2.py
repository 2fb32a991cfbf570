"""MoGe-2 depth: metres but for a factor, with the solved camera's field of view.

See `choreoscope.backends.torch_models.moge`. The network's own metric scale is kept in the
answers, but it differs between frames by a few per cent; so depth counts as known but for scale.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from choreoscope.backends.torch_models.lens import fov_degrees
from choreoscope.backends.torch_models.moge import LICENCE, MODULES, Moge, MogeOptions
from choreoscope.capture.passes.interfaces import (
    Answer,
    DepthSpace,
    Frames,
    PassFrame,
    PassState,
    ShotContext,
)
from choreoscope.datatypes.models import BackendSpec, RunSettings


class MogeDepth:
    """Depth by MoGe-2; see `PassModel`."""

    origin = "moge2"

    def __init__(self, network: Moge) -> None:
        self.depth_space: DepthSpace = "scale"
        self.feeding = Frames(batch=network.batch)
        self.network = network
        self._shot: ShotContext | None = None

    def start(self, shot: ShotContext) -> None:
        """Be told of the shot; its camera fixes the field of view."""
        self._shot = shot

    def infer(
        self, frames: Sequence[PassFrame], state: PassState | None
    ) -> tuple[list[Answer], PassState]:
        """Answer for each frame, in order; see `PassModel.infer`."""
        del state
        found = self.network(
            [frame.picture for frame in frames],
            [fov_degrees(self._shot, frame.frame) for frame in frames],
        )
        return [{"depth": one["depth"], "fov": one["fov"]} for one in found], {}

    @property
    def model_cpu_seconds(self) -> float:
        """Processor time spent inside model calls so far, all threads added."""
        return self.network.watch.seconds


def load(
    weights: Mapping[str, Path], settings: RunSettings, options: Mapping[str, Any]
) -> MogeDepth:
    """Open the network.

    Raises
    ------
    WeightsError
        If its weights are absent or others.
    """
    del weights
    return MogeDepth(Moge(settings, options, SPEC.name))


SPEC = BackendSpec(
    task="depth",
    name="moge2",
    version=1,
    load=load,
    modules=MODULES,
    extra="torch",
    weights=(),
    licence=LICENCE,
    memory_mb=4000,
    options=MogeOptions,
)
