"""A file server on this machine that can be told to misbehave."""

import contextlib
import http.server
import threading
from collections.abc import Iterator
from typing import Any


class FileServer:
    """What it serves, how it misbehaves, and what it was asked."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.files: dict[str, bytes] = {}
        self.types: dict[str, str] = {}
        self.redirects: dict[str, str] = {}
        self.secrets: dict[str, str] = {}
        self.cuts: dict[str, list[int]] = {}
        self.ranges = True
        self.announces = True
        self.stalled = threading.Event()
        self.go_on = threading.Event()
        self.stalls_at: int | None = None
        self.asked: list[tuple[str, dict[str, str]]] = []

    def url(self, path: str) -> str:
        return f"{self.address}{path}"

    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]

    def asked_ranges(self, path: str) -> list[str | None]:
        return [headers.get("Range") for asked, headers in self.asked if asked == path]


@contextlib.contextmanager
def serve() -> Iterator[FileServer]:
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    server = FileServer(f"http://127.0.0.1:{httpd.server_address[1]}")
    Handler.server_of[httpd.server_address[1]] = server
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.go_on.set()
        httpd.shutdown()
        thread.join()
        httpd.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    server_of: dict[int, FileServer] = {}  # noqa: RUF012
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        return

    def do_GET(self) -> None:
        told = self.server_of[self.server.server_address[1]]
        told.asked.append((self.path, dict(self.headers.items())))
        self.close_connection = True
        if self.path in told.redirects:
            self._head(302, {"Location": told.redirects[self.path], "Content-Length": "0"})
        elif told.secrets.get(self.path) not in (None, self.headers.get("Authorization")):
            self._head(401, {"Content-Length": "0"})
        elif self.path in told.files:
            self._send(told, told.files[self.path])
        else:
            self._head(404, {"Content-Length": "0"})

    def _send(self, told: FileServer, content: bytes) -> None:
        asked = self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and told.ranges else 0
        if start >= len(content):
            self._head(416, {"Content-Length": "0"})
            return
        head = {"Content-Type": told.types.get(self.path, "application/octet-stream")}
        if told.announces:
            head["Content-Length"] = str(len(content) - start)
        if start:
            head["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._head(206 if start else 200, head)
        cuts = told.cuts.get(self.path, [])
        body = content[start:][: cuts.pop(0)] if cuts else content[start:]
        if told.stalls_at is not None:
            self.wfile.write(body[: told.stalls_at])
            self.wfile.flush()
            body, told.stalls_at = body[told.stalls_at :], None
            told.stalled.set()
            told.go_on.wait(10)
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
