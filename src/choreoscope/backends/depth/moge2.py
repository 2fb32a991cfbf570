"""MoGe-2 depth: metres but for a factor, with the solved camera's field of view.

See `choreoscope.backends.torch_models.moge`. The network's own metric scale is kept in the
answers, but it differs between frames by a few per cent; so depth counts as known but for scale.
"""

from collections.abc import Sequence

from choreoscope.backends.torch_models.moge import LICENCE, MODULES, Moge, MogeModel, MogeOptions
from choreoscope.backends.torch_models.specs import brought_spec
from choreoscope.capture.passes.interfaces import Answer, DepthSpace, PassFrame, PassState
from choreoscope.datatypes.models import RunSettings


class MogeDepth(MogeModel):
    """Depth by MoGe-2; see `PassModel`."""

    def __init__(self, network: Moge) -> None:
        super().__init__(network)
        self.depth_space: DepthSpace = "scale"

    def infer(
        self, frames: Sequence[PassFrame], state: PassState | None
    ) -> tuple[list[Answer], PassState]:
        """Answer for each frame, in order; see `PassModel.infer`."""
        del state
        return [{"depth": one["depth"], "fov": one["fov"]} for one in self.found(frames)], {}


def opened(settings: RunSettings, chosen: MogeOptions) -> MogeDepth:
    """Open the network.

    Raises
    ------
    WeightsError
        If its weights are absent or others.
    """
    return MogeDepth(Moge(settings, chosen, SPEC.name))


SPEC = brought_spec(
    "depth",
    "moge2",
    opened,
    options=MogeOptions,
    modules=MODULES,
    extra="torch",
    licence=LICENCE,
    memory_mb=4000,
)
