"""Jobs on a Liftline gateway from Python.

from liftline_cli.client import Client, JobSettings

with Client() as client:
    job = client.wait(client.submit("clip.mp4", JobSettings(export=("trc",))))
    job.raise_unless_succeeded()
    client.download(job, "outputs")
"""

from liftline.errors import LiftlineError, UnavailableError
from liftline.naming import Priority, Stage
from liftline_cli.client.async_client import AsyncClient
from liftline_cli.client.connection import Connection
from liftline_cli.client.errors import AccessError, JobStateError, NotFoundError, QuotaError, ServerError
from liftline_cli.client.job_settings import JobSettings
from liftline_cli.client.sync_client import Client
from liftline_cli.client.views import Failure, Job, JobCancelledError, JobState, OutputFile, StageProgress

__all__ = [
    "AccessError",
    "AsyncClient",
    "Client",
    "Connection",
    "Failure",
    "Job",
    "JobCancelledError",
    "JobSettings",
    "JobState",
    "JobStateError",
    "LiftlineError",
    "NotFoundError",
    "OutputFile",
    "Priority",
    "QuotaError",
    "ServerError",
    "Stage",
    "StageProgress",
    "UnavailableError",
]
