"""Any collection of videos: `LIFTLINE_CORPUS=FOLDER python -m pytest tests/e2e/test_corpus.py`.

Every video below the folder is processed as `liftline process FOLDER` does, and the table is printed. A video may be
refused in words; it may not end in a bug, a crash, or a result that can't be played.
"""

from __future__ import annotations

import os
from pathlib import Path

import av
import pytest
from rich.console import Console

from liftline.progress import StopFlag
from liftline_cli.batch._summary import Summary
from liftline_cli.batch.messages import Measures, Report, VideoOutcome
from liftline_cli.batch.run import process_folder, show
from liftline_cli.console.reporting import ConsoleReporter
from liftline_cli.local.process import ProcessSettings

CORPUS = os.environ.get("LIFTLINE_CORPUS")

pytestmark = [
    pytest.mark.skipif(not CORPUS, reason="LIFTLINE_CORPUS names no folder of videos to try"),
    pytest.mark.slow,
    pytest.mark.timeout(0),
]


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Summary:
    """What became of every video."""
    console = Console(stderr=True)
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        result = process_folder(
            Path(CORPUS or ""),
            tmp_path_factory.mktemp("corpus"),
            settings=ProcessSettings(),
            reporter=ConsoleReporter(console),
            stop=StopFlag(),
        )
        show(result, console)
    return result


def test_every_video_is_done_or_refused_in_words(summary: Summary) -> None:
    allowed = (VideoOutcome.DONE, VideoOutcome.UNCHANGED, VideoOutcome.FAILED)
    assert {str(video): r.error for video, r in summary.reports.items() if r.outcome not in allowed} == {}
    assert all(report.error for report in summary.reports.values() if report.outcome == VideoOutcome.FAILED)


def test_every_result_plays_with_as_many_frames_as_its_video(summary: Summary) -> None:
    for video, report in summary.reports.items():
        if report.measures is not None:
            frames = decoded_frames(summary.output_dir / video / "output_videos" / f"{video.stem}.mp4")
            assert frames == shown_frames(report, report.measures), video


def decoded_frames(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def shown_frames(report: Report, measures: Measures) -> int:
    """Frames of the video, less those that a warning says can't be decoded."""
    missing = [warning for warning in report.warnings if "frames can't be decoded" in warning]
    return measures.frames - sum(int(warning.split(": ", 1)[1].split(" of ")[0]) for warning in missing)
