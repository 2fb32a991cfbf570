"""One file over HTTPS: checked, resumable, with progress."""

import base64
import functools
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any

from choreoscope.pipeline.weights.checks import difference
from choreoscope.pipeline.weights.events import SourceFailedError

SILENCE_SECONDS = 15.0
"""How long a server may stay silent, connecting or in the middle of a file."""

PAGE_LIMIT = 64_000_000
BLOCK = 256 * 1024
TRIES = 5
THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
PARTIAL_CONTENT = 206
RANGE_NOT_SATISFIABLE = 416

Report = Callable[[int, int], None]
"""Told bytes done and bytes in all."""


def download_checked(
    url: str,
    part: Path,
    *,
    sha256: str,
    size: int,
    report: Report,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Fill ``part`` from ``url``, continuing where an earlier attempt stopped, and check it.

    A cut connection is continued a few times before giving up; what has come stays in ``part``
    for the next call. A complete but wrong ``part`` is deleted; if it was begun by an earlier
    attempt, it is fetched once more from the first byte, as the old beginning may be the fault.

    Raises
    ------
    SourceFailedError
        One line: the address cannot be reached, or what it sends is not the file.
    OSError
        If ``part`` cannot be written.
    """
    was_begun = part.exists()
    _download(url, part, size, report, headers or {})
    wrong = difference(part, sha256=sha256, size=size)
    if wrong and was_begun:
        part.unlink()
        _download(url, part, size, report, headers or {})
        wrong = difference(part, sha256=sha256, size=size)
    if wrong:
        part.unlink()
        raise SourceFailedError(f"{host_of(url)} sent another file: {wrong}")


def read_page(url: str, accept: str) -> tuple[str, str, bytes]:
    """Read a small page.

    Returns
    -------
    (str, str, bytes)
        Address after redirects, content type without parameters, content.

    Raises
    ------
    SourceFailedError
        If it cannot be read.
    """
    try:
        with _open(url, {"Accept": accept}) as response:
            content = response.read(PAGE_LIMIT)
            return response.geturl(), response.headers.get_content_type(), content
    except (OSError, HTTPException) as error:
        raise SourceFailedError(f"{host_of(url)}: {reason_of(error)}") from error


def host_of(url: str) -> str:
    """Host (and port) of an address, without the user's name and password."""
    return urllib.parse.urlsplit(url).netloc.rpartition("@")[2] or url


def reason_of(error: Exception) -> str:
    """Say in one line why a request failed."""
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code} {error.reason}"
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return f"no answer within {SILENCE_SECONDS:g} s"
    text = (cause.strerror if isinstance(cause, OSError) else None) or str(cause)
    return " ".join(text.split()) or type(error).__name__


class _CarefulRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to HTTPS only, and shows credentials to the first host only."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: Any,  # noqa: ANN401
        code: int,
        msg: str,
        headers: Any,  # noqa: ANN401
        newurl: str,
    ) -> urllib.request.Request | None:
        _require_https(newurl)
        new = super().redirect_request(req, fp, code, msg, headers, newurl)
        secret = req.unredirected_hdrs.get("Authorization")
        if new is not None and secret and host_of(newurl) == host_of(req.full_url):
            new.add_unredirected_header("Authorization", secret)
        return new


def _require_https(url: str) -> None:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in THIS_MACHINE):
        return
    raise SourceFailedError(f"{host_of(url)}: expected an https address, got {parts.scheme}")


def _open(url: str, headers: Mapping[str, str]) -> HTTPResponse:
    _require_https(url)
    address, secret = _without_credentials(url)
    request = urllib.request.Request(  # noqa: S310 - https is required above
        address, headers={"User-Agent": "choreoscope", "Accept-Encoding": "identity"}
    )
    for name, value in headers.items():
        if name == "Authorization":
            request.add_unredirected_header(name, value)
        else:
            request.add_header(name, value)
    if secret:
        request.add_unredirected_header("Authorization", secret)
    opener = urllib.request.build_opener(
        _CarefulRedirects, urllib.request.HTTPSHandler(context=_trusted())
    )
    try:
        response: HTTPResponse = opener.open(request, timeout=SILENCE_SECONDS)
    except urllib.error.HTTPError as error:
        error.close()
        raise
    return response


@functools.cache
def _trusted() -> ssl.SSLContext:
    context = ssl.create_default_context()
    for variable in ("PIP_CERT", "REQUESTS_CA_BUNDLE"):
        bundle = os.environ.get(variable)
        if bundle and Path(bundle).is_file():
            context.load_verify_locations(cafile=bundle)
    return context


def _without_credentials(url: str) -> tuple[str, str | None]:
    parts = urllib.parse.urlsplit(url)
    login, _, host = parts.netloc.rpartition("@")
    if not login:
        return url, None
    token = base64.b64encode(urllib.parse.unquote(login).encode()).decode()
    return parts._replace(netloc=host).geturl(), f"Basic {token}"


def _download(url: str, part: Path, size: int, report: Report, headers: Mapping[str, str]) -> None:
    for _ in range(TRIES):
        before = part.stat().st_size if part.exists() else 0
        if before == size:
            return
        if before > size:
            part.unlink()
            before = 0
        cut = _transfer(url, part, size, report, headers)
        after = part.stat().st_size if part.exists() else 0
        if cut and after <= before:
            raise SourceFailedError(f"{host_of(url)}: {cut}")
    if part.stat().st_size != size:
        raise SourceFailedError(
            f"{host_of(url)}: the connection broke {TRIES} times; the part that came is kept"
        )


def _transfer(
    url: str, part: Path, size: int, report: Report, headers: Mapping[str, str]
) -> str | None:
    """Append what the server sends to ``part``; return why it ended early, if it did."""
    start = part.stat().st_size if part.exists() else 0
    asked = {**headers, "Range": f"bytes={start}-"} if start else headers
    try:
        response = _open(url, asked)
    except urllib.error.HTTPError as error:
        if error.code == RANGE_NOT_SATISFIABLE and start:
            part.unlink()
            return None
        raise SourceFailedError(f"{host_of(url)}: {reason_of(error)}") from error
    except (OSError, HTTPException) as error:
        raise SourceFailedError(f"{host_of(url)}: {reason_of(error)}") from error
    with response:
        begins = response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        continues = response.status == PARTIAL_CONTENT and begins
        if response.status == PARTIAL_CONTENT and not continues:
            part.unlink()
            return None
        announced = (response.length or 0) + (start if continues else 0)
        if response.length is not None and announced != size:
            raise SourceFailedError(
                f"{host_of(url)}: expected {size} bytes, the server announces {announced}"
            )
        with part.open("ab" if continues else "wb") as file:
            cut = _receive(response, file, size, report)
            file.flush()
            os.fsync(file.fileno())
    return cut


def _receive(response: HTTPResponse, file: Any, size: int, report: Report) -> str | None:  # noqa: ANN401
    done = file.tell()
    while True:
        try:
            block = response.read1(BLOCK)
        except (OSError, HTTPException) as error:
            return reason_of(error)
        if not block:
            return None if done == size else f"the connection broke after {done} of {size} bytes"
        if done + len(block) > size:
            file.truncate(0)
            raise SourceFailedError(f"{host_of(response.geturl())} sends more than {size} bytes")
        file.write(block)
        done += len(block)
        report(done, size)
