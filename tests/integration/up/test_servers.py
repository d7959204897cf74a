"""The servers of `liftline up` start, die and come back with what they stored."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest
import urllib3
from pydantic import SecretStr

from liftline.adapters.access.roles import Role
from liftline.adapters.s3 import S3Store
from liftline.errors import UnavailableError, UsageError
from liftline_cli.up._nats_server import NatsServer
from liftline_cli.up.children import free_ports, program, server
from liftline_cli.up.s3_server import S3Server
from tests.servers import running_nats, running_s3, s3_settings

_ASSIGN, _LOOKUP, _PAGE = "/dir/assign?callback=f", "/dir/lookup?volumeId=1&callback=f", "/ui/index.html"


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
    return {address for address, _ in _waiting(process)}


def listening_ports(process: int) -> set[int]:
    """Ports likewise."""
    return {port for _, port in _waiting(process)}


def _waiting(process: int) -> set[tuple[str, int]]:
    links = [str(link.readlink()) for link in Path(f"/proc/{process}/fd").iterdir()]
    sockets = {found[1] for link in links if (found := re.fullmatch(r"socket:\[(\d+)\]", link))}
    rows = [row.split() for table in ("tcp", "tcp6") for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
    waiting = [row[1].split(":") for row in rows if row[3] == "0A" and row[9] in sockets]
    return {
        (".".join(str(part) for part in reversed(bytes.fromhex(address))), int(port, 16)) for address, port in waiting
    }


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


def test_an_s3_server_whose_inner_port_was_taken_starts_on_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        drawn = [free_ports(6), free_ports(7)]
        monkeypatch.setattr("liftline_cli.up.s3_server.free_ports", lambda _: drawn.pop(0))
        drawn[0].insert(2, taken)
        server = S3Server(tmp_path / "s3", free_ports(1)[0])
        server.start()
        server.kill()
    assert drawn == []


def test_another_server_on_the_path_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "another-server").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert program("another-server")
    with pytest.raises(UsageError, match="make setup-servers"):
        server("another-server")


def test_keys_are_drawn_per_data_folder_and_stay_the_same(tmp_path: Path) -> None:
    one, other = S3Server(tmp_path / "one", 1), S3Server(tmp_path / "other", 1)
    assert len({*one.secrets.values(), *other.secrets.values()}) == len(one.secrets) + len(other.secrets) == 28
    assert S3Server(tmp_path / "one", 2).secrets == one.secrets
    assert (tmp_path / "one" / "keys.json").stat().st_mode & 0o077 == 0
    nats = NatsServer(tmp_path / "nats", 1, has_users=True)
    assert len(set(nats.passwords.values())) == len(Role)
    assert NatsServer(tmp_path / "nats", 2, has_users=True).passwords == nats.passwords
    for damaged in ("{", "[]", '{"S3_GATEWAY_ACCESS_KEY": 1}'):
        (tmp_path / "one" / "keys.json").write_text(damaged)
        with pytest.raises(UsageError, match="damaged"):
            _ = S3Server(tmp_path / "one", 3).secrets


def test_a_data_folder_of_one_key_for_all_gets_one_for_each(tmp_path: Path) -> None:
    """As `liftline up` made it before: its objects are there, its key opens nothing any more."""
    (tmp_path / "keys.json").write_text('{"access_key": "old", "secret_key": "older", "inner_key": "x"}')
    with running_s3(tmp_path) as s3:
        settings = s3_settings(s3, bucket="liftline", role=Role.SETUP)
        S3Store(settings).ensure_bucket()
        old = settings.model_copy(update={"access_key": "old", "secret_key": SecretStr("older")})
        with pytest.raises(UnavailableError, match="InvalidAccessKeyId"):
            S3Store(old, retry_s=0.1).get_bytes("tenants/a", at_most=1)


def test_a_page_of_a_browser_gets_nothing_from_the_servers(tmp_path: Path) -> None:
    """Neither a form of its own, nor a script of theirs, nor under a name that leads here."""
    foreign = {"Host": "evil.example", "Origin": "http://evil.example"}
    with running_s3(tmp_path / "s3") as s3, running_nats(tmp_path / "nats") as nats, urllib3.PoolManager() as http:
        store = S3Store(s3_settings(s3, bucket="private"))
        store.ensure_bucket()
        store.put_bytes("a/film", b"private")
        assert nats.child is not None
        assert s3.child is not None
        ports = {child.name: listening_ports(child.process.pid) for child in (s3.child, nats.child)}
        assert ports["nats-server"] == {nats.port}
        answers = {
            path: [_answer(http, f"http://127.0.0.1:{port}{path}", foreign) for port in ports["s3"]]
            for path in (_ASSIGN, _LOOKUP, _PAGE, "/private/a/film")
        }
        form = {"key": "a/page", "AWSAccessKeyId": "liftline", "file": ("x", b"<script>")}
        assert http.request("POST", f"{s3.endpoint}/private", fields=form, headers=foreign).status // 100 == 4
        assert list(store.keys("")) == ["a/film"]
    told = {path for path, of_ports in answers.items() for status, _ in of_ports if status == 200}
    assert told <= {_PAGE}, "it can't be told to leave out the page that says how full it is"
    bodies = [body for of_ports in answers.values() for _, body in of_ports]
    assert not [body for body in bodies if body.startswith(b"f(") or b"auth" in body]


def _answer(http: urllib3.PoolManager, address: str, headers: dict[str, str]) -> tuple[int, bytes]:
    """Status and body; 0 where it isn't HTTP that is spoken."""
    try:
        answer = http.request("GET", address, headers=headers, retries=False, timeout=3)
    except urllib3.exceptions.HTTPError:
        return 0, b""
    return answer.status, answer.data
