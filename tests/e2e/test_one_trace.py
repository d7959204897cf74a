"""One trace of one job, across all services, as a collector gets it over OTLP."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from liftline.client import Client
from liftline.client.connection import Connection
from tests.cluster import cluster
from tests.collector import Collector, SentSpan, collecting

SEGMENTS = 5
TASKS = {"plan": 1, "detect": SEGMENTS, "track": 1, "lift": 1, "render": SEGMENTS, "mux": 1}
SERVICES = {
    "plan": "detector", "detect": "detector", "track": "lifter", "lift": "lifter", "render": "renderer",
    "mux": "renderer",
}  # fmt: skip


@pytest.fixture(scope="module")
def spans(tmp_path_factory: pytest.TempPathFactory) -> list[SentSpan]:
    """Everything told of one job."""
    folder = tmp_path_factory.mktemp("traced")
    video = folder / f"standin-segments={SEGMENTS}-all=0.05.mp4"
    video.write_bytes(b"not a video: stand-in stages only sleep\n")
    with collecting() as collector:
        options = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "200"}
        with (
            cluster(folder, detectors=2, renderers=2, options=options) as running,
            Client(Connection(server=running.server)) as client,
        ):
            job = client.submit(video)
            client.wait(job).raise_unless_succeeded()
            return _of_job(collector, job.id)


def _of_job(collector: Collector, job: str) -> list[SentSpan]:
    end = time.monotonic() + 15.0
    found: list[SentSpan] = []
    while time.monotonic() < end and not _all_there(found):
        time.sleep(0.2)
        traces = {span.trace_id for span in collector.spans if span.attributes.get("liftline.job") == job}
        found = [span for span in collector.spans if span.trace_id in traces]
    return found


def _all_there(spans: list[SentSpan]) -> bool:
    return Counter(span.name for span in spans if span.name in TASKS) == TASKS


def test_every_task_of_the_job_is_in_one_trace(spans: list[SentSpan]) -> None:
    assert Counter(span.name for span in spans if span.name in TASKS) == TASKS
    assert len({span.trace_id for span in spans}) == 1


def test_spans_say_which_service_did_it(spans: list[SentSpan]) -> None:
    for span in spans:
        if span.name in TASKS:
            assert span.service.removeprefix("liftline-") == SERVICES[span.name]
    assert any(span.service.removeprefix("liftline-") == "gateway" for span in spans)


def test_each_span_follows_from_the_one_before(spans: list[SentSpan]) -> None:
    """gateway → plan → detect × N → track → lift → render × N → mux: up from mux, every stage is met."""
    by_id = {span.span_id: span for span in spans}
    [span] = [span for span in spans if span.name == "mux"]
    met = [span]
    while span.parent_id in by_id:
        span = by_id[span.parent_id]
        met.append(span)
    assert [one.name for one in met if one.name in TASKS] == ["mux", "render", "lift", "track", "detect", "plan"]
    assert met[-1].service.removeprefix("liftline-") == "gateway"
