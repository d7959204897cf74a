"""`liftline submit`, `watch` and `download`: videos to a gateway and results back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from liftline_cli.console.session import print_json
from liftline_cli.jobs.session import job_session, jobs_go_on
from liftline_cli.options.common import AsJson
from liftline_cli.options.gateway import (
    FetchInto,
    Gateway,
    JobName,
    PriorityName,
    PriorityOption,
    RequestId,
    Videos,
    Wait,
    Webhook,
    connected,
)
from liftline_cli.options.job import EXPORT, LIFT, RENDER, Chosen, with_job


@connected
@with_job("detector", "max_people", *LIFT, *RENDER, *EXPORT)
def submit(
    videos: Videos,
    gateway: Gateway,
    chosen: Chosen,
    wait: Wait = False,
    output_dir: FetchInto = None,
    priority: PriorityOption = PriorityName.NORMAL,
    webhook: Webhook = "",
    request_id: RequestId = None,
    as_json: AsJson = False,
) -> None:
    """Upload videos and make jobs of them.

    With --json, one JSON object per video and line. Exit codes of one video with --wait are those of `process`; of
    several, 0 if all are done and 1 if some failed.
    """
    with job_session(gateway, as_json=as_json) as current:
        from liftline.jobs.naming import Priority
        from liftline_cli.jobs.submitting import Order, check, submit_all

        order = Order(
            chosen.job(),
            Priority(priority),
            webhook,
            request_id,
            wait=wait or output_dir is not None,
            output_dir=output_dir,
        )
        check(videos, order)
        raise typer.Exit(submit_all(current, videos, order))


@connected
def watch(job: JobName, gateway: Gateway, as_json: AsJson = False) -> None:
    """Follow a job to its end. Exit codes are those of `process`.

    With --json, the job as a JSON object in a line, now and at every change.
    """
    with job_session(gateway, as_json=as_json) as current:
        from liftline_cli.jobs.submitting import follow

        found = current.client.get(job)
        with jobs_go_on([found]):
            if not as_json:
                return follow(current, found, None)
            for snapshot in current.client.watch(found):
                print_json(snapshot.to_json())
        snapshot.raise_unless_succeeded()
    return None


@connected
def download(
    job: JobName,
    gateway: Gateway,
    output_dir: Annotated[Path, typer.Option("--output-dir", "-o", help="Folder for the results.")] = Path("outputs"),
    as_json: AsJson = False,
) -> None:
    """Fetch what a job made: the same folder that `process` would have filled.

    Every file is checked, and whole or absent. A download that was stopped goes on where it was.
    """
    with job_session(gateway, as_json=as_json) as current:
        from liftline_cli.jobs.submitting import fetch, report_done

        found = current.client.get(job)
        report_done(current, found, fetch(current, found, output_dir))
