"""Re-read a written report: whole, self-contained, and everybody in it."""

import binascii
import json
import re
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from choreoscope.datatypes.errors import OutputError
from choreoscope.viewer.scene_data import unpack_person

_LINKS = frozenset(
    {"src", "href", "poster", "srcset", "data", "action", "formaction", "xlink:href"}
)
_OUTSIDE = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*:)?//|^\s*(?:https?|ftp|wss?):", re.IGNORECASE)
_OUTSIDE_STYLE = re.compile(r"@import|url\(\s*['\"]?(?!data:)", re.IGNORECASE)
_VOID = frozenset({"meta", "link", "img", "input", "br", "hr", "wbr", "source"})
_JSON = ("facts", "scene", "timings")


class _Page(HTMLParser):
    """Collects what has to be looked at, and minds that every element is closed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.outside: list[str] = []
        self.people: set[str] = set()
        self.json: dict[str, str] = {}
        self.faults: list[str] = []
        self._kept = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at an element's attributes."""
        given = {name: value or "" for name, value in attrs}
        self.outside += [
            value for name, value in given.items() if name in _LINKS and _OUTSIDE.match(value)
        ]
        self._look_at_style(given.get("style", ""))
        if tag == "tr" and "data-person" in given:
            self.people.add(given["data-person"])
        if tag == "script" and given.get("type") == "application/json":
            self._kept = given.get("id", "")
            self.json[self._kept] = ""
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close an element; it must be the one opened last."""
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing that is open")
        self._kept = ""

    def handle_data(self, data: str) -> None:
        """Keep embedded JSON, look at style sheets."""
        if self._kept:
            self.json[self._kept] += data
        if self.open and self.open[-1] == "style":
            self._look_at_style(data)

    def _look_at_style(self, text: str) -> None:
        if _OUTSIDE_STYLE.search(text):
            self.outside.append("a style sheet that loads something")


def check_report(path: Path, people: Iterable[str] | None = None) -> None:
    """Re-read a report.

    Parameters
    ----------
    path : Path
        The page.
    people : iterable of str or None
        Ids that must be in it; None trusts the page's own list.

    Raises
    ------
    OutputError
        If the file does not read, an element is not closed (a page cut short), embedded data do
        not parse, something would be loaded from a network, or a person is missing.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OutputError(f"{path}: the report does not read back ({error})") from error
    page = _Page()
    page.feed(text)
    page.close()
    if page.faults or page.open or not text.rstrip().endswith("</html>"):
        fault = page.faults[0] if page.faults else "it ends early"
        raise OutputError(f"{path}: the report is not whole: {fault}")
    if page.outside:
        raise OutputError(f"{path}: the report reaches outside: {page.outside[0][:80]}")
    data = {name: _parsed(path, name, page.json.get(name)) for name in _JSON}
    listed = set(_listed(path, data["facts"]))
    lacking = sorted(listed.union(people or ()) - (page.people & listed))
    if lacking:
        raise OutputError(f"{path}: the report lacks {', '.join(lacking)}")
    _check_scene(path, data["scene"], listed)


def _parsed(path: Path, name: str, text: str | None) -> Any:  # noqa: ANN401
    if text is None:
        raise OutputError(f"{path}: the report lacks its embedded data '{name}'")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise OutputError(f"{path}: the report's data '{name}' do not parse: {error}") from error


def _listed(path: Path, facts: Any) -> list[str]:  # noqa: ANN401
    if not isinstance(facts, dict) or not isinstance(facts.get("people"), list):
        raise OutputError(f"{path}: the report does not list its people")
    return [str(person) for person in facts["people"]]


def _check_scene(path: Path, scene: Any, listed: set[str]) -> None:  # noqa: ANN401
    try:
        for packed in scene["people"]:
            person = unpack_person(packed)
            if person.person not in listed:
                raise OutputError(f"{path}: the 3D view shows unknown '{person.person}'")
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise OutputError(f"{path}: the report's 3D data do not unpack: {error}") from error
