"""Sapiens2 parts: 28 named classes per performer, from crops of 1024 by 768.

The network is transformers' ``Sapiens2ForSemanticSegmentation`` (Meta, 2026).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from choreoscope.backends.sapiens_family.names import PARTS_V2
from choreoscope.backends.sapiens_family.network import hub_sapiens
from choreoscope.backends.sapiens_family.options import MODULES, SAPIENS2, SapiensOptions
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
    network, chosen = hub_sapiens(
        settings,
        options,
        names=(SPEC.name, "sapiens2-seg-0.4b"),
        kind="Sapiens2ForSemanticSegmentation",
        take=lambda answer: scores_of(answer.logits, PARTS_V2, SPEC.name),
    )
    return SapiensParts(network, chosen, PARTS_V2)


SPEC = BackendSpec(
    task="parts",
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
