"""Jobs that came into another state, whoever brought them there: counted and logged, once each."""

from __future__ import annotations

import structlog

from liftline.telemetry.metrics import GatewayMetrics, from_zero
from liftline.v1.job_service_pb2 import Job
from liftline.v1.records_pb2 import JobRecord

log = structlog.get_logger(__name__)


class JobChanges:
    """For a `JobRepository` to call."""

    def __init__(self, metrics: GatewayMetrics) -> None:
        """Counts into these."""
        self._metrics = metrics
        from_zero(metrics.job_changes, [name for name, state in Job.State.items() if state != Job.STATE_UNSPECIFIED])

    def __call__(self, record: JobRecord) -> None:
        """A job came into another state."""
        name = Job.State.Name(record.state)
        self._metrics.job_changes.labels(name).inc()
        failure = {"failure": record.failure.message} if record.state == Job.STATE_FAILED else {}
        log.info("job_changed", tenant=record.tenant, job=record.job, state=name, **failure)
