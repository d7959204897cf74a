"""What a person sees of a job: a bar per stage with segments, frames/s and time left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn

from liftline.client import Job, JobState, StageProgress
from liftline.jobs.naming import SEGMENTED
from liftline_cli.console.reporting import ConsoleReporter


class JobBars:
    """Progress bars of one job: one per stage, moved by each snapshot of the job."""

    def __init__(self, bar: Progress, reporter: ConsoleReporter) -> None:
        self._bar, self._reporter = bar, reporter
        self._tasks: dict[str, TaskID] = {}

    def show(self, job: Job) -> None:
        """Move the bars to this snapshot; tells its warnings, once each."""
        if job.state is JobState.QUEUED and not self._tasks:
            self._row("waiting")
        if job.stages and "waiting" in self._tasks:
            self._bar.remove_task(self._tasks.pop("waiting"))
        for stage in job.stages:
            self._update(stage, job)
            self._reporter.seconds[stage.stage.value] = stage.work_s
        for warning in job.warnings:
            self._reporter.warn(warning)

    def _update(self, stage: StageProgress, job: Job) -> None:
        done, total = part_done(stage, job)
        finished = stage.tasks_done == stage.tasks
        left = "" if finished or stage.time_left_s is None else _clock(stage.time_left_s)
        speed = "" if finished or not stage.frames_per_second else f"{stage.frames_per_second:.1f} frames/s"
        self._bar.update(
            self._row(stage.stage.value), completed=done, total=total, segments=counted(stage),
            speed=speed, left=left,
        )  # fmt: skip

    def _row(self, name: str) -> TaskID:
        if name not in self._tasks:
            self._tasks[name] = self._bar.add_task(name, total=None, segments="", speed="", left="")
        return self._tasks[name]


def counted(stage: StageProgress) -> str:
    """Finished tasks of a stage and all there are, such as "3/12 segments"."""
    return f"{stage.tasks_done}/{stage.tasks}{' segments' if stage.stage in SEGMENTED else ''}"


def part_done(stage: StageProgress, job: Job) -> tuple[int, int]:
    """How much of a stage is done, of how much: frames where all segments have some, else tasks."""
    if stage.tasks_done < stage.tasks and 0 < stage.frames_done <= job.frame_count:
        return stage.frames_done, job.frame_count
    return stage.tasks_done, stage.tasks


@contextmanager
def job_bars(reporter: ConsoleReporter) -> Iterator[JobBars]:
    """Show bars of a job during the block."""
    columns = (
        SpinnerColumn(finished_text="[green]✓[/]"),
        TextColumn("{task.description:<8}"),
        BarColumn(),
        TextColumn("{task.fields[segments]}", style="progress.download"),
        TextColumn("{task.fields[speed]}", style="progress.data.speed"),
        TextColumn("{task.fields[left]}", style="progress.remaining"),
    )
    with Progress(*columns, console=reporter.console, disable=reporter.quiet) as bar:
        yield JobBars(bar, reporter)


def _clock(seconds: float) -> str:
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}"
