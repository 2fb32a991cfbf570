"""``choreoscope status``: how a result stands, frames x stages, by its records alone."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from choreoscope.capture.result_folder import ResultFolder
    from choreoscope.pipeline.status import StageStatus, UnitStatus

CELLS, FEWEST_CELLS = 60, 10
BESIDE_CELLS = 58
"""Columns of a line that are not the strip."""
LONGEST_LIST = 12
"""Ranges of frames that are named in a line."""

MARKS = {"done": ("█", "#", "green"), "gap": ("x", "x", "red")}
MARKS |= {"part": ("▒", "+", "yellow"), "none": ("·", ".", "dim")}
"""Cell to its sign, its sign where there is only ASCII, and its colour."""
STYLES = {"done": "green", "gaps": "yellow", "begun": "yellow", "failed": "red"}
STYLES |= {"not made": "dim", "unreadable": "red"}


def status(
    shot: Annotated[
        Path,
        typer.Argument(
            help="Result folder of a film or of one of its clips, or of a watched folder."
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say what of a result is made and what is missing, by its records alone.

    Exit code 0: complete; 5: a stage failed; 7: something is missing. Whether the files are whole
    says 'choreoscope verify', whether other options would make it anew only a capture.
    """
    from choreoscope.cli import queue_text

    if queue_text.is_queue(shot):
        if as_json:
            from choreoscope.datatypes.errors import InputError

            raise InputError(f"{shot} is a queue; give the result folder of one film for --json")
        for line in queue_text.queue_lines(shot):
            print(line)
        raise typer.Exit(queue_text.queue_exit_code(shot))
    from choreoscope.capture.result_folder import open_result
    from choreoscope.pipeline.status import unit_status

    folder = open_result(shot)
    found = [unit_status(unit) for unit in folder.units]
    code = worst([one.exit_code for one in found])
    if as_json:
        print(json.dumps(_record(folder, found, code), ensure_ascii=False, indent=1))
    else:
        _print(folder, found)
    raise typer.Exit(code)


def worst(codes: list[int]) -> int:
    """Pick the most serious exit code: a failure before a gap."""
    return next((code for code in (5, 7) if code in codes), 0)


def _print(folder: "ResultFolder", found: "list[UnitStatus]") -> None:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    for name, why in folder.problems.items():
        console.print(f"{name}: {why}", style="red", markup=False)
    names = max((len(stage.stage) for unit in found for stage in unit.stages), default=0)
    for unit in found:
        _print_unit(console, unit, names)


def _print_unit(console: "Console", unit: "UnitStatus", names: int) -> None:
    from rich.text import Text

    frames = "frames unknown" if unit.frames is None else f"frames {unit.frames}"
    total = 0 if unit.frames is None else len(unit.frames)
    by = f", being worked on by {unit.worked_on_by}" if unit.worked_on_by else ""
    console.print(
        Text(f"{unit.name}: {frames}, {unit.complete}/{total} complete in every stage{by}", "bold")
    )
    cells = CELLS
    if console.is_terminal:
        cells = min(CELLS, max(FEWEST_CELLS, console.width - names - BESIDE_CELLS))
    is_ascii = not console.encoding.startswith("utf")
    for stage in unit.stages:
        console.print(_stage_line(stage, names, cells, is_ascii=is_ascii))
    for stage in unit.stages:
        for text in remarks(stage):
            console.print(Text(f"  {stage.stage}: {text}"))


def _stage_line(stage: "StageStatus", names: int, cells: int, *, is_ascii: bool) -> "Text":
    from rich.text import Text

    from choreoscope.cli.wording import seconds_text

    line = Text(f"  {stage.stage:<{names}}  ")
    line.append(f"{stage.state:<10}", STYLES[stage.state])
    line.append(f"  {f'{len(stage.done)}/{len(stage.wanted)}':>15}  ")
    strip = stage.strip(cells)
    for cell in strip:
        sign, plain, style = MARKS[cell]
        line.append(plain if is_ascii else sign, style)
    record = stage.manifest
    if record is not None:
        line.append(" " * (cells - len(strip)))
        line.append(f"  {seconds_text(record.seconds):>8}  {record.tier}")
        if record.origin != "computed":
            line.append(f", {record.origin}", "magenta")
    line.rstrip()
    return line


def remarks(stage: "StageStatus") -> list[str]:
    """Say in lines what a stage lacks, and why."""
    lines = []
    if stage.why:
        lines.append(f"{'the last run failed: ' if stage.is_failed else ''}{stage.why}")
    if stage.manifest is not None:
        if stage.not_made:
            lines.append(f"not made: {_ranges(str(stage.not_made))}")
        together: dict[str, list[str]] = {}
        for frames, why in stage.failed.items():
            together.setdefault(why, []).append(frames)
        lines += [f"gaps: {_ranges(', '.join(frames))}: {why}" for why, frames in together.items()]
        edited = [file.path for file in stage.manifest.files if file.edited]
        lines += [f"edited by hand: {path}" for path in edited]
    return lines


def _ranges(text: str) -> str:
    parts = text.split(", ")
    if len(parts) <= LONGEST_LIST:
        return text
    return f"{', '.join(parts[:LONGEST_LIST])} and {len(parts) - LONGEST_LIST} more ranges"


def _record(folder: "ResultFolder", found: "list[UnitStatus]", code: int) -> dict[str, Any]:
    return {
        "schema": 1,
        "exit_code": code,
        "undecodable": str(folder.undecodable),
        "problems": folder.problems,
        "units": [
            {
                "name": unit.name,
                "frames": None if unit.frames is None else str(unit.frames),
                "complete_frames": unit.complete,
                "worked_on_by": unit.worked_on_by,
                "stages": [_stage_record(stage) for stage in unit.stages],
            }
            for unit in found
        ],
    }


def _stage_record(stage: "StageStatus") -> dict[str, Any]:
    record = stage.manifest
    return {
        "stage": stage.stage,
        "state": stage.state,
        "why": stage.why,
        "done": str(stage.done),
        "not_made": str(stage.not_made),
        "failed": dict(stage.failed),
        "seconds": record.seconds if record else None,
        "licence_tier": record.tier if record else None,
        "origin": record.origin if record else None,
        "edited": [file.path for file in record.files if file.edited] if record else [],
    }
