"""Addresses to listen on, as settings give them."""

from __future__ import annotations

import ipaddress

from liftline.errors import UsageError


def split_address(variable: str, address: str) -> tuple[str, int]:
    """`host:port` or `[host]:port` in parts. Raises UsageError naming the variable."""
    host, _, port = address.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise UsageError(f"{variable}: {address!r} is no address with a port, such as 127.0.0.1:50051; correct it.")
    return host.removeprefix("[").removesuffix("]"), int(port)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it. Names other than `localhost` count as reachable."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
