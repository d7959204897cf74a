"""NATS' addresses, TLS and credentials, from the settings."""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import urlsplit

from liftline.adapters.nats.client import NoTlsError
from liftline.errors import UsageError
from liftline.net.addresses import is_loopback
from liftline.settings.services import NatsSettings


def servers(settings: NatsSettings) -> list[str]:
    """Addresses of the servers; `url` may name several, with commas. Raises UsageError where one may not be used."""
    addresses = [part.strip() for part in settings.url.split(",") if part.strip()]
    for address in addresses:
        _check(address)
    if not addresses:
        raise UsageError(
            "LIFTLINE_NATS_URL is empty; give it the address of a NATS server, as tls://nats.example:4222."
        )
    return addresses


def without_secrets(settings: NatsSettings) -> str:
    """The addresses without credentials, for messages and logs."""
    return ", ".join(urlsplit(part.strip()).netloc.rpartition("@")[2] for part in settings.url.split(","))


def tls(settings: NatsSettings) -> ssl.SSLContext | None:
    """The TLS context; None for plaintext. Raises UsageError where a file can't be used."""
    if not any(urlsplit(address).scheme == "tls" for address in servers(settings)):
        return None
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        if settings.cert_file is not None:
            context.load_cert_chain(settings.cert_file, settings.key_file)
    except (OSError, ssl.SSLError) as error:
        files = ", ".join(str(file) for file in (settings.ca_file, settings.cert_file, settings.key_file) if file)
        raise UsageError(f"a certificate file for NATS can't be used ({files}): {error}.") from error
    return context


def credentials(settings: NatsSettings) -> dict[str, Any]:
    """Credentials as arguments of nats-py's `connect`. Raises UsageError where the file isn't there."""
    if settings.creds_file is not None:
        if not settings.creds_file.is_file():
            raise UsageError(f"LIFTLINE_NATS_CREDS_FILE: there is no file {settings.creds_file}.")
        return {"user_credentials": str(settings.creds_file)}
    if settings.user is not None:
        return {"user": settings.user, "password": settings.password.get_secret_value() if settings.password else ""}
    return {}


def refusal(error: Exception, settings: NatsSettings) -> UsageError | None:
    """What to change in the settings after this error; None where that doesn't help."""
    address, text = without_secrets(settings), str(error).lower()
    if "authorization" in text or "authentication" in text:
        return UsageError(
            f"NATS at {address} refuses these credentials; "
            "check LIFTLINE_NATS_USER and LIFTLINE_NATS_PASSWORD, or LIFTLINE_NATS_CREDS_FILE."
        )
    if isinstance(error, ssl.SSLError):
        return UsageError(
            f"NATS at {address}: the protected connection fails ({error}); "
            "check LIFTLINE_NATS_CA_FILE, LIFTLINE_NATS_CERT_FILE and the name in the address."
        )
    if isinstance(error, NoTlsError):
        return UsageError(f"NATS at {address} offers no TLS, which tls:// in LIFTLINE_NATS_URL asks for.")
    return None


def _check(address: str) -> None:
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError as error:
        raise UsageError(f"LIFTLINE_NATS_URL: not an address ({error}).") from error
    if parts.scheme not in ("nats", "tls") or not host:
        raise UsageError("LIFTLINE_NATS_URL: give addresses as nats://127.0.0.1:4222 or tls://nats.example:4222.")
    if parts.scheme == "nats" and not is_loopback(host):
        raise UsageError(
            f"LIFTLINE_NATS_URL: {host} is another machine, and nats:// doesn't protect the way there; use tls://."
        )
