"""``choreoscope evaluate``: how far a result is from a known truth."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from choreoscope.motion.metrics.comparison import Comparison
    from choreoscope.motion.metrics.score import Group, Score

SCHEMA = 1
MOST_PEOPLE = 6
"""People who get a column of their own."""
WIDE = 250
FEW_DIGITS, NOTHING = 100.0, 5e-4
"""From where on one decimal is enough, and below which a value is printed as 0."""
ARROWS = {"lower": "lower", "higher": "higher", "zero": "near 0", "truth": "as the truth"}


def evaluate(
    result: Annotated[
        Path, typer.Argument(help="Folder of a clip, or one person's .npz or .bvh file.")
    ],
    truth: Annotated[
        Path, typer.Argument(help="The truth in the same layout ('choreoscope synth' writes one).")
    ],
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="Group of scores: people, pose, world, movement, feet, image, camera, tracks, "
            "masks (repeatable). Default: all."
        ),
    ] = None,
    fingers: Annotated[
        bool, typer.Option("--fingers", help="Compare the joints of the fingers, too.")
    ] = False,
    metres_per_unit: Annotated[
        float, typer.Option(help="Of BVH files, which name no unit: 0.01 for centimetres.")
    ] = 0.01,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Score a result against the truth: people, poses, world, feet, camera, tracks, masks.

    What each figure means stands in docs/metrics.md. Exit code 0: compared; 6: nobody in the
    result.
    """
    from choreoscope.datatypes.errors import NOBODY_FOUND
    from choreoscope.motion.metrics.clips import read_clip
    from choreoscope.motion.metrics.comparison import compare

    groups = _groups(only)
    clips = [read_clip(path, metres_per_unit=metres_per_unit) for path in (result, truth)]
    comparison = compare(clips[0], clips[1], only=groups, fingers=fingers)
    code = NOBODY_FOUND if clips[1].people and not clips[0].people else 0
    if as_json:
        print(json.dumps(_record(comparison, (result, truth), code), indent=1, allow_nan=False))
    else:
        _print(comparison)
    raise typer.Exit(code)


def _groups(only: list[str] | None) -> "tuple[Group, ...]":
    from choreoscope.datatypes.errors import InputError
    from choreoscope.motion.metrics.comparison import GROUPS

    if not only:
        return GROUPS
    unknown = [name for name in only if name not in GROUPS]
    if unknown:
        raise InputError(f"--only {unknown[0]}: expected one of {', '.join(GROUPS)}")
    return tuple(group for group in GROUPS if group in only)


def _print(comparison: "Comparison") -> None:
    import sys

    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
    pairing = comparison.pairing
    names: list[str] = []
    if pairing is not None:
        names = list(pairing.people)
        pairs = ", ".join(f"{own} is {true}" for true, own in pairing.people.items())
        missed, extra = pairing.unmatched
        last = pairing.first_frame + len(pairing.times)
        console.print(
            f"frames {pairing.first_frame}:{last}, {len(pairing.joints)} joints; {pairs}"
            f"{'; missed: ' + ', '.join(missed) if missed else ''}"
            f"{'; not in the truth: ' + ', '.join(extra) if extra else ''}",
            markup=False,
        )
    columns = names if 1 < len(names) <= MOST_PEOPLE else []
    table = Table(box=None, pad_edge=False)
    for heading in ("about", "score"):
        table.add_column(heading)
    for heading in ("all", "the truth's", *columns):
        table.add_column(heading, justify="right", overflow="fold")
    for heading in ("unit", "better"):
        table.add_column(heading)
    group = ""
    for score in comparison.scores:
        table.add_row(
            score.group if score.group != group else "",
            score.name,
            _number(score.value),
            "" if score.truth is None else _number(score.truth),
            *(_number(score.people[name]) if name in score.people else "" for name in columns),
            score.unit,
            ARROWS[score.better],
        )
        group = score.group
    console.print(table)
    for line in comparison.left_out:
        console.print(f"left out: {line}", markup=False)


def _number(value: float) -> str:
    if math.isnan(value):
        return "-"
    if abs(value) >= FEW_DIGITS or value == int(value):
        return f"{value:.1f}".removesuffix(".0")
    return f"{value:.3g}" if abs(value) >= NOTHING else "0"


def _record(comparison: "Comparison", places: tuple[Path, Path], code: int) -> dict[str, Any]:
    pairing = comparison.pairing
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "exit_code": code,
        "result": str(places[0]),
        "truth": str(places[1]),
        "frames": None,
        "people": {},
        "missed": [],
        "not_in_truth": [],
        "joints": [],
        "left_out": list(comparison.left_out),
        "scores": [_score_record(score) for score in comparison.scores],
    }
    if pairing is not None:
        last = pairing.first_frame + len(pairing.times)
        record |= {
            "frames": f"{pairing.first_frame}:{last}",
            "people": pairing.people,
            "missed": list(pairing.unmatched[0]),
            "not_in_truth": list(pairing.unmatched[1]),
            "joints": list(pairing.joints),
        }
    return record


def _score_record(score: "Score") -> dict[str, Any]:
    return {
        "name": score.name,
        "group": score.group,
        "unit": score.unit,
        "value": _or_none(score.value),
        "per_clip": _or_none(score.per_clip),
        "truth": _or_none(score.truth),
        "people": {name: _or_none(value) for name, value in score.people.items()},
        "better": score.better,
    }


def _or_none(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
