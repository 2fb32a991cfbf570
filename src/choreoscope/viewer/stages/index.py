"""The index of a clip's folder: film, people, files, notes, licence tier."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from choreoscope import __version__
from choreoscope.datatypes.artifacts import Manifest
from choreoscope.datatypes.errors import OutputError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.models import Tier
from choreoscope.datatypes.passes import PASSES
from choreoscope.formats.fit_json import read_fit
from choreoscope.formats.lens_json import read_lens
from choreoscope.formats.people_json import read_people
from choreoscope.pipeline.stage import Contents, Job, NoOptions, Stage

SCHEMA = 1
FOR_USERS = frozenset(
    {
        "sequence",
        "masks",
        "camera",
        "motion",
        "body",
        "bvh",
        "glb",
        "cloud",
        "overlay",
        "top_view",
        "side_view",
    }
)


def run(job: Job) -> None:
    """Write what a program needs to find its way through the folder."""
    manifests = job.manifests()
    video = job.video
    lens, background_px_s = read_lens(job.input("lens"))
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "made_with": f"choreoscope {__version__}",
        "film": Path(video.path).name,
        "clip": job.clip_id,
        "frames": [job.frames.start, job.frames.stop],
        "seconds": [float(time) for time in video.times(job.frames)[[0, -1]]],
        "rate": str(video.rate),
        "size": [video.width, video.height],
        "world": "right-handed, Y up, metres, floor y = 0",
        "licence_tier": worst_tier(manifests),
        "lens": {"source": lens.source, "fx": lens.fx, "fy": lens.fy},
        "camera_moves": background_px_s > 0,
        "floor": read_fit(job.input("fit"))["floor"],
        "people": _people(job),
        "files": _files(manifests),
        "passes": _passes(manifests),
        "missing_frames": {
            name: dict(manifest.failed) for name, manifest in manifests.items() if manifest.failed
        },
        "notes": notes_of(manifests),
    }
    text = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    job.output("shot").write_text(text, encoding="utf-8")


def worst_tier(manifests: Mapping[str, Manifest]) -> str:
    """Name the tier of the whole: the worst of the stages'."""
    order = [tier.value for tier in Tier]
    return max((manifest.tier for manifest in manifests.values()), key=order.index)


def notes_of(manifests: Mapping[str, Manifest]) -> list[str]:
    """Gather every stage's notes, each once, in order."""
    return list(dict.fromkeys(note for one in manifests.values() for note in one.notes))


def _people(job: Job) -> list[dict[str, Any]]:
    fit = read_fit(job.input("fit"))["people"]
    return [
        {"id": person, "frames_seen": seen, **fit.get(person, {})}
        for person, seen in read_people(job.input("identities")).persons.items()
    ]


def _files(manifests: Mapping[str, Manifest]) -> list[dict[str, Any]]:
    return [
        {"kind": file.kind, "person": file.person, "path": file.path, "sha256": file.sha256}
        for manifest in manifests.values()
        for file in manifest.files
        if file.kind in FOR_USERS and not file.path.startswith("work/")
    ]


def _passes(manifests: Mapping[str, Manifest]) -> list[dict[str, Any]]:
    """Describe each pass by what it holds, not by its thousands of files."""
    found = []
    for stage, manifest in manifests.items():
        for kind in PASSES.values():
            frames = FrameSet.of(
                file.frames for file in manifest.files if file.kind == kind.name and file.frames
            )
            if frames:
                found.append(
                    {
                        "pass": kind.name,
                        "files": kind.path,
                        "frames": str(frames),
                        "unit": kind.unit,
                        "stage": stage,
                        "licence_tier": manifest.tier,
                    }
                )
    return found


def check(kind: str, path: Path) -> None:
    """Read the index back.

    Raises
    ------
    OutputError
        If it is not what was written.
    """
    del kind
    record = json.loads(path.read_text(encoding="utf-8"))
    if record.get("schema") != SCHEMA or not isinstance(record.get("people"), list):
        raise OutputError(f"{path}: the index does not read back")


def contents(kind: str, path: Path) -> Contents:
    """Say for which frames of which film the index is."""
    del kind
    record = json.loads(path.read_text(encoding="utf-8"))
    width, height = record["size"]
    return Contents(
        frames=FrameSet.of([FrameRange(*record["frames"])]), size=(int(width), int(height))
    )


STAGE = Stage(
    name="index",
    version=2,
    reads=("identities", "lens", "fit", "motion", "shots"),
    optional=("body", "bvh", "glb", "overlay", "top_view", "cloud", *PASSES),
    writes=("shot",),
    options=NoOptions,
    run=run,
    check=check,
    contents=contents,
    meaning="the index of the folder: film, people, files, notes, licence tier",
)
