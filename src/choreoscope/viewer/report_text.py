"""Words of the report's head, people, record and files."""

from collections.abc import Iterable
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

import numpy as np

from choreoscope.datatypes.artifacts import KINDS, WrittenFile
from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.models import Tier
from choreoscope.datatypes.video import Audio, Video
from choreoscope.viewer.completeness import Row, Verdict
from choreoscope.viewer.curves import Curves
from choreoscope.viewer.palette import PersonColour
from choreoscope.viewer.report_data import PersonEntry, ReportData
from choreoscope.viewer.timecode import duration_text, time_code

_TIERS = {
    Tier.COMMERCIAL: "Free to use, in commercial work too, under the licences listed below.",
    Tier.ASK: "Before commercial use, ask the owners of the models listed below.",
    Tier.RESEARCH: "For research only: a model listed below allows nothing else.",
}
_STILL_METRES = 0.01


def tier_meaning(tier: Tier) -> str:
    """Say what the tier allows."""
    return _TIERS[tier]


def film_name(video: Video) -> str:
    """Name of the file without the folder; bytes that are no text become a replacement sign."""
    name = PurePath(video.path).name or video.path
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def clip_times(data: ReportData) -> np.ndarray:
    """Seconds of the clip's frames from its own first frame, ``(N,)``."""
    times = data.video.times(data.frames)
    return np.asarray(times - times[0])


def film_facts(data: ReportData) -> list[str]:
    """List what the film and the clip are, each a few words."""
    video, frames = data.video, data.frames
    times = video.times(frames)
    length = float(times[-1] - times[0] + 1 / video.rate)
    rate = f"{float(video.rate):.3f}".rstrip("0").rstrip(".")
    steady = "" if video.is_constant_rate else "variable, about "
    facts = [
        data.clip_id,
        frames_text(frames.start, frames.stop),
        f"{duration_text(length)} from {time_code(float(times[0]))}",
        f"{video.width} by {video.height} pixels",
        f"{steady}{rate} frames/s",
        video.codec,
        _sound_text(video.audio),
    ]
    if video.declared_frames is not None and video.declared_frames != video.frame_count:
        facts.append(f"header claims {video.declared_frames} frames, {video.frame_count} are there")
    return [fact for fact in facts if fact]


def headline(verdict: Verdict) -> dict[str, str]:
    """Put the verdict in a line, with how serious it is: ok, some or bad."""
    people = "Nobody found"
    if verdict.people:
        people = f"{verdict.people} {'person' if verdict.people == 1 else 'people'}"
    parts = []
    if verdict.missing:
        parts.append(f"{len(verdict.missing)} missing")
    if verdict.bridged:
        parts.append(f"{len(verdict.bridged)} filled in for somebody")
    level = "bad" if verdict.missing else "some" if verdict.bridged or not verdict.people else "ok"
    return {
        "level": level,
        "headline": f"{people}, {verdict.complete} of {verdict.total} frames complete",
        "detail": ", ".join(parts),
    }


def person_text(
    entry: PersonEntry, colour: PersonColour, row: Row, curves: Curves, data: ReportData
) -> dict[str, Any]:
    """Words of one person's line in the table."""
    numbers = np.arange(data.frames.start, data.frames.stop)
    seen = int(np.isin(entry.sequence.frames, numbers).sum())
    there = [run.frames for run in row.runs if run.state != "absent"]
    mean = float(np.nanmean(curves.body)) if np.isfinite(curves.body).any() else None
    times = data.video.times(data.frames) if there else np.zeros(0)
    return {
        "id": entry.person,
        "colour": colour.hex,
        "colour_name": colour.name,
        "seen": seen,
        "share": f"{100 * seen / len(data.frames):.0f} %",
        "first": time_code(float(times[there[0].start - data.frames.start])) if there else "-",
        "last": time_code(float(times[there[-1].stop - 1 - data.frames.start])) if there else "-",
        "gaps": _gap_words(row),
        "height": "-" if entry.height_m is None else f"{entry.height_m:.2f} m",
        "height_source": entry.height_source,
        "confidence": "-" if mean is None else f"{mean:.2f}",
        "files": [{"short": file.kind, "href": quote(file.path)} for file in entry.files],
    }


def camera_text(camera: CameraTrack | None, note: str) -> str:
    """Put lens and standpoint in two sentences."""
    if camera is None or len(camera.camera_from_world) == 0:
        return note
    wide = 2 * np.degrees(np.arctan2(camera.width / 2, camera.intrinsics[0, 0, 0]))
    rotation, shift = camera.camera_from_world[:, :3, :3], camera.camera_from_world[:, :3, 3]
    centres = -np.einsum("tji,tj->ti", rotation, shift)
    path = float(np.linalg.norm(np.ptp(centres, axis=0)))
    moves = "" if path < _STILL_METRES else f" and moves within {path:.2f} m"
    scale = "" if camera.metric else " Its scale is not known."
    return (
        f"{note} The picture is {wide:.0f}° wide; "
        f"the camera is {centres[0, 1]:.2f} m above the floor{moves}.{scale}"
    ).strip()


def note_texts(data: ReportData) -> list[dict[str, str]]:
    """List notes of the stages in order, then those of the clip; repeated ones once."""
    found = [
        {"stage": name, "text": text}
        for name, manifest in data.manifests.items()
        for text in manifest.notes
    ]
    found += [{"stage": "", "text": text} for text in data.notes]
    kept: list[dict[str, str]] = []
    for note in found:
        if all(note["text"] != other["text"] for other in kept):
            kept.append(note)
    return kept


def file_texts(files: Iterable[WrittenFile]) -> list[dict[str, str]]:
    """Words of the file table."""
    return [
        {
            "path": file.path,
            "href": quote(file.path),
            "meaning": KINDS[file.kind].meaning if file.kind in KINDS else file.kind,
            "size": size_text(file.size),
        }
        for file in files
    ]


def size_text(size: int) -> str:
    """Write bytes as people do: B, kB or MB, by thousands."""
    kilo = 1000
    if size < kilo:
        return f"{size} B"
    if size < kilo * kilo:
        return f"{size / kilo:.0f} kB"
    return f"{size / kilo / kilo:.1f} MB"


def blender_lines(files: Iterable[WrittenFile]) -> list[str]:
    """Say in at most two lines how the first person's files open in Blender."""
    listed = list(files)
    lines = []
    for kind, line in (
        ("glb", "Blender, figure: File > Import > glTF 2.0, choose {path}, press play."),
        (
            "bvh",
            "Blender, skeleton: File > Import > Motion Capture (.bvh), choose {path}, scale 0.01.",
        ),
    ):
        path = next((file.path for file in listed if file.kind == kind), None)
        if path is not None:
            lines.append(line.format(path=path))
    return lines


def frames_text(start: int, stop: int) -> str:
    """Write a half-open range as people count: ``frame 7`` or ``frames 7 to 9``."""
    return f"frame {start}" if stop - start == 1 else f"frames {start} to {stop - 1}"


def _gap_words(row: Row) -> str:
    words = []
    for state, word in (("bridged", "filled in"), ("missing", "missing")):
        lengths = [len(run.frames) for run in row.runs if run.state == state]
        if lengths:
            gaps = "1 gap" if len(lengths) == 1 else f"{len(lengths)} gaps"
            plural = "frame" if sum(lengths) == 1 else "frames"
            words.append(f"{gaps}, {sum(lengths)} {plural} {word}")
    return "; ".join(words) or "none"


def _sound_text(audio: Audio | None) -> str:
    if audio is None:
        return "no sound"
    return "silent sound track" if audio.silent else "with sound"
