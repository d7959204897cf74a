"""S3 over TLS: with the authority of the settings, and never without."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from liftline.adapters.s3 import S3Store
from liftline.adapters.s3.upload_probe import probe_uploads
from liftline.errors import UnavailableError
from liftline_cli.up.s3_server import S3Server
from tests.forms import send
from tests.servers import running_s3, s3_settings


def write_certificate(folder: Path, name: str) -> Path:
    """A PEM file with a certificate of its own authority for 127.0.0.1, and its key."""
    key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    pem, open_key = serialization.Encoding.PEM, serialization.NoEncryption()
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, open_key)
    path.write_bytes(certificate.public_bytes(pem) + secret)
    return path


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_certificate(tmp_path_factory.mktemp("certificates"), "store")


@pytest.fixture(scope="module")
def server(certificate: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_s3(tmp_path_factory.mktemp("tls-s3"), certificate=certificate) as own:
        yield own


def store_on(server: S3Server, *, ca_file: Path | None) -> S3Store:
    return S3Store(s3_settings(server, bucket="secure").model_copy(update={"ca_file": ca_file}))


def test_artifacts_travel_over_tls(server: S3Server, certificate: Path, tmp_path: Path) -> None:
    store = store_on(server, ca_file=certificate)
    store.ensure_bucket()
    (tmp_path / "given").write_bytes(b"0123456789" * 2_000_000)
    store.put_file("t/x", tmp_path / "given")
    store.get_file("t/x", tmp_path / "taken")
    assert (tmp_path / "taken").read_bytes() == (tmp_path / "given").read_bytes()
    store.put_bytes("t/small", b"1")
    store.copy("t/small", "t/copy")
    assert sorted(store.keys("t/")) == ["t/copy", "t/small", "t/x"]
    store.remove_all("t/")
    assert list(store.keys("t/")) == []


def test_addresses_work_over_tls(server: S3Server, certificate: Path) -> None:
    store = store_on(server, ca_file=certificate)
    store.ensure_bucket()
    day = datetime.timedelta(days=1)
    with urllib3.PoolManager(ca_certs=str(certificate)) as http:
        assert send(http, store.upload_form("t/up", size_bytes=2, expires=day), b"12") == 204
        assert http.request("GET", store.download_address("t/up", expires=day, file_name="x")).data == b"12"


def test_uploads_are_tried_over_tls(server: S3Server, certificate: Path) -> None:
    """At the address that this process reaches, whatever that of clients is."""
    store_on(server, ca_file=certificate).ensure_bucket()
    other = {"ca_file": certificate, "public_endpoint": "https://videos.example:8443"}
    probe_uploads(s3_settings(server, bucket="secure").model_copy(update=other))


@pytest.mark.parametrize("other", [True, False])
def test_a_server_of_another_authority_is_refused_at_once(server: S3Server, tmp_path: Path, other: bool) -> None:
    store = store_on(server, ca_file=write_certificate(tmp_path, "other") if other else None)
    start = datetime.datetime.now(datetime.UTC)
    with pytest.raises(UnavailableError, match=r"certificate verify failed.*LIFTLINE_S3_CA_FILE"):
        store.put_bytes("t/x", b"1")
    assert datetime.datetime.now(datetime.UTC) - start < datetime.timedelta(seconds=5)
