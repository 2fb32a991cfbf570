"""Sapiens2 parts: 28 named classes per performer, from crops of 1024 by 768.

The network is transformers' ``Sapiens2ForSemanticSegmentation`` (Meta, 2026).
"""

import functools
from typing import Any

from choreoscope.backends.sapiens_family.names import PARTS_V2
from choreoscope.backends.sapiens_family.network import Tensors
from choreoscope.backends.sapiens_family.parts import SapiensParts, scores_of
from choreoscope.backends.sapiens_family.specs import hub_spec


def _scores(answer: Any) -> Tensors:  # noqa: ANN401 - the network's
    return scores_of(answer.logits, PARTS_V2, SPEC.name)


SPEC = hub_spec(
    "parts",
    ("sapiens2", "sapiens2-seg-0.4b"),
    functools.partial(SapiensParts, part_names=PARTS_V2),
    kind="Sapiens2ForSemanticSegmentation",
    take=_scores,
)
