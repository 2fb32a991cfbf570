"""What became of a film, in the words of whoever worked on it."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from choreoscope.pipeline.events import Events


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a film.

    Attributes
    ----------
    state : {"finished", "gaps", "empty", "failed"}
        All made; all but some frames; valid but nothing was found; not made.
    exit_code : int
        As ``choreoscope capture`` would have ended.
    reason : str
        One line; empty where there is nothing to say.
    report, log : Path or None
        Where to look.
    facts : dict
        Short texts worth a glance, by name: ``{"people": "2"}``.
    """

    state: Literal["finished", "gaps", "empty", "failed"]
    exit_code: int = 0
    reason: str = ""
    report: Path | None = None
    log: Path | None = None
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)


Process = Callable[[Path, Path, Events], Verdict]
"""``process(film, out, events)``: makes everything of a film; what it raises is a failure."""

Probe = Callable[[Path], Mapping[str, str]]
"""``probe(film)``: facts of a film that can be decoded; raises `InputError` for any other."""

Outdated = Callable[[Path, Path, str], str]
"""``outdated(film, out, state)``: why a film that is done with is to be looked at again when a
watcher begins; empty where it is not. Must be quick."""


def never_outdated(film: Path, out: Path, state: str) -> str:
    """Leave every film that is done with alone."""
    del film, out, state
    return ""


SEVERITY = (0, 6, 7, 2, 3, 5, 4, 1)
"""Exit codes, harmless ones first: nothing, nobody, gaps, input, not there, stage, disk, bug."""


def worst(codes: "list[int]") -> int:
    """Return the most serious exit code; 0 where there is none."""
    return max(codes, key=lambda code: (code not in SEVERITY, _rank(code)), default=0)


def _rank(code: int) -> int:
    return SEVERITY.index(code) if code in SEVERITY else code
