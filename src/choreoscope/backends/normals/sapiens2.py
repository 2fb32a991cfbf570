"""Sapiens2 normals per performer, from crops of 1024 by 768.

The network is transformers' ``Sapiens2ForNormalEstimation`` (Meta, 2026). Its axes are x right,
y up, z to the viewer; the framework checks that on the first performers.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from choreoscope.backends.sapiens_family.network import hub_sapiens
from choreoscope.backends.sapiens_family.normals import SapiensNormals, vectors_of
from choreoscope.backends.sapiens_family.options import MODULES, SAPIENS2, SapiensOptions
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
    network, chosen = hub_sapiens(
        settings,
        options,
        names=(SPEC.name, "sapiens2-normal-0.4b"),
        kind="Sapiens2ForNormalEstimation",
        take=lambda answer: vectors_of(answer.normals),
    )
    return SapiensNormals(network, chosen)


SPEC = BackendSpec(
    task="normals",
    name="sapiens2",
    version=1,
    load=load,
    modules=MODULES,
    extra="torch",
    weights=(),
    licence=SAPIENS2,
    memory_mb=6000,
    options=SapiensOptions,
)
