"""Loaded once by the server that every run is forked from, so that each costs little."""

import importlib
import pkgutil

import choreoscope
from choreoscope.capture.config import configuration_type

COMPILED = (".kernel", ".banding", ".soft_", "__main__")
"""Parts of the names of modules that compile or start something when imported."""

for found in pkgutil.walk_packages(choreoscope.__path__, "choreoscope."):
    if not any(part in found.name for part in COMPILED):
        importlib.import_module(found.name)
for name in ("cv2", "av", "scipy.optimize", "scipy.signal", "scipy.spatial", "jinja2", "pygltflib"):
    importlib.import_module(name)
configuration_type()
