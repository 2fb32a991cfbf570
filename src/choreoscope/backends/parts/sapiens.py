"""Sapiens (first generation) parts: 27 named classes per performer, TorchScript.

Khirodkar et al., "Sapiens: Foundation for Human Vision Models", ECCV 2024. For results that were
made with it before; `sapiens2` is the better one.
"""

import functools
from typing import Any

from choreoscope.backends.sapiens_family.names import PARTS_V1
from choreoscope.backends.sapiens_family.network import Tensors
from choreoscope.backends.sapiens_family.parts import SapiensParts, scores_of
from choreoscope.backends.sapiens_family.specs import script_spec


def _scores(answer: Any) -> Tensors:  # noqa: ANN401 - the network's
    return scores_of(answer, PARTS_V1, SPEC.name)


SPEC = script_spec(
    "parts",
    ("sapiens", "sapiens-seg-1b-torchscript"),
    functools.partial(SapiensParts, part_names=PARTS_V1),
    take=_scores,
)
