"""What the supervisor decides: when to start again, what services are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from liftline.adapters.access.roles import Role
from liftline.client.local_gateway import is_locked
from liftline.errors import UsageError
from liftline_cli.up._nats_server import NatsServer
from liftline_cli.up._services import environment, service_processes
from liftline_cli.up.s3_server import S3Server
from liftline_cli.up.starting import delete_data
from liftline_cli.up.state import Phase, Running, State, locked, read_state, running_state, write_state
from liftline_cli.up.supervisor import Restarts


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def _pause(restarts: Restarts, clock: Clock, *, after_s: float) -> float:
    restarts.started()
    clock.now_s += after_s
    ended_s = clock.now_s
    while not restarts.due():
        clock.now_s += 0.125
    return clock.now_s - ended_s


def test_what_crashes_again_and_again_is_started_later_each_time() -> None:
    clock = Clock()
    restarts = Restarts(clock)
    pauses = [_pause(restarts, clock, after_s=1.0) for _ in range(9)]
    assert pauses[:4] == [0.5, 1.0, 2.0, 4.0]
    assert pauses[-1] == 30.0


def test_what_ran_well_in_between_is_started_soon() -> None:
    clock = Clock()
    restarts = Restarts(clock)
    for _ in range(5):
        _pause(restarts, clock, after_s=1.0)
    assert _pause(restarts, clock, after_s=600.0) == 0.5


def test_there_are_as_many_processes_as_ordered() -> None:
    names = [one.name for one in service_processes(detectors=2, renderers=0, gateway_port=7)]
    assert names == ["gateway", "detector-1", "detector-2", "lifter"]


def test_services_find_our_servers_as_their_own_users_whatever_the_shell_says(tmp_path: Path) -> None:
    shell = {
        "PATH": "/bin",
        "LIFTLINE_NATS_URL": "tls://elsewhere:4222",
        "LIFTLINE_NATS_CREDS_FILE": "/secret",
        "LIFTLINE_GRPC_JWT_KEY_FILE": "/key",
        "LIFTLINE_SEGMENT_S": "3",
        "LIFTLINE_WORKER_GRACE_S": "1",
    }
    nats, s3 = NatsServer(tmp_path / "nats", 7, has_users=True), S3Server(tmp_path / "s3", 9)
    told = environment(Role.LIFTER, nats, s3, shell)
    assert (told["LIFTLINE_S3_ACCESS_KEY"], told["LIFTLINE_S3_SECRET_KEY"]) == s3.keys(Role.LIFTER)
    assert (told["LIFTLINE_NATS_USER"], told["LIFTLINE_NATS_PASSWORD"]) == ("lifter", nats.password(Role.LIFTER))
    assert (
        not {*nats.passwords.values(), *s3.secrets.values()}
        & {*environment(Role.DETECTOR, nats, s3, shell).values()}
        & {*told.values()}
    )
    assert told["LIFTLINE_NATS_URL"] == "nats://127.0.0.1:7"
    assert (told["LIFTLINE_SEGMENT_S"], told["LIFTLINE_WORKER_GRACE_S"], told["PATH"]) == ("3", "1", "/bin")
    assert not {"LIFTLINE_NATS_CREDS_FILE", "LIFTLINE_GRPC_JWT_KEY_FILE"} & set(told)


@pytest.fixture
def _state_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.mark.usefixtures("_state_here")
def test_the_state_is_read_as_it_was_written() -> None:
    processes = {"lifter": Running("lifter", 7, "/log", "127.0.0.1:1", starts=2)}
    state = State(Phase.RUNNING, 3, "/data", gateway="127.0.0.1:2", processes=processes)
    with locked():
        write_state(state)
        assert running_state() == state
    assert read_state() == state
    assert running_state() is None


@pytest.mark.usefixtures("_state_here")
def test_one_supervisor_at_a_time() -> None:
    with locked() as first:
        assert first
        assert is_locked()
        with locked() as second:
            assert not second
    assert not is_locked()


def test_only_our_own_data_is_deleted(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match="nothing was removed"):
        delete_data(tmp_path)
    assert (tmp_path / "thesis.tex").exists()
