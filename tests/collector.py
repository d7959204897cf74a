"""An OpenTelemetry collector that keeps what it is sent: https://opentelemetry.io/docs/specs/otlp/."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue


@dataclass(frozen=True)
class SentSpan:
    """A span as it came; ids as in `traceparent`. `parent_id` is empty for the first of a trace."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, str | int]


class Collector(TraceServiceServicer):
    """Spans of all processes whose `OTEL_EXPORTER_OTLP_ENDPOINT` is `endpoint`."""

    def __init__(self) -> None:
        self.endpoint = ""
        self._spans: list[SentSpan] = []
        self._came = threading.Condition()

    @property
    def spans(self) -> list[SentSpan]:
        """What came so far."""
        with self._came:
            return list(self._spans)

    def wait_for(self, name: str, *, within_s: float = 15.0) -> SentSpan:
        """The first span of that name, once it comes. Raises TimeoutError."""
        with self._came:
            if not self._came.wait_for(lambda: any(span.name == name for span in self._spans), within_s):
                raise TimeoutError(f"no span {name} within {within_s} s, but {[span.name for span in self._spans]}")
            return next(span for span in self._spans if span.name == name)

    def Export(  # noqa: N802 - gRPC's
        self, request: ExportTraceServiceRequest, context: grpc.ServicerContext
    ) -> ExportTraceServiceResponse:
        """Keep them."""
        with self._came:
            self._spans.extend(_spans(request))
            self._came.notify_all()
        return ExportTraceServiceResponse()


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that listens on this machine while the context lasts."""
    collector = Collector()
    server = grpc.server(ThreadPoolExecutor(2))
    add_TraceServiceServicer_to_server(collector, server)
    collector.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield collector
    finally:
        server.stop(None).wait()


def _spans(request: ExportTraceServiceRequest) -> Iterator[SentSpan]:
    for resource in request.resource_spans:
        service = str(_values(resource.resource.attributes)["service.name"])
        for scope in resource.scope_spans:
            for span in scope.spans:
                ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
                yield SentSpan(service, span.name, *ids, attributes=_values(span.attributes))


def _values(attributes: list[KeyValue]) -> dict[str, str | int]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}
