"""The shot solve against what a user would take instead, on synthetic shots with fixed seeds.

Writes ``docs/benchmarks/solve.md``; with ``--ablation`` also ``docs/benchmarks/solve_terms.md``.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.shot_suite_ablation import ablation_markdown
from benchmarks.shot_suite_cases import SHOTS, case, shortened
from benchmarks.shot_suite_methods import DEPTH_SCALE_ERROR, METHODS, available
from benchmarks.shot_suite_pool import quiet_pool
from benchmarks.shot_suite_scores import COLUMNS, Score, score
from benchmarks.shot_suite_tables import (
    bars,
    bars_markdown,
    pooled_markdown,
    shots_markdown,
)
from choreoscope.datatypes.errors import ChoreoscopeError

DOCS = Path(__file__).resolve().parents[1] / "docs" / "benchmarks"
TITLE = "# The shot solve against the others"
INTRODUCTION = """\
Made by `python -m benchmarks.shot_suite`: {shots} synthetic shots with fixed seeds, the same
evidence for every method ([nlf_classic.md](../nlf_classic.md) says what (a), (b) and (c) do). The
size of a moving camera's path is told to them with an error of {error:.0%}, in place of a depth
network; the solve is told nothing of it. Only frames in which somebody is seen are scored. The bars
hold the solve against the best of the rows (b), column by column. Seconds are processor seconds,
all threads and child processes together, with one thread for linear algebra: other work runs beside
on the two cores. Shots named "recorded" use recorded motion where `CHOREOSCOPE_DATA` holds it."""
WARM_FRAMES = 12
_WARM: set[str] = set()
PER_SHOT = ("w", "root", "slide", "accents", "pairs", "scale")
Rows = dict[str, dict[str, Score]]


def one_shot(index: int, methods: tuple[str, ...]) -> tuple[str, Rows]:
    """Make a shot, run the methods on it and measure them; what fails is told and left out."""
    shot = case(index)
    rows: Rows = {}
    for name in methods:
        try:
            if name not in _WARM:
                METHODS[name](shortened(case(0), WARM_FRAMES))
                _WARM.add(name)
            people, seconds = METHODS[name](shot)
        except ChoreoscopeError as error:
            print(f"{shot.name}: {name} failed: {error}", flush=True)
            continue
        rows[name] = score(shot, people, seconds)
    return shot.name, rows


def all_shots(count: int, methods: tuple[str, ...], workers: int) -> Iterator[dict[str, Rows]]:
    """Run every shot; give what is known after each of them."""
    results: dict[str, Rows] = {}
    with quiet_pool(workers) as pool:
        waiting = [pool.submit(one_shot, index, methods) for index in range(count)]
        for future in waiting:
            name, rows = future.result()
            results[name] = rows
            told = ", ".join(f"{one} {row['w'][0]:.0f}" for one, row in rows.items())
            print(f"{name}: metric W-MPJPE mm: {told}", flush=True)
            yield results


def page(results: dict[str, Rows]) -> list[str]:
    """Lines of the page."""
    lines = [TITLE, "", INTRODUCTION.format(shots=len(results), error=DEPTH_SCALE_ERROR), ""]
    lines += bars_markdown(bars(results))
    lines += ["", "## All shots in one", "", *pooled_markdown(results)]
    for column in PER_SHOT:
        lines += ["", f"## Shot by shot: {COLUMNS[column]}", "", *shots_markdown(results, column)]
    return lines


def main() -> int:
    """Run, print, write; 0 when every bar is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shots", type=int, default=SHOTS, help="0 leaves solve.md as it is")
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) // 2))
    parser.add_argument("--methods", nargs="+", choices=list(METHODS))
    parser.add_argument("--ablation", action="store_true", help="also switch off every term")
    parser.add_argument("--out", type=Path, default=DOCS)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    missed = 0
    if asked.shots:
        methods = tuple(asked.methods or available())
        lines: list[str] = []
        for results in all_shots(asked.shots, methods, asked.workers):
            # Written after every shot: a run that is cut short leaves what it found.
            lines = page(results)
            (asked.out / "solve.md").write_text("\n".join(lines) + "\n")
            missed = sum(not bar.met for bar in bars(results))
        print("\n".join(lines))
    if asked.ablation:
        lines = ablation_markdown(asked.workers)
        (asked.out / "solve_terms.md").write_text("\n".join(lines) + "\n")
    return missed


if __name__ == "__main__":
    sys.exit(main())
