"""`liftline get`, `list`, `cancel` and `delete`: jobs of a gateway."""

from __future__ import annotations

import sys
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from liftline.telemetry.visible import visible
from liftline_cli.console.session import print_json, print_table
from liftline_cli.jobs.session import JobSession, job_session
from liftline_cli.options.common import AsJson
from liftline_cli.options.gateway import Gateway, JobName, connected

if TYPE_CHECKING:
    from liftline.client import Job, StageProgress


@connected
def get(job: JobName, gateway: Gateway, as_json: AsJson = False) -> None:
    """Show one job as it is now."""
    with job_session(gateway, as_json=as_json) as current:
        _show(current, current.client.get(job))


@connected
def list_jobs(
    gateway: Gateway,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Most jobs to show.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show jobs, the newest first."""
    with job_session(gateway, as_json=as_json) as current:
        jobs = list(islice(current.client.list(), limit))
        if as_json:
            print_json({"jobs": [job.to_json() for job in jobs]})
        elif not jobs:
            current.reporter.say("No jobs; `liftline submit VIDEO` makes one.")
        else:
            print_table(_table(jobs), sys.stdout)


@connected
def cancel(job: JobName, gateway: Gateway, as_json: AsJson = False) -> None:
    """Stop a job. One that has ended stays as it is."""
    with job_session(gateway, as_json=as_json) as current:
        _show(current, current.client.cancel(job))


@connected
def delete(job: JobName, gateway: Gateway, as_json: AsJson = False) -> None:
    """Stop a job and remove all it made."""
    with job_session(gateway, as_json=as_json) as current:
        current.client.delete(job)
        if as_json:
            print_json({"job": job.removeprefix("jobs/"), "deleted": True})
        else:
            current.reporter.say(f"{job}: deleted.")


def _show(current: JobSession, job: Job) -> None:
    if current.as_json:
        print_json(job.to_json())
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    rows = [("job", job.id), ("video", job.video_name), ("state", job.state.value), ("priority", job.priority.value)]
    rows.append(("created", _when(job)))
    if job.frame_count:
        rows.append(("frames", f"{job.frame_count} in {job.segment_count} segments"))
    rows += [(stage.stage.value, _stage(stage)) for stage in job.stages]
    rows += [("model", f"{model.name} ({model.licence})") for model in job.models]
    rows += [("warning", warning) for warning in job.warnings]
    if job.failure:
        rows.append(("failure", job.failure.message))
    for name, value in rows:
        table.add_row(name, Text(visible(value)))
    print_table(table, sys.stdout)


def _table(jobs: list[Job]) -> Table:
    table = Table("job", "state", "video", "stage", "created", box=None, pad_edge=False)
    for job in jobs:
        stage = f"{job.stages[-1].stage} {_stage(job.stages[-1])}" if job.stages and not job.state.ended else ""
        table.add_row(job.id, job.state.value, Text(visible(job.video_name)), stage, _when(job))
    return table


def _stage(stage: StageProgress) -> str:
    from liftline_cli.jobs.progress import counted

    runs = stage.tasks_done < stage.tasks and stage.frames_per_second
    return f"{counted(stage)}{f', {stage.frames_per_second:.1f} frames/s' if runs else ''}"


def _when(job: Job) -> str:
    return job.create_time.astimezone().strftime("%Y-%m-%d %H:%M:%S")
