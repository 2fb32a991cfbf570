"""Sapiens (first generation) normals per performer, TorchScript.

Khirodkar et al., "Sapiens: Foundation for Human Vision Models", ECCV 2024. For results that were
made with it before; `sapiens2` is the better one.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from choreoscope.backends.sapiens_family.network import script_sapiens
from choreoscope.backends.sapiens_family.normals import SapiensNormals, vectors_of
from choreoscope.backends.sapiens_family.options import SAPIENS1, SCRIPT_MODULES, SapiensOptions
from choreoscope.datatypes.models import BackendSpec, RunSettings


def load(
    weights: Mapping[str, Path], settings: RunSettings, options: Mapping[str, Any]
) -> SapiensNormals:
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
        names=(SPEC.name, "sapiens-normal-1b-torchscript"),
        take=vectors_of,
    )
    return SapiensNormals(network, chosen)


SPEC = BackendSpec(
    task="normals",
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
