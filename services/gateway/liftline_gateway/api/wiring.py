"""The API put together: what clients may do, whatever protocol they speak. It knows of none."""

from __future__ import annotations

from datetime import timedelta

from liftline.jobs.naming import JobKey
from liftline.ports import ArtifactStore, Bus
from liftline.service.api_errors import not_found
from liftline.settings.services import GatewaySettings
from liftline.v1.job_service_pb2 import Job
from liftline.v1.records_pb2 import JobRecord
from liftline_gateway.api.cancellation import cancel_job, delete_job
from liftline_gateway.api.create_job import JobCreator
from liftline_gateway.api.limits import Limits
from liftline_gateway.api.outputs import Outputs
from liftline_gateway.api.uploads import Uploads
from liftline_gateway.api.watching import WatchHub
from liftline_gateway.coordination.wiring import Coordination
from liftline_gateway.records.job_repository import Page
from liftline_gateway.turns import Turns

LISTINGS_OF_ONE, LISTINGS_OF_ALL = 2, 8
"""Pages that are read at a time, for one tenant and for all."""


class Api:
    """What clients may do with jobs. Every method raises ApiError, UnavailableError."""

    def __init__(
        self, coordination: Coordination, bus: Bus, store: ArtifactStore, settings: GatewaySettings, *, segment_s: float
    ) -> None:
        """`segment_s`: length of the segments that videos are cut into."""
        jobs, threads = coordination.jobs, coordination.threads
        limits = Limits(jobs, max_jobs=settings.tenant_max_jobs, max_bytes=settings.tenant_max_bytes)
        self.jobs, self._bus, self._notifier = jobs, bus, coordination.notifier
        self.uploads = Uploads(jobs, store, threads, limits, settings)
        self.creator = JobCreator(
            jobs, coordination.creation, self.uploads, limits, settings=settings, segment_s=segment_s
        )  # fmt: skip
        self._listings = Turns(of_one=LISTINGS_OF_ONE, of_all=LISTINGS_OF_ALL)
        self.watches = WatchHub(jobs, bus)
        self.outputs = Outputs(jobs, store, threads, expire=timedelta(seconds=settings.address_expire_s))

    async def get(self, key: JobKey) -> JobRecord:
        """The record of a job. Raises ApiError (NOT_FOUND) for one that doesn't exist or is being removed."""
        stored = await self.jobs.get(key)
        if stored is None or stored.record.state == Job.STATE_DELETING:
            raise not_found(f"jobs/{key.job}")
        return stored.record

    async def list_page(self, tenant: str, *, size: int, after: str | None) -> Page:
        """Jobs of a tenant, as `JobRepository.page` gives them; who lists a lot at once waits for the others."""
        async with self._listings.turn(tenant):
            return await self.jobs.page(tenant, size=size, after=after)

    async def cancel(self, key: JobKey) -> JobRecord:
        """Cancel a job and return its record; one that has ended stays as it is."""
        record = await cancel_job(self.jobs, self._bus, key)
        if record is None:
            raise not_found(f"jobs/{key.job}")
        self._notifier.start(record)
        return record

    async def delete(self, key: JobKey) -> None:
        """Cancel a job and mark it for removal; the reconciler removes it."""
        if not await delete_job(self.jobs, self._bus, key):
            raise not_found(f"jobs/{key.job}")
