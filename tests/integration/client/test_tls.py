"""Encrypted connections: to the gateway and, by its addresses, to the artifact store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from liftline.client import Connection
from liftline.errors import UnavailableError
from liftline.v1 import job_service_pb2 as pb
from tests.certificates import Authority
from tests.integration.client.conftest import Use
from tests.integration.client.fake_gateway import Gateway, running


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def gateway(authority: Authority) -> Iterator[Gateway]:
    """One that wants a certificate of its clients."""
    with running(authority.issue("server"), clients_of=authority) as gateway:
        yield gateway


@pytest.fixture
def trusted(gateway: Gateway, authority: Authority) -> Connection:
    client = authority.issue("client")
    return Connection(
        server=f"127.0.0.1:{gateway.port}",
        ca_file=authority.file,
        cert_file=client.certificate,
        key_file=client.key,
    )


def test_a_video_goes_and_its_results_come_by_tls(
    use: Use, gateway: Gateway, trusted: Connection, video: Path, tmp_path: Path
) -> None:
    job = use("submit", video, connection=trusted)
    gateway.succeed(job.name, {"output_videos/clip.mp4": b"drawn"})
    assert use("wait", job, connection=trusted).state == "succeeded"
    use("download", job, tmp_path / "out", connection=trusted)
    assert (tmp_path / "out" / "output_videos" / "clip.mp4").read_bytes() == b"drawn"


def test_a_client_without_certificate_is_not_let_in(use: Use, gateway: Gateway, trusted: Connection) -> None:
    stranger = trusted.model_copy(update={"cert_file": None, "key_file": None})
    gateway.put(pb.Job(name="jobs/one", state=pb.Job.STATE_RUNNING))
    with pytest.raises(UnavailableError):
        use("get", "one", connection=stranger)
    assert not gateway.tokens


def test_a_server_of_another_authority_is_told_nothing(
    use: Use, gateway: Gateway, trusted: Connection, tmp_path: Path
) -> None:
    other = trusted.model_copy(update={"ca_file": Authority(tmp_path, "other").file})
    with pytest.raises(UnavailableError):
        use("get", "one", connection=other)
    assert not gateway.tokens
