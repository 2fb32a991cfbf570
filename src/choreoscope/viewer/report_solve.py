"""What the report tells of the solve: agreement, contacts, sizes, before and after."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from choreoscope.viewer.agreement import (
    TOUCHING,
    Agreement,
    Change,
    agreement_of,
    on_clip,
    stretches,
)
from choreoscope.viewer.before_after import graph_text, graphs_of
from choreoscope.viewer.palette import PersonColour
from choreoscope.viewer.report_data import PersonEntry, ReportData
from choreoscope.viewer.report_text import frames_text
from choreoscope.viewer.scale_agreement import scale_fields
from choreoscope.viewer.timecode import time_code

_PARTS = (
    ("foot", "feet"),
    ("toes", "toes"),
    ("hand", "hands"),
    ("shin", "knees"),
    ("thigh", "seat"),
    ("forearm", "elbows"),
)
"""Joint that moves a part, and the part's name for people."""
_ALWAYS = ("foot", "toes")
_HALVES = (("left", 1.0), ("right", 6.5))
_HALF = 4.5
_OPEN_PEOPLE = 3
UNKNOWN = "–"  # noqa: RUF001


def solve_fields(data: ReportData, colours: Mapping[str, PersonColour]) -> dict[str, Any]:
    """Everything the template ``solve.html.j2`` asks for."""
    doubts = {entry.person: _doubts(entry, data) for entry in data.people}
    figures = {entry.person: agreement_of(entry) for entry in data.people}
    return {
        "count": len(data.frames),
        "rows": [
            {**_row(entry, figures[entry.person]), "colour": colours[entry.person].hex}
            for entry in data.people
        ],
        "recorded": any(entry.residuals is not None for entry in data.people),
        "doubts": [
            {"person": person, "text": doubt["text"]}
            for person, own in doubts.items()
            for doubt in own
        ],
        "contacts": [
            one
            for one in (
                _contacts(entry, data, colours[entry.person], doubts[entry.person])
                for entry in data.people
            )
            if one["lanes"]
        ],
        "graphs": [
            {
                "person": entry.person,
                "colour": colours[entry.person].hex,
                "open": number < _OPEN_PEOPLE,
                "doubts": doubts[entry.person],
                "graphs": [graph_text(one, len(data.frames)) for one in graphs_of(entry, data)],
                "has_before": entry.residuals is not None and entry.residuals.before is not None,
            }
            for number, entry in enumerate(data.people)
            if entry.motion is not None or entry.residuals is not None
        ],
        "scale": scale_fields(data, colours),
    }


def _row(entry: PersonEntry, figures: Agreement) -> dict[str, str]:
    return {
        "person": entry.person,
        "pixels": _text(figures.pixels, 1),
        "pixels_high": _text(figures.pixels_high, 1),
        "metres": _text(1000 * figures.metres, 0),
        "slide": _change_text(figures.slide),
        "sunk": _change_text(figures.sunk),
        "above": _change_text(figures.above),
        "standing": _text(100 * figures.standing, 0, " %"),
        "stature": _text(math.nan if entry.height_m is None else entry.height_m, 2, " m"),
        "known": entry.height_source,
    }


def _change_text(change: Change) -> str:
    """Millimetres, or millimetres per second, before and after."""
    after = _text(1000 * change.after, 0)
    if not math.isfinite(change.before):
        return after
    return f"{_text(1000 * change.before, 0)} → {after}"


def _text(value: float, digits: int, unit: str = "") -> str:
    return f"{value:.{digits}f}{unit}" if math.isfinite(value) else UNKNOWN


def _doubts(entry: PersonEntry, data: ReportData) -> list[dict[str, str]]:
    """Stretches not to be trusted: place in per cent of the clip, and words."""
    if entry.residuals is None:
        return []
    start, count = data.frames.start, len(data.frames)
    times = data.video.times(data.frames)
    found = []
    for part in entry.residuals.doubts:
        low, high = max(part.start, start), min(part.stop, data.frames.stop)
        if low >= high:
            continue
        begin, end = (time_code(float(times[at - start])) for at in (low, high - 1))
        found.append(
            {
                "left": f"{100 * (low - start) / count:.3f}",
                "width": f"{100 * (high - low) / count:.3f}",
                "text": f"{frames_text(low, high)} ({begin} to {end})",
            }
        )
    return found


def _contacts(
    entry: PersonEntry, data: ReportData, colour: PersonColour, doubts: list[dict[str, str]]
) -> dict[str, Any]:
    """One lane per part that ever touches, left above right; feet and toes always."""
    motion = entry.motion
    lanes: list[dict[str, Any]] = []
    never: list[str] = []
    if motion is not None and motion.contacts is not None:
        for joint, part in _PARTS:
            sides = {
                side: on_clip(motion.contacts[:, column], motion.first_frame, data.frames)
                for side, _ in _HALVES
                if (column := _column(motion.contact_joints, f"{side}_{joint}")) is not None
            }
            touching = {side: np.nan_to_num(chance) >= TOUCHING for side, chance in sides.items()}
            if not any(one.any() for one in touching.values()) and joint not in _ALWAYS:
                never += [part] if touching else []
                continue
            if touching:
                lanes.append(_lane(entry.person, part, touching))
    return {
        "person": entry.person,
        "colour": colour.hex,
        "lanes": lanes,
        "doubts": doubts,
        "never": f"{', '.join(never)}: never" if never else "",
    }


def _column(names: tuple[str, ...], name: str) -> int | None:
    return names.index(name) if name in names else None


def _lane(person: str, part: str, touching: Mapping[str, np.ndarray]) -> dict[str, Any]:
    tops = dict(_HALVES)
    said = ", ".join(f"{side} in {int(one.sum())} frames" for side, one in touching.items())
    return {
        "label": part,
        "summary": f"{person}, {part} touching: {said}",
        "cells": [
            {"x": start, "width": stop - start, "y": tops[side], "height": _HALF}
            for side, one in touching.items()
            for start, stop in stretches(one)
        ],
    }
