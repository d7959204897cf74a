"""Jobs on a Liftline gateway from Python.

from liftline.client import Client, JobSettings

with Client() as client:
    job = client.wait(client.submit("clip.mp4", JobSettings(export=("trc",))))
    job.raise_unless_succeeded()
    client.download(job, "outputs")
"""

from liftline.client.async_client import AsyncClient
from liftline.client.connection import Connection
from liftline.client.errors import AccessError, JobStateError, NotFoundError, QuotaError, ServerError
from liftline.client.sync_client import Client
from liftline.client.views import Failure, Job, JobCancelledError, JobState, OutputFile, StageProgress
from liftline.errors import LiftlineError, UnavailableError
from liftline.jobs.naming import Priority, Stage
from liftline.settings.job import JobSettings

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
