"""Scene depth from background points where the camera travels; no weights, honestly a proxy."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from choreoscope.capture.depth.structure_model import StructureOptions
from choreoscope.datatypes.models import BackendSpec, Licence, RunSettings, Tier


def load(
    weights: Mapping[str, Path],
    settings: RunSettings,
    options: Mapping[str, Any],
) -> Any:  # noqa: ANN401 - the interface of every back end
    """Make the model; it has no weights."""
    del weights
    from choreoscope.capture.depth.structure_model import StructureDepth

    return StructureDepth(StructureOptions(**options), threads=settings.workers)


SPEC = BackendSpec(
    task="depth",
    name="structure",
    version=1,
    load=load,
    modules=(),
    extra="",
    weights=(),
    licence=Licence(
        name="Apache-2.0",
        tier=Tier.COMMERCIAL,
        notice="points of the film's background, triangulated with the solved camera",
    ),
    memory_mb=600,
    options=StructureOptions,
)
