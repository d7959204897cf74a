"""All videos below a folder, one after the other; a failure stops none of the others."""

from __future__ import annotations

import os
import time
from pathlib import Path

from rich.console import Console

from liftline.errors import ExitCode, OutputError
from liftline.files.atomic import write_bytes, write_json
from liftline.progress import StopFlag
from liftline.telemetry.visible import visible
from liftline_cli.batch._finding import find_videos
from liftline_cli.batch._runner import run_video
from liftline_cli.batch._summary import Summary, shown
from liftline_cli.batch.messages import Report, Task, VideoOutcome
from liftline_cli.console.reporting import ConsoleReporter
from liftline_cli.local.process_settings import ProcessSettings

ERROR_LOG = "error.log"
SUMMARY_FILE = "summary.json"


def process_folder(
    folder: Path, output_dir: Path, *, settings: ProcessSettings, reporter: ConsoleReporter, stop: StopFlag,
    verbose: bool = False,
) -> Summary:  # fmt: skip
    """Process every video below `folder` into `output_dir/<path of the video>/`.

    `output_dir/summary.json` is written after every video, so it tells the truth whenever the batch ends. A video that
    fails is reported and the next one follows, unless it failed for a reason that all share: options or a model.

    Raises:
        UsageError: the output folder is the input folder.
        InvalidInputError: there are no videos.
        OutputError: the output folder can't be written.
    """
    started = time.perf_counter()
    videos = find_videos(folder, output_dir)
    reports = dict.fromkeys(videos, Report(VideoOutcome.WAITING))
    summary = _written(Summary(folder, output_dir, reports, 0.0))
    for number, video in enumerate(videos, 1):
        reporter.say(f"\n[{number}/{len(videos)}] {visible(shown(video))}")
        task = Task(folder / video, output_dir / video, settings, reporter.quiet, verbose)
        report = _attempt(task, stop)
        _keep_details(task.output_dir, report, reporter)
        if report.error:
            reporter.fail(report.error)
        reports = {**reports, video: report}
        summary = _written(Summary(folder, output_dir, reports, time.perf_counter() - started))
        if summary.hopeless or stop.stopped:
            break
    return summary


def _attempt(task: Task, stop: StopFlag) -> Report:
    try:
        os.fspath(task.video).encode()
    except UnicodeEncodeError:
        words = f"{shown(task.video)}: its name isn't UTF-8, so results can't name it; rename it."
        return Report(VideoOutcome.FAILED, words, "InvalidInputError", int(ExitCode.BAD_INPUT))
    return run_video(task, stop)


def _written(summary: Summary) -> Summary:
    write_json(summary.output_dir / SUMMARY_FILE, summary.to_json())
    return summary


def _keep_details(folder: Path, report: Report, reporter: ConsoleReporter) -> None:
    """Put a traceback beside the video's results, or remove the one of an earlier run."""
    path = folder / ERROR_LOG
    try:
        if report.details:
            write_bytes(path, report.details.encode())
            reporter.say(f"Details for a bug report: {path}")
        elif path.is_file():
            path.unlink()
    except (OutputError, OSError) as error:
        reporter.warn(f"{path}: {error}")


def show(summary: Summary, console: Console) -> None:
    """Print the table, what went wrong, and where the rest is."""
    console.print()
    console.print(summary.table())
    console.print()
    for line in summary.errors():
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    counts = ", ".join(f"{number} {outcome}" for outcome, number in summary.counts().items())
    videos = "1 video" if len(summary.reports) == 1 else f"{len(summary.reports)} videos"
    console.print(f"{videos}: {counts}, in {summary.seconds:.1f} s", highlight=False, soft_wrap=True)
    console.print(visible(shown(summary.output_dir / SUMMARY_FILE)), highlight=False, markup=False, soft_wrap=True)
