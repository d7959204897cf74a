"""A command that talks to a gateway: errors in words, Ctrl-C ends the command and not the job."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from liftline.errors import Cancelled
from liftline_cli.console.session import Session, session
from liftline_cli.options.gateway import Gateway

if TYPE_CHECKING:
    from liftline.client import Client, Job


@dataclass(frozen=True)
class JobSession(Session):
    """What a command that talks to a gateway gets: the session and a connected client."""

    client: Client


@contextmanager
def job_session(gateway: Gateway, *, as_json: bool) -> Iterator[JobSession]:
    """Connect; report errors in plain words with their exit code."""
    with session(as_json=as_json, verbose=False) as current, _interrupted_at_once(), gateway.connect() as client:
        yield JobSession(**vars(current), client=client)


@contextmanager
def jobs_go_on(jobs: Sequence[Job]) -> Iterator[None]:
    """After Ctrl-C say how to come back to these jobs."""
    try:
        yield
    except KeyboardInterrupt as error:
        ids = [job.id for job in jobs]
        what = f"job {ids[0]} goes on" if len(ids) == 1 else f"{len(ids)} jobs go on ({', '.join(ids)})"
        raise Cancelled(
            f"{what}; `liftline watch {ids[0]}` comes back to it, `liftline cancel {ids[0]}` stops it."
        ) from error


@contextmanager
def _interrupted_at_once() -> Iterator[None]:
    """Waiting for an answer has no step in between at which a flag could be looked at."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
