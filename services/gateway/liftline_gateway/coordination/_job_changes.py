"""Jobs that came into another state, whoever brought them there: counted and logged, once each."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from liftline.telemetry.metrics import GatewayMetrics, from_zero
from liftline.v1.job_service_pb2 import Job
from liftline.v1.records_pb2 import JobRecord

log = structlog.get_logger(__name__)


def counting_in(metrics: GatewayMetrics) -> Callable[[JobRecord], None]:
    """A listener for a `JobRepository`, to be called with the record of each job whose state changed."""
    from_zero(metrics.job_changes, [name for name, state in Job.State.items() if state != Job.STATE_UNSPECIFIED])

    def tell(record: JobRecord) -> None:
        name = Job.State.Name(record.state)
        metrics.job_changes.labels(name).inc()
        failure = {"failure": record.failure.message} if record.state == Job.STATE_FAILED else {}
        log.info("job_changed", tenant=record.tenant, job=record.job, state=name, **failure)

    return tell
