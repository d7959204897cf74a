"""Traces without a collector: nothing is sent, nothing is lost. With one: `tests/integration/serving`."""

from __future__ import annotations

import pytest
from opentelemetry import propagate, trace

from liftline.jobs.naming import JobKey, Stage, TaskKey
from liftline.telemetry.traces import continuing, exporting_traces, span, task_span

TASK = TaskKey(JobKey("acme", "0193"), Stage.DETECT, 3)
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def injected() -> dict[str, str]:
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers


@pytest.mark.parametrize("name", ["traceparent", "Traceparent"])
def test_a_service_without_a_collector_passes_the_trace_on(name: str) -> None:
    with exporting_traces(service="detector", worker="detector-1"), task_span(TASK, {name: PARENT}):
        assert injected() == {"traceparent": PARENT}
    assert injected() == {}


def test_without_a_collector_no_trace_begins() -> None:
    with exporting_traces(service="detector", worker="detector-1"), span("anything") as current:
        assert not current.is_recording()
        assert injected() == {}


def test_headers_that_are_no_trace_are_ignored() -> None:
    with continuing({"traceparent": "nonsense", "ce-id": "1"}):
        assert not trace.get_current_span().get_span_context().is_valid


def test_the_trace_ends_with_its_task_also_when_it_fails() -> None:
    with pytest.raises(ZeroDivisionError), task_span(TASK, {"traceparent": PARENT}):
        raise ZeroDivisionError
    assert injected() == {}
