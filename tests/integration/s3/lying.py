"""A way to the S3 server on which answers come wrong."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from liftline_cli.up.s3_server import S3Server


@dataclass(frozen=True)
class Answer:
    """status 0: the connection ends without one."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


Lie = Callable[[Answer], Answer]
Request = tuple[str, str, str | None]
PAGE = b"<html><head><title>Please log in</title></head><body>The network wants to know you.<br></body></html>"


def page(length: int | None = None) -> Lie:
    """Somebody else's, as long as what was asked for if need be."""
    return lambda _: Answer(200, {"content-type": "text/html"}, PAGE if length is None else PAGE.ljust(length)[:length])


def body(change: Callable[[bytes], bytes]) -> Lie:
    """The store's answer with another body of whatever length."""
    return lambda answer: Answer(answer.status, answer.headers, change(answer.body))


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


LIES: dict[str, Lie] = {
    "short": body(lambda data: data[: len(data) // 2]),
    "flipped": body(flipped),
    "zeros": body(lambda data: bytes(len(data))),
    "absent": lambda _: Answer(404, {"content-type": "application/xml"}, b"<Error><Code>NoSuchKey</Code></Error>"),
    "page": page(),
    "page instead": lambda answer: page(len(answer.body))(answer),
}


def status(code: int, name: str) -> Lie:
    xml = f"<Error><Code>{name}</Code><Message>a proxy says so</Message></Error>".encode()
    return lambda _: Answer(code, {"content-type": "application/xml"}, xml)


def without_etag(answer: Answer) -> Answer:
    return replace(answer, headers={name: value for name, value in answer.headers.items() if name != "etag"})


def slow(answer: Answer) -> Answer:
    time.sleep(1.0)
    return answer


def no_answer(_: Answer) -> Answer:
    return Answer(0)


@dataclass(frozen=True)
class Disorder:
    """What goes wrong with some answers.

    of: those it can be told of, by method and path. passes: whether the store hears of them. again: whether the same
    may go wrong twice in a row. Who is told the same wrong bytes of a video each time it is read takes them for the
    video.
    """

    lie: Lie
    of: Callable[[str, str], bool]
    passes: bool = True
    again: bool = False


def _any(_method: str, _path: str) -> bool:
    return True


def _object_read(method: str, path: str) -> bool:
    """Of listings, which have no checksum, one with another name in it couldn't be told from a right one."""
    return method == "GET" and urlsplit(path).path.strip("/").count("/") > 0


def _written(method: str, _path: str) -> bool:
    return method == "PUT"


CORRUPTIONS: Mapping[str, Disorder] = {
    "short body": Disorder(LIES["short"], lambda method, _: method == "GET"),
    "flipped byte": Disorder(LIES["flipped"], _object_read),
    "zeros": Disorder(LIES["zeros"], lambda method, _: method == "GET"),
    "page instead": Disorder(lambda answer: page(len(answer.body))(answer), _object_read),
    "foreign page": Disorder(page(), _any, passes=False, again=True),
    "no ETag": Disorder(without_etag, _written, again=True),
    "no ETag, not stored": Disorder(without_etag, _written, passes=False, again=True),
}
DISORDERS: Mapping[str, Disorder] = {
    **CORRUPTIONS,
    "404": Disorder(LIES["absent"], _object_read),
    "403": Disorder(status(403, "AccessDenied"), _any, passes=False, again=True),
    "500": Disorder(status(500, "InternalError"), _any, passes=False, again=True),
    "500, yet done": Disorder(status(500, "InternalError"), _any, again=True),
    "503": Disorder(status(503, "SlowDown"), _any, passes=False, again=True),
    "reset": Disorder(no_answer, _any, passes=False, again=True),
    "lost answer": Disorder(no_answer, _any, again=True),
    "slow": Disorder(slow, _any, again=True),
}


class LyingProxy(ThreadingHTTPServer):
    """Passes requests on, but those that a lie is told of: so many of a method, and for the path that ends so.

    Within `disordered` further answers are wrong at random.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, server: S3Server) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target, self.endpoint = server.port, f"http://127.0.0.1:{self.server_address[1]}"
        self.lies: list[tuple[str, str, Lie, bool]] = []
        self.lock, self.told = threading.Lock(), 0
        self._disorders: list[Disorder] = []
        self._share, self._dice, self._wrong = 0.0, random.Random(0), set[Request]()

    @contextmanager
    def disordered(self, disorders: Iterable[Disorder], *, share: float, seed: float) -> Iterator[None]:
        """So large a part of the answers in here goes wrong in one of these ways."""
        with self.lock:
            self._share, self._dice, self._disorders = share, random.Random(seed), list(disorders)
        try:
            yield
        finally:
            with self.lock:
                self._disorders = []

    def lie(self, method: str, end: str, lie: Lie, *, times: int = 1, passes: bool = True) -> None:
        """`passes`: whether the store hears of the request."""
        self.lies += [(method, end, lie, passes)] * times

    def next_lie(self, method: str, path: str, part: str | None = None) -> tuple[Lie, bool] | None:
        """What is to be answered in another's place. part: the range that is asked for."""
        with self.lock:
            for number, (of, end, lie, passes) in enumerate(self.lies):
                if of == method and path.partition("?")[0].endswith(end):
                    del self.lies[number]
                    self.told += 1
                    return lie, passes
            request = (method, path.partition("?")[0], part)
            fitting = [
                one for one in self._disorders if one.of(method, path) and (one.again or request not in self._wrong)
            ]
            self._wrong.discard(request)
            if fitting and self._dice.random() < self._share:
                self.told += 1
                chosen = self._dice.choice(fitting)
                self._wrong.add(request)
                return chosen.lie, chosen.passes
        return None

    def handle_error(self, *_: Any) -> None:
        """Who asked is gone: it was killed, or didn't want to wait."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    server: LyingProxy

    def _pass_on(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        lie, passes = self.server.next_lie(self.command, self.path, self.headers.get("Range")) or (
            lambda answer: answer,
            True,
        )
        try:
            answer = lie(self._asked(sent) if passes else Answer(200))
        except (OSError, http.client.HTTPException):  # the store is away
            answer = Answer(0)
        if not answer.status:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name not in ("content-length", "connection", "date", "server", "transfer-encoding"):
                self.send_header(name, value)
        length = answer.headers["content-length"] if self.command == "HEAD" and answer.body == b"" and (
            "content-length" in answer.headers
        ) else str(len(answer.body))  # fmt: skip
        self.send_header("content-length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def _asked(self, sent: bytes) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.target)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                connection.putheader(name, value)
            connection.endheaders(sent or None)
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, headers, answer.read())
        finally:
            connection.close()

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _pass_on  # noqa: N815 - the server's names

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def lying_proxy(server: S3Server) -> Iterator[LyingProxy]:
    """Serve while the block runs."""
    with LyingProxy(server) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
