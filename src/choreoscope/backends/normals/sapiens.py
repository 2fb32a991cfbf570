"""Sapiens (first generation) normals per performer, TorchScript.

Khirodkar et al., "Sapiens: Foundation for Human Vision Models", ECCV 2024. For results that were
made with it before; `sapiens2` is the better one.
"""

from choreoscope.backends.sapiens_family.normals import SapiensNormals, vectors_of
from choreoscope.backends.sapiens_family.specs import script_spec

SPEC = script_spec(
    "normals",
    ("sapiens", "sapiens-normal-1b-torchscript"),
    SapiensNormals,
    take=vectors_of,
)
