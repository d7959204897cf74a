"""How many processors a process may keep busy."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from liftline.processors import processors

ALLOWED = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("said", "count"),
    [
        ("100000 100000\n", 1),
        ("50000 100000\n", 1),
        ("150000 100000\n", 2),
        ("6400000 100000\n", 64),
        ("max 100000\n", 64),
        ("", 64),
        (None, 64),
    ],
    ids=["one", "half of one", "one and a half", "all", "no limit", "empty", "no file"],
)
def test_a_containers_limit_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str | None, count: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    if said is not None:
        (tmp_path / "cpu.max").write_text(said)
    assert processors(tmp_path) == count


def test_a_limit_beyond_what_it_may_run_on_gives_no_more(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("999900000 100000\n")
    assert processors(tmp_path) == ALLOWED


def test_on_this_machine_there_is_at_least_one() -> None:
    assert 1 <= processors() <= ALLOWED
