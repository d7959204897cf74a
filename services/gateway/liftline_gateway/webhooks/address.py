"""Where webhooks may go: https, to a host that the deployment names. Nothing else is ever connected to."""

from __future__ import annotations

from collections.abc import Collection

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

_LONGEST = 2000
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def address_problem(address: str, *, hosts: Collection[str]) -> str | None:
    """Why a webhook can't go there; None where it can. `hosts` are the names that the deployment allows."""
    if not hosts:
        return "This deployment sends no webhooks; leave it empty."
    url = _parsed(address)
    if url is None or url.host is None:
        return f"An https address of at most {_LONGEST} printable ASCII characters is needed."
    if url.auth is not None:
        return "No user names or passwords in the address; requests are signed instead."
    if url.host not in {host.lower() for host in hosts}:
        return f"Webhooks to {url.host} aren't allowed here; ask whoever runs this deployment to allow that host."
    if url.scheme != "https" and not (url.scheme == "http" and url.host in _LOOPBACK):
        return "Webhooks go over https alone."
    return None


def _parsed(address: str) -> Url | None:
    """Parsed here and by the sender alike, and by nothing else, so that all see the same host."""
    if len(address) > _LONGEST or not all("!" <= letter <= "~" for letter in address) or "\\" in address:
        return None
    try:
        return parse_url(address)
    except LocationParseError:
        return None
