"""An S3 server of a few lines that believes what nobody signed, in one way or another, as some have done."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.forms import read_form

BUCKET = "naive"
_OPENING = {"acl", "x-amz-acl", "x-amz-grant-read"}


@dataclass(frozen=True)
class Manners:
    """What it gets wrong; with none of it, it is as good as the real ones, but for signatures, which it believes in."""

    copies_by_header: bool = False
    publishes_by_header: bool = False
    obeys_fields: bool = False
    takes_puts: bool = False
    takes_any_length: bool = False
    is_public: bool = False
    knows_no_forms: bool = False


class NaiveStore(ThreadingHTTPServer):
    """One bucket, `BUCKET`, that is there."""

    daemon_threads = True

    def __init__(self, manners: Manners) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.manners, self.away = manners, False
        self.objects: dict[str, bytes] = {}
        self.public: set[str] = set()
        self.ever: set[str] = set()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def store(self, key: str, body: bytes, told: Mapping[str, str]) -> None:
        """With all that is `told` by headers or fields."""
        source = unquote(told.get("x-amz-copy-source", "")).lstrip("/").removeprefix(f"{BUCKET}/")
        self.objects[key] = self.objects[source] if source else body
        self.ever.add(key)
        if _OPENING & set(told):
            self.public.add(key)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # else each answer waits for the acknowledgement of its head
    server: NaiveStore

    def do_PUT(self) -> None:
        body = self._body()
        may = self._is_signed() or self.server.manners.takes_puts
        if may and not self.server.away:
            self.server.store(self._key, body, self._headers())
        self._answer(200 if may else 403)

    def do_POST(self) -> None:
        self._answer(self._take_form(self._body()))

    def _take_form(self, body: bytes) -> int:
        manners = self.server.manners
        if manners.knows_no_forms:
            return 405
        fields, file = read_form(self.headers["Content-Type"], body)
        policy = json.loads(base64.b64decode(fields["policy"]))["conditions"]
        ((_, least, most),) = [one for one in policy if one[0] == "content-length-range"]
        if not (least <= len(file) <= most or manners.takes_any_length):
            return 400
        known = {"policy", "x-amz-signature", *(one[1].lstrip("$") for one in policy if one[0] == "eq")}
        if not (set(fields) <= known or manners.obeys_fields):
            return 403
        told = dict(fields) if manners.obeys_fields else {}
        obeyed = {"x-amz-copy-source"} if manners.copies_by_header else set()
        obeyed |= _OPENING if manners.publishes_by_header else set()
        told |= {name: value for name, value in self._headers().items() if name in obeyed}
        self.server.store(fields["key"], file, told)
        return 204

    def do_GET(self) -> None:
        objects = self.server.objects
        if not (self._is_signed() or self._key in self.server.public or self.server.manners.is_public):
            self._answer(403)
        elif self._key and self._key not in objects:
            self._answer(404)
        else:
            self._answer(200, objects[self._key] if self._key else self._listed())

    def _listed(self) -> bytes:
        (prefix,) = parse_qs(urlsplit(self.path).query).get("prefix", [""])
        item = "<Contents><Key>{}</Key></Contents>".format
        items = "".join(item(key) for key in sorted(self.server.objects) if key.startswith(prefix))
        space = "http://s3.amazonaws.com/doc/2006-03-01/"
        return f'<ListBucketResult xmlns="{space}"><Name>{BUCKET}</Name>{items}</ListBucketResult>'.encode()

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.server.objects.pop(self._key, None)
        self.server.public.discard(self._key)
        self._answer(204)

    @property
    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).removeprefix(f"/{BUCKET}").lstrip("/")

    def _headers(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers.items()}

    def _is_signed(self) -> bool:
        return "Authorization" in self.headers

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(503 if self.server.away else status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"')
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def naive_store(manners: Manners) -> Iterator[NaiveStore]:
    """Serve while the block runs."""
    with NaiveStore(manners) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
