"""Passes made with Beeble SwitchLight Studio, as it exports them."""

from choreoscope.capture.stages.external import external_stage

STAGE = external_stage(
    "switchlight",
    ("alpha", "base_color", "normals", "depth", "roughness", "specular", "metallic"),
    "take in what SwitchLight made: matte, base colour, normals, depth, surface properties",
)
