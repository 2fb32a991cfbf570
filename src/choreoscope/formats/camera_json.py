"""The camera of every frame as JSON; whatever is the same in all frames is written once.

World: right-handed, Y up, metres, floor y = 0. Camera axes: OpenCV. Pixel (0, 0) is the image
corner.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.errors import ChoreoscopeError, InputError

SCHEMA = "choreoscope.camera"
VERSION = 1


def write_camera(path: Path, camera: CameraTrack) -> None:
    """Write a camera; equal cameras give equal bytes, and every number comes back exactly.

    ``intrinsics`` and ``camera_from_world`` are lists of matrices, one per frame, or hold a
    single matrix that stands for all ``frames``.
    """
    record = record_of(camera)
    lines = ",\n".join(
        f" {json.dumps(key)}: {json.dumps(value, allow_nan=False)}" for key, value in record.items()
    )
    path.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def record_of(camera: CameraTrack) -> dict[str, Any]:
    """Give a camera as what JSON can hold."""
    return {
        "schema": SCHEMA,
        "schema_version": VERSION,
        "axes": "camera: x right, y down, z forward; world: Y up, metres, floor y = 0",
        "width": camera.width,
        "height": camera.height,
        "source": camera.source,
        "metric": camera.metric,
        "distortion": camera.distortion.tolist(),
        "frames": len(camera.intrinsics),
        "intrinsics": _once(camera.intrinsics),
        "camera_from_world": _once(camera.camera_from_world),
    }


def read_camera(path: Path) -> CameraTrack:
    """Read a camera back.

    Raises
    ------
    InputError
        If the file is absent, damaged or of another schema or version.
    """
    try:
        return camera_of(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError, ChoreoscopeError) as damage:
        raise InputError(
            f"{path}: cannot be read as {SCHEMA} ({damage}); "
            "remove it and run the same command again"
        ) from damage


def camera_of(record: dict[str, Any]) -> CameraTrack:
    """Build a camera from the parsed JSON.

    Raises
    ------
    InputError
        If it is another schema or version.
    """
    if (record["schema"], record["schema_version"]) != (SCHEMA, VERSION):
        raise InputError(f"expected version {VERSION} of {SCHEMA}")
    frames = int(record["frames"])
    return CameraTrack(
        width=int(record["width"]),
        height=int(record["height"]),
        intrinsics=_every(record["intrinsics"], frames, 3),
        camera_from_world=_every(record["camera_from_world"], frames, 4),
        distortion=np.array(record["distortion"], dtype=np.float64),
        source=str(record["source"]),
        metric=bool(record["metric"]),
    )


def _once(matrices: np.ndarray) -> list[Any]:
    constant = len(matrices) > 0 and bool(np.all(matrices == matrices[0]))
    kept: list[Any] = (matrices[:1] if constant else matrices).tolist()
    return kept


def _every(matrices: list[Any], frames: int, side: int) -> np.ndarray:
    if not matrices and not frames:
        return np.zeros((0, side, side))
    stored = np.array(matrices, dtype=np.float64)
    if len(stored) == 1:
        return np.repeat(stored, frames, axis=0)
    if len(stored) != frames:
        raise InputError(f"expected {frames} matrices, got {len(stored)}")
    return stored
