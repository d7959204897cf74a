"""Numbers for Prometheus. Each process makes its own registry and serves it at `/metrics`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.metrics import MetricWrapperBase

from liftline.errors import UsageError
from liftline.net.addresses import split_address

_TASK_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
_LAG_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0)


def from_zero(metric: MetricWrapperBase, *labels: Iterable[str]) -> None:
    """Create the series of all combinations of label values at 0: `increase()` misses a first count of 1."""
    for values in product(*labels):
        metric.labels(*values)


class WorkerMetrics:
    """What a detector, lifter or renderer counts. Safe to use from several threads.

    `WorkerBoard` counts tasks and frames; the worker loop the rest.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.tasks = Counter("liftline_tasks", "Tasks that ended, and how.", ["stage", "ending"], registry=registry)
        self.task_seconds = Histogram(
            "liftline_task_seconds", "Time of tasks that were done.", ["stage"], buckets=_TASK_BUCKETS_S,
            registry=registry,
        )  # fmt: skip
        self.frames = Counter("liftline_frames", "Frames finished.", ["stage"], registry=registry)
        self.running = Gauge("liftline_tasks_running", "Tasks worked on.", ["stage"], registry=registry)
        self.fetched_bytes = Counter(
            "liftline_fetched_bytes", "Bytes fetched from the store; of videos, those that were read.",
            registry=registry,
        )  # fmt: skip
        self.stored_bytes = Counter("liftline_stored_bytes", "Bytes put into the store.", registry=registry)
        self.heartbeats = Counter(
            "liftline_heartbeats", "Times a running task was told to be alive.", registry=registry
        )
        self.bus_errors = Counter("liftline_bus_errors", "Times NATS didn't answer.", registry=registry)
        self.store_errors = Counter(
            "liftline_store_errors", "Times the artifact store didn't answer.", registry=registry
        )


class GatewayMetrics:
    """What a gateway counts, beside its requests. Safe to use from several threads."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.job_changes = Counter(
            "liftline_job_changes", "Jobs that came into a state.", ["state"], registry=registry
        )  # fmt: skip
        self.events = Counter("liftline_events", "Events of tasks that were handled.", ["kind"], registry=registry)
        self.event_lag_seconds = Histogram(
            "liftline_event_lag_seconds", "Time between the end of a task and the job record that knows it.",
            buckets=_LAG_BUCKETS_S, registry=registry,
        )  # fmt: skip
        self.rounds = Counter(
            "liftline_reconciler_rounds", "Times the reconciler looked through all jobs.", registry=registry
        )
        self.repairs = Counter(
            "liftline_reconciler_repairs", "Things that the reconciler put right.", ["kind"], registry=registry
        )  # fmt: skip
        self.bus_errors = Counter("liftline_bus_errors", "Times NATS didn't answer.", registry=registry)
        self.store_errors = Counter(
            "liftline_store_errors", "Times the artifact store didn't answer.", registry=registry
        )


class RequestMetrics:
    """Requests that a gRPC server answered, by method and status code."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "liftline_grpc_requests", "gRPC requests answered.", ["method", "code"], registry=registry
        )
        self.seconds = Histogram("liftline_grpc_request_seconds", "Time to answer them.", ["method"], registry=registry)


@contextmanager
def serving_metrics(registry: CollectorRegistry, listen: str | None) -> Iterator[int | None]:
    """Answer `GET /metrics` at that address while the context lasts; gives the port, None where `listen` is None.

    Raises UsageError where nothing can listen there.
    """
    if listen is None:
        yield None
        return
    host, port = split_address("LIFTLINE_TELEMETRY_METRICS_LISTEN", listen)
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise UsageError(f"LIFTLINE_TELEMETRY_METRICS_LISTEN: can't listen on {listen} ({error}).") from error
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
