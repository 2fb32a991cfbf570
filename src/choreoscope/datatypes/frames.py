"""Frame ranges and sets: half-open, 0-based source frames.

Other numberings (1001, 1-based) exist only where files are handed to other programs.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from itertools import pairwise

from choreoscope.datatypes.errors import InputError


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class FrameRange:
    """Frames ``start`` up to but without ``stop``."""

    start: int
    stop: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.stop:
            raise InputError(
                f"a frame range needs 0 <= start <= stop, got {self.start}:{self.stop}"
            )

    @classmethod
    def parse(cls, text: str, *, frame_count: int) -> "FrameRange":
        """Read ``"100:400"``, ``":400"`` or ``"100:"`` (source frames, half-open).

        Raises
        ------
        InputError
            If the text is no range or lies outside the film.
        """
        first, colon, last = text.partition(":")
        try:
            start = int(first) if first else 0
            stop = int(last) if last else frame_count
        except ValueError:
            colon = ""
            start = stop = 0
        if not colon or not 0 <= start < stop:
            raise InputError(f"expected frames as START:STOP such as 100:400, got '{text}'")
        if start >= frame_count:
            raise InputError(
                f"frames {text} lie outside the film, "
                f"which has {frame_count} frames (0:{frame_count})"
            )
        return cls(start, min(stop, frame_count))

    def __len__(self) -> int:
        return self.stop - self.start

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.start, self.stop))

    def __contains__(self, frame: object) -> bool:
        return isinstance(frame, int) and self.start <= frame < self.stop

    def __str__(self) -> str:
        return f"{self.start}:{self.stop}"

    def windows(self, length: int) -> list["FrameRange"]:
        """Cut into consecutive windows of `length` frames; the last may be shorter."""
        return [
            FrameRange(first, min(first + length, self.stop))
            for first in range(self.start, self.stop, length)
        ]


@dataclasses.dataclass(frozen=True, slots=True)
class FrameSet:
    """Any set of frames, kept as disjoint, sorted, non-touching ranges.

    Gap-fill is ``wanted - done``.
    """

    ranges: tuple[FrameRange, ...] = ()

    def __post_init__(self) -> None:
        for before, after in pairwise(self.ranges):
            if before.stop >= after.start:
                raise InputError(f"frame set ranges overlap or touch: {before}, {after}")
        if any(len(part) == 0 for part in self.ranges):
            raise InputError("a frame set holds no empty range")

    @classmethod
    def of(cls, parts: Iterable[FrameRange | int]) -> "FrameSet":
        """Build from ranges and single frames in any order, overlapping or not."""
        spans = sorted(
            (part.start, part.stop) if isinstance(part, FrameRange) else (part, part + 1)
            for part in parts
        )
        merged: list[tuple[int, int]] = []
        for start, stop in spans:
            if start == stop:
                continue
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
            else:
                merged.append((start, stop))
        return cls(tuple(FrameRange(start, stop) for start, stop in merged))

    @classmethod
    def parse(cls, text: str) -> "FrameSet":
        """Read what ``str`` of a frame set gives: ``"0:100, 120:130"`` or ``"none"``.

        Raises
        ------
        InputError
            If the text is anything else.
        """
        if text == "none":
            return cls()
        try:
            bounds = [tuple(map(int, part.split(":"))) for part in text.split(",")]
            return cls(tuple(FrameRange(start, stop) for start, stop in bounds))
        except ValueError:
            raise InputError(f"expected frames such as '0:100, 120:130', got '{text}'") from None

    def __len__(self) -> int:
        return sum(len(part) for part in self.ranges)

    def __iter__(self) -> Iterator[int]:
        for part in self.ranges:
            yield from part

    def __contains__(self, frame: object) -> bool:
        return any(frame in part for part in self.ranges)

    def __or__(self, other: "FrameSet") -> "FrameSet":
        return FrameSet.of((*self.ranges, *other.ranges))

    def __sub__(self, other: "FrameSet") -> "FrameSet":
        left: list[FrameRange] = []
        for part in self.ranges:
            start = part.start
            for hole in other.ranges:
                if hole.stop <= start or hole.start >= part.stop:
                    continue
                if hole.start > start:
                    left.append(FrameRange(start, hole.start))
                start = max(start, hole.stop)
            if start < part.stop:
                left.append(FrameRange(start, part.stop))
        return FrameSet(tuple(left))

    def __and__(self, other: "FrameSet") -> "FrameSet":
        return self - (self - other)

    def __str__(self) -> str:
        return ", ".join(str(part) for part in self.ranges) or "none"
