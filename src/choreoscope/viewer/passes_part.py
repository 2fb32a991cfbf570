"""The report's sheet of film passes: the same few frames of each, side by side."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.passes import pass_kind
from choreoscope.datatypes.video import Video
from choreoscope.viewer.filmstrip import thumbnail, thumbnail_frames
from choreoscope.viewer.palette import colours_for
from choreoscope.viewer.pass_pictures import range_of, shown
from choreoscope.viewer.report_data import PassEntry, ReportData
from choreoscope.viewer.timecode import time_code

COLUMNS = 4
_SIDE = 420
_LEGENDS = {
    "alpha": "white: foreground",
    "people": "a colour for each person, mixed where the edge is soft",
    "depth": "warm: near, blue: far",
    "depth_sigma": "warm: sure, blue: doubtful",
    "normals": "red: to the right, green: up, blue: to the viewer",
    "position": "colours begin anew with every metre",
    "parts": "a colour for each part of the body",
    "flow": "hue: direction, brightness: how far",
    "flow_back": "hue: direction, brightness: how far",
}


def passes_of(
    files: Mapping[str, Mapping[str, Path]],
    video: Video,
    frames: FrameRange,
    people: tuple[str, ...],
) -> tuple[PassEntry, ...]:
    """Make small pictures of a few frames of every pass.

    Parameters
    ----------
    files : dict
        Pass to frame (six digits) to file; passes that were not made are absent or empty.
    people : tuple of str
        Ids of the persons, whose colours are those of the rest of the page.
    """
    colours = colours_for(people)
    entries = []
    for name, own in files.items():
        if not own:
            continue
        by_frame = {int(frame): path for frame, path in own.items()}
        wanted = thumbnail_frames(frames, COLUMNS)
        near = [min(by_frame, key=lambda have: abs(have - frame)) for frame in wanted]
        paths = [by_frame[frame] for frame in dict.fromkeys(near)]
        span = range_of(name, paths)
        entries.append(
            PassEntry(
                name=name,
                count=len(own),
                span=span,
                pictures=tuple(
                    thumbnail(
                        shown(name, by_frame[frame], span, colours),
                        frame=frame,
                        seconds=float(video.time_of(frame)),
                        long_side=_SIDE,
                    )
                    for frame in dict.fromkeys(near)
                ),
            )
        )
    return tuple(entries)


def passes_fields(data: ReportData) -> dict[str, Any]:
    """Everything the template ``passes.html.j2`` asks for."""
    return {"rows": [_row(entry, data) for entry in data.passes]}


def _row(entry: PassEntry, data: ReportData) -> dict[str, Any]:
    kind = pass_kind(entry.name)
    whole = len(data.frames)
    return {
        "name": entry.name,
        "folder": f"passes/{entry.name}/",
        "count": f"{entry.count} of {whole} frames",
        "complete": entry.count == whole,
        "legend": _LEGENDS.get(entry.name, ""),
        "meaning": kind.meaning,
        "span": _span(entry, kind.unit),
        "pictures": [
            {
                "base64": base64.b64encode(picture.jpeg).decode("ascii"),
                "width": picture.width,
                "height": picture.height,
                "frame": picture.frame,
                "code": time_code(picture.seconds),
            }
            for picture in entry.pictures
        ],
    }


def _span(entry: PassEntry, unit: str) -> str:
    if entry.name in ("depth", "depth_sigma"):
        return f"{entry.span[0]:.2f} to {entry.span[1]:.2f} {unit}"
    if entry.name in ("flow", "flow_back"):
        return f"up to {entry.span[1]:.1f} {unit}"
    return ""
