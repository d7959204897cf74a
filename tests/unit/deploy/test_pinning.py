"""Digests as a registry says them, commits as git does."""

from __future__ import annotations

import hashlib
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deploy.supply.pinning import LookupFailedError, commit, digest

LIST = b'{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}'


class Registry(BaseHTTPRequestHandler):
    """Gives one image to who has a token, and tokens to anybody, as public registries do."""

    def do_GET(self) -> None:
        base = f"http://127.0.0.1:{self.server.server_address[1]}"
        if self.path == "/token?service=here&scope=repository%3Alibrary%2Fnats%3Apull":
            self._answer(200, b'{"token": "for-anybody"}')
        elif self.headers.get("Authorization") != "Bearer for-anybody":
            challenge = f'Bearer realm="{base}/token",service="here",scope="repository:library/nats:pull"'
            self._answer(401, b"", {"WWW-Authenticate": challenge})
        elif self.path == "/v2/library/nats/manifests/2.15" and "image.index" in self.headers["Accept"]:
            self._answer(200, LIST)
        else:
            self._answer(404, b"")

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Nothing."""


@pytest.fixture
def hosts() -> Iterator[dict[str, str]]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield {"docker.io": f"http://127.0.0.1:{server.server_address[1]}"}
        server.shutdown()


def test_a_digest_is_that_of_the_list_for_all_processors(hosts: dict[str, str]) -> None:
    assert digest("docker.io/library/nats:2.15", hosts) == f"sha256:{hashlib.sha256(LIST).hexdigest()}"


def test_an_image_that_the_registry_does_not_have_gets_no_digest(hosts: dict[str, str]) -> None:
    with pytest.raises(LookupFailedError, match="answered 404"):
        digest("docker.io/library/nats:3", hosts)


def test_a_registry_that_cannot_be_reached_gives_no_digest() -> None:
    with pytest.raises(LookupFailedError, match="can't be reached"):
        digest("docker.io/library/nats:2.15", {"docker.io": "http://127.0.0.1:1"})


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_a_commit_is_that_of_the_tag_whether_or_not_the_tag_has_a_message(tmp_path: Path) -> None:
    action = tmp_path / "owner" / "action"
    action.mkdir(parents=True)
    git(action, "init", "--quiet")
    git(action, "commit", "--quiet", "--allow-empty", "--message", "one")
    git(action, "tag", "v1")
    git(action, "tag", "--annotate", "v2", "--message", "two")
    head = git(action, "rev-parse", "HEAD")
    assert commit("owner/action@v1", tmp_path.as_uri()) == commit("owner/action@v2", tmp_path.as_uri()) == head
    with pytest.raises(LookupFailedError, match="no tag v3"):
        commit("owner/action@v3", tmp_path.as_uri())
    with pytest.raises(LookupFailedError, match="ls-remote"):
        commit("owner/nothing@v1", tmp_path.as_uri())
