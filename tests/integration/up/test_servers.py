"""The servers of `liftline up` start, die and come back with what they stored."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from liftline.errors import UsageError
from liftline_cli.up.children import program, wait_until_answering
from tests.servers import running_nats, running_s3


def test_a_killed_nats_server_comes_back_on_its_port(tmp_path: Path) -> None:
    with running_nats(tmp_path) as server:
        before = server.child
        server.kill()
        assert before is not None
        assert not before.alive
        server.start()
        assert server.child is not None
        assert server.child.alive


def test_a_missing_program_is_an_error_that_says_how_to_get_it() -> None:
    with pytest.raises(UsageError, match="make setup-servers"):
        program("no-such-server")


def test_the_servers_are_reached_from_this_machine_alone(tmp_path: Path) -> None:
    with running_s3(tmp_path / "s3") as s3, running_nats(tmp_path / "nats") as nats:
        assert nats.child is not None
        addresses = {
            name: listening(child.process.pid) for child in (*s3.children, nats.child) for name in [child.name]
        }
    assert all(addresses.values())
    assert {address for of_one in addresses.values() for address in of_one} == {"127.0.0.1"}


def listening(process: int) -> set[str]:
    """Addresses at which a process waits for connections."""
    links = [str(link.readlink()) for link in Path(f"/proc/{process}/fd").iterdir()]
    sockets = {found[1] for link in links if (found := re.fullmatch(r"socket:\[(\d+)\]", link))}
    rows = [row.split() for table in ("tcp", "tcp6") for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
    waiting = [row[1].partition(":")[0] for row in rows if row[3] == "0A" and row[9] in sockets]
    return {".".join(str(part) for part in reversed(bytes.fromhex(address))) for address in waiting}


def test_a_part_of_the_s3_server_that_died_is_started_again(tmp_path: Path) -> None:
    with running_s3(tmp_path) as server:
        *others, gateway = server.children
        gateway.kill()
        server.revive()
        *same, revived = server.children
        assert same == others
        assert revived.process.pid != gateway.process.pid
        wait_until_answering(revived, server.endpoint)
