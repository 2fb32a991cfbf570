"""MoGe-2 normals: from one picture, camera space.

See `choreoscope.backends.torch_models.moge`. The network answers with y down and z forward; both
are turned. Only the weights named "-normal" have normals.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from choreoscope.backends.torch_models.lens import fov_degrees
from choreoscope.backends.torch_models.moge import LICENCE, MODULES, SOURCE, Moge, MogeOptions
from choreoscope.capture.passes.interfaces import (
    Answer,
    Frames,
    PassFrame,
    PassState,
    ShotContext,
)
from choreoscope.datatypes.errors import WeightsError
from choreoscope.datatypes.models import BackendSpec, RunSettings


class MogeNormals:
    """Normals by MoGe-2; see `PassModel`.

    Raises
    ------
    WeightsError
        If the weights have none.
    """

    origin = "moge2"

    def __init__(self, network: Moge) -> None:
        if not hasattr(network.module, "normal_head"):
            raise WeightsError(f"moge2: the weights have no normals; get {SOURCE}")
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
        return [{"normals": one["normals"]} for one in found], {}

    @property
    def model_cpu_seconds(self) -> float:
        """Processor time spent inside model calls so far, all threads added."""
        return self.network.watch.seconds


def load(
    weights: Mapping[str, Path], settings: RunSettings, options: Mapping[str, Any]
) -> MogeNormals:
    """Open the network.

    Raises
    ------
    WeightsError
        If its weights are absent or others, or have no normals.
    """
    del weights
    return MogeNormals(Moge(settings, options, SPEC.name))


SPEC = BackendSpec(
    task="normals",
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
