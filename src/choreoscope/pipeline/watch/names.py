"""Names: the order people count in, and where a film's record and result lie."""

import dataclasses
import hashlib
import re
import unicodedata

LONGEST = 60
RESERVED = re.compile(r"(queue|status\.html)_*", re.IGNORECASE)
"""Names the queue itself uses beside the results."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a film is kept.

    Attributes
    ----------
    key : str
        Name of its record, its lock and its progress, safe on every disk.
    result : str
        Folder of its result below that of all results, with forward slashes.
    """

    key: str
    result: str


def natural_key(name: str) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """Sort key by which numbers count: ``take 2`` before ``take 10``."""
    parts = tuple(
        (0, int(part), "") if part.isdecimal() else (1, 0, part.casefold())
        for part in re.split(r"(\d+)", name)
        if part
    )
    return parts, name


def places(film: str) -> tuple[Place, Place]:
    """Places for a film: the plain one, and one for when another film has taken that.

    The plain one is the film's own path, suffix included, so that ``a.mov`` and ``a.mp4`` lie
    apart. Names that differ only in case or in how an accent is written share it, because some
    disks cannot tell them apart; the second place is the film's alone.

    Parameters
    ----------
    film : str
        Path below the watched folder, with forward slashes.
    """
    head, slash, rest = film.partition("/")
    result = f"{head}_{slash}{rest}" if RESERVED.fullmatch(head) else film
    folded = unicodedata.normalize("NFC", result).casefold()
    mark = _digest(film)
    return (
        Place(key=f"{_slug(folded)}-{_digest(folded)}", result=result),
        Place(key=f"{_slug(folded)}-{_digest(f'apart {film}')}", result=f"{result}-{mark[:6]}"),
    )


def _slug(text: str) -> str:
    return re.sub(r"[^\w.-]+", "_", text, flags=re.ASCII)[-LONGEST:].strip("._")


def _digest(text: str) -> str:
    # Names that are no valid text have a digest, too.
    return hashlib.sha256(text.encode("utf-8", errors="backslashreplace")).hexdigest()[:10]
