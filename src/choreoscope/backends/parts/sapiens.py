"""Sapiens (first generation) parts: 27 named classes per performer, TorchScript.

Khirodkar et al., "Sapiens: Foundation for Human Vision Models", ECCV 2024. For results that were
made with it before; `sapiens2` is the better one.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from choreoscope.backends.sapiens_family.names import PARTS_V1
from choreoscope.backends.sapiens_family.network import script_sapiens
from choreoscope.backends.sapiens_family.options import SAPIENS1, SCRIPT_MODULES, SapiensOptions
from choreoscope.backends.sapiens_family.parts import SapiensParts, scores_of
from choreoscope.datatypes.models import BackendSpec, RunSettings


def load(
    weights: Mapping[str, Path], settings: RunSettings, options: Mapping[str, Any]
) -> SapiensParts:
    """Open the network.

    Raises
    ------
    WeightsError
        If its weights are absent or others.
    """
    del weights
    network, chosen = script_sapiens(
        settings,
        options,
        names=(SPEC.name, "sapiens-seg-1b-torchscript"),
        take=lambda answer: scores_of(answer, PARTS_V1, SPEC.name),
    )
    return SapiensParts(network, chosen, PARTS_V1)


SPEC = BackendSpec(
    task="parts",
    name="sapiens",
    version=1,
    load=load,
    modules=SCRIPT_MODULES,
    extra="torch",
    weights=(),
    licence=SAPIENS1,
    memory_mb=8000,
    options=SapiensOptions,
)
