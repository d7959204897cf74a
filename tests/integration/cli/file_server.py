"""A real HTTP server on loopback that serves one file, and misbehaves as told."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

_RANGE = re.compile(r"bytes=(\d+)-")


class FileServer(ThreadingHTTPServer):
    """Serves `content` with Range and If-Range; before that, every request uses up one of `faults`."""

    daemon_threads = True

    def __init__(self, content: bytes, *, etag: str | None = '"v1"') -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content, self.etag = content, etag
        self.knows_ranges = True
        self.faults: deque[Fault] = deque()
        self.ranges: list[str | None] = []
        """The Range header of every request so far."""

    @property
    def url(self) -> str:
        """The file's address."""
        return f"http://127.0.0.1:{self.server_address[1]}/model.bin"

    @classmethod
    @contextmanager
    def running(cls, content: bytes, *, etag: str | None = '"v1"') -> Iterator[Self]:
        """Serve in a thread while the block runs."""
        with cls(content, etag=etag) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
            thread.start()
            try:
                yield server
            finally:
                server.shutdown()
                thread.join()

    def handle_error(self, *_: Any) -> None:
        """Clients that go away are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FileServer

    def do_GET(self) -> None:
        self.server.ranges.append(self.headers["Range"])
        if self.server.faults:
            self.server.faults.popleft()(self)
        else:
            serve(self)

    def log_message(self, *_: Any) -> None:
        pass


Fault = Callable[[_Handler], None]


def serve(handler: _Handler, *, stop_after: int | None = None) -> None:
    """Answer as RFC 9110 says; with `stop_after`, break the connection after so many bytes of the body."""
    server = handler.server
    start = _wanted_start(handler)
    total = len(server.content)
    if start >= total > 0:
        return answer(handler, 416, {"Content-Range": f"bytes */{total}"})
    body = server.content[start:]
    handler.send_response(206 if start else 200)
    if start:
        handler.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
    if server.etag:
        handler.send_header("ETag", server.etag)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body if stop_after is None else body[:stop_after])
    handler.close_connection = stop_after is not None
    return None


def _wanted_start(handler: _Handler) -> int:
    found = _RANGE.fullmatch(handler.headers["Range"] or "")
    if not found or not handler.server.knows_ranges or handler.headers["If-Range"] != handler.server.etag:
        return 0
    return int(found[1])


def answer(handler: _Handler, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
    """Any answer."""
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def broken_after(count: int) -> Fault:
    """The connection breaks after so many bytes of the body."""
    return lambda handler: serve(handler, stop_after=count)


def status(code: int, **headers: str) -> Fault:
    """An answer without the file."""
    return lambda handler: answer(handler, code, {name.replace("_", "-"): value for name, value in headers.items()})


def held_after(count: int, go_on: threading.Event, reached: threading.Event) -> Fault:
    """The body stops after so many bytes, tells `reached`, and goes on when `go_on` is set."""

    def hold(handler: _Handler) -> None:
        content, etag = handler.server.content, handler.server.etag
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.send_header("ETag", etag or "")
        handler.end_headers()
        handler.wfile.write(content[:count])
        handler.wfile.flush()
        reached.set()
        go_on.wait(200)
        handler.wfile.write(content[count:])

    return hold


def chunked_forever(handler: _Handler) -> None:
    """A body that never ends and states no length."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    piece = b"x" * 65536
    while True:
        handler.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))


def without_length(handler: _Handler) -> None:
    """A body that ends where the connection does."""
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.wfile.write(handler.server.content)
    handler.close_connection = True
