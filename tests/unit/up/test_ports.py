"""Which ports `liftline up` takes."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from liftline.errors import UsageError
from liftline.files.atomic import write_json
from liftline_cli.up.children import free_ports, is_free
from liftline_cli.up.ports import MARKER, Ports


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        yield one.getsockname()[1]


def _remember(folder: Path, ports: Ports) -> None:
    write_json(folder / MARKER, asdict(ports))


def test_ports_stay_the_same_while_they_are_free(tmp_path: Path) -> None:
    _remember(tmp_path, Ports(*free_ports(3)))
    assert Ports.choose(tmp_path) == Ports.choose(tmp_path)


def test_a_port_that_is_taken_is_replaced(tmp_path: Path, taken: int) -> None:
    before = replace(Ports(*free_ports(3)), gateway=taken)
    _remember(tmp_path, before)
    after = Ports.choose(tmp_path)
    assert after.gateway != taken
    assert is_free(after.gateway)
    assert replace(after, gateway=taken) == before


def test_a_damaged_note_of_ports_is_named(tmp_path: Path) -> None:
    (tmp_path / MARKER).write_text("{")
    with pytest.raises(UsageError, match=MARKER):
        Ports.choose(tmp_path)


def test_drawn_ports_are_free_distinct_and_out_of_the_reach_of_outgoing_connections() -> None:
    first_for_outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    ports = free_ports(40)
    assert len(set(ports)) == 40
    assert all(is_free(port) and 1024 <= port < first_for_outgoing for port in ports)
