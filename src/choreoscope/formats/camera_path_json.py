"""A solved or imported camera path as JSON: ``camera.json``'s record, and how far it is known."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.datatypes.camera import CameraPath
from choreoscope.datatypes.errors import ChoreoscopeError, InputError
from choreoscope.formats.camera_json import camera_of, record_of

SCHEMA = "choreoscope.camera_path"
VERSION = 1


def write_camera_path(path: Path, found: CameraPath) -> None:
    """Write a path; equal paths give equal bytes, and every number comes back exactly."""
    record = {
        "schema": SCHEMA,
        "schema_version": VERSION,
        "movement": found.movement,
        "trusted": found.trusted,
        "upright": found.upright,
        "focal_sigma": found.focal_sigma,
        "notes": list(found.notes),
        "known": "".join("1" if known else "0" for known in found.known),
        "residual_px": [
            None if np.isnan(value) else float(value) for value in found.residual_px.tolist()
        ],
        "camera": record_of(found.camera),
    }
    lines = ",\n".join(
        f" {json.dumps(key)}: {json.dumps(value, allow_nan=False)}" for key, value in record.items()
    )
    path.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def read_camera_path(path: Path) -> CameraPath:
    """Read a path back.

    Raises
    ------
    InputError
        If the file is absent, damaged or of another schema or version.
    """
    try:
        return _path_of(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError, ChoreoscopeError) as damage:
        raise InputError(
            f"{path}: cannot be read as {SCHEMA} ({damage}); "
            "remove it and run the same command again"
        ) from damage


def _path_of(record: dict[str, Any]) -> CameraPath:
    if (record["schema"], record["schema_version"]) != (SCHEMA, VERSION):
        raise InputError(f"expected version {VERSION} of {SCHEMA}")
    return CameraPath(
        camera=camera_of(record["camera"]),
        movement=record["movement"],
        upright=record["upright"],
        known=np.array([letter == "1" for letter in record["known"]], dtype=bool),
        residual_px=np.array(
            [np.nan if value is None else value for value in record["residual_px"]],
            dtype=np.float64,
        ),
        focal_sigma=float(record["focal_sigma"]),
        trusted=bool(record["trusted"]),
        notes=tuple(str(note) for note in record["notes"]),
    )
