"""Digests of images and commits of actions, asked of those who have them: registries, and git."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys

import urllib3

from deploy.supply.references import UNPINNED, Reference, files, references, rewritten

GITHUB = "https://github.com"
_HOSTS = {"docker.io": "https://registry-1.docker.io"}
# A list of images, one a system and processor, before a single one: its digest is the same everywhere.
_KINDS = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)


class LookupFailedError(Exception):
    """Nobody says what a reference is now; the message says why."""


def pin_all() -> None:
    """Write today's digests into every file; what can't be looked up stays as it is, and in UNPINNED if it has none."""
    texts = {path: path.read_text() for path in files()}
    named = {reference for text in texts.values() for reference in references(text)}
    pins: dict[str, str] = {}
    for what in sorted({reference.what for reference in named}):
        try:
            pins[what] = commit(what) if Reference(what, None).is_action else digest(what)
        except LookupFailedError as error:
            sys.stdout.write(f"{what} stays as it is: {error}\n")
    for path, text in texts.items():
        if (new := rewritten(text, pins)) != text:
            path.write_text(new)
    _write_unpinned({reference.what for reference in named if reference.pin is None and reference.what not in pins})


def _write_unpinned(names: set[str]) -> None:
    head = [line for line in UNPINNED.read_text().splitlines() if line.startswith("#")]
    UNPINNED.write_text("\n".join([*head, *sorted(names)]) + "\n")


def digest(image: str, hosts: dict[str, str] | None = None) -> str:
    """The digest of `HOST/NAME:TAG` in its registry, checked against what it is of. Raises LookupFailedError."""
    host, _, rest = image.partition("/")
    name, _, tag = rest.rpartition(":")
    address = (hosts or _HOSTS).get(host, f"https://{host}")
    body = _manifest(f"{address}/v2/{name}/manifests/{tag}")
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _manifest(address: str) -> bytes:
    """A manifest as the registry has it, with a token for anybody if it wants one."""
    headers = {"Accept": _KINDS}
    answer = _get(address, headers)
    if answer.status == 401:
        challenge = dict(re.findall(r'(\w+)="([^"]*)"', answer.headers.get("WWW-Authenticate", "")))
        realm = challenge.pop("realm", "")
        if not realm.startswith("http"):
            raise LookupFailedError(f"{address} asks for credentials")
        token = _get(realm, {}, challenge).json()
        answer = _get(
            address, {**headers, "Authorization": f"Bearer {token.get('token') or token.get('access_token')}"}
        )
    if answer.status != 200:
        raise LookupFailedError(f"{address} answered {answer.status}")
    return answer.data


def _get(address: str, headers: dict[str, str], fields: dict[str, str] | None = None) -> urllib3.BaseHTTPResponse:
    try:
        return urllib3.request("GET", address, headers=headers, fields=fields, timeout=20.0, retries=False)
    except urllib3.exceptions.HTTPError as error:
        raise LookupFailedError(f"{address} can't be reached ({type(error).__name__})") from error


def commit(action: str, github: str = GITHUB) -> str:
    """The commit that a tag of an action (`OWNER/NAME@TAG`) is now. Raises LookupFailedError."""
    name, _, tag = action.partition("@")
    wanted = [f"refs/tags/{tag}^{{}}", f"refs/tags/{tag}"]
    command = ["git", "ls-remote", f"{github}/{name}", *reversed(wanted)]
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(  # noqa: S603 - names from our own files, no shell
            command, env=environment, capture_output=True, text=True, check=False, timeout=60
        )
    except subprocess.TimeoutExpired as error:
        raise LookupFailedError(f"git ls-remote {github}/{name} took more than a minute") from error
    if done.returncode != 0:
        raise LookupFailedError(f"git ls-remote {github}/{name}: {done.stderr.strip().splitlines()[-1]}")
    found = {ref: sha for sha, ref in (line.split("\t") for line in done.stdout.splitlines())}
    for ref in wanted:
        if ref in found:
            return found[ref]
    raise LookupFailedError(f"{github}/{name} has no tag {tag}")
