"""Shots of a film as JSON: decoded frames with their time stamps, cuts, background movement."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

import numpy as np

from choreoscope.datatypes.errors import ChoreoscopeError, InputError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.shots import Movement, Shot, ShotsResult

SCHEMA = "choreoscope.shots"
VERSION = 1


def write_shots(path: Path, shots: ShotsResult) -> None:
    """Write a result; equal results give equal bytes.

    Frame ranges are written as ``"start:stop"`` (half-open), the time base as ``"1/15360"``.
    """
    record = {
        "schema": SCHEMA,
        "schema_version": VERSION,
        "decoded": [str(part) for part in shots.decoded.ranges],
        "undecodable": [str(part) for part in shots.undecodable.ranges],
        "time_base": str(shots.time_base),
        "shots": [
            {
                "frames": str(shot.frames),
                "movement": shot.movement,
                "speed_px_s": shot.speed_px_s,
            }
            for shot in shots.shots
        ],
        "pts": shots.pts.tolist(),
    }
    lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in record.items())
    path.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def read_shots(path: Path) -> ShotsResult:
    """Read a result back.

    Raises
    ------
    InputError
        If the file is absent, damaged or of another schema or version.
    """
    advice = "remove it and run the same command again"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return _result(record)
    except (OSError, ValueError, TypeError, KeyError, ArithmeticError, ChoreoscopeError) as damage:
        raise InputError(f"{path}: cannot be read as {SCHEMA} ({damage}); {advice}") from damage


def _result(record: dict[str, Any]) -> ShotsResult:
    if (record["schema"], record["schema_version"]) != (SCHEMA, VERSION):
        raise InputError(f"expected version {VERSION} of {SCHEMA}")
    return ShotsResult(
        decoded=_frame_set(record["decoded"]),
        undecodable=_frame_set(record["undecodable"]),
        pts=np.array(record["pts"], dtype=np.int64),
        time_base=Fraction(record["time_base"]),
        shots=tuple(_shot(entry) for entry in record["shots"]),
    )


def _range(text: str) -> FrameRange:
    start, stop = text.split(":")
    return FrameRange(int(start), int(stop))


def _frame_set(texts: list[str]) -> FrameSet:
    return FrameSet(tuple(_range(text) for text in texts))


def _shot(entry: dict[str, Any]) -> Shot:
    movement, speed = entry["movement"], entry["speed_px_s"]
    if movement not in get_args(Movement):
        raise InputError(f"unknown movement '{movement}'")
    return Shot(
        frames=_range(entry["frames"]),
        movement=movement,
        speed_px_s=None if speed is None else float(speed),
    )
