"""What a worker tells of itself."""

from __future__ import annotations

import re
import threading

import pytest
from prometheus_client import CollectorRegistry

from liftline.jobs.naming import JobKey, Stage, TaskKey, is_token
from liftline.pipeline.handler import LoadedService
from liftline.ports import ModelInfo
from liftline.telemetry.metrics import WorkerMetrics
from liftline.v1.worker_service_pb2 import WorkerStatus
from liftline.worker.board import TaskEnd, WorkerBoard, worker_name

FIRST = TaskKey(JobKey("acme", "0193"), Stage.DETECT, 3)
SECOND = TaskKey(JobKey("acme", "0193"), Stage.DETECT, 4)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def board(clock: Clock, registry: CollectorRegistry) -> WorkerBoard:
    return WorkerBoard(worker="detector-1", stages=[Stage.DETECT], metrics=WorkerMetrics(registry), clock_s=clock)


def test_it_warms_up_then_serves_then_drains(board: WorkerBoard) -> None:
    assert board.snapshot().state == WorkerStatus.STATE_WARMING_UP
    model = ModelInfo("blazepose", "ab" * 32, "Apache-2.0", "https://example.org")
    board.serving(LoadedService(handlers={}, models=[model], device="cpu"))
    status = board.snapshot()
    assert status.state == WorkerStatus.STATE_SERVING
    assert [(one.name, one.sha256, one.licence) for one in status.models] == [("blazepose", "ab" * 32, "Apache-2.0")]
    assert (status.device, status.gpu_memory_bytes, status.gpu_memory_total_bytes) == ("cpu", 0, 0)
    board.draining()
    assert board.snapshot().state == WorkerStatus.STATE_DRAINING


def test_running_tasks_are_shown_with_their_frames(board: WorkerBoard) -> None:
    board.began(FIRST)
    board.began(SECOND)
    board.advanced(FIRST, 7)
    board.ended(SECOND, TaskEnd.GIVEN_BACK)
    (task,) = board.snapshot().tasks
    assert (task.tenant, task.job, task.segment, task.frames_done) == ("acme", "0193", 3, 7)
    assert task.stage == Stage.DETECT.wire


def test_all_there_is_to_count_is_there_from_the_start(board: WorkerBoard, registry: CollectorRegistry) -> None:
    assert board.snapshot().tasks_done == 0
    for ending in ("done", "failed", "given_back", "dropped"):
        assert registry.get_sample_value("liftline_tasks_total", {"stage": "detect", "ending": ending}) == 0
    for name in ("liftline_frames_total", "liftline_tasks_running", "liftline_task_seconds_count"):
        assert registry.get_sample_value(name, {"stage": "detect"}) == 0


def test_done_and_failed_tasks_are_counted_apart(board: WorkerBoard, registry: CollectorRegistry, clock: Clock) -> None:
    for ending in (TaskEnd.DONE, TaskEnd.DONE, TaskEnd.FAILED, TaskEnd.GIVEN_BACK, TaskEnd.DROPPED):
        board.began(FIRST)
        clock.now_s += 2
        board.ended(FIRST, ending)
    status = board.snapshot()
    assert (status.tasks_done, status.tasks_failed) == (2, 1)
    counted = {
        ending: registry.get_sample_value("liftline_tasks_total", {"stage": "detect", "ending": ending})
        for ending in TaskEnd
    }
    assert counted == {"done": 2, "failed": 1, "given_back": 1, "dropped": 1}
    assert registry.get_sample_value("liftline_task_seconds_sum", {"stage": "detect"}) == 4
    assert registry.get_sample_value("liftline_tasks_running", {"stage": "detect"}) == 0


def test_speed_is_that_of_the_last_half_minute(board: WorkerBoard, clock: Clock) -> None:
    board.serving(LoadedService(handlers={}))
    board.began(FIRST)
    for _ in range(60):
        clock.now_s += 1
        board.advanced(FIRST, 10)
    assert board.snapshot().frames_per_second == pytest.approx(10)
    clock.now_s += 15
    assert board.snapshot().frames_per_second == pytest.approx(5, rel=0.1)
    clock.now_s += 16
    assert board.snapshot().frames_per_second == 0


def test_a_young_worker_is_not_told_to_be_slow(board: WorkerBoard, clock: Clock) -> None:
    clock.now_s += 300
    board.serving(LoadedService(handlers={}))
    board.began(FIRST)
    clock.now_s += 5
    board.advanced(FIRST, 50)
    assert board.snapshot().frames_per_second == pytest.approx(10)


def test_the_last_error_is_shown(board: WorkerBoard) -> None:
    assert not board.snapshot().HasField("last_error_time")
    board.went_wrong("first")
    board.went_wrong("second")
    status = board.snapshot()
    assert status.last_error == "second"
    assert status.last_error_time.ToDatetime() >= status.start_time.ToDatetime()


def test_frames_of_a_task_that_ended_are_ignored(board: WorkerBoard) -> None:
    board.advanced(FIRST)
    assert board.snapshot().frames_per_second == 0


def test_no_frame_is_lost_between_threads(board: WorkerBoard, registry: CollectorRegistry) -> None:
    board.began(FIRST)

    def advance() -> None:
        for _ in range(1000):
            board.advanced(FIRST)

    threads = [threading.Thread(target=advance) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert board.snapshot().tasks[0].frames_done == 4000
    assert registry.get_sample_value("liftline_frames_total", {"stage": "detect"}) == 4000


def test_a_worker_has_a_name_of_its_own_that_fits_into_subjects() -> None:
    names = {worker_name("detector") for _ in range(100)}
    assert len(names) == 100
    assert all(is_token(name) and re.match(r"detector-.+-\d+-[0-9a-f]{8}$", name) for name in names)


def test_without_cuda_pytorch_has_no_gpu_memory_to_tell_of(board: WorkerBoard) -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is CUDA here")
    board.serving(LoadedService(handlers={}, device="cuda:0"))
    status = board.snapshot()
    assert (status.gpu_memory_bytes, status.gpu_memory_total_bytes) == (0, 0)
