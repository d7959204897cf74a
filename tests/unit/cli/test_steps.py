"""A step is skipped only when its inputs, settings and files are what they were."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from liftline_cli.local.steps import StepLog, digest


def log(root: Path) -> StepLog:
    return StepLog(root / ".liftline" / "steps.json", root)


def test_a_finished_step_with_unchanged_inputs_is_done(tmp_path: Path) -> None:
    (tmp_path / "out.npz").write_bytes(b"result")
    log(tmp_path).record("lift", digest("a"), [tmp_path / "out.npz"])
    assert log(tmp_path).is_done("lift", digest("a"))
    assert not log(tmp_path).is_done("lift", digest("b"))
    assert not log(tmp_path).is_done("render", digest("a"))


def test_an_altered_or_missing_file_makes_the_step_run_again(tmp_path: Path) -> None:
    out = tmp_path / "out.npz"
    out.write_bytes(b"result")
    log(tmp_path).record("lift", "d", [out])
    out.write_bytes(b"edited")
    assert not log(tmp_path).is_done("lift", "d")
    out.unlink()
    assert not log(tmp_path).is_done("lift", "d")


def test_overwrite_runs_every_step(tmp_path: Path) -> None:
    log(tmp_path).record("lift", "d", [])
    assert not replace(log(tmp_path), overwrite=True).is_done("lift", "d")


@pytest.mark.parametrize("content", ["{", "[]", '{"lift": 5}', '{"lift": {}}'])
def test_a_damaged_record_makes_steps_run_again(content: str, tmp_path: Path) -> None:
    log(tmp_path).record("lift", "d", [])
    (tmp_path / ".liftline" / "steps.json").write_text(content)
    assert not log(tmp_path).is_done("lift", "d")
    assert log(tmp_path).files("lift") == {}


def test_how_long_a_step_took_and_what_it_warned_of_is_remembered(tmp_path: Path) -> None:
    log(tmp_path).record("render", "d", [], seconds={"render": 2.5, "mux": 0.5}, warnings=["Two frames are damaged."])
    log(tmp_path).record("lift", "d", [])
    assert log(tmp_path).seconds("render") == {"render": 2.5, "mux": 0.5}
    assert log(tmp_path).warnings("render") == ["Two frames are damaged."]
    assert log(tmp_path).seconds("lift") == {}


def test_digests_tell_settings_apart() -> None:
    assert digest("ab", "c") != digest("a", "bc")
    assert digest(1.0) != digest(1)
