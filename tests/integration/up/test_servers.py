"""The servers of `liftline up` start, die and come back with what they stored."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from liftline.adapters.s3 import S3Store
from liftline.errors import UsageError
from liftline_cli.up.children import program, server
from tests.servers import running_nats, running_s3, s3_settings


def test_a_killed_nats_server_comes_back_on_its_port(tmp_path: Path) -> None:
    with running_nats(tmp_path) as nats:
        before = nats.child
        nats.kill()
        assert before is not None
        assert not before.alive
        nats.start()
        assert nats.child is not None
        assert nats.child.alive


def test_a_missing_program_is_an_error_that_says_how_to_get_it() -> None:
    with pytest.raises(UsageError, match="make setup-servers"):
        server("no-such-server")


def test_the_servers_are_reached_from_this_machine_alone(tmp_path: Path) -> None:
    with running_s3(tmp_path / "s3") as s3, running_nats(tmp_path / "nats") as nats:
        assert nats.child is not None
        assert s3.child is not None
        addresses = {child.name: listening(child.process.pid) for child in (s3.child, nats.child)}
    assert all(addresses.values())
    assert {address for of_one in addresses.values() for address in of_one} == {"127.0.0.1"}


def listening(process: int) -> set[str]:
    """Addresses at which a process waits for connections."""
    links = [str(link.readlink()) for link in Path(f"/proc/{process}/fd").iterdir()]
    sockets = {found[1] for link in links if (found := re.fullmatch(r"socket:\[(\d+)\]", link))}
    rows = [row.split() for table in ("tcp", "tcp6") for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
    waiting = [row[1].partition(":")[0] for row in rows if row[3] == "0A" and row[9] in sockets]
    return {".".join(str(part) for part in reversed(bytes.fromhex(address))) for address in waiting}


def test_a_killed_s3_server_comes_back_with_its_objects_and_leaves_no_sockets(tmp_path: Path) -> None:
    with running_s3(tmp_path) as s3:
        store = S3Store(s3_settings(s3, bucket="kept"))
        store.ensure_bucket()
        for number in range(50):
            store.put_bytes(f"t/{number}", b"%d" % number * 1000)
        s3.kill()
        assert sockets(s3.port) == []
        s3.start()
        for number in range(50):
            assert store.get_bytes(f"t/{number}", at_most=2000) == b"%d" % number * 1000
        store.put_bytes("t/after", b"1")
    assert sockets(s3.port) == []


def sockets(port: int) -> list[Path]:
    return list(Path("/tmp").glob(f"seaweedfs-*-{port}.sock"))


def test_another_server_on_the_path_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "another-server").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert program("another-server")
    with pytest.raises(UsageError, match="make setup-servers"):
        server("another-server")
