"""File patterns: ``alpha/*.png``, ``{film}_Alpha.mp4``, ``depth/depth_####.exr``.

``*`` stands for anything within one name, ``**`` for anything at all, ``?`` for one character,
``[._-]`` for one of these, ``####`` (or ``%04d``) for the frame number with at least that many
digits. Upper and lower case count as equal, because half of the world's disks see it so.
"""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from choreoscope.capture.external.presets import SEPARATOR
from choreoscope.datatypes.errors import InputError

STILL_SUFFIXES = (".png", ".exr", ".tif", ".tiff", ".jpg", ".jpeg")
FILM_SUFFIXES = (".mp4", ".mov", ".mkv", ".avi", ".webm", ".m4v")
TOKEN = re.compile(r"\*\*|\*|\?|#+|%0?(\d*)d|\[[^]]+\]|\{\w+\}|[^*?#%\[{]+|.")
LAST_NUMBER = re.compile(r"(\d+)(?!.*\d)")


@dataclasses.dataclass(frozen=True, slots=True)
class Match:
    """A file that a pattern names.

    Attributes
    ----------
    alternative : int
        Which alternative of the pattern; lower ones are preferred.
    number : int or None
        The frame number in the name; None for films.
    """

    alternative: int
    number: int | None


class Pattern:
    """One pass's pattern, ready to be asked.

    Parameters
    ----------
    text : str
        Alternatives separated by ``|``.
    names : dict
        What ``{film}``, ``{clip}`` and ``{stage}`` stand for.

    Raises
    ------
    InputError
        If it names something else in braces, or cannot be understood.
    """

    def __init__(self, text: str, names: Mapping[str, str]) -> None:
        self._text = text
        alternatives = [part.strip() for part in text.split(SEPARATOR) if part.strip()]
        if not alternatives:
            raise InputError("an empty file pattern; give one such as 'alpha/*.png'")
        bodies = [_expression(part, names) for part in alternatives]
        whole = "|".join(f"(?P<a{at}>{body})" for at, body in enumerate(bodies))
        try:
            self._expression = re.compile(whole, re.IGNORECASE)
        except re.error as error:
            raise InputError(f"file pattern '{text}' cannot be understood ({error})") from error

    def match(self, path: str) -> Match | None:
        """Tell whether a file belongs to the pass.

        Parameters
        ----------
        path : str
            Relative to the delivery's folder, with ``/``.
        """
        suffix = PurePosixPath(path).suffix.lower()
        if suffix not in STILL_SUFFIXES and suffix not in FILM_SUFFIXES:
            return None
        found = self._expression.fullmatch(path)
        if found is None:
            return None
        groups = found.groupdict()
        at = next(int(k[1:]) for k, v in groups.items() if k[0] == "a" and v is not None)
        if suffix in FILM_SUFFIXES:
            return Match(at, None)
        marked = [v for k, v in groups.items() if k[0] == "n" and v is not None]
        last = LAST_NUMBER.search(PurePosixPath(path).stem)
        number = marked[0] if marked else last[1] if last else None
        return Match(at, int(number)) if number is not None else None


_numbers = iter(range(1 << 62))


def _expression(pattern: str, names: Mapping[str, str]) -> str:
    parts = []
    marked = False
    for token in TOKEN.finditer(pattern.replace("\\", "/")):
        text = token[0]
        if text[0] in "#%" and (text[0] == "#" or text.endswith("d")):
            digits = len(text) if text[0] == "#" else int(token[1] or 1)
            body = rf"\d{{{digits},}}"
            # Group names must differ between alternatives.
            parts.append(body if marked else f"(?P<n{next(_numbers)}>{body})")
            marked = True
        elif text[0] == "{":
            parts.append(re.escape(_named(text[1:-1], names)))
        elif text[0] == "[" and len(text) > 1:
            parts.append("[" + re.escape(text[1:-1]) + "]")
        else:
            parts.append({"**": ".*", "*": "[^/]*", "?": "[^/]"}.get(text) or re.escape(text))
    return "".join(parts)


def _named(name: str, names: Mapping[str, str]) -> str:
    if name not in names:
        known = ", ".join(f"{{{one}}}" for one in names)
        raise InputError(f"a file pattern names {{{name}}}; known: {known}")
    return names[name]
