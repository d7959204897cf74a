"""The servers of `liftline up` start, die and come back with what they stored."""

from __future__ import annotations

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


def test_a_part_of_the_s3_server_that_died_is_started_again(tmp_path: Path) -> None:
    with running_s3(tmp_path) as server:
        *others, gateway = server.children
        gateway.kill()
        server.revive()
        *same, revived = server.children
        assert same == others
        assert revived.process.pid != gateway.process.pid
        wait_until_answering(revived, server.endpoint)
