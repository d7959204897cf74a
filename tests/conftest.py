"""Fixtures every test folder may use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real videos and motion capture beside the checkout; skips where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the shared data folder is not beside the checkout ({SHARED_DATA})")
    return SHARED_DATA


@pytest.fixture(autouse=True)
def _logging_as_at_the_start() -> Iterator[None]:
    """The command line configures logging for its process, which here is that of all tests."""
    yield
    structlog.reset_defaults()
