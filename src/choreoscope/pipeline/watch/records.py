"""One small JSON record per film: what is known of it, so that any watcher can go on."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

from choreoscope.datatypes.errors import InputError
from choreoscope.pipeline.watch.sights import Kind, Stamp

SCHEMA = 1

UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""Schema number to the function that turns such a record into one of the next number."""

State = Literal["waiting", "ready", "working", "finished", "gaps", "failed", "skipped"]

SETTLED = ("finished", "gaps", "failed")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FilmRecord:
    """What is known of a film.

    Attributes
    ----------
    film : str
        Path below the watched folder, with forward slashes.
    state : str
        waiting: still moving, or not yet looked at; ready: in the queue; working; finished; gaps:
        finished, but some frames could not be made; failed; skipped: no film.
    order : int
        Place in the order of arrival.
    result : str
        Folder of its result, below that of all results.
    stamp : Stamp or None
        What it was when it was judged; None while it waits.
    reason : str
        One line.
    attempts : int
        How many times it was worked on to an end.
    losses : int
        How many times the process working on it ended without a word.
    interrupted : bool
        Whether work on it was broken off, so that it comes first.
    first_seen, started, ended : str
        ISO 8601, for people only.
    seconds : float or None
        How long the last work on it took.
    report, log : str
        Relative to the folder of all results; empty where there is none.
    facts : dict
        Short texts worth a glance.
    notes : tuple of str
        What happened on the way.
    hook : str
        "", "due", "done", or how the command of the user failed.
    worker : str
        Who works on it, or did.
    """

    film: str
    kind: Kind
    state: State
    order: int
    result: str
    stamp: Stamp | None = None
    reason: str = ""
    attempts: int = 0
    losses: int = 0
    interrupted: bool = False
    exit_code: int = 0
    first_seen: str = ""
    started: str = ""
    ended: str = ""
    seconds: float | None = None
    report: str = ""
    log: str = ""
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()
    hook: str = ""
    worker: str = ""

    def with_note(self, note: str) -> "FilmRecord":
        """Return it with one more note."""
        return dataclasses.replace(self, notes=(*self.notes, note))


def to_text(record: FilmRecord) -> str:
    """Write a record as JSON."""
    fields = {"schema": SCHEMA, **dataclasses.asdict(record)}
    return json.dumps(fields, indent=1, ensure_ascii=False) + "\n"


def of_text(text: str) -> FilmRecord:
    """Read what `to_text` wrote, of this schema or an older one.

    Raises
    ------
    InputError
        If it comes from a newer Choreoscope.
    ValueError
        If it is damaged.
    """
    try:
        fields = json.loads(text)
        return _of_fields(_upgraded(fields))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a record of a film ({type(error).__name__}: {error})") from error


def _upgraded(fields: dict[str, Any]) -> dict[str, Any]:
    schema = int(fields.pop("schema"))
    if schema > SCHEMA:
        raise InputError(
            f"the queue was written by a newer Choreoscope (schema {schema}; this one reads up to "
            f"{SCHEMA}); update this one"
        )
    for number in range(schema, SCHEMA):
        fields = UPGRADES[number](fields)
    return fields


def _of_fields(fields: dict[str, Any]) -> FilmRecord:
    if fields["state"] not in get_args(State) or fields["kind"] not in get_args(Kind):
        raise ValueError(f"unknown state '{fields['state']}' or kind '{fields['kind']}'")
    stamp = fields["stamp"]
    seconds = fields["seconds"]
    record = FilmRecord(
        **{
            **fields,
            "stamp": None if stamp is None else Stamp(**stamp),
            "seconds": None if seconds is None else float(seconds),
            "facts": {str(name): str(text) for name, text in fields["facts"].items()},
            "notes": tuple(map(str, fields["notes"])),
        }
    )
    _check(record)
    return record


def _check(record: FilmRecord) -> None:
    for field in dataclasses.fields(FilmRecord):
        value = getattr(record, field.name)
        if field.type in (int, bool, str) and type(value) is not field.type:
            raise ValueError(f"{field.name} is {value!r}")
    parts = record.result.split("/")
    if not all(parts) or ".." in parts:
        raise ValueError(f"result '{record.result}' lies outside the folder")
