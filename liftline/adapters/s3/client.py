"""S3 clients from settings: addresses checked, certificates loaded, nothing connected yet."""

from __future__ import annotations

import ssl
from pathlib import Path
from urllib.parse import urlsplit

import urllib3
from minio import Minio

from liftline.adapters.s3._pool import RetryingPool
from liftline.errors import UsageError
from liftline.net.addresses import is_loopback
from liftline.settings.services import S3Settings


def client(settings: S3Settings, *, retry_s: float, answer_s: float) -> Minio:
    """A client that sends requests, with retries. Raises UsageError for unusable settings."""
    pool = anonymous(settings, retry_s=retry_s, answer_s=answer_s)
    return _minio("LIFTLINE_S3_ENDPOINT", settings.endpoint, settings, pool)


def anonymous(settings: S3Settings, *, retry_s: float, answer_s: float) -> urllib3.PoolManager:
    """Connections for requests without credentials, with retries. Raises UsageError for an unusable CA file."""
    return RetryingPool(retry_s=retry_s, answer_s=answer_s, tls=_tls(settings.ca_file))


def signer(settings: S3Settings) -> Minio:
    """A client that only signs URLs and forms; it never connects. Raises UsageError for unusable settings."""
    if settings.public_endpoint is None:
        return _minio("LIFTLINE_S3_ENDPOINT", settings.endpoint, settings, urllib3.PoolManager())
    return _minio("LIFTLINE_S3_PUBLIC_ENDPOINT", settings.public_endpoint, settings, urllib3.PoolManager())


def _minio(variable: str, endpoint: str, settings: S3Settings, pool: urllib3.PoolManager) -> Minio:
    secure, host = _parsed(variable, endpoint)
    if not settings.access_key or not settings.secret_key.get_secret_value():
        raise UsageError("LIFTLINE_S3_ACCESS_KEY and LIFTLINE_S3_SECRET_KEY: both must be set.")
    return Minio(
        host,
        access_key=settings.access_key,
        secret_key=settings.secret_key.get_secret_value(),
        secure=secure,
        region=settings.region,  # else it is asked for
        http_client=pool,
    )


def _parsed(variable: str, endpoint: str) -> tuple[bool, str]:
    """Whether an endpoint is https, and its `host:port`. Raises UsageError where it is no such address."""
    try:
        url = urlsplit(endpoint)
        port = url.port
    except ValueError as error:
        raise UsageError(f"{variable}: {endpoint!r} is no address ({error}); correct it.") from error
    if url.scheme not in ("http", "https") or not url.hostname or url.path.strip("/") or url.query or "@" in url.netloc:
        raise UsageError(f"{variable}: {endpoint!r} is not like https://host or https://host:port; correct it.")
    if url.scheme == "http" and not is_loopback(url.hostname):
        raise UsageError(f"{variable}: {endpoint!r} is unencrypted and not on this machine; give an https:// address.")
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    return url.scheme == "https", host if port is None else f"{host}:{port}"


def _tls(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"LIFTLINE_S3_CA_FILE: {ca_file} can't be used ({error}); give a PEM file.") from error
