"""`liftline token`: what it makes is what a gateway accepts."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from liftline.service.tokens import OPERATOR, TokenChecker
from liftline_cli.main import app

SECRET = "a shared secret of more than 32 bytes, made up for this test"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "secret.key"
    path.write_text(SECRET)
    return path


def test_a_gateway_with_the_same_secret_knows_the_tenant(key_file: Path) -> None:
    made = CliRunner().invoke(app, ["token", "lab", "--key-file", str(key_file)])
    caller = TokenChecker(key_file, audience="liftline").check(made.stdout.strip())
    assert (caller.tenant, caller.scopes) == ("lab", frozenset())


def test_an_operator_is_one(key_file: Path) -> None:
    made = CliRunner().invoke(app, ["token", "lab", "--key-file", str(key_file), "--operator", "--lifetime", "5m"])
    assert TokenChecker(key_file, audience="liftline").check(made.stdout.strip()).scopes == {OPERATOR}


@pytest.mark.parametrize("lifetime", ["0h", "12", "-1h", "1y", "h", "9999999d"])
def test_a_lifetime_that_is_none_is_refused(key_file: Path, lifetime: str) -> None:
    made = CliRunner().invoke(app, ["token", "lab", "--key-file", str(key_file), "--lifetime", lifetime])
    assert made.exit_code == 2


def test_an_absent_key_is_named(tmp_path: Path) -> None:
    made = CliRunner().invoke(app, ["token", "lab", "--key-file", str(tmp_path / "absent")])
    assert made.exit_code == 2
    assert "absent" in made.stderr
