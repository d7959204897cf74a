"""How a gateway is found and whom it is told about."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from liftline.client import Connection
from liftline.errors import UsageError
from liftline_cli.up.state import Phase, State, locked, write_state


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("SERVER", "TOKEN", "TOKEN_FILE", "CA_FILE", "CERT_FILE", "KEY_FILE"):
        monkeypatch.delenv(f"LIFTLINE_{name}", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def test_the_environment_is_what_options_leave_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIFTLINE_SERVER", "gateway.example:443")
    monkeypatch.setenv("LIFTLINE_TOKEN", "from-environment")
    assert Connection(server="127.0.0.1:7").address == "127.0.0.1:7"
    assert Connection().address == "gateway.example:443"
    assert Connection().metadata == (("authorization", "Bearer from-environment"),)


def test_liftline_up_is_found_while_it_runs() -> None:
    with locked() as mine:
        assert mine
        write_state(State(Phase.RUNNING, 1, "/data", gateway="127.0.0.1:7777"))
        assert Connection().address == "127.0.0.1:7777"
    assert Connection().address == "127.0.0.1:50051"


@pytest.mark.parametrize("server", ["127.0.0.1:1", "localhost:1", "[::1]:1"])
def test_this_machine_is_spoken_to_unencrypted(server: str) -> None:
    assert Connection(server=server).credentials is None


@pytest.mark.parametrize("server", ["10.0.0.1:1", "gateway.example:1", "127.0.0.1.example:1"])
def test_any_other_machine_is_spoken_to_encrypted(server: str) -> None:
    assert Connection(server=server).credentials is not None


def test_certificates_of_this_machine_are_used(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_text("-----BEGIN CERTIFICATE-----\n")
    assert Connection(server="127.0.0.1:1", ca_file=authority).credentials is not None


def test_half_a_client_certificate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="belong together"):
        _ = Connection(server="gateway.example:1", cert_file=tmp_path / "cert.pem").credentials


def test_a_token_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("abc.def\n")
    assert Connection(token_file=path).metadata == (("authorization", "Bearer abc.def"),)


def test_a_missing_token_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing-there"):
        _ = Connection(token_file=tmp_path / "nothing-there").metadata


@pytest.mark.parametrize("token", ["two words", "new\nline", "ünicode"])
def test_what_can_be_no_token_is_refused_without_showing_it(token: str) -> None:
    with pytest.raises(UsageError) as caught:
        _ = Connection(token=SecretStr(token)).metadata
    assert token not in str(caught.value)


@pytest.mark.parametrize("server", ["gateway", "gateway:", "gateway:x", ":50051", "gateway:70000"])
def test_a_server_without_a_port_is_refused(server: str) -> None:
    with pytest.raises(UsageError, match="LIFTLINE_SERVER"):
        _ = Connection(server=server).encrypted
