"""Records of work taken in from other programs, as JSON.

Two files: per window of a pass stage, which file each frame came from and how it was converted;
and, per set of frames handed out again, which number stands for which source frame.
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange

SCHEMA = "choreoscope.external"
MISSING_SCHEMA = "choreoscope.missing"
VERSION = 1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A delivered file as it was when it was taken in.

    Attributes
    ----------
    root : str
        Empty for the delivery itself, else the name of the set of missing frames it answers.
    path : str
        Relative to that root, with ``/``.
    size, mtime_ns : int
        Bytes, and time of the last change in nanoseconds.
    sha256 : str
        Hash of the content; empty where it could not be read.
    """

    root: str
    path: str
    size: int
    mtime_ns: int
    sha256: str = ""

    @property
    def stamp(self) -> tuple[str, str, int, int]:
        """What tells it from a later version of itself without reading it."""
        return self.root, self.path, self.size, self.mtime_ns


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One frame of one pass.

    Attributes
    ----------
    file : SourceFile
        Where it came from.
    picture : int or None
        Number of the picture in a film file, from 0.
    fault : str
        Why it could not be used; empty when it was.
    """

    file: SourceFile
    picture: int | None = None
    fault: str = ""


Decisions = Mapping[str, Mapping[str, Any]]
"""Pass to what was declared or guessed about it, ready for JSON."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WindowRecord:
    """What became of one window.

    Attributes
    ----------
    stage : str
        The stage.
    frames : FrameRange
        Source frames of the window.
    decisions : dict
        Per pass; the same in every window.
    taken : dict
        Pass to source frame to where it came from; frames without a file are absent.
    """

    stage: str
    frames: FrameRange
    decisions: Decisions
    taken: Mapping[str, Mapping[int, Taken]]


def write_window(path: Path, record: WindowRecord) -> None:
    """Write a window's record; every file is listed once, frames point at it."""
    files: dict[SourceFile, int] = {}
    taken = {
        name: [
            [frame, files.setdefault(one.file, len(files)), one.picture, one.fault]
            for frame, one in sorted(frames.items())
        ]
        for name, frames in record.taken.items()
    }
    content = {
        "schema": SCHEMA,
        "schema_version": VERSION,
        "stage": record.stage,
        "frames": [record.frames.start, record.frames.stop],
        "decisions": record.decisions,
        "columns": "frame, index in files, picture in a film file, fault",
        "taken": taken,
        "files": [dataclasses.asdict(file) for file in files],
    }
    path.write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")


def read_window(path: Path) -> WindowRecord:
    """Read it back.

    Raises
    ------
    InputError
        If it is absent, damaged or of another schema.
    """
    try:
        content = _content(path, SCHEMA)
        files = [SourceFile(**file) for file in content["files"]]
        return WindowRecord(
            stage=str(content["stage"]),
            frames=FrameRange(*content["frames"]),
            decisions=dict(content["decisions"]),
            taken={
                name: {
                    int(frame): Taken(file=files[at], picture=picture, fault=str(fault))
                    for frame, at, picture, fault in rows
                }
                for name, rows in content["taken"].items()
            },
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise InputError(f"{path} cannot be read ({error}); run the capture again") from error


def write_numbers(path: Path, stage: str, frames: Mapping[int, int]) -> None:
    """Write which number stands for which source frame."""
    content = {
        "schema": MISSING_SCHEMA,
        "schema_version": VERSION,
        "stage": stage,
        "source_frame_of_number": {str(number): frame for number, frame in sorted(frames.items())},
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_numbers(path: Path) -> dict[int, int]:
    """Read number to source frame.

    Raises
    ------
    InputError
        If the file is absent, damaged or of another schema.
    """
    try:
        numbers = _content(path, MISSING_SCHEMA)["source_frame_of_number"]
        return {int(number): int(frame) for number, frame in numbers.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} cannot be read ({error}); run the capture again") from error


def _content(path: Path, schema: str) -> dict[str, Any]:
    content = json.loads(path.read_text(encoding="utf-8"))
    if (content["schema"], content["schema_version"]) != (schema, VERSION):
        raise ValueError(f"expected version {VERSION} of {schema}")
    return dict(content)
