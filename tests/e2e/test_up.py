"""`liftline up` with everything real: NATS, S3, the services, and `submit` against `process`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.output_comparison import assert_equal, files
from tests.support import CommandResult

SEGMENT_S = "0.25"
Run = Callable[..., CommandResult]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where state, data and logs are; its path is in the environment of every process."""
    return tmp_path_factory.mktemp("up")


@pytest.fixture(scope="module")
def run(home: Path) -> Run:
    """The command as a process of its own, which finds the gateway by itself."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LIFTLINE_SERVER")}
    environment["XDG_STATE_HOME"] = str(home)

    def run(*arguments: object, segment_s: str = SEGMENT_S) -> CommandResult:
        command = [sys.executable, "-m", "liftline_cli.main", *(str(argument) for argument in arguments)]
        told = {**environment, "LIFTLINE_SEGMENT_S": segment_s}
        done = subprocess.run(command, capture_output=True, text=True, env=told, timeout=1200, check=False)
        return CommandResult(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="module")
def up(run: Run, home: Path) -> Iterator[dict[str, Any]]:
    """What `liftline up` says of itself."""
    outcome = run("up", "--detectors", 2, "--renderers", 2, "--json")
    assert outcome.exit_code == 0, outcome.stderr
    yield outcome.report
    run("down")
    for pid in processes(home):
        os.kill(pid, signal.SIGKILL)


def processes(home: Path) -> list[int]:
    """All that were started by this `up`, whoever their parent is now."""
    mark = f"XDG_STATE_HOME={home}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def test_a_second_up_says_that_it_runs(up: dict[str, Any], run: Run) -> None:
    outcome = run("up")
    assert outcome.exit_code == 2
    assert "runs already" in outcome.stderr


def test_what_it_stores_is_for_its_user_alone(up: dict[str, Any]) -> None:
    stored = {path.name: path.stat().st_mode & 0o077 for path in Path(up["data_dir"]).iterdir()}
    assert stored == {"liftline-up.json": 0, "nats": 0, "s3": 0}


def test_a_submitted_video_gives_what_local_mode_gives(
    up: dict[str, Any], run: Run, clip: Path, tmp_path: Path
) -> None:
    local, cluster = tmp_path / "local", tmp_path / "cluster"
    options = ("--export", "json,csv,npy,trc", "--json")
    expected = run("process", clip, "--output-dir", local, *options)
    outcome = run("submit", clip, "--wait", "--output-dir", cluster, *options)
    assert expected.exit_code == 0, expected.stderr
    assert outcome.exit_code == 0, outcome.stderr
    assert outcome.report["segments"] == 4
    assert_equal(local, cluster, clip)


def test_a_video_that_is_none_fails_as_in_local_mode(up: dict[str, Any], run: Run, tmp_path: Path) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_text("no video at all")
    local = run("process", bad, "--output-dir", tmp_path / "local", "--json")
    cluster = run("submit", bad, "--wait", "--json")
    assert (cluster.exit_code, cluster.report["kind"]) == (local.exit_code, local.report["kind"])


def test_a_service_that_is_killed_is_started_again(up: dict[str, Any], run: Run, home: Path, clip: Path) -> None:
    victims = [one["pid"] for name, one in up["processes"].items() if name in {"gateway", "lifter"}]
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    end_s = time.monotonic() + 60
    while run("list").exit_code and time.monotonic() < end_s:
        time.sleep(0.2)
    job = run("submit", clip, "--wait", "--json")
    assert job.exit_code == 0, job.stderr
    state = json.loads((home / "liftline" / "up" / "state.json").read_text())
    assert {state["processes"][name]["starts"] for name in ("gateway", "lifter")} == {2}


def test_down_leaves_no_process_and_up_goes_on_with_what_was_there(
    up: dict[str, Any], run: Run, home: Path, clip: Path, tmp_path: Path
) -> None:
    job = run("submit", clip, "--json").report["job"]
    assert run("down").exit_code == 0
    assert processes(home) == []
    assert "Nothing runs" in run("down").stderr
    again = run("up", "--json")
    assert again.exit_code == 0, again.stderr
    assert run("watch", job).exit_code == 0
    assert run("download", job, "--output-dir", tmp_path).exit_code == 0
    assert "manifest.json" in files(tmp_path)
    assert run("delete", job).exit_code == 0
    assert run("get", job).exit_code == 3


def test_nothing_outlives_a_supervisor_that_is_killed(up: dict[str, Any], run: Run, home: Path) -> None:
    state = json.loads((home / "liftline" / "up" / "state.json").read_text())
    assert len(processes(home)) > len(state["processes"])
    os.kill(state["supervisor"], signal.SIGKILL)
    end_s = time.monotonic() + 10
    while processes(home) and time.monotonic() < end_s:
        time.sleep(0.05)
    assert processes(home) == []
    assert run("list", "--server", up["gateway"]).exit_code == 5
    assert run("down", "--delete-data").exit_code == 0
    assert not (home / "liftline" / "up" / "data").exists()


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.timeout(1800)
def test_a_real_video_gives_what_local_mode_gives(run: Run, home: Path, shared_data: Path, tmp_path: Path) -> None:
    video = shared_data / "videos" / "football_juggle.mp4"
    assert run("up", segment_s="10").exit_code == 0
    try:
        outcome = run("submit", video, "--output-dir", tmp_path / "cluster")
        assert outcome.exit_code == 0, outcome.stderr
    finally:
        run("down")
    assert run("process", video, "--output-dir", tmp_path / "local", segment_s="10").exit_code == 0
    assert_equal(tmp_path / "local", tmp_path / "cluster", video)
