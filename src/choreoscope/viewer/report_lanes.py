"""The strips and curves of the report: cells, text lists, the axis of time."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from choreoscope.viewer.completeness import Row, State
from choreoscope.viewer.curves import Curves, band_path, line_path
from choreoscope.viewer.palette import PersonColour
from choreoscope.viewer.report_data import ReportData
from choreoscope.viewer.report_text import frames_text
from choreoscope.viewer.timecode import time_code

WORDS: dict[State, str] = {
    "done": "there",
    "bridged": "filled in",
    "missing": "missing",
    "absent": "not in the picture",
}
_CELLS: dict[State, tuple[float, float]] = {
    "absent": (5.5, 1),
    "done": (1, 10),
    "bridged": (3, 6),
    "missing": (0, 12),
}
"""Top and height of a cell, so that states differ in shape too; missing is drawn last, on top."""
_MOST_TICKS = 9
_MOST_GAPS = 400


def row_text(row: Row, data: ReportData, colour: PersonColour | None) -> dict[str, Any]:
    """One lane of the frames strip."""
    cells = [
        {
            "state": run.state,
            "x": run.frames.start - data.frames.start,
            "width": len(run.frames),
            "y": _CELLS[run.state][0],
            "height": _CELLS[run.state][1],
        }
        for state in _CELLS
        for run in row.runs
        if run.state == state
    ]
    return {
        "label": row.label,
        "kind": row.kind,
        "colour": colour.hex if colour else "",
        "summary": _summary(row),
        "cells": cells,
    }


def gap_texts(rows: Iterable[Row], data: ReportData) -> list[dict[str, str]]:
    """Every missing or filled-in stretch in words, missing ones first."""
    times = data.video.times(data.frames)
    start = data.frames.start
    found = [
        {
            "label": row.label,
            "state": run.state,
            "word": WORDS[run.state],
            "reason": run.reason,
            "frames": frames_text(run.frames.start, run.frames.stop),
            "times": _span(times[run.frames.start - start : run.frames.stop - start]),
        }
        for state in ("missing", "bridged")
        for row in rows
        for run in row.runs
        if run.state == state
    ]
    left_out = len(found) - _MOST_GAPS
    if left_out > 0:
        found = found[:_MOST_GAPS]
        found[-1]["reason"] += f" (and {left_out} more stretches, all of them in the strips above)"
    return found


def lane_json(rows: Sequence[Row], data: ReportData) -> dict[str, Any]:
    """List the runs of all rows for the page's script, reasons by number."""
    reasons = sorted({run.reason for row in rows for run in row.runs})
    start = data.frames.start
    return {
        "reasons": reasons,
        "rows": [
            {
                "label": row.label,
                "kind": row.kind,
                "runs": [
                    [
                        run.frames.start - start,
                        run.frames.stop - start,
                        run.state,
                        reasons.index(run.reason),
                    ]
                    for run in row.runs
                ],
            }
            for row in rows
        ],
    }


def curve_text(person: str, curves: Curves, colour: PersonColour) -> dict[str, str]:
    """Paths and a spoken summary of one person's confidence."""
    known = curves.body[np.isfinite(curves.body)]
    summary = f"{person}: never seen"
    if len(known):
        summary = (
            f"{person}: confidence of the body {known.mean():.2f} on average, "
            f"lowest {known.min():.2f}"
        )
    return {
        "id": person,
        "colour": colour.hex,
        "summary": summary,
        "body": line_path(curves.body),
        "hands": line_path(curves.hands),
        "band": band_path(curves.body),
    }


def axis_ticks(data: ReportData) -> list[dict[str, str]]:
    """Even times with their place in per cent of the clip's frames."""
    times = data.video.times(data.frames)
    length = float(times[-1] - times[0])
    steps = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
    step = next((size for size in steps if length <= _MOST_TICKS * size), 7200.0)
    first, last = math.ceil(float(times[0]) / step), math.floor(float(times[-1]) / step)
    places = np.arange(len(times)) + 0.5
    ticks = []
    for mark in range(first, last + 1):
        left = 100 * float(np.interp(mark * step, times, places)) / len(times)
        text = time_code(mark * step)
        ticks.append({"left": f"{left:.2f}", "label": text if step < 1 else text.split(".")[0]})
    return ticks


def _summary(row: Row) -> str:
    counts = [
        f"{len(row.frames_that_are(state))} frames {WORDS[state]}"
        for state in ("done", "bridged", "missing", "absent")
        if row.frames_that_are(state)
    ]
    return ", ".join(counts)


def _span(times: np.ndarray) -> str:
    first, last = time_code(float(times[0])), time_code(float(times[-1]))
    return first if len(times) == 1 else f"{first} to {last}"
