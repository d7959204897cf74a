"""What a batch tells at its end: the exit code for scripts, a table for people."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from liftline.errors import ExitCode
from liftline_cli.batch._summary import Summary
from liftline_cli.batch.messages import Measures, Report, VideoOutcome

DONE = Report(VideoOutcome.DONE, measures=Measures(frames=300, people=2, ids=3, coverage=0.9, seconds=12.0))
UNCHANGED = Report(VideoOutcome.UNCHANGED, measures=DONE.measures)
BAD_VIDEO = Report(
    VideoOutcome.FAILED, "/videos/1.mp4: the file is empty.", "InvalidVideoError", int(ExitCode.BAD_INPUT)
)
NO_MODEL = Report(VideoOutcome.FAILED, "the model isn't there", "ModelError", int(ExitCode.MODEL))
STOPPED = Report(VideoOutcome.STOPPED, "Stopped before the end.", "Cancelled", int(ExitCode.INTERRUPTED))
CRASHED = Report(VideoOutcome.CRASHED, "its process crashed (SIGSEGV)", "Crash", int(ExitCode.FAILED))
WAITING = Report(VideoOutcome.WAITING)


def summary(*reports: Report) -> Summary:
    videos = {Path(f"{number}.mp4"): report for number, report in enumerate(reports)}
    return Summary(Path("/videos"), Path("/out"), videos, 1.0)


@pytest.mark.parametrize(
    ("reports", "code"),
    [
        ((DONE, UNCHANGED), ExitCode.DONE),
        ((DONE, BAD_VIDEO), ExitCode.FAILED),
        ((BAD_VIDEO, BAD_VIDEO), ExitCode.FAILED),
        ((CRASHED, DONE), ExitCode.FAILED),
        ((NO_MODEL, WAITING), ExitCode.MODEL),
        ((DONE, STOPPED, WAITING), ExitCode.INTERRUPTED),
        ((DONE, WAITING), ExitCode.INTERRUPTED),
    ],
)
def test_the_exit_code_tells_all_fine_from_some_failed(reports: tuple[Report, ...], code: ExitCode) -> None:
    assert summary(*reports).exit_code == code


def test_only_what_all_videos_share_is_hopeless() -> None:
    assert summary(NO_MODEL, WAITING).hopeless
    assert not summary(BAD_VIDEO, CRASHED, WAITING).hopeless


def test_the_json_has_a_row_per_video_and_counts() -> None:
    report = json.loads(json.dumps(summary(DONE, BAD_VIDEO).to_json()))
    assert report["counts"] == {"done": 1, "failed": 1}
    done, failed = report["videos"]
    assert (done["frames"], done["people"], done["ids"], done["coverage"]) == (300, 2, 3, 0.9)
    assert done["frames_per_second"] == 25.0
    assert failed["error"] == "/videos/1.mp4: the file is empty."
    assert "frames" not in failed


def test_the_table_fits_a_terminal_of_80_columns() -> None:
    console = Console(width=80)
    with console.capture() as captured:
        console.print(summary(DONE, BAD_VIDEO, CRASHED, WAITING).table())
    lines = captured.get().splitlines()
    assert len(lines) == 5
    assert lines[1].split() == ["0.mp4", "300", "2", "3", "90%", "12.0", "25.0", "done"]
    assert lines[4].split() == ["3.mp4", "waiting"]


def test_errors_name_the_video_once() -> None:
    assert summary(DONE, BAD_VIDEO).errors() == ["1.mp4: the file is empty."]


def test_a_name_of_any_bytes_can_be_stored() -> None:
    odd = Summary(Path("/videos"), Path("/out"), {Path("\udcff.mp4"): BAD_VIDEO}, 1.0)
    assert json.dumps(odd.to_json(), ensure_ascii=False).encode()
