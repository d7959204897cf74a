"""A worker as a real process: what probes, operators and collectors see of its life."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from liftline.adapters.nats import topology
from liftline.adapters.nats.bus import NatsBus
from liftline.adapters.nats.connection import Connection, connected
from liftline.adapters.nats.records import NatsRecords
from liftline.jobs.messages import publish_task
from liftline.jobs.naming import JobKey, Stage, TaskKey, new_id
from liftline.settings.services import NatsSettings
from liftline.telemetry.traces import continuing
from liftline.v1.events_pb2 import Task
from liftline.v1.job_service_pb2 import Job
from liftline.v1.records_pb2 import JobRecord
from liftline.v1.worker_service_pb2 import GetStatusRequest, WorkerStatus
from liftline.v1.worker_service_pb2_grpc import WorkerServiceStub
from liftline_cli.up._nats_server import NatsServer
from liftline_cli.up.children import free_ports
from tests.collector import collecting
from tests.servers import running_nats
from tests.support import eventually

SERVING, NOT_SERVING = HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACE = {"traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-01"}


@dataclass
class Worker:
    """The process, the gates it waits at, and what it logs to."""

    process: subprocess.Popen[bytes]
    gates: Path
    port: int
    metrics_port: int
    log: Path

    def open(self, gate: str) -> None:
        (self.gates / gate).touch()

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def exit_code(self, within_s: float = 60.0) -> int:
        return self.process.wait(within_s)

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def channel(self) -> grpc.Channel:
        return grpc.insecure_channel(f"127.0.0.1:{self.port}")

    def health(self) -> int:
        with self.channel() as channel:
            return int(HealthStub(channel).Check(HealthCheckRequest(), wait_for_ready=True, timeout=60).status)

    def status(self) -> WorkerStatus:
        with self.channel() as channel:
            return WorkerServiceStub(channel).GetStatus(GetStatusRequest(), wait_for_ready=True, timeout=60)

    def metric(self, line_start: str) -> float:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return float(next(line for line in lines if line.startswith(line_start)).split()[-1])


@pytest.fixture(scope="module")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """A nats-server with everything in it that the gateway makes, for this file's workers alone."""
    with running_nats(tmp_path_factory.mktemp("nats")) as server:
        on_nats(server, topology.ensure)
        yield server


def on_nats(server: NatsServer, use: Callable[[Connection], object]) -> None:
    async def run() -> None:
        async with connected(NatsSettings(url=server.url), name="test") as connection:
            await use(connection)  # type: ignore[misc]

    asyncio.run(run())


Start = Callable[..., Worker]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a gated worker; the environment's additions as keywords."""
    workers: list[Worker] = []

    def started(nats_url: str = "nats://127.0.0.1:1", **variables: str) -> Worker:
        gates, log = tmp_path / "gates", tmp_path / "log"
        gates.mkdir(exist_ok=True)
        port, metrics_port = free_ports(2)
        environment = {
            **os.environ, "GATES": str(gates), "LIFTLINE_NATS_URL": nats_url,
            "LIFTLINE_S3_ACCESS_KEY": "none", "LIFTLINE_S3_SECRET_KEY": "none",
            "LIFTLINE_GRPC_LISTEN": f"127.0.0.1:{port}",
            "LIFTLINE_TELEMETRY_METRICS_LISTEN": f"127.0.0.1:{metrics_port}", **variables,
        }  # fmt: skip
        arguments = [sys.executable, "-m", "tests.integration.serving.gated_service"]
        with log.open("wb") as file:
            process = subprocess.Popen(arguments, env=environment, stderr=file, stdin=subprocess.DEVNULL)
        workers.append(Worker(process, gates, port, metrics_port, log))
        return workers[-1]

    yield started
    for worker in workers:
        worker.process.kill()
        worker.process.wait()


def release(server: NatsServer) -> TaskKey:
    """A new job, and a task of it that has no inputs, as part of the trace."""
    key = TaskKey(JobKey("acme", new_id()), Stage.DETECT, 3)

    async def put(connection: Connection) -> None:
        record = JobRecord(tenant="acme", job=key.job.job, state=Job.STATE_RUNNING)
        await NatsRecords(connection).create(key.job.record, record.SerializeToString())
        with continuing(TRACE):
            await publish_task(NatsBus(connection), Task(id=key.wire, video_name="clip.mp4"))

    on_nats(server, put)
    return key


class HealthWatch:
    """A standard client's stream of health, read by a thread."""

    def __init__(self, worker: Worker) -> None:
        self.seen: list[int] = []
        self._channel = worker.channel()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def until_the_end(self) -> list[int]:
        self._thread.join(20)
        self._channel.close()
        return self.seen

    def _read(self) -> None:
        with suppress(grpc.RpcError):
            for answer in HealthStub(self._channel).Watch(HealthCheckRequest(), wait_for_ready=True, timeout=60):
                self.seen.append(answer.status)


def test_health_is_right_through_warm_up_work_and_shutdown(nats: NatsServer, start: Start) -> None:
    worker = start(nats.url)
    watch = HealthWatch(worker)
    assert worker.health() == NOT_SERVING
    assert worker.status().state == WorkerStatus.STATE_WARMING_UP

    worker.open("load")
    eventually(lambda: worker.health() == SERVING)
    task = release(nats)
    eventually(lambda: len(worker.status().tasks) == 1)
    status = worker.status()
    assert status.state == WorkerStatus.STATE_SERVING
    assert [model.name for model in status.models] == ["gated"]
    assert [(one.tenant, one.job, one.segment) for one in status.tasks] == [("acme", task.job.job, 3)]

    worker.end()
    eventually(lambda: worker.health() == NOT_SERVING)
    assert worker.status().state == WorkerStatus.STATE_DRAINING
    assert worker.process.poll() is None

    worker.open("task")
    assert worker.exit_code() == 0
    assert watch.until_the_end() == [NOT_SERVING, SERVING, NOT_SERVING]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_warm_up_ends_it_at_once(nats: NatsServer, start: Start, number: signal.Signals) -> None:
    worker = start(nats.url)
    assert worker.health() == NOT_SERVING
    began_s = time.monotonic()
    worker.end(number)
    assert worker.exit_code() == 0
    assert time.monotonic() - began_s < 5


def test_it_waits_for_nats_and_the_streams_of_the_setup(tmp_path: Path, start: Start) -> None:
    (port,) = free_ports(1)
    worker = start(f"nats://127.0.0.1:{port}")
    worker.open("load")
    eventually(lambda: "waiting_for_nats" in worker.log.read_text())
    server = NatsServer(tmp_path / "nats", port)
    server.start()
    try:
        eventually(lambda: "waiting_for_setup" in worker.log.read_text())
        assert worker.health() == NOT_SERVING
        on_nats(server, topology.ensure)
        eventually(lambda: worker.health() == SERVING)
        worker.end()
        assert worker.exit_code() == 0
    finally:
        server.kill()


def test_a_done_task_is_counted_logged_and_traced(nats: NatsServer, start: Start) -> None:
    with collecting() as collector:
        worker = start(nats.url, OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint, OTEL_BSP_SCHEDULE_DELAY="100")
        worker.open("load")
        worker.open("task")
        task = release(nats)
        eventually(lambda: worker.status().tasks_done == 1)
        assert worker.metric('liftline_tasks_total{ending="done",stage="detect"}') == 1
        assert worker.metric('liftline_tasks_running{stage="detect"}') == 0
        assert (
            worker.metric('liftline_grpc_requests_total{code="OK",method="/liftline.v1.WorkerService/GetStatus"}') >= 1
        )

        span = collector.wait_for("detect")
        assert (span.service, span.trace_id, span.parent_id) == ("liftline-detector", TRACE_ID, "b7ad6b7169203331")
        attributes = {name.removeprefix("liftline."): value for name, value in span.attributes.items()}
        assert attributes.items() >= {"tenant": "acme", "job": task.job.job, "stage": "detect", "segment": 3}.items()

        worker.end()
        assert worker.exit_code() == 0
    lines = worker.lines()
    assert [line["message"] for line in lines if line["logger"] == "liftline.service.bootstrap"] == [
        "warming_up", "serving", "draining", "ended",
    ]  # fmt: skip
    of_task = [line for line in lines if line.get("job") == task.job.job]
    assert of_task
    assert {line["trace_id"] for line in of_task} == {TRACE_ID}
    assert {(line["service"], line["stage"], line["segment"]) for line in of_task} == {("detector", "detect", 3)}


def test_spans_that_wait_are_sent_at_the_end(nats: NatsServer, start: Start) -> None:
    with collecting() as collector:
        worker = start(nats.url, OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint, OTEL_BSP_SCHEDULE_DELAY="3600000")
        worker.open("load")
        worker.open("task")
        release(nats)
        eventually(lambda: worker.status().tasks_done == 1)
        assert collector.spans == []
        worker.end()
        assert worker.exit_code() == 0
        assert collector.wait_for("detect").trace_id == TRACE_ID


def test_a_collector_that_is_away_holds_nothing_up(nats: NatsServer, start: Start) -> None:
    worker = start(nats.url, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1")
    worker.open("load")
    worker.open("task")
    release(nats)
    eventually(lambda: worker.status().tasks_done == 1)
    began_s = time.monotonic()
    worker.end()
    assert worker.exit_code() == 0
    assert time.monotonic() - began_s < 8


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("LIFTLINE_GRPC_LISTEN", "0.0.0.0:50051", "LIFTLINE_GRPC_JWT_KEY_FILE"),
        ("LIFTLINE_TELEMETRY_LOG_LEVEL", "loud", "LIFTLINE_TELEMETRY_LOG_LEVEL"),
        ("LIFTLINE_NATS_URL", "nats://10.1.2.3:4222", "LIFTLINE_NATS_URL"),
        ("LIFTLINE_S3_ENDPOINT", "http://10.1.2.3:9000", "LIFTLINE_S3_ENDPOINT"),
    ],
)
def test_wrong_settings_end_it_with_one_line_that_names_them(
    start: Start, variable: str, value: str, says: str
) -> None:
    worker = start(**{variable: value})
    assert worker.exit_code() == 2
    (line,) = [line for line in worker.log.read_text().splitlines() if not line.startswith("{")]
    assert line.startswith("liftline detector: ")
    assert says in line


def test_it_works_on_the_stages_it_is_told_alone(nats: NatsServer, start: Start) -> None:
    worker = start(nats.url, LIFTLINE_WORKER_STAGES='["plan"]')
    worker.open("load")
    eventually(lambda: worker.health() == SERVING)
    assert list(worker.status().stages) == [Stage.PLAN.wire]
    release(nats)  # of the other stage, and nobody's now
    worker.open("task")
    time.sleep(1.0)
    assert worker.status().tasks_done == 0


def test_a_model_that_is_missing_ends_it_with_one_line(nats: NatsServer, tmp_path: Path, start: Start) -> None:
    (tmp_path / "gates").mkdir()
    (tmp_path / "gates" / "broken").write_text("model")
    worker = start(nats.url)
    assert worker.exit_code() == 4
    assert worker.log.read_text().splitlines()[-1] == "liftline detector: gated.tflite: not there."


def test_a_bug_while_loading_ends_it_with_its_traceback(tmp_path: Path, start: Start) -> None:
    (tmp_path / "gates").mkdir()
    (tmp_path / "gates" / "broken").write_text("bug")
    worker = start()
    assert worker.exit_code() == 1
    last = worker.lines()[-1]
    assert (last["message"], last["error"]) == ("service_failed", "a bug")
    assert "gated_service.py" in json.dumps(last["exception"])
