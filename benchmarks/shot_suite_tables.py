"""Tables of the suite as Markdown, and the bars it is held to."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from benchmarks.shot_suite_scores import COLUMNS, Score, pooled

Results = Mapping[str, Mapping[str, Mapping[str, Score]]]
"""Scores by shot, method and column."""
TITLES = {
    "truth": "the truth itself",
    "frames": "(a) frame by frame",
    "nlf_classic": "(b) nlf_classic, faults kept",
    "nlf_mended": "(b) nlf_classic, faults mended",
    "nlf_delivered": "(b) the same, distances as delivered",
    "smplfitter": "(c) smplfitter + the same smoothing",
    "solve": "**solve**",
    "solve_height": "**solve, heights told**",
}
_NOTHING = 1e-6
_CLASSIC = ("nlf_classic", "nlf_mended", "nlf_delivered")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One promise.

    Attributes
    ----------
    text : str
        What was promised.
    value, limit : float
        Measured, and the bar; NaN where it could not be measured.
    at_least : bool
        Whether the value must reach the limit instead of staying below.
    """

    text: str
    value: float
    limit: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether it holds."""
        if self.at_least:
            return bool(self.value >= self.limit)
        return bool(self.value <= self.limit)


def pooled_table(results: Results) -> dict[str, dict[str, float]]:
    """Pool over shots: by method and column."""
    methods = dict.fromkeys(method for shot in results.values() for method in shot)
    return {
        method: {
            column: pooled([shot[method][column] for shot in results.values() if method in shot])
            for column in COLUMNS
        }
        for method in methods
    }


def bars(results: Results) -> list[Bar]:
    """Hold the solve to its bars, against the best of the classic recipes in each."""
    table = pooled_table(results)
    solve = table.get("solve", dict.fromkeys(COLUMNS, float("nan")))
    told = table.get("solve_height", dict.fromkeys(COLUMNS, float("nan")))

    def classic(column: str) -> float:
        known = [table[name][column] for name in _CLASSIC if name in table]
        return min(known, default=float("nan"))

    half = "at most half of nlf_classic"
    return [
        Bar(text=f"metric W-MPJPE, mm: {half}", value=solve["w"], limit=classic("w") / 2),
        Bar(text=f"root error, mm: {half}", value=solve["root"], limit=classic("root") / 2),
        Bar(
            text="foot slide, mm/s: at most a fifth of nlf_classic",
            value=solve["slide"],
            limit=classic("slide") / 5,
        ),
        Bar(text="accents kept, %", value=solve["accents"], limit=95.0, at_least=True),
        Bar(
            text=f"pairwise distance, mm: {half}", value=solve["pairs"], limit=classic("pairs") / 2
        ),
        Bar(text="scale error with heights told, %", value=told["scale"], limit=3.0),
        Bar(text="processor seconds per 1000 person-frames", value=solve["seconds"], limit=30.0),
    ]


def bars_markdown(held: list[Bar]) -> list[str]:
    """Lines of the table of bars."""
    lines = ["| bar | measured | limit | |", "|---|---|---|---|"]
    for bar in held:
        sign = "at least" if bar.at_least else "at most"
        verdict = "met" if bar.met else "**NOT met**"
        verdict = verdict if np.isfinite([bar.value, bar.limit]).all() else "not measured"
        lines.append(
            f"| {bar.text} | {number(bar.value)} | {sign} {number(bar.limit)} | {verdict} |"
        )
    return lines


def pooled_markdown(results: Results) -> list[str]:
    """Lines of the table over all shots."""
    table = pooled_table(results)
    lines = [
        "| method | " + " | ".join(COLUMNS.values()) + " |",
        "|---|" + "---|" * len(COLUMNS),
    ]
    for method, row in table.items():
        cells = " | ".join(number(row[column]) for column in COLUMNS)
        lines.append(f"| {TITLES.get(method, method)} | {cells} |")
    return lines


def shots_markdown(results: Results, column: str) -> list[str]:
    """Lines of one column's table, shot by shot."""
    methods = list(dict.fromkeys(method for shot in results.values() for method in shot))
    heads = " | ".join(TITLES.get(method, method) for method in methods)
    lines = [f"| shot | {heads} |", "|---|" + "---|" * len(methods)]
    for name, shot in results.items():
        cells = [number(shot[one][column][0]) if one in shot else "" for one in methods]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def number(value: float) -> str:
    """Three digits that mean something."""
    if not np.isfinite(value):
        return "-"
    if abs(value) < _NOTHING:
        return "0"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
