"""Videos to a gateway, one after the other, and their results back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.markup import escape

from liftline.client import Job, JobSettings, OutputFile
from liftline.client.transfer import OnBytes
from liftline.errors import Cancelled, ExitCode, LiftlineError, UsageError
from liftline.files.atomic import output_errors
from liftline.jobs.naming import Priority
from liftline.models.fetching.progress import progress_bar
from liftline_cli.console.session import closing, print_json
from liftline_cli.jobs.progress import job_bars
from liftline_cli.jobs.session import JobSession, jobs_go_on


@dataclass(frozen=True)
class Order:
    """What is to be done with every video. Without `wait` it ends when the jobs are made."""

    settings: JobSettings
    priority: Priority
    webhook: str
    request_id: str | None
    wait: bool
    output_dir: Path | None


def check(videos: Sequence[Path], order: Order) -> None:
    """Raise UsageError for what can't be meant, OutputError where there is no place for results."""
    if order.request_id and len(videos) > 1:
        raise UsageError("--request-id: names one request; submit the videos one by one.")
    names = [video.name for video in videos]
    twice = sorted({name for name in names if names.count(name) > 1})
    if order.output_dir is not None and twice:
        raise UsageError(f"{twice[0]}: two videos of this name would share a folder; submit them one by one.")
    if order.output_dir is not None:
        with output_errors(order.output_dir):
            order.output_dir.mkdir(parents=True, exist_ok=True)


def submit_all(current: JobSession, videos: Sequence[Path], order: Order) -> ExitCode:
    """Submit, and wait where that is ordered. With several videos, one that fails doesn't stop the others.

    Raises what a single video's failure is.
    """
    made: dict[Path, Job] = {}
    failures = 0
    for video in videos:
        try:
            made[video] = _submit(current, video, order)
        except LiftlineError as error:
            failures += 1
            _fail(current, video, error, alone=len(videos) == 1)
    if order.wait:
        for number, (video, job) in enumerate(made.items()):
            folder = order.output_dir and (order.output_dir if len(videos) == 1 else order.output_dir / video.name)
            try:
                with jobs_go_on(list(made.values())[number:]):
                    follow(current, job, folder)
            except Cancelled:
                raise
            except LiftlineError as error:
                failures += 1
                _fail(current, video, error, alone=len(videos) == 1)
    return ExitCode.FAILED if failures else ExitCode.DONE


def follow(current: JobSession, job: Job | str, folder: Path | None) -> None:
    """Watch a job to its end, then fetch its results into `folder`. Raises what it failed for."""
    with job_bars(current.reporter) as bars:
        for snapshot in current.client.watch(job):
            bars.show(snapshot)
            last = snapshot
    last.raise_unless_succeeded()
    report_done(current, last, fetch(current, last, folder) if folder else {})


def fetch(current: JobSession, job: Job | str, folder: Path) -> dict[str, Path]:
    """The results into `folder`, with a bar."""
    with progress_bar(current.reporter.console, f"to {folder}", quiet=current.reporter.quiet) as on_bytes:

        def on_file(_file: OutputFile) -> OnBytes:
            return on_bytes

        return current.client.download(job, folder, on_file=on_file)


def report_done(current: JobSession, job: Job, files: dict[str, Path]) -> None:
    """The closing lines of `liftline process`, or the job as JSON."""
    if current.as_json:
        print_json({**job.to_json(), "files": {name: str(path) for name, path in files.items()}})
        return
    current.reporter.say(f"{job.name} ({job.video_name}): succeeded.")
    if files:
        closing(current, {"frames": job.frame_count, "models": [vars(model) for model in job.models]}, files)
    else:
        current.reporter.say(f"`liftline download {job.id} --output-dir outputs` fetches the results.")


def _submit(current: JobSession, video: Path, order: Order) -> Job:
    reporter = current.reporter
    try:
        with progress_bar(reporter.console, escape(video.name), quiet=reporter.quiet, doing="Uploading") as on_bytes:
            job = current.client.submit(
                video, order.settings, priority=order.priority, request_id=order.request_id, webhook=order.webhook,
                on_bytes=on_bytes,
            )  # fmt: skip
    except KeyboardInterrupt as error:
        raise Cancelled(f"{video.name}: the upload was stopped; no job was made of it.") from error
    if current.as_json:
        if not order.wait:
            print_json(job.to_json())
    else:
        reporter.say(f"{video}: job {job.id}")
        if not order.wait:
            reporter.say(f"`liftline watch {job.id}` follows it.")
    return job


def _fail(current: JobSession, video: Path, error: LiftlineError, *, alone: bool) -> None:
    if alone or isinstance(error, Cancelled):
        raise error
    report: dict[str, Any] = {"video": str(video), "error": str(error), "kind": type(error).__name__}
    if current.as_json:
        print_json(report)
    else:
        current.reporter.fail(f"{video}: {error}")
