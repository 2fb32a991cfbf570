"""The report: one page that tells what was found, plays it, and needs nothing but itself.

The same data give the same bytes, but for the one element ``<script id="timings">``.
"""

import base64
import json
import math
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

from choreoscope.datatypes.artifacts import WrittenFile
from choreoscope.datatypes.errors import OutputError
from choreoscope.viewer.cloud_part import cloud_fields
from choreoscope.viewer.completeness import rows_of, verdict_of
from choreoscope.viewer.curves import curves_of
from choreoscope.viewer.palette import colours_for
from choreoscope.viewer.passes_part import passes_fields
from choreoscope.viewer.report_check import check_report
from choreoscope.viewer.report_data import ModelUse, ReportData, Thumbnail
from choreoscope.viewer.report_lanes import axis_ticks, curve_text, gap_texts, lane_json, row_text
from choreoscope.viewer.report_solve import solve_fields
from choreoscope.viewer.report_text import (
    blender_lines,
    camera_text,
    clip_times,
    file_texts,
    film_facts,
    film_name,
    headline,
    note_texts,
    person_text,
    tier_meaning,
)
from choreoscope.viewer.scene_data import scene_of
from choreoscope.viewer.timecode import time_code

__all__ = ["check_report", "embedded_json", "render", "report_page", "write_report"]

SCRIPTS = ("clock.js", "figures.js", "scene.js", "report.js")
_ORDINALS = {1: "st", 2: "nd", 3: "rd"}
_TEENS = (11, 12, 13)


def write_report(path: Path, data: ReportData) -> None:
    """Write the page.

    Parameters
    ----------
    path : Path
        Where to; the folder exists. Relative links count from here.
    data : ReportData
        What to show.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    page = report_page(data)
    try:
        path.write_text(page, encoding="utf-8", newline="\n")
    except OSError as error:
        raise OutputError(f"{path}: the report cannot be written ({error})") from error


def report_page(data: ReportData) -> str:
    """Return the whole page as text."""
    from markupsafe import Markup

    colours = colours_for(entry.person for entry in data.people)
    told = render("solve.html.j2", **solve_fields(data, colours), ticks=axis_ticks(data))
    return render(
        "report.html.j2",
        **_people_part(data),
        **_clip_part(data),
        **_data_part(data),
        solve_part=Markup(told),  # noqa: S704
        passes_part=Markup(render("passes.html.j2", **passes_fields(data))),  # noqa: S704
        has_passes=bool(data.passes),
        cloud_part=Markup(render("cloud.html.j2", **cloud_fields(data, embedded_json))),  # noqa: S704
        has_cloud=data.cloud is not None and bool(data.cloud.moments),
    )


def render(template: str, **fields: object) -> str:
    """Fill a template of this package; every field is escaped unless it is `Markup`.

    Parameters
    ----------
    template : str
        File name in ``viewer/templates``.
    **fields
        What the template asks for; a missing one is an error.
    """
    from jinja2 import Environment, StrictUndefined

    world = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    return world.from_string(_asset(template)).render(css=_style(), **fields) + "\n"


def embedded_json(value: object) -> Any:  # noqa: ANN401
    """Return JSON that is safe inside a script element, as `Markup`; the same value, same text."""
    from markupsafe import Markup

    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # noqa: S704


def _people_part(data: ReportData) -> dict[str, Any]:
    rows = rows_of(data)
    colours = colours_for(entry.person for entry in data.people)
    own_rows = {row.label: row for row in rows if row.kind == "person"}
    curves = {entry.person: curves_of(entry, data.frames) for entry in data.people}
    gaps = gap_texts(rows, data)
    return {
        "verdict": headline(verdict_of(data, rows)),
        "people": [
            person_text(
                entry,
                colours[entry.person],
                own_rows[entry.person],
                curves[entry.person],
                data,
            )
            for entry in data.people
        ],
        "rows": [
            row_text(row, data, colours[row.label] if row.kind == "person" else None)
            for row in rows
        ],
        "gaps": gaps,
        "gap_title": f"{len(gaps)} {'stretch' if len(gaps) == 1 else 'stretches'} in words",
        "curves": [curve_text(person, own, colours[person]) for person, own in curves.items()],
        "ticks": axis_ticks(data),
        "facts_json": embedded_json({**_facts(data), **lane_json(rows, data)}),
    }


def _clip_part(data: ReportData) -> dict[str, Any]:
    files = _all_files(data)
    return {
        "made_with": data.made_with,
        "film": _film(data),
        "tier": {"name": str(data.tier), "meaning": tier_meaning(data.tier)},
        "overlay": None if data.overlay is None else quote(data.overlay),
        "poster": None if data.poster is None else _picture(data.poster),
        "thumbnails": [_picture(shot) for shot in data.thumbnails],
        "has_camera": data.camera is not None and len(data.camera.camera_from_world) > 0,
        "camera_note": camera_text(data.camera, data.camera_note),
        "notes": note_texts(data),
        "decisions": [
            {
                "person": decision.person,
                "text": decision.text,
                "score": "" if decision.score is None else f"score {decision.score:.2f}",
            }
            for decision in data.decisions
        ],
        "models": [_model(model) for model in data.models],
        "files": file_texts(files),
        "blender": blender_lines(files),
        "views": _views(data),
    }


def _data_part(data: ReportData) -> dict[str, Any]:
    from markupsafe import Markup

    colours = colours_for(entry.person for entry in data.people)
    motions = {entry.person: entry.motion for entry in data.people if entry.motion is not None}
    bodies = {entry.person: entry.body for entry in data.people if entry.body is not None}
    scene = scene_of(motions, data.camera, colours, data.frames, clip_times(data), bodies)
    stride = int(scene["frames"]["stride"])
    names = ", ".join(motions) or "nobody"
    return {
        "scene_json": embedded_json(scene),
        "timings_json": embedded_json(_timings(data)),
        "scripts": [Markup(_asset(name)) for name in SCRIPTS],  # noqa: S704
        "stride": stride,
        "stride_text": _ordinal(stride),
        "space_label": f"The floor in metres with moving figures: {names}",
    }


def _film(data: ReportData) -> dict[str, Any]:
    video = data.video
    shape = video.width / video.height
    first = float(video.times(data.frames)[0])
    return {
        "name": film_name(video),
        "clip": data.clip_id,
        "facts": film_facts(data),
        "start": data.frames.start,
        "count": len(data.frames),
        "start_code": time_code(first),
        "sound": video.audio is not None and not video.audio.silent,
        # A tall film leaves more of the width to the figures.
        "share": f"{min(1.0, max(0.45, shape / 1.4)):.3f}",
        "shape": f"{min(2.4, max(1.0, shape)):.3f}",
    }


def _facts(data: ReportData) -> dict[str, Any]:
    times = data.video.times(data.frames)
    step = 1 / data.video.rate
    return {
        "film": film_name(data.video),
        "clip": data.clip_id,
        "people": [entry.person for entry in data.people],
        "start": data.frames.start,
        "count": len(data.frames),
        "startSeconds": round(float(times[0]), 6),
        "seconds": round(float(times[-1] - times[0] + step), 6),
        "rate": round(float(data.video.rate), 6),
    }


def _timings(data: ReportData) -> dict[str, Any]:
    stages: list[dict[str, Any]] = [
        {
            "stage": name,
            "wall": round(manifest.seconds, 3),
            "cpu": round(manifest.cpu_seconds, 3),
            "model": round(manifest.model_cpu_seconds, 3),
            "frames": len(data.frames),
        }
        for name, manifest in data.manifests.items()
    ]
    total: dict[str, Any] = {"stage": "together", "frames": len(data.frames)}
    for key in ("wall", "cpu", "model"):
        total[key] = round(math.fsum(float(stage[key]) for stage in stages), 3)
    return {"stages": stages, "total": total}


def _model(model: ModelUse) -> dict[str, str]:
    return {
        "name": model.name,
        "version": model.version,
        "task": model.task,
        "licence": model.licence.name,
        "tier": str(model.licence.tier),
        "notice": " ".join(part for part in (model.licence.notice, model.licence.url) if part),
    }


def _picture(shot: Thumbnail) -> dict[str, Any]:
    return {
        "frame": shot.frame,
        "code": time_code(shot.seconds),
        "width": shot.width,
        "height": shot.height,
        "base64": base64.b64encode(shot.jpeg).decode("ascii"),
    }


def _views(data: ReportData) -> list[dict[str, str]]:
    pictures = (
        (data.top_view_png, "Everybody's path on the floor, seen from above, on a grid in metres"),
        (data.side_view_png, "Figures at eight moments, side by side, with a scale of heights"),
    )
    return [
        {"base64": base64.b64encode(png).decode("ascii"), "alt": words}
        for png, words in pictures
        if png is not None
    ]


def _all_files(data: ReportData) -> list[WrittenFile]:
    own = [file for entry in data.people for file in entry.files]
    return sorted([*data.files, *own], key=lambda file: (file.path.count("/"), file.path))


def _ordinal(number: int) -> str:
    tail = "th" if number % 100 in _TEENS else _ORDINALS.get(number % 10, "th")
    return f"{number}{tail}"


def _asset(name: str) -> str:
    return (resources.files("choreoscope.viewer") / "templates" / name).read_text("utf-8")


def _style() -> Any:  # noqa: ANN401
    from markupsafe import Markup

    return Markup(_asset("report.css"))  # noqa: S704
