"""The servers of `liftline up` start, die and come back with what they stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from liftline.errors import UsageError
from liftline_cli.up.children import program
from tests.servers import running_nats


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
