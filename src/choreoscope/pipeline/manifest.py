"""Manifests on disk: schema-versioned JSON, written last, by rename."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from choreoscope.datatypes.artifacts import EXTERNAL, Manifest, WrittenFile
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.models import Tier
from choreoscope.pipeline.fingerprint import Causes, canonical_json
from choreoscope.pipeline.folder import ClipFolder

SCHEMA = 1

Upgrade = Callable[[dict[str, Any]], dict[str, Any]]

UPGRADES: dict[int, Upgrade] = {}
"""Schema number to the function that turns such a record into one of the next number."""

ENCODE = json.JSONEncoder(ensure_ascii=False).encode
"""Made once: a manifest is written per window, and each has a line per window."""

TIMINGS = ("seconds", "cpu_seconds", "model_cpu_seconds")
"""The fields in which two runs with the same causes may differ."""


def to_text(manifest: Manifest) -> str:
    """Write a manifest as JSON: one line per field and per file."""
    lines = [f'  "{key}": {value}' for key, value in _fields(manifest)]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _fields(manifest: Manifest) -> list[tuple[str, str]]:
    files = ",\n".join(f"    {_file_text(file)}" for file in manifest.files)
    record = {
        "schema": manifest.schema,
        "stage": manifest.stage,
        "stage_version": manifest.stage_version,
        "origin": manifest.origin,
        "fingerprint": manifest.fingerprint,
        "backend": manifest.backend,
        "tier": manifest.tier,
        "options": manifest.options,
        "inputs": manifest.inputs,
        "done": str(manifest.done),
        "failed": manifest.failed,
        "notes": list(manifest.notes),
    }
    texts = [(key, ENCODE(value)) for key, value in record.items()]
    texts.append(("files", f"[\n{files}\n  ]" if files else "[]"))
    seconds = (manifest.seconds, manifest.cpu_seconds, manifest.model_cpu_seconds)
    texts.extend(
        (key, json.dumps(round(value, 3))) for key, value in zip(TIMINGS, seconds, strict=True)
    )
    return texts


def _file_text(file: WrittenFile) -> str:
    record: dict[str, Any] = {
        "kind": file.kind,
        "path": file.path,
        "size": file.size,
        "sha256": file.sha256,
    }
    if file.person is not None:
        record["person"] = file.person
    if file.window is not None:
        record["window"] = file.window
    if file.frames is not None:
        record["frames"] = str(file.frames)
    if file.edited:
        record["edited"] = True
    return ENCODE(record)


def of_text(text: str) -> Manifest:
    """Read what `to_text` wrote, of this schema or an older one.

    Raises
    ------
    InputError
        If it is not a manifest, is damaged, or comes from a newer Choreoscope.
    """
    try:
        record = json.loads(text)
        return _of_record(_upgraded(record))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"not a readable manifest ({type(error).__name__}: {error})") from error


def _upgraded(record: dict[str, Any]) -> dict[str, Any]:
    schema = int(record["schema"])
    if schema > SCHEMA:
        raise InputError(
            f"schema {schema} comes from a newer Choreoscope; this one reads up to {SCHEMA}"
        )
    for number in range(schema, SCHEMA):
        record = UPGRADES[number](record)
    return record


def _of_record(record: Mapping[str, Any]) -> Manifest:
    if record["origin"] not in ("computed", "imported", "edited"):
        raise InputError(f"unknown origin '{record['origin']}'")
    return Manifest(
        schema=SCHEMA,
        stage=str(record["stage"]),
        stage_version=int(record["stage_version"]),
        fingerprint=str(record["fingerprint"]),
        backend=None if record["backend"] is None else str(record["backend"]),
        options=dict(record["options"]),
        inputs={key: str(value) for key, value in record["inputs"].items()},
        files=tuple(_file_of(file) for file in record["files"]),
        done=FrameSet.parse(record["done"]),
        failed={str(FrameSet.parse(key)): str(why) for key, why in record["failed"].items()},
        notes=tuple(map(str, record["notes"])),
        seconds=float(record["seconds"]),
        cpu_seconds=float(record["cpu_seconds"]),
        model_cpu_seconds=float(record["model_cpu_seconds"]),
        tier=str(Tier(record["tier"])),
        origin=record["origin"],
    )


def _file_of(record: Mapping[str, Any]) -> WrittenFile:
    path = str(record["path"])
    if path.startswith(("/", "\\")) or ".." in path.split("/") or ":" in path:
        # The engine removes the files that a manifest lists, so they must lie in its folder.
        raise InputError(f"file '{path}' lies outside the clip's folder")
    frames = record.get("frames")
    return WrittenFile(
        kind=str(record["kind"]),
        path=path,
        size=int(record["size"]),
        sha256=str(record["sha256"]),
        person=record.get("person"),
        window=record.get("window"),
        frames=None if frames is None else _range_of(frames),
        edited=record.get("edited") is True,
    )


def _range_of(text: str) -> FrameRange:
    start, stop = text.split(":")
    return FrameRange(int(start), int(stop))


def read_manifest(folder: ClipFolder, stage: str) -> Manifest | None:
    """Read a stage's manifest; None if there is none.

    Raises
    ------
    InputError
        If it is there but cannot be read or belongs to another stage.
    """
    try:
        text = folder.manifest(stage).read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"not a readable manifest ({error})") from error
    manifest = of_text(text)
    if manifest.stage != stage:
        raise InputError(f"it is the manifest of stage '{manifest.stage}'")
    return manifest


def write_manifest(folder: ClipFolder, manifest: Manifest) -> None:
    """Write a stage's manifest: temporary name, disk waited for, rename.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    folder.write_record(folder.manifest(manifest.stage), to_text(manifest))


def causes_of(manifest: Manifest) -> Causes:
    """Return the causes a manifest records."""
    return Causes(
        stage=manifest.stage,
        version=manifest.stage_version,
        backend=manifest.backend,
        options=manifest.options,
        inputs=manifest.inputs,
    )


def failed_frames(manifest: Manifest) -> FrameSet:
    """Source frames that could not be made."""
    return FrameSet.of(part for key in manifest.failed for part in FrameSet.parse(key).ranges)


def contribution(manifest: Manifest) -> str:
    """Tell what a result adds to the fingerprint of those that read it.

    The fingerprint alone when it was computed without gaps, because equal causes give equal
    results. A result with gaps may be completed later, and one from outside has no causes we
    know of: there the frames and the files' hashes count, too.
    """
    text = manifest.fingerprint
    if manifest.failed:
        text += f" without {failed_frames(manifest)}"
    if manifest.origin != "computed":
        hashes = sorted(
            # What was taken from where is no result: a file delivered again may be the same.
            (file.path, file.sha256)
            for file in manifest.files
            if not file.kind.startswith(EXTERNAL)
        )
        summary = Causes(
            stage=manifest.stage,
            version=manifest.stage_version,
            backend=None,
            options={},
            inputs={"files": canonical_json(hashes)},
        )
        text += f" {manifest.origin} {summary.fingerprint}"
    return text
