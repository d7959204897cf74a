"""`liftline models fetch` with the catalogue's own addresses: a proxy leads them to a TLS server on loopback."""

from __future__ import annotations

import hashlib
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from liftline.errors import ExitCode
from liftline.models import catalogue as models
from liftline.models.catalogue import VIDEOPOSE3D
from liftline_detector.keypoint_rcnn.entry import KEYPOINT_RCNN_R101
from tests.integration.cli.file_server import FileServer, broken_after, status
from tests.integration.cli.proxy import TunnelProxy
from tests.support import Outcome

WEIGHTS = b"stands in for VideoPose3D's file " * 100_000
STAND_IN = b"stands in for Detectron2's file 6033999"
"""Its MD5 begins with the six digits in the name of KEYPOINT_RCNN_R101's file."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    """A self-signed certificate of the host all addresses name, with its key in the same file."""
    if not (openssl := shutil.which("openssl")):
        pytest.skip("openssl is not installed, which makes the server's certificate")
    where = tmp_path_factory.mktemp("tls") / "certificate.pem"
    key = where.with_name("key.pem")
    host = "dl.fbaipublicfiles.com"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={host}"]
    command += ["-addext", f"subjectAltName=DNS:{host}", "-keyout", str(key), "-out", str(where)]
    subprocess.run(command, check=True, capture_output=True)
    return where


@pytest.fixture
def server(certificate) -> Iterator[FileServer]:
    """A TLS server of WEIGHTS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    with FileServer.running(WEIGHTS) as running:
        running.socket = context.wrap_socket(running.socket, server_side=True)
        yield running


@pytest.fixture
def proxy(server) -> Iterator[TunnelProxy]:
    """The only way to it."""
    with TunnelProxy.running(("127.0.0.1", server.server_address[1])) as running:
        yield running


@pytest.fixture
def folder(tmp_path, monkeypatch, proxy, certificate) -> Path:
    """An empty model folder, and an environment that leads through the proxy."""
    for name in [n for n in os.environ if n.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("LIFTLINE_MODELS_DIR", str(tmp_path / "models"))
    return tmp_path / "models"


def liftline(*arguments: str) -> Outcome:
    done = subprocess.run(
        [sys.executable, "-m", "liftline_cli.main", "models", *arguments], capture_output=True, text=True, check=False
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def row(outcome: Outcome, name: str) -> dict[str, object]:
    return next(entry for entry in outcome.report["models"] if entry["name"] == name)


def test_videopose3d_is_fetched_and_its_terms_are_said_first(folder, server, proxy):
    server.faults.append(broken_after(1_000_000))
    outcome = liftline("fetch", "videopose3d", "--json")
    assert outcome.exit_code == 0, outcome.stderr
    assert "VideoPose3D (Meta), licence CC BY-NC 4.0, for non-commercial use only" in outcome.stderr
    assert [asked.split()[:2] for asked in proxy.asked] == [["CONNECT", "dl.fbaipublicfiles.com:443"]] * 2
    assert server.ranges[1] is not None
    assert models.load(VIDEOPOSE3D) == WEIGHTS
    assert row(outcome, "videopose3d")["fetched"] is True
    assert row(outcome, "videopose3d")["state"] == "ready"
    assert row(outcome, "videopose3d")["sha256"] == hashlib.sha256(WEIGHTS).hexdigest()


def test_the_terms_are_said_even_if_nothing_comes(folder, server):
    server.faults.append(status(404))
    outcome = liftline("fetch", "videopose3d")
    assert outcome.exit_code == ExitCode.MODEL
    assert outcome.stderr.index("for non-commercial use only") < outcome.stderr.index("answered 404 Not Found")
    assert str(models.path(VIDEOPOSE3D)) in outcome.stderr


def test_detectron2_gives_the_file_of_the_default_config(folder, server):
    server.content = STAND_IN
    outcome = liftline("fetch", "detectron2", "--json")
    assert outcome.exit_code == 0, outcome.stderr
    assert models.load(KEYPOINT_RCNN_R101) == STAND_IN
    assert row(outcome, "keypoint_rcnn_R_101_FPN_3x")["state"] == "ready"


def test_a_file_whose_md5_its_name_denies_is_refused(folder):
    outcome = liftline("fetch", "COCO-Keypoints/keypoint_rcnn_R_101_FPN_3x.yaml", "--json")
    assert outcome.exit_code == ExitCode.MODEL
    assert "not 997cc7… as its name promises" in outcome.report["error"]
    assert not models.path(KEYPOINT_RCNN_R101).exists()


def test_a_certificate_nobody_vouches_for_is_refused(folder, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    outcome = liftline("fetch", "videopose3d", "--json")
    assert outcome.exit_code == ExitCode.MODEL
    assert "the server's certificate isn't trusted" in outcome.report["error"]
    assert not models.path(VIDEOPOSE3D).exists()


def test_what_was_fetched_is_listed_and_verified(folder):
    assert liftline("fetch", "videopose3d").exit_code == 0
    listed = " ".join(liftline("list").stdout.split())
    assert "videopose3d ready 3.3 MB CC BY-NC 4.0" in listed
    models.path(VIDEOPOSE3D).write_bytes(b"altered")
    assert row(liftline("list", "--json"), "videopose3d")["state"] == "altered"
    assert liftline("fetch", "videopose3d").exit_code == 0
    assert models.load(VIDEOPOSE3D) == WEIGHTS
