"""The page to look at: gathered from the artifacts, self-contained, offline."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from choreoscope import __version__
from choreoscope.datatypes.artifacts import Manifest
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.models import Tier
from choreoscope.datatypes.passes import PASSES
from choreoscope.formats.body_npz import read_body
from choreoscope.formats.camera_json import read_camera
from choreoscope.formats.fit_json import read_fit
from choreoscope.formats.lens_json import read_lens
from choreoscope.formats.motion_npz import read_motion
from choreoscope.formats.people_json import read_people
from choreoscope.formats.residuals_npz import read_residuals
from choreoscope.formats.sequence import read_sequence
from choreoscope.pipeline.stage import Job, NoOptions, Stage
from choreoscope.viewer.cloud_view import cloud_view
from choreoscope.viewer.filmstrip import thumbnail, thumbnail_frames
from choreoscope.viewer.passes_part import passes_of
from choreoscope.viewer.report import check_report, write_report
from choreoscope.viewer.report_data import (
    Decision,
    ModelUse,
    PersonEntry,
    ReportData,
    Thumbnail,
)

POSTER_SIDE = 960


def run(job: Job) -> None:
    """Gather everything and write the page."""
    manifests = {name: manifest for name, manifest in job.manifests().items() if name != "shots"}
    shot = json.loads(job.input("shot").read_text(encoding="utf-8"))
    strip, poster = _pictures(job)
    data = ReportData(
        video=job.video,
        clip_id=job.clip_id,
        frames=job.frames,
        people=tuple(_person(job, person, manifests) for person in sorted(job.inputs("sequence"))),
        camera=read_camera(job.input("camera")),
        camera_note=_camera_note(job),
        stages=tuple(manifests),
        manifests=manifests,
        tier=Tier(shot["licence_tier"]),
        made_with=f"Choreoscope {__version__}",
        notes=_film_notes(job),
        decisions=_decisions(job),
        models=_models(manifests),
        thumbnails=strip,
        poster=poster,
        overlay="overlay.mp4" if job.inputs("overlay") else None,
        top_view_png=_picture(job, "top_view"),
        side_view_png=_picture(job, "side_view"),
        files=tuple(
            file
            for manifest in manifests.values()
            for file in manifest.files
            if file.person is None and file.frames is None and not file.path.startswith("work/")
        ),
        solve=read_fit(job.input("fit"))["solve"],
        cloud=cloud_view(job.input("cloud"), job.frames) if job.inputs("cloud") else None,
        passes=passes_of(
            {name: job.inputs(name) for name in PASSES},
            job.video,
            job.frames,
            tuple(sorted(job.inputs("sequence"))),
        ),
    )
    write_report(job.output("report"), data)


def _person(job: Job, person: str, manifests: Mapping[str, Manifest]) -> PersonEntry:
    facts = read_fit(job.input("fit"))["people"].get(person, {})
    motions, bodies, records = (job.inputs(kind) for kind in ("motion", "body", "residuals"))
    return PersonEntry(
        sequence=read_sequence(job.input("sequence", person=person)).sequence,
        motion=read_motion(motions[person]) if person in motions else None,
        body=read_body(bodies[person]) if person in bodies else None,
        height_m=facts.get("stature"),
        height_source=str(facts.get("height_source", "unknown")),
        facts=facts,
        residuals=read_residuals(records[person]) if person in records else None,
        files=tuple(
            file
            for manifest in manifests.values()
            for file in manifest.files
            if file.person == person and not file.path.startswith("work/")
        ),
    )


def _picture(job: Job, kind: str) -> bytes | None:
    """Read a picture that a recipe may do without."""
    return job.input(kind).read_bytes() if job.inputs(kind) else None


def _pictures(job: Job) -> tuple[tuple[Thumbnail, ...], Thumbnail | None]:
    """Small pictures out of the overlay film, if any; its frames lack what did not decode."""
    from choreoscope.formats.video import probe
    from choreoscope.formats.video_reader import FilmReader

    if not job.inputs("overlay"):
        return (), None
    overlay = probe(job.input("overlay"))
    lost = {
        frame
        for hole in job.manifests()["overlay"].failed
        for frame in FrameRange.parse(hole, frame_count=job.frames.stop)
    }
    source = [frame for frame in job.frames if frame not in lost]
    wanted = set(thumbnail_frames(FrameRange(0, overlay.frame_count)))
    middle = overlay.frame_count // 2
    strip, poster = [], None
    with FilmReader(overlay, threads=job.settings.workers) as reader:
        for index, picture in reader.frames(FrameRange(0, overlay.frame_count)):
            frame = source[min(index, len(source) - 1)]
            seconds = float(job.video.time_of(frame))
            if index in wanted:
                strip.append(thumbnail(picture, frame=frame, seconds=seconds))
            if index == middle:
                poster = thumbnail(picture, frame=frame, seconds=seconds, long_side=POSTER_SIDE)
    return tuple(strip), poster


def _camera_note(job: Job) -> str:
    lens, background_px_s = read_lens(job.input("lens"))
    where = {
        "assumed": "The lens is assumed: distances scale with it.",
        "given": "The lens is as given on the command line.",
        "file": "The lens is read from a file.",
    }.get(lens.source, f"The lens comes from: {lens.source}.")
    if not background_px_s:
        return f"{where} The camera stands still."
    return (
        f"{where} The background moves ({background_px_s:.0f} px/s): paths in the world are "
        f"relative to the moving camera, poses are not affected."
    )


def _film_notes(job: Job) -> tuple[str, ...]:
    video, notes = job.video, []
    if video.declared_frames is not None and video.declared_frames != video.frame_count:
        notes.append(
            f"The film's header promises {video.declared_frames} frames, "
            f"the film holds {video.frame_count}."
        )
    shots = job.manifests()["shots"]
    notes += [f"{note[0].upper()}{note[1:]}." for note in shots.notes]
    for frames, why in shots.failed.items():
        notes.append(f"Frames {frames}: {why}; everything that decodes was used.")
    if not video.is_constant_rate:
        notes.append("The film's rate varies; every time comes from the frame's own time stamp.")
    return tuple(notes)


def _decisions(job: Job) -> tuple[Decision, ...]:
    return tuple(_decision(entry) for entry in read_people(job.input("identities")).decisions)


def _decision(entry: Mapping[str, Any]) -> Decision:
    score = entry.get("score")
    return Decision(
        person=str(entry.get("person") or entry.get("kind", "")),
        text=str(entry.get("reason", "")),
        score=float(score) if isinstance(score, int | float) else None,
    )


def _models(manifests: Mapping[str, Manifest]) -> tuple[ModelUse, ...]:
    """Everything that was downloaded or loaded to make the result, with its terms."""
    from choreoscope.pipeline.backends import backend

    uses = []
    for manifest in manifests.values():
        if manifest.backend is None:
            continue
        task, name = manifest.backend.split()[0].split("/")
        spec = backend(task, name)
        own = ModelUse(
            name=spec.name, version=str(spec.version), task=spec.task, licence=spec.licence
        )
        uses.append(own)
        uses += [
            ModelUse(name=ref.name, version=ref.version, task=spec.task, licence=ref.licence)
            for ref in spec.weights
        ]
    return tuple(uses)


def check(kind: str, path: Path) -> None:
    """Parse the page back."""
    del kind
    check_report(path)


STAGE = Stage(
    name="report",
    version=3,
    reads=("shots", "identities", "sequence", "lens", "fit", "motion", "camera", "shot"),
    optional=(
        *("body", "residuals", "bvh", "glb", "overlay", "top_view", "side_view", "cloud"),
        *PASSES,
    ),
    writes=("report",),
    options=NoOptions,
    run=run,
    check=check,
    meaning="one page to look at: film, people, completeness, 3D view, timings, licences",
)
