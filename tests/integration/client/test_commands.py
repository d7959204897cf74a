"""The commands that talk to a gateway, as a user and a script meet them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from liftline.v1 import job_service_pb2 as pb
from liftline_cli.main import app
from tests.integration.client.fake_gateway import Gateway, broken_after, status
from tests.support import CommandResult

FAILURE = pb.Failure(reason=pb.Failure.REASON_MODEL, message="no weights: fetch them.")


def run(gateway: Gateway, *arguments: object) -> CommandResult:
    given = [str(argument) for argument in arguments]
    result = CliRunner().invoke(app, [*given, "--server", f"127.0.0.1:{gateway.port}"], catch_exceptions=False)
    return CommandResult(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def worker(gateway: Gateway) -> Any:
    """Lets every job succeed, or fail where its video is called bad, soon after it was made."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.05):
            for job in list(gateway.jobs.values()):
                if job.state == pb.Job.STATE_QUEUED:
                    _end(gateway, job)

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join()


def _end(gateway: Gateway, job: pb.Job) -> None:
    if job.video_name.startswith("bad"):
        gateway.put(pb.Job(name=job.name, state=pb.Job.STATE_FAILED, video_name=job.video_name, failure=FAILURE))
    else:
        gateway.succeed(job.name, {f"poses_3d/{Path(job.video_name).stem}.npz": b"poses"})


def test_submitting_says_how_to_come_back(gateway: Gateway, video: Path) -> None:
    outcome = run(
        gateway,
        "submit",
        video,
        "--priority",
        "high",
        "--layout",
        "3d",
        "--overlay",
        "keypoints",
        "--export",
        "trc,csv",
    )
    assert outcome.exit_code == 0
    assert "liftline watch j0" in outcome.stderr
    sent = gateway.jobs["jobs/j0"]
    assert (sent.priority, sent.settings.layout) == (pb.PRIORITY_HIGH, pb.LAYOUT_THREE_D)
    assert sent.settings.overlay == pb.OVERLAY_KEYPOINTS
    assert list(sent.settings.export_formats) == [pb.EXPORT_FORMAT_TRC, pb.EXPORT_FORMAT_CSV]


def test_submitting_waits_and_fetches_the_results(gateway: Gateway, video: Path, worker: None, tmp_path: Path) -> None:
    outcome = run(gateway, "submit", video, "--wait", "--output-dir", tmp_path / "out", "--json")
    assert outcome.exit_code == 0
    assert outcome.report["state"] == "succeeded"
    assert Path(outcome.report["files"]["poses_3d/clip.npz"]).read_bytes() == b"poses"
    assert (tmp_path / "out" / "manifest.json").exists()


def test_a_failed_job_ends_with_the_exit_code_of_local_mode(gateway: Gateway, video: Path, worker: None) -> None:
    bad = video.rename(video.with_name("bad.mp4"))
    outcome = run(gateway, "submit", bad, "--wait", "--json")
    assert outcome.exit_code == 4
    assert outcome.report == {"error": "no weights: fetch them.", "kind": "ModelError"}


def test_of_several_videos_one_that_fails_stops_no_other(
    gateway: Gateway, video: Path, worker: None, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"no video")
    outcome = run(gateway, "submit", bad, tmp_path / "absent.mp4", video, "--output-dir", tmp_path / "out", "--json")
    assert outcome.exit_code == 1
    lines = [json.loads(line) for line in outcome.stdout.splitlines()]
    assert {line.get("kind") for line in lines} == {"InvalidInputError", "ModelError", None}
    assert (tmp_path / "out" / "clip.mp4" / "poses_3d" / "clip.npz").exists()


@pytest.mark.parametrize("option", [("--request-id", "one"), ("--output-dir", "out")])
def test_options_that_make_no_sense_of_several_videos_are_refused(
    gateway: Gateway, video: Path, option: tuple[str, str]
) -> None:
    outcome = run(gateway, "submit", video, video, *option)
    assert outcome.exit_code == 2
    assert not gateway.tokens


def test_jobs_are_listed_as_a_table_and_as_json(gateway: Gateway) -> None:
    for number in range(3):
        gateway.put(pb.Job(name=f"jobs/{number}", state=pb.Job.STATE_RUNNING, video_name=f"[red]{number}.mp4"))
    table = run(gateway, "list", "--limit", 2)
    assert [line.split()[0] for line in table.stdout.splitlines()] == ["job", "2", "1"]
    assert "[red]2.mp4" in table.stdout
    assert [job["job"] for job in run(gateway, "list", "--json").report["jobs"]] == ["2", "1", "0"]


def test_a_narrow_terminal_cuts_nothing_off(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    job, name = "019ab3c4d5e6f7a8b9c0d1", f"{'a long name ' * 6}.mp4"
    gateway.put(pb.Job(name=f"jobs/{job}", state=pb.Job.STATE_RUNNING, video_name=name))
    for command in (["list"], ["get", job]):
        printed = run(gateway, *command).stdout
        assert job in printed
        assert name in printed


def test_what_cannot_be_is_refused_before_anything_is_uploaded(gateway: Gateway, video: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    no_place = run(gateway, "submit", video, "--output-dir", tmp_path / "file" / "out")
    assert (no_place.exit_code, "choose another --output-dir" in no_place.stderr) == (1, True)
    assert run(gateway, "submit", video, "--detector", "openpose").exit_code == 2
    empty = run(gateway, "submit", tmp_path / "file")
    assert (empty.exit_code, "empty" in empty.stderr) == (3, True)
    assert not gateway.store.objects


def test_a_job_is_shown_with_all_that_is_known(gateway: Gateway) -> None:
    stage = pb.StageProgress(stage=pb.STAGE_DETECT, tasks=4, tasks_done=1, frames_per_second=12.5)
    job = pb.Job(
        name="jobs/one", state=pb.Job.STATE_FAILED, stages=[stage], failure=FAILURE, warnings=["nobody was found"]
    )  # fmt: skip
    gateway.put(job)
    shown = run(gateway, "get", "one").stdout
    for part in ("1/4 segments, 12.5 frames/s", "no weights", "nobody was found"):
        assert part in shown


def test_cancelling_and_deleting(gateway: Gateway) -> None:
    gateway.put(pb.Job(name="jobs/one", state=pb.Job.STATE_RUNNING))
    assert run(gateway, "cancel", "jobs/one", "--json").report["state"] == "cancelled"
    assert run(gateway, "delete", "one", "--json").report == {"job": "one", "deleted": True}
    again = run(gateway, "delete", "one")
    assert again.exit_code == 3
    assert "not found" in again.stderr
    assert "liftline list" in again.stderr


def test_watching_a_failed_job_tells_why(gateway: Gateway) -> None:
    gateway.put(pb.Job(name="jobs/one", state=pb.Job.STATE_FAILED, failure=FAILURE))
    outcome = run(gateway, "watch", "one")
    assert outcome.exit_code == 4
    assert "no weights" in outcome.stderr


def test_watching_for_scripts_gives_a_line_per_change(gateway: Gateway, worker: None) -> None:
    gateway.put(pb.Job(name="jobs/one", state=pb.Job.STATE_QUEUED, video_name="clip.mp4"))
    outcome = run(gateway, "watch", "one", "--json")
    assert [json.loads(line)["state"] for line in outcome.stdout.splitlines()][-1] == "succeeded"


def test_a_download_that_broke_off_goes_on(gateway: Gateway, tmp_path: Path) -> None:
    gateway.put(pb.Job(name="jobs/one", state=pb.Job.STATE_RUNNING, video_name="clip.mp4"))
    gateway.succeed("jobs/one", {"output_videos/clip.mp4": b"x" * 100_000})
    gateway.store.faults.extend([broken_after(40_000), status(400)])
    assert run(gateway, "download", "one", "-o", tmp_path).exit_code == 1
    assert not (tmp_path / "output_videos").exists()
    assert run(gateway, "download", "one", "-o", tmp_path).exit_code == 0
    assert "bytes=40000-" in gateway.store.ranges
    assert (tmp_path / "output_videos" / "clip.mp4").stat().st_size == 100_000


def test_no_gateway_is_told_with_its_exit_code(gateway: Gateway) -> None:
    gateway.stop()
    outcome = run(gateway, "list")
    assert outcome.exit_code == 5
    assert "liftline up" in outcome.stderr
    gateway.start()


LISTENING = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from liftline_cli.main import main
main()
"""
"""The command where Ctrl-C isn't ignored, as it is in a test run in the background.

Not by `preexec_fn`: that forks this process, in which other threads are within gRPC.
"""


def test_ctrl_c_leaves_the_job_running_and_says_how_to_come_back(gateway: Gateway) -> None:
    gateway.put(pb.Job(name="jobs/one", state=pb.Job.STATE_RUNNING))
    process = subprocess.Popen(
        [sys.executable, "-c", LISTENING, "watch", "one", "--json", "--server", f"127.0.0.1:{gateway.port}"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["state"] == "running"
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "liftline watch one" in stderr
    assert "liftline cancel one" in stderr
    assert json.loads(stdout)["kind"] == "Cancelled"
    assert gateway.jobs["jobs/one"].state == pb.Job.STATE_RUNNING
