"""Scale and offset of depth, keyed by frame in a small file that people write by hand.

YAML or JSON (``docs/lift.md`` describes every key)::

    interpolation: smooth
    keys:
      - {frame: 0, scale: 1.0, offset: 0.0}
      - {frame: 120, scale: 1.08, offset: -0.25}

or CSV with the header ``frame,scale,offset``. Depth becomes ``scale * depth + offset`` metres, or
``1 / (scale * depth + offset)`` where the numbers are inverse depth.
"""

import csv
import dataclasses
import difflib
import itertools
import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from choreoscope.datatypes.errors import InputError

Interpolation = Literal["linear", "smooth"]
COLUMNS = ("frame", "scale", "offset")
FEWEST_FOR_SMOOTH = 2


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CurveKey:
    """Scale and offset at one frame."""

    frame: float
    scale: float = 1.0
    offset: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DepthCurve:
    """Scale and offset over time.

    Attributes
    ----------
    keys : tuple of CurveKey
        Frames rise.
    interpolation : {"linear", "smooth"}
        Smooth is the monotone cubic of Fritsch and Carlson (1980) in Butland's form: it never
        swings beyond its keys. Before the first and after the last key the value is theirs.

    Raises
    ------
    InputError
        If there is no key, frames do not rise, or a number cannot be used.
    """

    keys: tuple[CurveKey, ...] = (CurveKey(frame=0.0),)
    interpolation: Interpolation = "linear"

    def __post_init__(self) -> None:
        if self.interpolation not in get_args(Interpolation):
            raise InputError(f"interpolation: expected linear or smooth, got {self.interpolation}")
        if not self.keys:
            raise InputError("a depth curve needs at least one key")
        frames = [key.frame for key in self.keys]
        if any(later <= earlier for earlier, later in itertools.pairwise(frames)):
            raise InputError(f"keys of a depth curve must rise by frame, got {frames}")
        for key in self.keys:
            numbers = (key.frame, key.scale, key.offset)
            if not all(map(math.isfinite, numbers)) or key.scale == 0:
                raise InputError(
                    f"key at frame {key.frame:g}: expected finite numbers and a scale other than "
                    f"0, got scale {key.scale:g}, offset {key.offset:g}"
                )

    def at(self, frame: float) -> tuple[float, float]:
        """Scale and offset (metres) at a frame; it may lie between whole ones."""
        frames, scales, offsets = (
            np.array([getattr(key, column) for key in self.keys]) for column in COLUMNS
        )
        place = float(np.clip(frame, frames[0], frames[-1]))
        if self.interpolation == "linear" or len(frames) < FEWEST_FOR_SMOOTH:
            return (
                float(np.interp(place, frames, scales)),
                float(np.interp(place, frames, offsets)),
            )
        from scipy.interpolate import PchipInterpolator

        curve = PchipInterpolator(frames, np.stack([scales, offsets], axis=1))
        scale, offset = curve(place)
        return float(scale), float(offset)


def read_curve(path: Path) -> DepthCurve:
    """Read a curve file.

    Raises
    ------
    InputError
        If it cannot be read or is no curve; the text names the file and what is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: the depth curve cannot be read ({error})") from error
    try:
        if path.suffix.lower() == ".csv":
            return _of_table(text)
        return _of_record(_parsed(text))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def curve_text(curve: DepthCurve) -> str:
    """Write a curve as YAML; reads back to the same."""
    lines = [
        "# choreoscope lift: metres = scale * depth + offset, keyed by source frame (from 0)",
        f"interpolation: {curve.interpolation}  # linear or smooth",
        "keys:",
    ]
    lines += [
        f"  - {{frame: {key.frame:.10g}, scale: {key.scale!r}, offset: {key.offset!r}}}"
        for key in curve.keys
    ]
    return "\n".join(lines) + "\n"


def _parsed(text: str) -> Any:  # noqa: ANN401 - whatever stands in the file
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError, YAMLWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", YAMLWarning)
            return YAML(typ="safe").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        why = str(error.problem or error.context).splitlines()[0]
        raise InputError(f"line {line}: not readable as YAML: {why}") from error
    except (YAMLError, YAMLWarning, ValueError) as error:
        raise InputError(f"not readable as YAML: {str(error).splitlines()[0]}") from error


def _of_record(record: Any) -> DepthCurve:  # noqa: ANN401
    if not isinstance(record, Mapping) or not isinstance(record.get("keys"), list):
        raise InputError("expected 'keys:' with a list such as - {frame: 0, scale: 1, offset: 0}")
    _check_names(record, ("interpolation", "keys"))
    return DepthCurve(
        keys=tuple(_key(entry) for entry in record["keys"]),
        interpolation=record.get("interpolation", "linear"),
    )


def _of_table(text: str) -> DepthCurve:
    rows = csv.DictReader(line for line in text.splitlines() if line.strip()[:1] not in ("", "#"))
    if tuple(name.strip() for name in rows.fieldnames or ()) != COLUMNS:
        raise InputError(f"expected the header {','.join(COLUMNS)}")
    return DepthCurve(
        keys=tuple(
            _key(
                {str(name).strip(): value for name, value in row.items() if value not in ("", None)}
            )
            for row in rows
        )
    )


def _key(entry: Any) -> CurveKey:  # noqa: ANN401
    if not isinstance(entry, Mapping) or "frame" not in entry:
        raise InputError(f"expected a key such as {{frame: 0, scale: 1, offset: 0}}, got {entry}")
    _check_names(entry, COLUMNS)
    try:
        return CurveKey(**{name: float(value) for name, value in entry.items()})
    except (TypeError, ValueError) as error:
        raise InputError(f"expected numbers in the key {dict(entry)}") from error


def _check_names(record: Mapping[Any, Any], known: tuple[str, ...]) -> None:
    for name in record:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise InputError(f"unknown '{name}'{hint} known: {', '.join(known)}")
