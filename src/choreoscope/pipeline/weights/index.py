"""Where one exact wheel lies on a package index (PEP 503 pages, PEP 691 JSON)."""

import configparser
import html.parser
import json
import os
import re
import sys
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

from choreoscope.datatypes.models import WheelMember
from choreoscope.pipeline.weights.download import host_of, read_page
from choreoscope.pipeline.weights.events import SourceFailedError

PUBLIC_INDEX = "https://pypi.org/simple"
JSON_PAGE = "application/vnd.pypi.simple.v1+json"
ACCEPT = f"{JSON_PAGE}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
MAIN_VARIABLES = ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL")
EXTRA_VARIABLES = ("PIP_EXTRA_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL")


def wheel_address(source: WheelMember) -> str:
    """Address of a pinned wheel on the first configured index that has it.

    Raises
    ------
    SourceFailedError
        One line with the reason of every index asked.
    """
    project = re.sub(r"[-_.]+", "-", source.requirement.partition("==")[0]).lower()
    reasons = []
    for index in configured_indexes():
        page = f"{index.rstrip('/')}/{project}/"
        try:
            address = _address_on(page, source)
        except SourceFailedError as error:
            reasons.append(str(error))
            continue
        if address:
            return address
        reasons.append(f"{host_of(page)} has no {source.wheel}")
    raise SourceFailedError(", ".join(reasons))


def configured_indexes() -> tuple[str, ...]:
    """Addresses of the package indexes the user has set for pip or uv; else the public one.

    Indexes in local folders are left out: only pip reads those.
    """
    configured = _pip_configuration()
    main = _first_of(MAIN_VARIABLES) or configured.get("index-url", "").split() or [PUBLIC_INDEX]
    extra = _first_of(EXTRA_VARIABLES) or configured.get("extra-index-url", "").split()
    remote = [address for address in (main[0], *extra) if address.startswith("http")]
    return tuple(dict.fromkeys(remote)) or (PUBLIC_INDEX,)


def _first_of(variables: tuple[str, ...]) -> list[str]:
    values = (os.environ.get(variable, "").split() for variable in variables)
    # uv lets an index be given as name=address
    found: list[str] = next((value for value in values if value), [])
    return [re.sub(r"^[\w.-]+=(?=[a-z]+:)", "", address) for address in found]


def _pip_configuration() -> dict[str, str]:
    """Read the index settings of pip's files, later files winning, as pip reads them."""
    found: dict[str, str] = {}
    for path in _pip_files():
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError, OSError):
            continue
        for section in ("global", "download"):
            if parser.has_section(section):
                found |= dict(parser.items(section))
    return found


def _pip_files() -> Iterator[Path]:
    named = os.environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return
    home = Path.home()
    if sys.platform == "win32":
        yield Path(os.environ.get("PROGRAMDATA", r"C:\ProgramData")) / "pip" / "pip.ini"
        yield home / "pip" / "pip.ini"
        yield Path(os.environ.get("APPDATA", home)) / "pip" / "pip.ini"
        yield Path(sys.prefix) / "pip.ini"
    else:
        if sys.platform == "darwin":
            yield Path("/Library/Application Support/pip/pip.conf")
        yield Path("/etc/pip.conf")
        yield home / ".pip" / "pip.conf"
        yield Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf"
        if sys.platform == "darwin":
            yield home / "Library" / "Application Support" / "pip" / "pip.conf"
        yield Path(sys.prefix) / "pip.conf"
    if named:
        yield Path(named)


def _address_on(page: str, source: WheelMember) -> str | None:
    base, content_type, content = read_page(page, ACCEPT)
    try:
        text = content.decode()
        links = _json_links(text) if content_type == JSON_PAGE else _html_links(text)
    except ValueError as error:
        raise SourceFailedError(f"{host_of(page)}: not a package index page") from error
    for link in links:
        address = urllib.parse.urljoin(base, link)
        parts = urllib.parse.urlsplit(address)
        if urllib.parse.unquote(parts.path).rpartition("/")[2] == source.wheel:
            return parts._replace(fragment="").geturl()
    return None


def _json_links(text: str) -> list[str]:
    page = json.loads(text)
    files = page.get("files", []) if isinstance(page, dict) else []
    return [str(file["url"]) for file in files if isinstance(file, dict) and "url" in file]


def _html_links(text: str) -> list[str]:
    class Anchors(html.parser.HTMLParser):
        """Collects the addresses of a page's links."""

        def __init__(self) -> None:
            super().__init__()
            self.links: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.links += [value for name, value in attrs if (tag, name) == ("a", "href") and value]

    anchors = Anchors()
    anchors.feed(text)
    return anchors.links
