"""Traces that follow a job through all services, with OpenTelemetry (https://opentelemetry.io/docs/specs/otel/).

Off unless `OTEL_EXPORTER_OTLP_ENDPOINT` names a collector. What came in the headers of a message is passed on either
way, so that a service without a collector doesn't break the trace of others.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from opentelemetry import context, trace
from opentelemetry.trace import Span, SpanKind

from liftline import __version__
from liftline.jobs.messages import trace_of
from liftline.jobs.naming import TaskKey

_SEND_WITHIN_S = 3.0
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


@contextmanager
def exporting_traces(*, service: str, worker: str) -> Iterator[None]:
    """Send this process' spans to the collector that the environment names; what is left goes at the end.

    At most one per process, around everything that makes spans.
    """
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        yield
        return
    end = _begin(service, worker)
    try:
        yield
    finally:
        # A collector that doesn't answer isn't waited for as long as the exporter would.
        ending = threading.Thread(target=end, daemon=True)
        ending.start()
        ending.join(_SEND_WITHIN_S)


@contextmanager
def continuing(headers: Mapping[str, str]) -> Iterator[None]:
    """Continue the trace in a message's headers: messages and spans within the context belong to it."""
    token = context.attach(trace_of(headers))
    try:
        yield
    finally:
        context.detach(token)


def span(
    name: str, *, kind: SpanKind = SpanKind.INTERNAL, attributes: Mapping[str, str | int] | None = None
) -> AbstractContextManager[Span]:
    """A span around the context's block: a child of the current span, or the root of a new trace."""
    return trace.get_tracer("liftline").start_as_current_span(name, kind=kind, attributes=attributes)


@contextmanager
def task_span(key: TaskKey, headers: Mapping[str, str]) -> Iterator[Span]:
    """A span around the work on one task, part of the trace that its message belongs to."""
    attributes: dict[str, str | int] = {
        "liftline.tenant": key.job.tenant,
        "liftline.job": key.job.job,
        "liftline.stage": str(key.stage),
        "liftline.segment": key.number,
    }
    with continuing(headers), span(str(key.stage), kind=SpanKind.CONSUMER, attributes=attributes) as current:
        yield current


def _begin(service: str, worker: str) -> Callable[[], None]:
    """Export spans from now on; returns the function that sends the rest and ends it."""
    # Slow to import, and of no use to a process without a collector.
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, SERVICE_VERSION, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create(
        {SERVICE_NAME: f"liftline-{service}", SERVICE_VERSION: __version__, SERVICE_INSTANCE_ID: worker}
    )
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return provider.shutdown
