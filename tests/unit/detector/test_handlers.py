"""The detector's handlers: plans and segments as tasks, and which model a job gets."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from liftline import detections as detections_file
from liftline import plan as plan_file
from liftline.detections import People
from liftline.errors import Cancelled, LimitExceededError, ModelError, UsageError
from liftline.frames import Frame
from liftline.jobs.manifest import facts_of
from liftline.jobs.naming import Stage
from liftline.ports import Detector, ModelInfo
from liftline.processors import processors
from liftline.progress import FrameCounter, StopFlag
from liftline.settings import environment
from liftline.settings.machine import Settings
from liftline.v1.artifacts_pb2 import Model
from liftline.v1.events_pb2 import Task
from liftline.v1.job_service_pb2 import JobSettings
from liftline_detector.declaration import DetectorOptions
from liftline_detector.handlers import DetectHandler, PlanHandler
from liftline_detector.registry import find_detector
from liftline_detector.settings import detector_settings
from liftline_detector.sharing import tasks_at_once
from tests.folder_work import FolderJob, FolderWork

FRAMES, RATE = 30, 10


class Counting:
    """Finds one person in each frame, slowly, and counts its sessions at work at a time."""

    batch_size = 4

    def __init__(self, *, name: str = "counting", max_sessions: int | None = None) -> None:
        self.model = ModelInfo(name, "ab" * 32, "MIT", "this test")
        self.max_sessions = max_sessions
        self.at_work = self.most_at_work = 0
        self.entered, self.may_go_on = threading.Event(), threading.Event()
        self.may_go_on.set()
        self._lock = threading.Lock()

    def start(self) -> Counting:
        return self

    def detect(self, frames: Sequence[Frame]) -> list[People]:
        with self._lock:
            self.at_work += 1
            self.most_at_work = max(self.most_at_work, self.at_work)
        self.entered.set()
        assert self.may_go_on.wait(10)
        time.sleep(0.01)
        with self._lock:
            self.at_work -= 1
        one = np.ones((1, 17), np.float32)
        person = People(np.array([[0, 0, 9, 9]], np.float32), one[:, 0], np.stack([one, one], axis=2), one)
        return [person] * len(frames)


class Moves:
    """A Progress that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[int] = []

    def advance(self, frames: int = 1) -> None:
        self.told.append(frames)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds."""
    path = tmp_path_factory.mktemp("detector") / "clip é.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=Fraction(RATE))
        stream.width, stream.height = 64, 48
        for number in range(FRAMES):
            picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 8 * number, np.uint8), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def job(video: Path, tmp_path: Path) -> FolderJob:
    """A job in segments of a second."""
    return FolderJob.of(video, tmp_path, segment_s=1.0)


def handlers(detector: Detector) -> dict[Stage, PlanHandler | DetectHandler]:
    return {
        Stage.PLAN: PlanHandler(detector.model, Settings()),
        Stage.DETECT: DetectHandler(detector, DetectorOptions(), asked="auto"),
    }


def plan_task(job: FolderJob, **changes: object) -> FolderWork:
    return job.work(
        Task(
            id={"tenant": "local", "job": "j", "stage": "STAGE_PLAN"}, video_name=job.record.video_name, segment_s=1.0,
            inputs=[{"role": "video", "ref": job.record.video}], **changes,
        )
    )  # fmt: skip


def test_a_plan_tells_what_the_coordinator_and_the_manifest_need(job: FolderJob, video: Path) -> None:
    detector = Counting()
    work = plan_task(job)
    outcome = PlanHandler(detector.model, Settings())(work)
    (product,) = outcome.products
    plan = plan_file.load(product.path)
    assert (product.role, product.tree_path) == ("plan", "")
    assert (outcome.segment_count, outcome.frame_count, outcome.frames_done) == (3, FRAMES, FRAMES)
    assert outcome.video_sha256 == hashlib.sha256(video.read_bytes()).hexdigest()
    assert json.loads(outcome.video_info_json) == facts_of(plan)
    assert list(outcome.models) == [detector.model]
    assert outcome.settings["segment_s"] == 1.0


def test_a_hash_that_is_known_is_not_taken_again(job: FolderJob) -> None:
    work = plan_task(job)
    work.task.inputs[0].ref.sha256 = "ab" * 32
    assert PlanHandler(Counting().model, Settings())(work).video_sha256 == "ab" * 32


def test_a_plan_alone_needs_no_model(job: FolderJob) -> None:
    outcome = PlanHandler(None, Settings())(plan_task(job))
    assert (outcome.segment_count, list(outcome.models)) == (3, [])


@pytest.mark.parametrize(("machine_s", "tenant_s"), [(2.0, 0.0), (2.0, 60.0), (60.0, 2.0)])
def test_the_shorter_of_the_machines_and_the_tenants_duration_holds(
    job: FolderJob, machine_s: float, tenant_s: float
) -> None:
    work = plan_task(job, max_duration_s=tenant_s)
    with pytest.raises(LimitExceededError, match=r"3\.0 s long, the limit is 2 s"):
        PlanHandler(Counting().model, Settings(max_duration_s=machine_s))(work)


def test_planning_shows_signs_of_life_before_any_frame_is_done(job: FolderJob) -> None:
    work = plan_task(job)
    work.progress = moves = Moves()
    PlanHandler(Counting().model, Settings())(work)
    assert moves.told.index(FRAMES) >= 3, "when it begins, a few times a second, and when it ends"


def test_planning_stops_when_told(job: FolderJob) -> None:
    work = plan_task(job)
    work.stop = StopFlag()
    work.stop.stop()
    with pytest.raises(Cancelled):
        PlanHandler(Counting().model, Settings())(work)


def test_every_segment_is_detected_with_the_model_and_settings_told(job: FolderJob) -> None:
    detector = Counting()
    job.run(handlers(detector), until=Stage.TRACK)
    outcomes = [outcome for key, outcome in job.outcomes.items() if key.stage is Stage.DETECT]
    assert sum(outcome.frames_done for outcome in outcomes) == FRAMES
    assert all(list(outcome.models) == [detector.model] for outcome in outcomes)
    assert outcomes[0].settings["detector"] == "auto"
    found = detections_file.load(outcomes[0].products[0].path)
    assert len(found) == outcomes[0].frames_done
    assert found.detector == "counting"


@pytest.mark.parametrize("stage", [Stage.PLAN, Stage.DETECT])
def test_a_job_that_asks_for_another_detector_is_told_which_is_deployed(job: FolderJob, stage: Stage) -> None:
    work = plan_task(job, settings=JobSettings(detector="detectron2"))
    with pytest.raises(ModelError, match=r"clip é\.mp4: the job asks for the detector 'detectron2', but 'counting' is"):
        handlers(Counting())[stage](work)


@pytest.mark.parametrize("wanted", ["", "detectron2", "detectron2/keypoint_rcnn_R_50_FPN_3x"])
def test_a_detector_is_asked_for_by_its_backend_or_by_its_whole_name(job: FolderJob, wanted: str) -> None:
    work = plan_task(job, settings=JobSettings(detector=wanted))
    detector = Counting(name="detectron2/keypoint_rcnn_R_50_FPN_3x")
    assert PlanHandler(detector.model, Settings())(work).segment_count == 3


def test_a_segment_planned_for_another_model_is_refused(job: FolderJob) -> None:
    work = plan_task(job, detector_model=Model(name="counting", sha256="cd" * 32))
    with pytest.raises(ModelError, match=r"planned for the model 'counting' \(SHA-256 cdcdcdcdcdcd…\), but this"):
        DetectHandler(Counting(), DetectorOptions(), asked="auto")(work)


def detect_works(job: FolderJob, detector: Detector) -> list[FolderWork]:
    """Tasks of all segments, nothing done yet."""
    job.run(handlers(detector), until=Stage.TRACK)
    return [work for key, work in job.works.items() if key.stage is Stage.DETECT]


@pytest.mark.parametrize(("max_sessions", "most"), [(1, 1), (2, 2), (3, 3)])
def test_no_more_sessions_work_at_a_time_than_a_detector_allows(job: FolderJob, max_sessions: int, most: int) -> None:
    works = detect_works(job, Counting())
    detector = Counting(max_sessions=max_sessions)
    handler = DetectHandler(detector, DetectorOptions(), asked="auto")
    with ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(handler, works))
    assert sum(outcome.frames_done for outcome in outcomes) == FRAMES
    assert detector.most_at_work <= most


def test_one_more_segment_is_opened_and_decoded_while_a_device_is_busy() -> None:
    assert tasks_at_once(Counting(max_sessions=1)) == 2
    assert tasks_at_once(Counting()) == processors()


def test_a_segment_is_ready_for_the_device_before_the_one_on_it_is_done(job: FolderJob) -> None:
    first, second, _ = detect_works(job, Counting())
    detector, moves = Counting(max_sessions=1), Moves()
    detector.may_go_on.clear()
    second.progress = moves
    handler = DetectHandler(detector, DetectorOptions(), asked="auto")
    with ThreadPoolExecutor(2) as pool:
        tasks = [pool.submit(handler, first)]
        assert detector.entered.wait(10)
        tasks.append(pool.submit(handler, second))
        while len(moves.told) < 2 * detector.batch_size:
            time.sleep(0.01)
        detector.may_go_on.set()
        assert [task.result(10).frames_done for task in tasks] == [10, 10]
    assert detector.most_at_work == 1


def test_a_task_that_waits_for_its_turn_stops_when_told_and_shows_that_it_lives(job: FolderJob) -> None:
    first, second, _ = detect_works(job, Counting())
    detector = Counting(max_sessions=1)
    detector.may_go_on.clear()
    handler, stop, moves = DetectHandler(detector, DetectorOptions(), asked="auto"), StopFlag(), Moves()
    first.progress, second.progress, second.stop = FrameCounter(), moves, stop
    with ThreadPoolExecutor(2) as pool:
        running = pool.submit(handler, first)
        assert detector.entered.wait(10)
        waiting = pool.submit(handler, second)
        while not moves.told:
            time.sleep(0.01)
        stop.stop()
        with pytest.raises(Cancelled):
            waiting.result(10)
        detector.may_go_on.set()
        assert running.result(10).frames_done == 10


def test_without_settings_the_detector_is_local_modes() -> None:
    settings = environment.load(detector_settings())
    assert settings.options == find_detector("auto").chosen({})
    assert settings.backend == "auto"


@pytest.mark.parametrize(
    ("variable", "value"),
    [("BACKEND", "yolo"), ("PRECISION", "int8"), ("SCORE_THRESHOLD", "1.5"), ("DEVICE", "tpu"), ("THREADS", "0")],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(f"LIFTLINE_DETECTOR_{variable}", value)
    with pytest.raises(UsageError, match=f"LIFTLINE_DETECTOR_{variable}: "):
        environment.load(detector_settings())
