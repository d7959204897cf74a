"""The client-facing half of a gateway, put together."""

from __future__ import annotations

from datetime import timedelta

import grpc

from liftline.ports import ArtifactStore, Bus
from liftline.settings.services import GatewaySettings
from liftline.v1 import job_service_pb2 as api
from liftline.v1.job_service_pb2_grpc import add_JobServiceServicer_to_server
from liftline_gateway.api.create_job import JobCreator
from liftline_gateway.api.grpc.job_service import JobService
from liftline_gateway.api.limits import Limits
from liftline_gateway.api.outputs import Outputs
from liftline_gateway.api.uploads import Uploads
from liftline_gateway.api.watching import Watching
from liftline_gateway.coordination.wiring import Coordination


class Api:
    """JobService on what the coordinating half shares with it."""

    name = api.DESCRIPTOR.services_by_name["JobService"].full_name

    def __init__(
        self, coordination: Coordination, bus: Bus, store: ArtifactStore, settings: GatewaySettings, *, segment_s: float
    ) -> None:
        """`segment_s`: length of the segments that videos are cut into."""
        book, threads = coordination.book, coordination.threads
        limits = Limits(book, max_jobs=settings.tenant_max_jobs, max_bytes=settings.tenant_max_bytes)
        uploads = Uploads(
            book, store, threads, limits,
            max_bytes=settings.max_upload_bytes, expire=timedelta(seconds=settings.upload_expire_s),
        )  # fmt: skip
        creator = JobCreator(
            book, coordination.creation, uploads, limits, settings=settings, segment_s=segment_s
        )  # fmt: skip
        self.watching = Watching(book, bus)
        outputs = Outputs(book, store, threads, expire=timedelta(seconds=settings.address_expire_s))
        self.service = JobService(book, bus, uploads, creator, self.watching, outputs, coordination.notices)

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serve it there."""
        add_JobServiceServicer_to_server(self.service, server)
