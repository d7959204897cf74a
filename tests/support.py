"""What tests share that is no fixture."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class CommandResult:
    """What one run of the command gave."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def report(self) -> dict[str, Any]:
        """The JSON object on stdout."""
        loaded = json.loads(self.stdout)
        assert isinstance(loaded, dict)
        return loaded


Liftline = Callable[..., CommandResult]


def eventually(holds: Callable[[], bool], within_s: float = 60.0) -> None:
    """Wait until it holds; fails where that takes longer."""
    end_s = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end_s, f"not within {within_s} s"
        time.sleep(0.05)
