"""Which number in a file name is which frame: declared, or guessed from all numbers at once."""

import dataclasses
from collections.abc import Collection
from typing import Literal


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Numbering:
    """How a pass is numbered.

    Attributes
    ----------
    first : int
        Number of the first wanted frame.
    is_certain : bool
        Whether no other numbering fits.
    how : str
        In words.
    """

    first: int
    is_certain: bool
    how: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a delivery is for.

    Attributes
    ----------
    start : int
        Source frame of the clip's first frame.
    length : int
        Frames of the clip.
    film_length : int
        Frames of the film.
    """

    start: int
    length: int
    film_length: int


USUAL = (0, 1, 1001)
"""Programs begin at 0 or 1, post-production at 1001."""


def declared(first: int | Literal["source"], wanted: Wanted) -> Numbering:
    """Take the user's word."""
    if first == "source":
        return Numbering(first=wanted.start, is_certain=True, how="source frames, as declared")
    return Numbering(first=first, is_certain=True, how=f"from {first}, as declared")


def guessed(
    numbers: Collection[int], wanted: Wanted, agreed: Collection[int] = ()
) -> Numbering | None:
    """Guess from the numbers there are; None if there are none.

    A delivery exactly as long as the clip, from its first to its last number, settles it; so does
    one exactly as long as the film. Else the usual beginnings are tried: those with which every
    number lies inside the clip.

    Parameters
    ----------
    numbers : collection of int
        Of all files of the pass.
    agreed : collection of int
        Beginnings of other passes that are certain; preferred among those that fit.
    """
    if not numbers:
        return None
    low, high = min(numbers), max(numbers)
    span = high - low + 1
    if span == wanted.length:
        return Numbering(first=low, is_certain=True, how=f"from {low}, as many as the clip has")
    if span == wanted.film_length:
        return Numbering(
            first=low + wanted.start, is_certain=True, how=f"the whole film, from {low}"
        )
    fitting = _fitting(low, high, wanted)
    if not fitting:
        return Numbering(
            first=low,
            is_certain=False,
            how=(
                f"from {low}: {len(numbers)} numbers up to {high} fit no usual beginning for "
                f"{wanted.length} frames"
            ),
        )
    first = next((one for one in (*agreed, low) if one in fitting), fitting[0])
    if len(fitting) == 1:
        return Numbering(first=first, is_certain=True, how=f"from {first}, the only one that fits")
    others = ", ".join(str(one) for one in fitting if one != first)
    return Numbering(first=first, is_certain=False, how=f"from {first}, though {others} fits, too")


def _fitting(low: int, high: int, wanted: Wanted) -> list[int]:
    """Beginnings with which all numbers are frames of the clip, or of the film where it is cut."""
    beginnings = {begin: begin for begin in USUAL}
    beginnings |= {begin + wanted.start: begin + wanted.start for begin in USUAL}
    return [first for first in beginnings if first <= low and high < first + wanted.length]
