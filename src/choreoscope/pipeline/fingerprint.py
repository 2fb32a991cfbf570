"""Fingerprints: a hash of everything that can change a result.

"The file exists" is never evidence that a stage is done; a manifest whose fingerprint equals the
one its causes have today is.
"""

import dataclasses
import enum
import hashlib
import json
import math
from collections.abc import Mapping
from fractions import Fraction
from pathlib import PurePath
from typing import Any

import numpy as np
from pydantic import BaseModel

from choreoscope.datatypes.errors import InputError

SCHEME = 1
"""Raise it when the way fingerprints are made changes; every result is then made anew."""

PLAIN_INPUTS = ("frames", "window")
"""Inputs whose record is short text for people, not a hash."""

LONGEST_SHOWN = 60


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Causes:
    """Everything a result follows from; a manifest keeps all of it.

    Attributes
    ----------
    stage, version : str, int
        The stage's name and version.
    backend : str or None
        Name, version and weights digest of the back end.
    options : dict
        Canonical options (see `canonical`), those of the back end included.
    inputs : dict
        Name of an input (the film, the frame range, a stage, a kind handed in) to its fingerprint.
    """

    stage: str
    version: int
    backend: str | None
    options: Mapping[str, Any]
    inputs: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all causes, 64 hex digits."""
        text = canonical_json(
            {
                "scheme": SCHEME,
                "stage": self.stage,
                "version": self.version,
                "backend": self.backend,
                "options": self.options,
                "inputs": self.inputs,
            }
        )
        return hashlib.sha256(text.encode("ascii")).hexdigest()


def canonical(value: object) -> Any:  # noqa: ANN401
    """Bring a value into the one form in which equal values look equal, ready for JSON.

    Mappings are sorted by key, sets by content, tuples become lists, whole floats become
    integers (1.0 and 1 are the same choice), enumerations their value, fractions and paths text.

    Raises
    ------
    InputError
        If a number is not finite or a value has no such form.
    """
    plain = value.value if isinstance(value, enum.Enum) else value
    return _plain(plain)


def _plain(value: object) -> Any:  # noqa: ANN401
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        return _mapping(value)
    if isinstance(value, list | tuple):
        return [canonical(item) for item in value]
    return _rarer(value)


def _number(value: float) -> int | float:
    if not math.isfinite(value):
        raise InputError(f"an option must be a finite number, got {value}; use None for 'no limit'")
    return int(value) if value.is_integer() else float(value)


def _mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    for key in value:
        if not isinstance(key, str):
            raise InputError(f"an option's keys must be text, got {key!r}")
    return {key: canonical(value[key]) for key in sorted(value)}


def _rarer(value: object) -> object:
    if isinstance(value, BaseModel):
        # Where and how long to look for work done outside changes nothing about what is found.
        aside: frozenset[str] = getattr(value, "settings_only", frozenset())
        return canonical(value.model_dump(mode="python", exclude=set(aside)))
    if isinstance(value, set | frozenset):
        # The order of a set differs from one process to the next.
        return sorted((canonical(item) for item in value), key=canonical_json)
    if isinstance(value, np.ndarray | np.generic):
        return canonical(value.tolist())
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    if isinstance(value, PurePath):
        return value.as_posix()
    raise InputError(
        f"an option must be text, a number, a list or a mapping, got {type(value).__name__}"
    )


def canonical_json(value: object) -> str:
    """Write the canonical form of a value as ASCII JSON without blanks, keys sorted."""
    return json.dumps(canonical(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def differences(before: Causes, after: Causes) -> list[str]:
    """Say in words what changed between two sets of causes, one text per change."""
    texts: list[str] = []
    if before.version != after.version:
        texts.append(f"stage version {before.version} -> {after.version}")
    if before.backend != after.backend:
        texts.append(f"back end {before.backend} -> {after.backend}")
    for key in sorted(before.options.keys() | after.options.keys()):
        old, new = (_text(side.options, key) for side in (before, after))
        if old != new:
            texts.append(f"option {key}: {_shortened(old)} -> {_shortened(new)}")
    texts.extend(
        _input_change(key, before.inputs.get(key), after.inputs.get(key))
        for key in sorted(before.inputs.keys() | after.inputs.keys())
        if before.inputs.get(key) != after.inputs.get(key)
    )
    return texts


def _text(options: Mapping[str, Any], key: str) -> str:
    return canonical_json(options[key]) if key in options else "absent"


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."


def _input_change(key: str, old: str | None, new: str | None) -> str:
    if old is None:
        return f"{key} is a new input"
    if new is None:
        return f"{key} is no longer an input"
    if key in PLAIN_INPUTS:
        return f"{key} {old} -> {new}"
    return f"{key} changed"
