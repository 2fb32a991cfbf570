"""MoGe-2 normals: from one picture, camera space.

See `choreoscope.backends.torch_models.moge`. The network answers with y down and z forward; both
are turned. Only the weights named "-normal" have normals.
"""

from collections.abc import Sequence

from choreoscope.backends.torch_models.moge import (
    LICENCE,
    MODULES,
    SOURCE,
    Moge,
    MogeModel,
    MogeOptions,
)
from choreoscope.backends.torch_models.specs import brought_spec
from choreoscope.capture.passes.interfaces import Answer, PassFrame, PassState
from choreoscope.datatypes.errors import WeightsError
from choreoscope.datatypes.models import RunSettings


class MogeNormals(MogeModel):
    """Normals by MoGe-2; see `PassModel`.

    Raises
    ------
    WeightsError
        If the weights have none.
    """

    def __init__(self, network: Moge) -> None:
        if not hasattr(network.module, "normal_head"):
            raise WeightsError(f"moge2: the weights have no normals; get {SOURCE}")
        super().__init__(network)

    def infer(
        self, frames: Sequence[PassFrame], state: PassState | None
    ) -> tuple[list[Answer], PassState]:
        """Answer for each frame, in order; see `PassModel.infer`."""
        del state
        return [{"normals": one["normals"]} for one in self.found(frames)], {}


def opened(settings: RunSettings, chosen: MogeOptions) -> MogeNormals:
    """Open the network.

    Raises
    ------
    WeightsError
        If its weights are absent or others, or have no normals.
    """
    return MogeNormals(Moge(settings, chosen, SPEC.name))


SPEC = brought_spec(
    "normals",
    "moge2",
    opened,
    options=MogeOptions,
    modules=MODULES,
    extra="torch",
    licence=LICENCE,
    memory_mb=4000,
)
