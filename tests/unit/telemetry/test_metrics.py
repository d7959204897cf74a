"""Metrics over HTTP."""

from __future__ import annotations

import socket
import urllib.request

import pytest
from prometheus_client import CollectorRegistry

from liftline.errors import UsageError
from liftline.net.addresses import is_loopback, split_address
from liftline.telemetry.metrics import GatewayMetrics, RequestMetrics, WorkerMetrics, serving_metrics


def read(port: int | None) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        return str(answer.read().decode())


def test_what_was_counted_can_be_read() -> None:
    registry = CollectorRegistry()
    metrics = WorkerMetrics(registry)
    metrics.fetched_bytes.inc(42)
    with serving_metrics(registry, "127.0.0.1:0") as port:
        assert "liftline_fetched_bytes_total 42.0" in read(port).splitlines()
        metrics.fetched_bytes.inc()
        assert "liftline_fetched_bytes_total 43.0" in read(port).splitlines()
    with pytest.raises(OSError, match="refused"):
        read(port)


def test_a_process_may_have_several_registries() -> None:
    one, other = CollectorRegistry(), CollectorRegistry()
    WorkerMetrics(one).heartbeats.inc()
    WorkerMetrics(other)
    assert one.get_sample_value("liftline_heartbeats_total") == 1
    assert other.get_sample_value("liftline_heartbeats_total") == 0


@pytest.mark.parametrize("kind", [WorkerMetrics, GatewayMetrics])
def test_a_service_and_its_requests_fit_into_one_registry(kind: type[WorkerMetrics | GatewayMetrics]) -> None:
    registry = CollectorRegistry()
    kind(registry)
    RequestMetrics(registry).requests.labels("/m", "OK").inc()
    assert registry.get_sample_value("liftline_grpc_requests_total", {"method": "/m", "code": "OK"}) == 1


def test_without_an_address_nothing_listens() -> None:
    with serving_metrics(CollectorRegistry(), None) as port:
        assert port is None


@pytest.mark.parametrize("listen", ["9090", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", ":9090", "127.0.0.1:70000"])
def test_what_is_no_address_is_told_with_its_variable(listen: str) -> None:
    with (
        pytest.raises(UsageError, match=r"LIFTLINE_TELEMETRY_METRICS_LISTEN.*127"),
        serving_metrics(CollectorRegistry(), listen),
    ):
        pass


def test_a_port_that_is_taken_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(UsageError, match=f"can't listen on {listen}"), serving_metrics(CollectorRegistry(), listen):
            pass


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),
        ("10.0.0.1", False), ("localhost.example.org", False), ("127.0.0.1.example.org", False), ("", False),
    ],
)  # fmt: skip
def test_only_addresses_of_this_machine_are_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_brackets_of_an_address_are_no_part_of_its_host() -> None:
    assert split_address("X", "[::1]:50051") == ("::1", 50051)
