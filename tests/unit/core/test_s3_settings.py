"""Settings that would send artifacts unencrypted, or can't work, are refused before anything is connected."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from liftline.adapters.s3 import S3Store
from liftline.errors import UsageError
from liftline.settings.services import S3Settings

GOOD = S3Settings(endpoint="https://s3.example", access_key="a", secret_key=SecretStr("b"))


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://s3.example",
        "https://s3.example:9000/",
        "http://127.0.0.1:9000",
        "http://localhost",
        "http://[::1]:9000",
    ],
)
def test_addresses_that_are_safe_are_taken(endpoint: str) -> None:
    S3Store(GOOD.model_copy(update={"endpoint": endpoint}))
    S3Store(GOOD.model_copy(update={"public_endpoint": endpoint}))


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        ("http://s3.example", "unencrypted and not on this machine; give an https:// address"),
        ("http://10.0.0.7:9000", "unencrypted"),
        ("http://127.0.0.1.example", "unencrypted"),
        ("http://localhost.example", "unencrypted"),
        ("s3.example:9000", "is not like https://host"),
        ("ftp://s3.example", "is not like"),
        ("https://user:pass@s3.example", "is not like"),
        ("https://s3.example/bucket", "is not like"),
        ("https://s3.example:nine", "is no address"),
        ("", "is not like"),
    ],
)
@pytest.mark.parametrize("field", ["endpoint", "public_endpoint"])
def test_addresses_that_are_not_are_refused(field: str, endpoint: str, message: str) -> None:
    with pytest.raises(UsageError, match=f"LIFTLINE_S3_{field.upper()}: .*{message}"):
        S3Store(GOOD.model_copy(update={field: endpoint}))


def test_missing_keys_are_named() -> None:
    with pytest.raises(UsageError, match="LIFTLINE_S3_ACCESS_KEY and LIFTLINE_S3_SECRET_KEY"):
        S3Store(S3Settings())


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_file_without_certificates_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "authority.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=r"LIFTLINE_S3_CA_FILE: .*authority\.pem can't be used"):
        S3Store(GOOD.model_copy(update={"ca_file": path}))


def test_secrets_are_not_shown() -> None:
    assert "b'" not in repr(GOOD)
    assert "secret_key=SecretStr('**********')" in repr(GOOD)
