"""How well motions agree with what was seen, and what they stand on, as JSON."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from choreoscope.datatypes.errors import InputError

SCHEMA = "choreoscope.fit"
VERSION = 1


def write_fit(
    path: Path,
    floor: Mapping[str, Any],
    people: Mapping[str, Mapping[str, Any]],
    solve: Mapping[str, Any] | None = None,
) -> None:
    """Write the floor's record, one for each person, and one of the solve if there was one.

    Unknown numbers become null.
    """
    record = {
        "schema": SCHEMA,
        "schema_version": VERSION,
        "floor": _known(floor),
        "people": {person: _known(facts) for person, facts in people.items()},
    }
    if solve is not None:
        record["solve"] = _known(solve)
    path.write_text(json.dumps(record, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read_fit(path: Path) -> dict[str, Any]:
    """Read it back: keys ``floor``, ``people`` and ``solve``, which is empty without a solve.

    Raises
    ------
    InputError
        If the file is absent, damaged or of another schema.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if (record["schema"], record["schema_version"]) != (SCHEMA, VERSION):
            raise InputError(f"{path}: expected version {VERSION} of {SCHEMA}")
        return {
            "floor": dict(record["floor"]),
            "people": dict(record["people"]),
            "solve": dict(record.get("solve", {})),
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} cannot be read ({error}); run the capture again") from error


def _known(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _value(value) for key, value in facts.items()}


def _value(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, Mapping):
        return _known(value)
    if isinstance(value, list | tuple):
        return [_value(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
