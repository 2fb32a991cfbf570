"""Sapiens2 normals per performer, from crops of 1024 by 768.

The network is transformers' ``Sapiens2ForNormalEstimation`` (Meta, 2026). Its axes are x right,
y up, z to the viewer; the framework checks that on the first performers.
"""

from typing import Any

from choreoscope.backends.sapiens_family.network import Tensors
from choreoscope.backends.sapiens_family.normals import SapiensNormals, vectors_of
from choreoscope.backends.sapiens_family.specs import hub_spec


def _taken(answer: Any) -> Tensors:  # noqa: ANN401 - the network's
    return vectors_of(answer.normals)


SPEC = hub_spec(
    "normals",
    ("sapiens2", "sapiens2-normal-0.4b"),
    SapiensNormals,
    kind="Sapiens2ForNormalEstimation",
    take=_taken,
)
