"""Jobs on a Liftline gateway from Python; `pip install 'liftline[client]'` is enough.

    from liftline.client import Client, JobSettings

    with Client() as client:
        job = client.submit("clip.mp4", JobSettings(export=("trc",)))
        job = client.wait(job)
        job.raise_unless_succeeded()
        client.download(job, "outputs")

`Connection` says where the gateway is and who asks; `AsyncClient` is the same for asyncio. To read on: `sync_client`,
`calls` (what both clients ask), `transfer` (bytes to and from the store), `output_folder` (what `download` leaves).

Each retry is a warning in the log, by structlog; `stamina.instrumentation.set_on_retry_hooks([])` silences them.
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
