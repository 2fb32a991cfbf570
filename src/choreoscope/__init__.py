"""Film of dancers in, people in 3D out.

``choreoscope.capture_video("dance.mp4", "result")`` does what ``choreoscope capture`` does.
Names below are loaded when they are first used; importing this package costs nothing.
"""

import importlib

__version__ = "0.1.0"

_PUBLIC = {
    "capture_video": "choreoscope.capture.film",
    "capture_configured": "choreoscope.capture.film",
    "load_result": "choreoscope.capture.film",
    "configure": "choreoscope.capture.config",
    "repair": "choreoscope.capture.repair",
    "lift_depth": "choreoscope.capture.cloud.command",
    "CaptureOptions": "choreoscope.capture.film",
    "FilmResult": "choreoscope.capture.film",
    "LensRequest": "choreoscope.capture.film",
    "RunSettings": "choreoscope.datatypes.models",
    "Limits": "choreoscope.datatypes.models",
    "read_motion": "choreoscope.formats.motion_npz",
    "read_masks": "choreoscope.formats.masks_json",
}

__all__ = ["__version__", *_PUBLIC]  # noqa: PLE0604 - the stub lists them


def __getattr__(name: str) -> object:
    """Load a public name."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'choreoscope' has no attribute '{name}'")
    return getattr(importlib.import_module(_PUBLIC[name]), name)
