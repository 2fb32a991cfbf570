"""``choreoscope verify``: read every file of a result again, and list what is wrong."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from choreoscope.capture.result_folder import ResultFolder
    from choreoscope.pipeline.verify import Fault, Findings

MOST_LINES = 200
"""Faults that are printed; all of them with ``--json``."""


def verify(
    shot: Annotated[Path, typer.Argument(help="Result folder of a film, or of one of its clips.")],
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print faults only.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Read every file of a result again and compare it with its record and with the film.

    Exit code 0: all is well; 4: something is not there, does not open, contradicts the film or is
    not as it was made; 7: nothing but gaps.
    """
    from choreoscope.capture.result_folder import open_result
    from choreoscope.cli.progress import Teller
    from choreoscope.pipeline.verify import verify as look

    folder = open_result(shot)
    with Teller(quiet=quiet or as_json) as teller:
        findings = look(folder.units, teller)
    _add_problems(folder, findings)
    if as_json:
        print(json.dumps(_record(findings), ensure_ascii=False, indent=1))
    else:
        _print(shot, folder, findings, quiet=quiet)
    raise typer.Exit(findings.exit_code)


def _add_problems(folder: "ResultFolder", findings: "Findings") -> None:
    from choreoscope.pipeline.verify import Fault

    findings.faults[:0] = [
        Fault(
            unit="film", stage="", sort="broken", expected="a readable record", got=why, path=name
        )
        for name, why in folder.problems.items()
    ]


def _print(shot: Path, folder: "ResultFolder", findings: "Findings", *, quiet: bool) -> None:
    for fault in findings.faults[:MOST_LINES]:
        print(_line(fault))
    if len(findings.faults) > MOST_LINES:
        print(f"... and {len(findings.faults) - MOST_LINES} more; all of them with --json")
    if not quiet:
        for note in findings.notes:
            print(f"note: {note}")
        print(_sum(findings))
    for line in _advice(shot, folder, findings):
        print(line)


def _line(fault: "Fault") -> str:
    frames = f" [frames {fault.frames}]" if fault.frames else ""
    what = f"{fault.unit}/{fault.path}" if fault.path else f"{fault.unit} {fault.stage}"
    return f"{fault.sort}: {what}: expected {fault.expected}, got {fault.got}{frames}"


def _sum(findings: "Findings") -> str:
    count = f"{findings.files:,}".replace(",", " ")
    return (
        f"{count} file{'s' * (findings.files != 1)}, {size_text(findings.size)}, "
        f"{findings.complete}/{findings.frames} frames of {findings.stages} stages"
    )


def size_text(size: int) -> str:
    """Write a number of bytes as 512 B, 3.1 kB, 3.1 MB, 3.1 GB."""
    value, units = float(size), ["B", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:  # noqa: PLR2004 - decimal, as disks are sold
        value, units = value / 1000, units[1:]
    return f"{value:.0f} B" if units[0] == "B" else f"{value:.1f} {units[0]}"


def _advice(shot: Path, folder: "ResultFolder", findings: "Findings") -> list[str]:
    sorts = {fault.sort for fault in findings.faults}
    lines = []
    if "changed" in sorts:
        lines.append(
            f"changed since they were made: 'choreoscope accept {shot} FILE...' keeps them as "
            f"edited by hand, 'choreoscope repair {shot} --overwrite-changed' makes them again"
        )
    if "broken" in sorts:
        lines.append(f"'choreoscope repair {shot}' makes again what is broken or missing")
    elif "gap" in sorts:
        hopeless = all(
            not fault.frames - folder.undecodable
            for fault in findings.faults
            if fault.sort == "gap"
        )
        lines.append(
            "the film itself does not decode there: only a better copy of it can help"
            if hopeless
            else f"'choreoscope repair {shot}' tries the missing frames again"
        )
    return lines


def _record(findings: "Findings") -> dict[str, Any]:
    return {
        "schema": 1,
        "exit_code": findings.exit_code,
        "files": findings.files,
        "bytes": findings.size,
        "frames": findings.frames,
        "complete_frames": findings.complete,
        "stages": findings.stages,
        "faults": [
            {
                "unit": fault.unit,
                "stage": fault.stage,
                "path": fault.path,
                "sort": fault.sort,
                "expected": fault.expected,
                "got": fault.got,
                "frames": str(fault.frames) if fault.frames else "",
            }
            for fault in findings.faults
        ],
        "notes": findings.notes,
    }
