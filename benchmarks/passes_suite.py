"""Film passes rendered from solved bodies against the truth, with controls that must fail.

Writes ``docs/benchmarks/passes.md``.
"""

import argparse
import dataclasses
import itertools
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.passes_suite_cases import RUN, SIZE, exact, runs, solved, specs, truth_of
from benchmarks.passes_suite_scores import (
    COLUMNS,
    CONTROLS,
    LARGE,
    Passes,
    Truth,
    gain,
    score,
)
from choreoscope.backends.flow.dis import Dis, DisOptions
from choreoscope.capture.passes.interfaces import PassFrame, ShotContext
from choreoscope.capture.passes.proxy_model import (
    ProxyDepth,
    ProxyFlow,
    ProxyMatte,
    ProxyNormals,
    ProxyParts,
)
from choreoscope.capture.passes.proxy_options import Detail, ProxyOptions
from choreoscope.datatypes.frames import FrameRange
from choreoscope.rendering.scene import view_of
from choreoscope.rendering.soft import Rendered
from choreoscope.synthetic.film import truth_pictures
from choreoscope.synthetic.shot import Shot

DOCS = Path(__file__).resolve().parents[1] / "docs" / "benchmarks"
Figures = dict[str, float]
ROWS = {
    "exact": "true bodies and camera, full surfaces",
    "exact, low": "true bodies and camera, coarse surfaces",
    "solved": "solved bodies and camera, surfaces as by default",
}
BARS: dict[str, Figures] = {
    "exact": {
        "j": 99.5,
        "f": 99.5,
        "abs_rel": 0.5,
        "floor": 0.5,
        "flicker": 0.05,
        "normals": 1.0,
        "floor_normals": 0.1,
        "parts": 95.0,
        "ids": 100.0,
        "flow": 0.1,
        "position": 10.0,
    },
    "solved": {
        "j": 90.0,
        "f": 94.0,
        "abs_rel": 1.2,
        "floor": 3.0,
        "flicker": 0.15,
        "normals": 10.0,
        "floor_normals": 2.0,
        "parts": 94.0,
        "ids": 99.0,
        "flow": 1.0,
        "position": 130.0,
    },
}
"""At least for the columns of `LARGE`, at most for the others; means over all shots."""
CONTROL_LIMITS: Figures = {
    "normals": 30.0,
    "floor_normals": 40.0,
    "parts": 60.0,
    "abs_rel": 50.0,
    "ids": 50.0,
    "flow": 1.0,
    "position": 100.0,
    "j": 80.0,
}
"""What a spoilt pass must be worse than: below for `LARGE`, above for the others."""
INTRODUCTION = """\
Made by `python -m benchmarks.passes_suite`: {shots} synthetic shots with fixed seeds at {width} x
{height}, {frames} frames of each, scored against what the generator's renderer says. In "exact" the
proxies get the true bodies and camera; truth and proxies come from the same renderer, which is
tested on closed forms elsewhere, so this row says that nothing is lost or turned on the way.
"Solved" is what a user gets where tracking is as good as on these shots: bodies, floor and camera
come from the shot solve, told noisy evidence and no height. Real performers wear hair and clothes
that proxies do not have, so mattes and normals at their outlines are worse on film than here.

J is the overlap of mattes, F the agreement of outlines within 2 pixels. Depth, normals, parts, flow
and position are means over the performers' pixels that both truth and pass show; the floor's depth
is told beside them. Flicker is the change from frame to frame of how much too far performers are.
Positions are in the camera's axes, each depth lifted through its own lens. Ids are read back from
the Cryptomatte file, {edge} pixels clear of outlines. The true parts follow the triangles of the
bodies and the pass cuts through them, so even exact parts differ along borders. Flipped green turns
a body's normals by less than one might think, as most of its skin faces sideways."""


def main() -> int:
    """Run, print, write; the number of bars missed and controls passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=DOCS)
    parser.add_argument("--shots", type=int, default=len(specs()))
    asked = parser.parse_args()
    begun = time.perf_counter()
    table: dict[str, dict[str, Figures]] = {row: {} for row in ROWS}
    spoilt: dict[str, list[float]] = {name: [] for name in CONTROLS}
    dis: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        for spec in specs()[: asked.shots]:
            shot = truth_of(spec)
            found = one_shot(shot, Path(scratch), spoilt, dis)
            for row, figures in found.items():
                table[row][spec.name] = figures
            told = ", ".join(f"{name} {value:.3g}" for name, value in found["solved"].items())
            print(f"{spec.name}: {told} ({time.perf_counter() - begun:.0f} s)", flush=True)
    lines, missed = page(table, {name: mean(values) for name, values in spoilt.items()}, mean(dis))
    print("\n".join(lines))
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / "passes.md").write_text("\n".join(lines) + "\n")
    print(f"{missed} missed, {time.perf_counter() - begun:.0f} s")
    return missed


def one_shot(
    shot: Shot, scratch: Path, spoilt: dict[str, list[float]], dis: list[float]
) -> dict[str, Figures]:
    """Figures of one shot by row; the controls and DIS are added to theirs."""
    truths = [(frame, truth) for frames in runs(shot) for frame, truth in true_frames(shot, frames)]
    perfect = exact(shot)
    contexts: dict[str, tuple[ShotContext, Detail]] = {
        "exact": (perfect, "full"),
        "exact, low": (perfect, "low"),
        "solved": (solved(shot), "auto"),
    }
    found = {}
    for row, (context, detail) in contexts.items():
        passes = rendered(context, [frame for frame, _ in truths], detail)
        scores = [
            score(own, truth, scratch) for own, (_, truth) in zip(passes, truths, strict=True)
        ]
        gains = [gain(own, truth) for own, (_, truth) in zip(passes, truths, strict=True)]
        figures = {name: mean([one[name] for one in scores]) for name in COLUMNS}
        figures["flicker"] = flicker(gains)
        found[row] = figures
        if row == "exact":
            for name, (column, spoil) in CONTROLS.items():
                if column != "ids" or len(shot.people) > 1:
                    spoilt[name] += [
                        score(spoil(own), truth, scratch)[column]
                        for own, (_, truth) in zip(passes, truths, strict=True)
                    ]
    dis.extend(dis_errors(truths))
    return found


def true_frames(shot: Shot, frames: FrameRange) -> Iterator[tuple[int, Truth]]:
    """Render a stretch as it really looks."""
    people = tuple(one.person for one in shot.people)
    model = shot.people[0].model
    for frame, seen in zip(frames, truth_pictures(shot, frames, flow=True, samples=1), strict=True):
        lens = view_of(shot.camera, frame).lens
        yield (
            frame,
            Truth(seen=seen, people=people, joints=model.joints, parents=model.parents, lens=lens),
        )


def rendered(context: ShotContext, frames: Sequence[int], detail: Detail) -> list[Passes]:
    """All proxy passes of some frames."""
    options = ProxyOptions(detail=detail)
    blank = np.zeros((SIZE[1], SIZE[0], 3), dtype=np.uint8)
    asked = [PassFrame(frame=frame, picture=blank) for frame in frames]
    made = []
    for kind in (ProxyMatte, ProxyDepth, ProxyNormals, ProxyParts, ProxyFlow):
        model = kind(options)
        model.start(context)
        made.append(model.infer(asked, None)[0])
    camera = context.camera
    if camera is None:
        return []
    return [
        Passes(
            alpha={
                name.removeprefix("alpha."): one
                for name, one in matte.items()
                if name.startswith("alpha.")
            },
            depth=depth["depth"],
            normals=normals["normals"],
            parts=parts["parts"],
            flow=flow["flow"],
            lens=view_of(camera, frame).lens,
        )
        for frame, matte, depth, normals, parts, flow in zip(frames, *made, strict=True)
    ]


def dis_errors(truths: Sequence[tuple[int, Truth]]) -> list[float]:
    """Mean end-point error on performers of OpenCV's DIS, from the colour of the film."""
    errors = []
    for (frame, truth), (following, other) in itertools.pairwise(truths):
        flow = truth.seen.flow
        inside = truth.seen.instance > 0
        if following != frame + 1 or flow is None or not inside.any():
            continue
        asked = PassFrame(
            frame=frame, picture=noisy(truth.seen, frame), following=noisy(other.seen, following)
        )
        answer = Dis(DisOptions()).infer([asked], None)[0][0]["flow"]
        errors.append(float(np.linalg.norm(answer - flow, axis=-1)[inside].mean()))
    return errors


def noisy(seen: Rendered, frame: int) -> np.ndarray:
    """Add a sensor's grain."""
    grain = np.random.default_rng(frame).normal(0, 2, seen.colour.shape)
    return np.asarray(np.clip(np.rint(seen.colour + grain), 0, 255), dtype=np.uint8)


def flicker(gains: Sequence[float]) -> float:
    """Mean change between frames that follow each other, per cent."""
    rows = np.array(gains).reshape(-1, RUN)
    return 100 * mean(np.abs(np.diff(rows, axis=1)).ravel())


def mean(values: Sequence[float] | np.ndarray) -> float:
    """Mean of what is known."""
    known = np.array(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    return float(known.mean()) if len(known) else float("nan")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One bar or control: what it is, what was found, what had to be, whether it was."""

    name: str
    value: float
    limit: str
    met: bool


def bars(table: dict[str, dict[str, Figures]]) -> list[Line]:
    """Hold the means over all shots against the bars."""
    lines = []
    for row, limits in BARS.items():
        for column, limit in limits.items():
            value = mean([figures[column] for figures in table[row].values()])
            large = column in LARGE
            lines.append(
                Line(
                    name=f"{row}: {COLUMNS[column]}",
                    value=value,
                    limit=f"{'at least' if large else 'at most'} {limit:g}",
                    met=value >= limit if large else value <= limit,
                )
            )
    return lines


def controls(spoilt: Figures) -> list[Line]:
    """Make sure that every spoilt pass is seen to be one."""
    lines = []
    for name, value in spoilt.items():
        column = CONTROLS[name][0]
        limit, large = CONTROL_LIMITS[column], column in LARGE
        lines.append(
            Line(
                name=f"{name}: {COLUMNS[column]}",
                value=value,
                limit=f"{'below' if large else 'above'} {limit:g}",
                met=value < limit if large else value > limit,
            )
        )
    return lines


def page(
    table: dict[str, dict[str, Figures]], spoilt: Figures, dis: float
) -> tuple[list[str], int]:
    """Lines of the page, and how many bars and controls do not hold."""
    told, caught = bars(table), controls(spoilt)
    shots = len(next(iter(table.values())))
    introduction = INTRODUCTION.format(
        shots=shots, width=SIZE[0], height=SIZE[1], frames=3 * RUN, edge=2
    )
    lines = ["# Film passes from solved bodies", "", introduction, ""]
    lines += ["## Bars", "", *_bar_table("bar", told), "", "## Controls that must fail", ""]
    lines += _bar_table("spoilt on purpose (exact scene)", caught)
    lines += ["", "## Rows", "", *_head("row")]
    for row, meaning in ROWS.items():
        figures = {name: mean([one[name] for one in table[row].values()]) for name in COLUMNS}
        lines.append(_row(f"**{row}**: {meaning}", figures))
    lines.append("")
    lines.append(
        f"Flow of OpenCV's DIS, from noisy pixels of the same frames: {dis:.2f} px on performers."
    )
    for row in ROWS:
        lines += ["", f"## Shot by shot: {row}", "", *_head("shot")]
        lines += [_row(name, figures) for name, figures in table[row].items()]
    return lines, sum(not one.met for one in (*told, *caught))


def _bar_table(title: str, entries: Sequence[Line]) -> list[str]:
    rows = [
        f"| {one.name} | {one.value:.3g} | {one.limit} | {'met' if one.met else '**missed**'} |"
        for one in entries
    ]
    return [f"| {title} | measured | limit | |", "|---|---|---|---|", *rows]


def _head(title: str) -> list[str]:
    return [
        f"| {title} | {' | '.join(COLUMNS.values())} |",
        f"|---{'|---' * len(COLUMNS)}|",
    ]


def _row(name: str, figures: Figures) -> str:
    return f"| {name} | {' | '.join(f'{figures[column]:.3g}' for column in COLUMNS)} |"


if __name__ == "__main__":
    sys.exit(main())
