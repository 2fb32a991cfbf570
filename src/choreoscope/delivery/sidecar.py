"""``shot.json`` of a delivery: what the pictures themselves cannot say."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from choreoscope import __version__
from choreoscope.delivery.options import DeliveryOptions
from choreoscope.delivery.source import ClipSource
from choreoscope.formats.passes import UNIT
from choreoscope.pipeline.config.editing import write_whole

SIDECAR = "shot.json"
SCHEMA, VERSION = "choreoscope.delivery", 1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What was delivered of one shot.

    Attributes
    ----------
    folder : Path
        Everything lies in it.
    source : ClipSource
        What it was made from.
    names : tuple of str
        Passes delivered.
    frames : tuple of int
        Source frame of each delivered frame.
    span : (float, float) or None
        Metres that are white and black in depth pictures.
    files : dict of str to int
        Folder or film to bytes.
    missing : dict of str to tuple of int
        Pass to numbers of files that could not be made.
    notes : tuple of str
        What was left out on purpose, and why.
    """

    folder: Path
    source: ClipSource
    names: tuple[str, ...]
    frames: tuple[int, ...]
    span: tuple[float, float] | None
    files: Mapping[str, int]
    missing: Mapping[str, tuple[int, ...]]
    notes: tuple[str, ...] = ()


def write_sidecar(done: Delivered, options: DeliveryOptions) -> Path:
    """Write the sidecar of one shot.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    source, frames, span = done.source, done.frames, done.span
    path = done.folder / SIDECAR
    record = {
        "schema": SCHEMA,
        "schema_version": VERSION,
        "made_with": f"choreoscope {__version__}",
        "shot": source.shot,
        "clip": source.clip,
        "fps": {"num": source.rate.numerator, "den": source.rate.denominator},
        "start_frame": options.start,
        "frames": len(frames),
        "size": list(source.size),
        "source_frames": list(frames),
        "world": "right-handed, y up, metres, floor y = 0",
        "camera_axes": "OpenCV: x right, y down, z forward; pixel (0, 0) is the image corner",
        "camera": _camera(source, frames),
        "depth": {
            "kind": "planar, along camera z",
            "unit": source.told.get("depth", {}).get(UNIT, "metres"),
            "nothing": 0,
            "png": None if span is None else {"white": span[0], "black": span[1]},
        },
        "normals": {
            "name": options.normals_name,
            "space": options.normal_space,
            "green": options.green,
            "range": options.normal_range,
        },
        "motion": "pixels, u right, v up; forward to the next frame, backward to the previous",
        "people": list(source.ids.get("people", ())),
        "parts": list(source.ids.get("parts", ())),
        "passes": {name: dict(source.told.get(name, {})) for name in source.passes},
        "licence_tier": source.tier,
        "licence_tiers": dict(source.tiers),
        "bytes": dict(done.files),
        "missing": {name: list(numbers) for name, numbers in done.missing.items()},
    }
    lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(value)}" for key, value in record.items())
    write_whole(path, f"{{\n{lines}\n}}\n")
    return path


def _camera(source: ClipSource, frames: Sequence[int]) -> list[dict[str, Any]] | None:
    """Intrinsics and pose of every delivered frame."""
    camera = source.camera
    if camera is None:
        return None
    found = []
    for at, frame in enumerate(frames):
        matrix = camera.intrinsics[frame - source.frames.start]
        found.append(
            {
                "frame": at,
                "fx": matrix[0, 0],
                "fy": matrix[1, 1],
                "cx": matrix[0, 2],
                "cy": matrix[1, 2],
                "distortion": camera.distortion.tolist(),
                "camera_from_world": camera.camera_from_world[frame - source.frames.start].tolist(),
            }
        )
    return found
