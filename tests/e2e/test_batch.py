"""`liftline process FOLDER`: whatever one video does, the others are processed and the summary tells the truth."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from rich.console import Console

from liftline.progress import StopFlag
from liftline_cli.batch._summary import Summary
from liftline_cli.batch.run import process_folder
from liftline_cli.console.reporting import ConsoleReporter
from liftline_cli.local.process import ProcessSettings
from tests.support import Liftline

Make = Callable[..., Path]


@pytest.fixture(scope="session")
def collection(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Good videos, bad ones, and what is no video."""
    folder = tmp_path_factory.mktemp("collection")
    (folder / "sub").mkdir()
    shutil.copy(clip, folder / "walk.mp4")
    shutil.copy(clip, folder / "sub" / "[again] walk.MP4")
    shutil.copy(clip, folder / ".hidden.mp4")
    (folder / "bad.mp4").write_text("This is no video.\n" * 100)
    (folder / "notes.txt").write_text("no video either")
    (folder / "sub" / "loop").symlink_to(folder)
    return folder


@pytest.fixture(scope="session")
def batched(collection: Path, liftline: Liftline) -> tuple[int, dict[str, Any]]:
    """Exit code and report of a batch into a folder inside the collection."""
    outcome = liftline("process", collection, "--output-dir", collection / "out", "--json")
    return outcome.exit_code, outcome.report


def rows(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["video"]: row for row in report["videos"]}


def stored(folder: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return summary


def test_every_video_is_reported_and_a_failure_is_exit_code_1(batched: tuple[int, dict[str, Any]]) -> None:
    exit_code, report = batched
    assert exit_code == 1
    assert {name: row["outcome"] for name, row in rows(report).items()} == {
        "bad.mp4": "failed",
        "sub/[again] walk.MP4": "done",
        "walk.mp4": "done",
    }
    assert report["counts"] == {"done": 2, "failed": 1}


def test_a_good_video_is_measured_and_a_bad_one_says_why(batched: tuple[int, dict[str, Any]]) -> None:
    videos = rows(batched[1])
    walk = videos["walk.mp4"]
    assert (walk["frames"], walk["people"], walk["ids"]) == (16, 1, 1)
    assert walk["coverage"] >= 0.9
    assert walk["seconds"] > 0
    assert videos["bad.mp4"]["kind"] == "InvalidVideoError"
    assert "bad.mp4" in videos["bad.mp4"]["error"]


def test_each_video_gets_the_usual_tree_in_a_folder_of_its_own(
    batched: tuple[int, dict[str, Any]], collection: Path
) -> None:
    for name in ("walk.mp4", "sub/[again] walk.MP4"):
        folder = collection / "out" / name
        assert (folder / "manifest.json").exists()
        assert (folder / "output_videos" / f"{Path(name).stem}.mp4").exists()
    assert {path.name for path in (collection / "out").iterdir()} == {"summary.json", "sub", "walk.mp4"}


def test_the_summary_file_holds_what_scripts_get(batched: tuple[int, dict[str, Any]], collection: Path) -> None:
    assert stored(collection / "out") == batched[1]


def test_a_second_batch_works_on_nothing_again_and_shows_a_table(
    batched: tuple[int, dict[str, Any]], collection: Path, liftline: Liftline
) -> None:
    manifest = collection / "out" / "walk.mp4" / "manifest.json"
    before = manifest.stat().st_mtime_ns
    outcome = liftline("process", collection, "--output-dir", collection / "out")
    assert outcome.exit_code == 1
    assert manifest.stat().st_mtime_ns == before
    again = rows(stored(collection / "out"))
    assert {row["outcome"] for row in again.values()} == {"unchanged", "failed"}
    assert again["walk.mp4"]["seconds"] == rows(batched[1])["walk.mp4"]["seconds"], "the time it took to make"
    lines = outcome.stderr.splitlines()
    assert any(line.split()[:3] == ["video", "frames", "people"] for line in lines)
    assert any(line.startswith("bad.mp4: not a readable video") for line in lines)
    assert "3 videos: 2 unchanged, 1 failed" in outcome.stderr


def test_all_fine_is_exit_code_0(blank_video: Make, liftline: Liftline, tmp_path: Path) -> None:
    blank_video("videos/a.mp4", frames=2)
    blank_video("videos/sub/a.mp4", frames=2)
    outcome = liftline("process", tmp_path / "videos", "-o", tmp_path / "out", "--json")
    assert outcome.exit_code == 0, outcome.stderr
    assert outcome.report["counts"] == {"done": 2}
    assert any("nobody was found" in warning for warning in rows(outcome.report)["a.mp4"]["warnings"])


def test_an_empty_folder_is_exit_code_3(liftline: Liftline, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    outcome = liftline("process", tmp_path / "empty", "-o", tmp_path / "out")
    assert outcome.exit_code == 3
    assert "no videos" in outcome.stderr
    assert not (tmp_path / "out").exists()


def test_what_every_video_would_meet_ends_the_batch_at_once(
    blank_video: Make, liftline: Liftline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.mp4", "b.mp4"):
        blank_video(f"videos/{name}", frames=2)
    monkeypatch.setenv("LIFTLINE_MODELS_DIR", str(tmp_path / "none"))
    outcome = liftline("process", tmp_path / "videos", "-o", tmp_path / "out", "--json")
    assert outcome.exit_code == 4
    assert [row["outcome"] for row in outcome.report["videos"]] == ["failed", "waiting"]
    assert "liftline models fetch" in outcome.report["videos"][0]["error"]


def test_a_bug_met_in_one_video_is_logged_and_the_others_are_processed(blank_video: Make, tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        blank_video(f"videos/{name}", frames=2)
    broken = in_this_process(tmp_path, ProcessSettings(checkpoint=Path("no\0file")))
    assert broken.counts() == {"internal error": 2}
    log = tmp_path / "out" / "a.mp4" / "error.log"
    assert "Traceback" in log.read_text()
    assert in_this_process(tmp_path, ProcessSettings()).counts() == {"done": 2}
    assert not log.exists(), "it is of an earlier run"


def in_this_process(folder: Path, settings: ProcessSettings) -> Summary:
    return process_folder(
        folder / "videos",
        folder / "out",
        settings=settings,
        reporter=ConsoleReporter(Console(stderr=True), quiet=True),
        stop=StopFlag(),
    )


@contextmanager
def running_batch(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A batch over `folder/videos`, killed at the end of the test if it's still there."""
    command = [sys.executable, "-m", "liftline_cli.main", "process", folder / "videos", "-o", folder / "out", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def child_of(process: subprocess.Popen[str], *, working_in: Path) -> psutil.Process:
    """The process of a video, once it has begun to write into its folder."""
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        children = [c for c in psutil.Process(process.pid).children() if "liftline_cli.batch.child" in c.cmdline()]
        if children and any((working_in / ".liftline").rglob("results/plan-*")):
            return children[0]
        time.sleep(0.02)
    raise AssertionError(f"no video was begun; exit code {process.poll()}")


@pytest.fixture
def two_videos(clip: Path, tmp_path: Path) -> Path:
    """A folder `videos` of two walking figures."""
    (tmp_path / "videos").mkdir()
    for name in ("a.mp4", "b.mp4"):
        shutil.copy(clip, tmp_path / "videos" / name)
    return tmp_path


@pytest.mark.parametrize(("kill", "words"), [(signal.SIGSEGV, "SIGSEGV"), (signal.SIGKILL, "memory")])
def test_a_crash_in_one_video_is_reported_and_the_next_is_processed(
    kill: signal.Signals, words: str, two_videos: Path
) -> None:
    with running_batch(two_videos) as batch:
        child_of(batch, working_in=two_videos / "out" / "a.mp4").send_signal(kill)
        stdout, stderr = batch.communicate(timeout=120)
    assert batch.returncode == 1, stderr
    crashed, done = json.loads(stdout)["videos"]
    assert (crashed["outcome"], done["outcome"]) == ("crashed", "done")
    assert words in crashed["error"]
    log = two_videos / "out" / "a.mp4" / "error.log"
    assert log.exists() == (kill == signal.SIGSEGV), "where it was when it crashed"


def test_ctrl_c_stops_the_batch_cleanly_with_a_summary_so_far(two_videos: Path) -> None:
    with running_batch(two_videos) as batch:
        child = child_of(batch, working_in=two_videos / "out" / "a.mp4")
        batch.send_signal(signal.SIGINT)
        stdout, stderr = batch.communicate(timeout=60)
    assert batch.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert [row["outcome"] for row in json.loads(stdout)["videos"]] == ["stopped", "waiting"]
    assert stored(two_videos / "out") == json.loads(stdout)
    assert not child.is_running()
    assert not list((two_videos / "out").rglob("*.partial*"))


def test_no_process_outlives_a_batch_that_is_killed(two_videos: Path) -> None:
    with running_batch(two_videos) as batch:
        child = child_of(batch, working_in=two_videos / "out" / "a.mp4")
        os.kill(batch.pid, signal.SIGKILL)
        child.wait(timeout=60)
    assert [row["outcome"] for row in stored(two_videos / "out")["videos"]] == ["waiting", "waiting"]
