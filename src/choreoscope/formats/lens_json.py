"""One lens as JSON, between the stage that decides on it and those that use it."""

import json
from pathlib import Path

import numpy as np

from choreoscope.datatypes.camera import Lens
from choreoscope.datatypes.errors import InputError

SCHEMA = "choreoscope.lens"
VERSION = 1
NUMBERS = ("width", "height", "fx", "fy", "cx", "cy")


def write_lens(path: Path, lens: Lens, *, background_px_s: float) -> None:
    """Write a lens, and how fast the background moves (pixels per second; 0 stands still)."""
    record = {
        "schema": SCHEMA,
        "schema_version": VERSION,
        **{name: getattr(lens, name) for name in NUMBERS},
        "distortion": lens.distortion.tolist(),
        "source": lens.source,
        "background_px_s": background_px_s,
    }
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def read_lens(path: Path) -> tuple[Lens, float]:
    """Read the lens, and how fast the background moves, pixels per second.

    Raises
    ------
    InputError
        If the file is absent, damaged or of another schema.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if (record["schema"], record["schema_version"]) != (SCHEMA, VERSION):
            raise InputError(f"{path}: expected version {VERSION} of {SCHEMA}")
        lens = Lens(
            **{name: record[name] for name in NUMBERS},
            distortion=np.array(record["distortion"], dtype=np.float64),
            source=record["source"],
        )
        return lens, float(record["background_px_s"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} cannot be read ({error}); run the capture again") from error
