"""Who is who in a clip: the persons and the decisions that made them, as JSON."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

from choreoscope.datatypes.errors import InputError

SCHEMA = "choreoscope.people"
VERSION = 1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PeopleFile:
    """Content of a ``people.json``.

    Attributes
    ----------
    persons : dict of str to int
        Person id to the number of frames in which he or she is seen, P01 first.
    decisions : tuple of dict
        What was joined, split or dropped, with kind, tracklets, score and reason.
    """

    persons: Mapping[str, int]
    decisions: tuple[Mapping[str, object], ...]


def write_people(path: Path, content: PeopleFile) -> None:
    """Write persons and decisions; equal content gives equal bytes."""
    record = {
        "schema": SCHEMA,
        "schema_version": VERSION,
        "persons": dict(content.persons),
        "decisions": [dict(decision) for decision in content.decisions],
    }
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def read_people(path: Path) -> PeopleFile:
    """Read them back.

    Raises
    ------
    InputError
        If the file is absent, damaged or of another schema.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if (record["schema"], record["schema_version"]) != (SCHEMA, VERSION):
            raise InputError(f"{path}: expected version {VERSION} of {SCHEMA}")
        return PeopleFile(
            persons={str(name): int(count) for name, count in record["persons"].items()},
            decisions=tuple(record["decisions"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} cannot be read ({error}); run the capture again") from error
