"""Curves of one person before and after the solve, and how far each frame is off."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.residuals import Footing
from choreoscope.viewer.agreement import on_clip, standing_feet, stretches
from choreoscope.viewer.curves import line_path
from choreoscope.viewer.report_data import PersonEntry, ReportData

_EDGES = (0.005, 0.995)
"""Quantiles that set a curve's scale: one wild frame must not flatten all others."""
_ROOM = 0.08
_CROWDED = 16
"""Per cent of the height within which two labels run into each other."""
_SIDES = ("Left", "Right")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """One quantity over the clip's frames.

    Attributes
    ----------
    title, unit : str
        Words above it.
    before, after : (N,) float
        NaN where there is nothing.
    least : float
        The scale spans at least this much, in `unit`.
    floor : bool
        Whether 0 belongs on the scale.
    standing : (N,) bool
        Frames to be shaded.
    """

    title: str
    unit: str
    before: np.ndarray
    after: np.ndarray
    least: float
    floor: bool
    standing: np.ndarray


def graphs_of(entry: PersonEntry, data: ReportData) -> list[Graph]:
    """Everything there is to draw of one person; without a record the root's path alone."""
    record, motion, frames = entry.residuals, entry.motion, data.frames
    if record is None:
        if motion is None:
            return []
        return list(_root_graphs(None, motion.root_position, motion.first_frame, data))
    first = record.first_frame
    held = None if motion is None else standing_feet(motion)
    if held is None or len(held) != len(record.times):
        held = np.zeros((len(record.times), 2), dtype=bool)
    return [
        _alone("Distance from the detector's points", "px", record.pixels, first, frames),
        _alone("Distance from its 3D estimates", "cm", 100 * record.metres, first, frames),
        *_foot_graphs(record.before, record.after, held, first, frames),
        *_root_graphs(
            None if record.before is None else record.before.root, record.after.root, first, data
        ),
    ]


def graph_text(graph: Graph, count: int) -> dict[str, Any]:
    """Paths, labels and spoken words of a graph of `count` frames."""
    low, high = _scale(graph)
    paths = {
        name: line_path((values - low) / (high - low))
        for name, values in (("before", graph.before), ("after", graph.after))
    }
    digits = max(0, 1 - math.floor(math.log10(high - low)))
    known = graph.after[np.isfinite(graph.after)]
    middle = f"median {np.median(known):.{digits}f} {graph.unit}" if len(known) else "not known"
    zero = round(100 * high / (high - low), 2) if low < 0 < high else None
    return {
        "title": graph.title,
        "unit": graph.unit,
        "high": "" if zero is not None and zero < _CROWDED else f"{high:.{digits}f}",
        "low": "" if zero is not None and zero > 100 - _CROWDED else f"{low:.{digits}f}",
        "zero": zero,
        "summary": f"{graph.title}: {middle} in the result",
        "standing": [
            {"x": start, "width": stop - start} for start, stop in stretches(graph.standing)
        ],
        "count": count,
        **paths,
    }


def _alone(
    title: str, unit: str, values: np.ndarray, first_frame: int, frames: FrameRange
) -> Graph:
    return Graph(
        title=title,
        unit=unit,
        before=np.full(len(frames), np.nan),
        after=on_clip(values, first_frame, frames),
        least=2.0,
        floor=True,
        standing=np.zeros(len(frames), dtype=bool),
    )


def _foot_graphs(
    before: Footing | None,
    after: Footing,
    held: np.ndarray,
    first_frame: int,
    frames: FrameRange,
) -> Iterator[Graph]:
    for name, field, unit, factor, least in (
        ("height of the sole", "soles", "cm", 100.0, 6.0),
        ("speed of its slowest point", "speeds", "cm/s", 100.0, 20.0),
    ):
        for side, word in enumerate(_SIDES):
            first = None if before is None else getattr(before, field)[:, side]
            own = on_clip(1.0 * held[:, side], first_frame, frames)
            yield Graph(
                title=f"{word} foot, {name}",
                unit=unit,
                before=_or_nothing(first, first_frame, frames, factor),
                after=on_clip(factor * getattr(after, field)[:, side], first_frame, frames),
                least=least,
                floor=True,
                standing=np.nan_to_num(own) > 0,
            )


def _root_graphs(
    before: np.ndarray | None, after: np.ndarray, first_frame: int, data: ReportData
) -> Iterator[Graph]:
    frames = data.frames
    depths = _depths(before, first_frame, data), _depths(after, first_frame, data)
    heights = None if before is None else before[:, 1], after[:, 1]
    for title, (first, last) in (("Height of the hips", heights), ("Depth of the hips", depths)):
        yield Graph(
            title=title if title.startswith("Height") or data.camera else f"{title}, along z",
            unit="m",
            before=_or_nothing(first, first_frame, frames),
            after=on_clip(last, first_frame, frames),
            least=0.1,
            floor=False,
            standing=np.zeros(len(frames), dtype=bool),
        )


def _or_nothing(
    values: np.ndarray | None, first_frame: int, frames: FrameRange, factor: float = 1.0
) -> np.ndarray:
    if values is None:
        return np.full(len(frames), np.nan)
    return on_clip(factor * values, first_frame, frames)


def _depths(root: np.ndarray | None, first_frame: int, data: ReportData) -> Any:  # noqa: ANN401
    """Distance along the camera's view; without a camera along z."""
    if root is None:
        return None
    camera = data.camera
    if camera is None or len(camera.camera_from_world) == 0:
        return root[:, 2]
    rows = first_frame - data.frames.start + np.arange(len(root))
    pose = camera.camera_from_world[np.clip(rows, 0, len(camera.camera_from_world) - 1)]
    return np.einsum("ta,ta->t", pose[:, 2, :3], root) + pose[:, 2, 3]


def _scale(graph: Graph) -> tuple[float, float]:
    values = np.concatenate([graph.before, graph.after])
    known = values[np.isfinite(values)]
    if not len(known):
        return 0.0, graph.least
    low, high = (float(edge) for edge in np.quantile(known, _EDGES))
    room = _ROOM * (high - low)
    if graph.floor:
        low, high = min(low - room, 0.0) if low < 0 else 0.0, max(high + room, 0.0)
        return low, max(high, low + graph.least)
    lacking = max(graph.least - (high - low), 2 * room) / 2
    return low - lacking, high + lacking
