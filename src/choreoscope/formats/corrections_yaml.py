"""``corrections.yaml``: what a person puts right by hand, read with the line of every mistake.

The file is a YAML 1.2 list of entries. Every entry has exactly one action and may have ``frames``,
``note`` and ``author``; `formats.corrections_template` shows all of them. Nothing is executed.
"""

import dataclasses
import difflib
import math
import unicodedata
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from choreoscope.datatypes.corrections import (
    EVERYBODY,
    FULL_FRAME_MM,
    PARTS,
    Action,
    Contact,
    Correction,
    Corrections,
    CutChanges,
    DepthKey,
    DepthKeys,
    Distrust,
    FloorPoints,
    Focal,
    Heights,
    Horizon,
    Merge,
    Pin,
    Rename,
    Swap,
)
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange

_PAIR, _SPACE = 2, 3
_QUOTES = '; text that holds or ends in a colon needs quotes, such as frames: "100:"'
_TRUE, _FALSE = ("on", "true", "yes"), ("off", "false", "no")


def read_corrections(path: Path, *, frame_count: int) -> Corrections:
    """Read and check a file of corrections.

    Parameters
    ----------
    path : Path
        A file whose entries are all commented out (or an empty one) holds no corrections.
    frame_count : int
        Frames of the film; an entry beyond them is an error.

    Raises
    ------
    InputError
        If the file cannot be read, or an entry is not one: with file name, line, and the nearest
        name that would have been one.
    """
    content = _loaded(path)
    top = _Node(content, 1, "the file", path.name)
    if content is None:
        return Corrections(source=path.name)
    if not isinstance(content, list):
        raise top.error(
            "expected a list of entries, each beginning with '- ' such as '- swap: [P01, P02]'"
        )
    entries = tuple(_entry(node, frame_count) for node in top.sequence())
    return Corrections(entries=entries, source=path.name)


def _loaded(path: Path) -> Any:  # noqa: ANN401  # whatever stands in the file
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError, YAMLWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", YAMLWarning)
            return YAML(typ="rt").load(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        why = str(error.problem or error.context).splitlines()[0]
        hint = _QUOTES if "mapping values" in why else ""
        raise InputError(f"{path.name}, line {line}: not readable as YAML: {why}{hint}") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from error
    except (YAMLError, YAMLWarning, UnicodeDecodeError, ValueError) as error:
        why = str(error).splitlines()[0]
        raise InputError(f"{path.name} is not readable as YAML text ({why})") from error


@dataclasses.dataclass(frozen=True, slots=True)
class _Node:
    """A value of the file with its line and the file's name."""

    value: Any
    line: int
    what: str
    file: str

    def error(self, text: str) -> InputError:
        return InputError(f"{self.file}, line {self.line}: {self.what}: {text}")

    def unknown(self, name: str, known: Iterable[str], what: str) -> InputError:
        names = sorted(known)
        near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(names)}"
        return self.error(f"unknown {what} '{name}'; {hint}")

    def mapping(self, known: Iterable[str] | None = None) -> dict[str, "_Node"]:
        """Members by key; with `known`, other keys are errors."""
        from ruamel.yaml.comments import CommentedMap

        if not isinstance(self.value, CommentedMap):
            raise self.error(f"expected keys with values, got {self.shown}")
        members = {}
        for key, value in self.value.items():
            node = _Node(value, self._line_of(key), f"{key}", self.file)
            if known is not None and key not in known:
                raise _Node(None, node.line, self.what, self.file).unknown(key, known, "key")
            members[_normal(str(key))] = node
        return members

    def sequence(self, length: int | None = None) -> list["_Node"]:
        """Items of a list, of this length if one is given."""
        from ruamel.yaml.comments import CommentedSeq

        wanted = "a list" if length is None else f"a list of {length}"
        if not isinstance(self.value, CommentedSeq) or length not in (None, len(self.value)):
            raise self.error(f"expected {wanted}, got {self.shown}")
        return [
            _Node(value, self._line_of(place), self.what, self.file)
            for place, value in enumerate(self.value)
        ]

    def _line_of(self, member: object) -> int:
        # Values with a tag, and keys merged from elsewhere, have no place of their own.
        places = self.value.lc.data or {}
        return int(places[member][0]) + 1 if member in places else self.line

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.error(f"expected text, got {self.shown}")
        return _normal(str(self.value).strip())

    def number(self) -> float:
        value = self.value
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            raise self.error(f"expected a number, got {self.shown}")
        return float(value)

    def frame(self, frame_count: int, first: int = 0) -> int:
        value = self.value
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.error(f"expected the number of a frame, got {self.shown}")
        if not first <= value < frame_count:
            raise self.error(
                f"frame {value} lies outside; expected {first} to {frame_count - 1} "
                f"in a film of {frame_count} frames"
            )
        return int(value)

    def person(self) -> str:
        name = self.text()
        if not name or name == EVERYBODY:
            raise self.error(f"expected one person such as P01, got '{name}'")
        return name

    def part(self) -> str:
        name = self.text()
        if name not in PARTS:
            raise self.unknown(name, PARTS, "part")
        return name

    @property
    def shown(self) -> str:
        return "nothing" if self.value is None else f"'{self.value}'"


def _normal(text: str) -> str:
    # One spelling of accents, whatever the editor: names become folders and are compared.
    return unicodedata.normalize("NFC", text)


def _entry(node: _Node, frame_count: int) -> Correction:
    known = (*ABOUT, *ACTIONS)
    members = _Node(node.value, node.line, "entry", node.file).mapping(known)
    actions = [key for key in members if key in ACTIONS and key != "sensor_mm"]
    if len(actions) != 1:
        found = " and ".join(actions) or "none"
        names = ", ".join(name for name in ACTIONS if name != "sensor_mm")
        raise _Node(None, node.line, "entry", node.file).error(
            f"expected exactly one action, got {found}; actions: {names}"
        )
    name = actions[0]
    action_node = members[name]
    if "sensor_mm" in members and name != "focal_mm":
        raise members["sensor_mm"].error("belongs to focal_mm, and is of no use without it")
    frames = _frames(members["frames"], frame_count) if "frames" in members else None
    try:
        action = ACTIONS[name](action_node, members, frame_count)
    except InputError as error:
        # The nouns know no file; what the reader found has its line already.
        if str(error).startswith(f"{node.file}, line "):
            raise
        raise action_node.error(str(error)) from error
    _check_range(action, frames, members)
    return Correction(
        action=action,
        frames=frames,
        note=members["note"].text() if "note" in members else "",
        author=members["author"].text() if "author" in members else "",
        line=node.line,
    )


def _frames(node: _Node, frame_count: int) -> FrameRange:
    first, colon, last = str(node.value).strip().partition(":")
    expected = "expected frames as START:STOP such as 100:200 (STOP is not included)"
    if (
        not isinstance(node.value, str)
        or not colon
        or not all(part == "" or (part.isascii() and part.isdigit()) for part in (first, last))
    ):
        raise node.error(f"{expected}, got {node.shown}")
    start, stop = int(first or 0), int(last or frame_count)
    if start >= stop:
        raise node.error(f"{expected}, got '{node.value}', which holds no frame")
    if stop > frame_count:
        raise node.error(
            f"frames {node.value} lie outside the film, which has {frame_count} frames "
            f"(0:{frame_count})"
        )
    return FrameRange(start, stop)


def _check_range(action: Action, frames: FrameRange | None, members: dict[str, _Node]) -> None:
    if frames is None:
        return
    if isinstance(action, CutChanges):
        raise members["frames"].error("cuts name their frames themselves; leave this line out")
    if isinstance(action, DepthKeys):
        for key in action.keys:
            if key.frame not in frames:
                raise members["depth"].error(
                    f"the key at frame {key.frame} lies outside this entry's frames {frames}"
                )


Members = dict[str, _Node]


def _two(node: _Node) -> tuple[str, str]:
    one, other = (item.person() for item in node.sequence(_PAIR))
    return one, other


def _swap(node: _Node, _members: Members, _count: int) -> Swap:
    one, other = _two(node)
    return Swap(one=one, other=other)


def _merge(node: _Node, _members: Members, _count: int) -> Merge:
    person, into = _two(node)
    return Merge(person=person, into=into)


def _rename(node: _Node, _members: Members, _count: int) -> Rename:
    names = node.mapping()
    if not names:
        raise node.error("expected an id and a name such as {P01: anna}, got nothing")
    return Rename(names={old: new.person() for old, new in names.items()})


def _needed(node: _Node, keys: tuple[str, ...]) -> Members:
    members = node.mapping(keys)
    for key in keys:
        if key not in members:
            raise node.error(f"expected {', '.join(keys)}; '{key}' is missing")
    return members


def _contact(node: _Node, _members: Members, _count: int) -> Contact:
    told = _needed(node, ("person", "part", "is"))
    word = str(told["is"].value).lower()
    if word not in _TRUE + _FALSE:
        raise told["is"].error(f"expected on or off, got '{told['is'].value}'")
    return Contact(person=told["person"].person(), part=told["part"].part(), touching=word in _TRUE)


def _pin(node: _Node, _members: Members, _count: int) -> Pin:
    told = _needed(node, ("person", "part"))
    return Pin(person=told["person"].person(), part=told["part"].part())


def _focal_mm(node: _Node, members: Members, _count: int) -> Focal:
    sensor = members["sensor_mm"].number() if "sensor_mm" in members else FULL_FRAME_MM
    return Focal(focal_mm=node.number(), sensor_mm=sensor)


def _focal_px(node: _Node, _members: Members, _count: int) -> Focal:
    return Focal(focal_px=node.number())


def _height(node: _Node, _members: Members, _count: int) -> Heights:
    return Heights(metres={person: metres.number() for person, metres in node.mapping().items()})


def _floor(node: _Node, _members: Members, _count: int) -> FloorPoints | Horizon:
    told = node.mapping(("points", "horizon"))
    if len(told) != 1:
        raise node.error("expected either points or horizon")
    if "points" in told:
        points = [tuple(_numbers(point, _SPACE)) for point in told["points"].sequence()]
        return FloorPoints(points=tuple((x, y, z) for x, y, z in points))
    (ax, ay), (bx, by) = (_numbers(point, _PAIR) for point in told["horizon"].sequence(_PAIR))
    return Horizon(points=((ax, ay), (bx, by)))


def _numbers(node: _Node, count: int) -> list[float]:
    return [item.number() for item in node.sequence(count)]


def _cuts(node: _Node, _members: Members, count: int) -> CutChanges:
    told = node.mapping(("add", "remove"))
    # Frame 0 begins the first shot whatever anybody says.
    lists = {
        name: tuple(item.frame(count, first=1) for item in frames.sequence())
        for name, frames in told.items()
    }
    return CutChanges(**lists)


def _distrust(node: _Node, _members: Members, _count: int) -> Distrust:
    told = _needed(node, ("person",))["person"]
    return Distrust(person=EVERYBODY if told.text() == EVERYBODY else told.person())


def _depth(node: _Node, _members: Members, count: int) -> DepthKeys:
    keys = []
    for item in node.sequence():
        told = item.mapping(("frame", "scale", "offset"))
        if "frame" not in told:
            raise item.error("expected frame, scale and offset; 'frame' is missing")
        values = {name: told[name].number() for name in ("scale", "offset") if name in told}
        keys.append(DepthKey(frame=told["frame"].frame(count), **values))
    return DepthKeys(keys=tuple(keys))


ABOUT = ("frames", "note", "author")
ACTIONS: dict[str, Callable[[_Node, Members, int], Action]] = {
    "swap": _swap,
    "merge": _merge,
    "rename": _rename,
    "contact": _contact,
    "pin": _pin,
    "focal_mm": _focal_mm,
    "sensor_mm": _focal_mm,
    "focal_px": _focal_px,
    "height": _height,
    "floor": _floor,
    "cuts": _cuts,
    "distrust": _distrust,
    "depth": _depth,
}
