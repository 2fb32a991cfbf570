"""BVH in: our own files and the dialects of the wild.

Accepted: any number and order of rotation channels, position channels on joints, tabs, missing
blanks round braces, upper and lower case, CRLF, names with blanks and colons, twin names, wrong
frame counts, a last frame cut short. What had to be mended is said in the notes.
"""

import dataclasses
import re
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.motion import Motion, Skeleton
from choreoscope.geometry import rotation

_CHANNELS = {
    f"{axis}{kind}": (kind, number)
    for number, axis in enumerate("xyz")
    for kind in ("position", "rotation")
}
_STILL_WITHIN = 1e-3
"""Units of the file within which a joint's position channel counts as its constant offset."""
_LONGEST_FRAME = 1000
"""Seconds."""
_PLAIN_DENOMINATOR = 3
_BROADCAST = tuple(Fraction(n * 1000, 1001) for n in (24, 30, 48, 60, 120, 240))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BvhFile:
    """What a BVH file holds.

    Attributes
    ----------
    motion : Motion
        Metres; confidence 1 everywhere; joints in the order of the file, rest axes world-aligned.
        Up is whatever the file's author took it to be.
    notes : tuple of str
        What had to be mended or left out; about the number of frames first.
    is_whole : bool
        Whether it holds as many complete frames as it declares.
    """

    motion: Motion
    notes: tuple[str, ...]
    is_whole: bool = True


@dataclasses.dataclass(slots=True)
class _Joint:
    name: str
    parent: int
    offset: tuple[float, ...] = (0.0, 0.0, 0.0)
    channels: tuple[tuple[str, int], ...] = ()
    tip: tuple[float, ...] | None = None


def read_bvh(path: Path, *, metres_per_unit: float = 0.01) -> BvhFile:
    """Read a BVH file.

    Parameters
    ----------
    path : Path
        The file.
    metres_per_unit : float
        BVH names no unit. Centimetres are the custom; CMU's old conversions use about 0.056444.

    Returns
    -------
    BvhFile
        The root's position channels are taken as absolute, as Blender does; its OFFSET counts
        only for axes without a channel.

    Raises
    ------
    InputError
        If it is no BVH file or cannot be understood; the text says what and where.
    """
    text = _text_of(Path(path))
    halves = _halves(text)
    if halves is None:
        raise InputError(f"{path}: not a BVH file: expected HIERARCHY and then MOTION")
    top, bottom = halves
    try:
        joints = _Hierarchy(top.split()).joints
        width = sum(len(joint.channels) for joint in joints)
        rate, rows, notes = _motion_part(bottom, width)
    except _BvhError as problem:
        raise InputError(f"{path}: {problem}") from None
    # So far there are notes about the number of frames alone.
    is_whole = not notes
    found = _assembled(Path(path).stem, joints, rows, (rate, metres_per_unit), notes)
    return dataclasses.replace(found, is_whole=is_whole)


class _BvhError(Exception):
    """What is wrong, without the file's name."""


def _text_of(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as cause:
        raise InputError(f"{path}: cannot be read: {cause.strerror}") from cause
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _halves(text: str) -> tuple[str, str] | None:
    head = re.match(r"\s*HIERARCHY\b", text, re.IGNORECASE)
    middle = re.search(r"^\s*MOTION\s*$", text, re.IGNORECASE | re.MULTILINE)
    if head is None or middle is None:
        return None
    top = text[head.end() : middle.start()]
    return top.replace("{", " { ").replace("}", " } "), text[middle.end() :]


class _Hierarchy:
    """Reads the tokens of the tree one after the other, without recursion."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.at = 0
        self.joints: list[_Joint] = []
        self.open: list[int | None] = []
        while self.at < len(tokens):
            self._statement()
        if self.open:
            raise _BvhError("a brace of the HIERARCHY is never closed")
        if not self.joints:
            raise _BvhError("expected a ROOT in the HIERARCHY, found none")

    def _statement(self) -> None:
        word = self._next().lower()
        if word in ("root", "joint"):
            self._start_joint(word)
        elif word == "end":
            self._name()
            self.open.append(None)
        elif word == "offset":
            self._offset()
        elif word == "channels":
            self._channels()
        elif word == "}" and self.open:
            self.open.pop()
        else:
            raise _BvhError(f"expected ROOT, JOINT, End Site, OFFSET, CHANNELS or }}, got '{word}'")

    def _next(self) -> str:
        if self.at >= len(self.tokens):
            raise _BvhError("the HIERARCHY ends too early")
        self.at += 1
        return self.tokens[self.at - 1]

    def _name(self) -> str:
        words = []
        while (word := self._next()) != "{":
            words.append(word)
        return " ".join(words)

    def _start_joint(self, word: str) -> None:
        if (word == "root") != (not self.joints):
            raise _BvhError("expected exactly one ROOT, before every JOINT")
        parent = self.open[-1] if self.open else -1
        if parent is None or (self.joints and parent < 0):
            raise _BvhError("a JOINT stands outside the tree")
        name = self._name() or f"joint_{len(self.joints)}"
        self.open.append(len(self.joints))
        self.joints.append(_Joint(name=name, parent=parent))

    def _offset(self) -> None:
        numbers = tuple(_number(self._next(), "OFFSET") for _ in range(3))
        if not self.open:
            raise _BvhError("an OFFSET stands outside the tree")
        owner = self.open[-1]
        if owner is not None:
            self.joints[owner].offset = numbers
        elif len(self.open) > 1 and (above := self.open[-2]) is not None:
            self.joints[above].tip = numbers

    def _channels(self) -> None:
        owner = self.open[-1] if self.open else None
        count = self._next()
        if owner is None or not count.isdigit():
            raise _BvhError(f"expected CHANNELS and a number inside a joint, got '{count}'")
        names = [self._next() for _ in range(int(count))]
        unknown = [name for name in names if name.lower() not in _CHANNELS]
        if unknown:
            raise _BvhError(f"unknown channel '{unknown[0]}' of joint {self.joints[owner].name}")
        self.joints[owner].channels = tuple(_CHANNELS[name.lower()] for name in names)


def _number(word: str, what: str) -> float:
    try:
        value = float(word)
    except ValueError:
        raise _BvhError(f"{what}: expected a number, got '{word}'") from None
    if not np.isfinite(value):
        raise _BvhError(f"{what}: expected a finite number, got '{word}'")
    return value


def _motion_part(text: str, width: int) -> tuple[Fraction, np.ndarray, list[str]]:
    head = re.match(r"\s*Frames\s*:\s*(\S+)\s+Frame\s+Time\s*:\s*(\S+)", text, re.IGNORECASE)
    if head is None:
        raise _BvhError("expected 'Frames: N' and 'Frame Time: seconds' after MOTION")
    if width == 0:
        raise _BvhError("no joint has a channel, so there is no movement to read")
    rate = _rate_of(head[2])
    rows, notes = _rows(text[head.end() :], width)
    if head[1] != str(len(rows)):
        notes.append(f"the file declares {head[1]} frames and holds {len(rows)}")
    return rate, rows, notes


def _rows(text: str, width: int) -> tuple[np.ndarray, list[str]]:
    notes: list[str] = []
    words = [line.split() for line in text.splitlines()]
    words = [line for line in words if line]
    flat = [word for line in words for word in line]
    if words and len(words[-1]) < width and all(len(line) == width for line in words[:-1]):
        notes.append(f"the last frame is cut short ({len(words[-1])} of {width} numbers), left out")
        flat = flat[: -len(words[-1])]
    if len(flat) % width:
        row = next(n for n, line in enumerate(words) if len(line) != width)
        raise _BvhError(f"frame {row}: expected {width} numbers, got {len(words[row])}")
    try:
        values = np.array(flat, dtype=np.float64).reshape(-1, width)
    except ValueError as cause:
        raise _BvhError(f"the frames hold something that is no number: {cause}") from None
    if not np.isfinite(values).all():
        raise _BvhError(
            f"frame {int(np.argwhere(~np.isfinite(values))[0, 0])}: a value is not finite"
        )
    if len(values) == 0:
        raise _BvhError("the file holds no complete frame")
    return values, notes


def _rate_of(word: str) -> Fraction:
    """Take the plain rate that the rounded (or cut) frame time stands for, if there is one."""
    try:
        seconds = Decimal(word)
    except InvalidOperation:
        raise _BvhError(f"Frame Time: expected seconds, got '{word}'") from None
    if not seconds.is_finite() or not 0 < seconds < _LONGEST_FRAME:
        raise _BvhError(f"Frame Time: expected seconds above 0, got '{word}'")
    given = Fraction(seconds)
    if (1 / given).denominator <= _PLAIN_DENOMINATOR:
        return 1 / given
    last_digit = Fraction(10) ** int(seconds.as_tuple().exponent)
    candidates = (Fraction(max(1, round(1 / given))), *_BROADCAST)
    nearest = min(candidates, key=lambda rate: abs(1 / rate - given))
    if abs(1 / nearest - given) <= min(last_digit, given / 50):
        return nearest
    return (1 / given).limit_denominator(1001)


def _assembled(
    stem: str,
    joints: list[_Joint],
    rows: np.ndarray,
    scale: tuple[Fraction, float],
    notes: list[str],
) -> BvhFile:
    rate, metres = scale
    offsets = np.array([joint.offset for joint in joints])
    rotations = rotation.identity(len(rows), len(joints))
    root = np.tile(offsets[0], (len(rows), 1))
    column = 0
    for index, joint in enumerate(joints):
        for kind, axis in joint.channels:
            values = rows[:, column]
            column += 1
            if kind == "rotation":
                turn = rotation.from_rotation_vector(np.radians(values)[:, None] * np.eye(3)[axis])
                rotations[:, index] = rotation.multiply(rotations[:, index], turn)
            elif index == 0:
                root[:, axis] = values
            else:
                offsets[index, axis] = values[0]
                if np.ptp(values) > _STILL_WITHIN:
                    notes.append(
                        f"{joint.name}: its {'XYZ'[axis]} position varies; frame 0 is kept"
                    )
    rest = np.tile(np.eye(4), (len(joints), 1, 1))
    rest[:, :3, 3] = offsets * metres
    names = _unique([joint.name for joint in joints], notes)
    skeleton = Skeleton(
        name=stem,
        joints=tuple(names),
        parents=np.array([joint.parent for joint in joints]),
        rest_local=rest,
        tips=np.array([joint.tip or (np.nan,) * 3 for joint in joints]) * metres,
        mirror=np.array(_mirror(names)),
    )
    motion = Motion(
        skeleton=skeleton,
        rate=rate,
        first_frame=0,
        times=np.arange(len(rows)) / float(rate),
        root_position=root * metres,
        rotations=rotation.normalized(rotations),
        confidence=np.ones((len(rows), len(joints))),
    )
    return BvhFile(motion=motion, notes=tuple(notes))


def _unique(names: list[str], notes: list[str]) -> list[str]:
    unique: list[str] = []
    for name in names:
        candidate, number = name, 2
        while candidate in unique:
            candidate, number = f"{name}_{number}", number + 1
        if candidate != name:
            notes.append(f"a second joint named {name} was renamed {candidate}")
        unique.append(candidate)
    return unique


def _mirror(names: list[str]) -> list[int]:
    other = {"left": "right", "right": "left", "Left": "Right", "Right": "Left"}
    swapped = [re.sub("left|right|Left|Right", lambda word: other[word[0]], name) for name in names]
    return [names.index(name) if name in names else own for own, name in enumerate(swapped)]
