"""Both clients against a gateway that answers as told."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import grpc
import pytest
from pydantic import SecretStr

from liftline.client import (
    AccessError,
    JobCancelledError,
    JobSettings,
    JobState,
    JobStateError,
    NotFoundError,
    Priority,
    QuotaError,
    ServerError,
)
from liftline.errors import InvalidInputError, InvalidVideoError, LiftlineError, UnavailableError, UsageError
from liftline.v1 import job_service_pb2 as pb
from tests.integration.client.conftest import Use
from tests.integration.client.fake_gateway import Gateway, status


def test_a_submitted_video_arrives_with_its_settings(use: Use, gateway: Gateway, video: Path) -> None:
    told: list[tuple[int, int]] = []
    settings = JobSettings(max_people=2, layout="3d", smooth="one-euro", export=("trc", "csv"), focal_px=900.0)
    job = use(
        "submit", video, settings, priority=Priority.HIGH, on_bytes=lambda done, total: told.append((done, total))
    )
    size = video.stat().st_size
    assert gateway.store.objects["uploads/0/clip.mp4"] == video.read_bytes()
    assert told[-1] == (size, size)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    sent = gateway.jobs[job.name]
    assert sent.priority == pb.PRIORITY_HIGH
    assert sent.settings == settings.to_proto()
    assert list(sent.settings.export_formats) == [pb.EXPORT_FORMAT_TRC, pb.EXPORT_FORMAT_CSV]
    assert (job.state, job.video_name, job.priority) == (JobState.QUEUED, "clip.mp4", Priority.HIGH)


def test_a_lost_answer_makes_no_second_job(use: Use, gateway: Gateway, video: Path) -> None:
    gateway.lost_answers = 2
    job = use("submit", video)
    assert list(gateway.jobs) == [job.name]


def test_the_same_request_gives_the_same_job(use: Use, gateway: Gateway, video: Path) -> None:
    upload = use("upload", video)
    assert use("create", upload, request_id="mine").id == use("create", upload, request_id="mine").id


def test_no_second_job_is_made_under_one_request_id(use: Use, gateway: Gateway, video: Path) -> None:
    use("submit", video, request_id="mine")
    with pytest.raises(UsageError, match="mine"):
        use("submit", video, request_id="mine")
    assert len(gateway.jobs) == 1


@pytest.mark.parametrize("code", [403, 500, 503])
def test_an_upload_that_is_turned_away_once_arrives_all_the_same(
    use: Use, gateway: Gateway, video: Path, code: int
) -> None:
    gateway.store.faults.append(status(code))
    assert use("submit", video).video_name == "clip.mp4"


def test_an_upload_the_store_refuses_is_an_error_that_hides_the_address(
    use: Use, gateway: Gateway, video: Path
) -> None:
    gateway.store.faults.append(status(400))
    with pytest.raises(ServerError, match="answered 400") as caught:
        use("submit", video)
    assert "uploads" not in str(caught.value)
    assert not gateway.jobs


@pytest.mark.parametrize("name", ["no.mp4", "."])
def test_what_is_no_file_is_refused_before_the_gateway_is_asked(use: Use, gateway: Gateway, name: str) -> None:
    with pytest.raises(InvalidInputError):
        use("submit", name)
    assert not gateway.tokens


def test_pages_are_one_list(use: Use, gateway: Gateway) -> None:
    for number in range(5):
        gateway.put(pb.Job(name=f"jobs/{number}", state=pb.Job.STATE_RUNNING))
    assert [job.id for job in use("list")] == ["4", "3", "2", "1", "0"]


@pytest.mark.parametrize(
    ("code", "kind", "exit_code"),
    [
        (grpc.StatusCode.NOT_FOUND, NotFoundError, 3),
        (grpc.StatusCode.UNAUTHENTICATED, AccessError, 2),
        (grpc.StatusCode.PERMISSION_DENIED, AccessError, 2),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, QuotaError, 5),
        (grpc.StatusCode.INVALID_ARGUMENT, UsageError, 2),
        (grpc.StatusCode.FAILED_PRECONDITION, JobStateError, 1),
        (grpc.StatusCode.INTERNAL, ServerError, 1),
        (grpc.StatusCode.UNIMPLEMENTED, ServerError, 1),
    ],
)
def test_a_refusal_is_told_as_what_it_is_and_not_asked_again(
    use: Use, gateway: Gateway, code: grpc.StatusCode, kind: type[LiftlineError], exit_code: int
) -> None:
    gateway.faults.append(code)
    with pytest.raises(kind, match="as the test told") as caught:
        use("get", "one")
    assert caught.value.exit_code == exit_code
    assert len(gateway.tokens) == 1


def test_a_gateway_that_is_away_for_a_moment_is_asked_again(use: Use, gateway: Gateway) -> None:
    gateway.put(pb.Job(name="jobs/one", state=pb.Job.STATE_RUNNING))
    gateway.faults.extend([grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED])
    assert use("get", "one").state is JobState.RUNNING


def test_a_gateway_that_stays_away_is_named(use: Use, gateway: Gateway) -> None:
    gateway.stop()
    with pytest.raises(UnavailableError, match=f"127.0.0.1:{gateway.port}") as caught:
        use("get", "one")
    assert caught.value.exit_code == 5
    gateway.start()


def test_the_token_goes_with_every_call(use: Use, gateway: Gateway) -> None:
    gateway.put(pb.Job(name="jobs/one", state=pb.Job.STATE_SUCCEEDED))
    connection = gateway.connection.model_copy(update={"token": SecretStr("abc.def")})
    use("get", "one", connection=connection)
    use("wait", "one", connection=connection)
    assert gateway.tokens == ["Bearer abc.def"] * 2


def test_a_job_is_watched_until_it_has_ended(use: Use, gateway: Gateway) -> None:
    gateway.put(pb.Job(name="jobs/one", state=pb.Job.STATE_QUEUED))
    stages = [pb.StageProgress(stage=pb.STAGE_DETECT, tasks=2, tasks_done=1, frames_done=7, frames_per_second=3.5)]

    def go_on() -> None:
        for state in (pb.Job.STATE_RUNNING, pb.Job.STATE_SUCCEEDED):
            time.sleep(0.3)
            gateway.put(pb.Job(name="jobs/one", state=state, stages=stages))

    thread = threading.Thread(target=go_on)
    thread.start()
    seen = use("watch", "jobs/one")
    thread.join()
    assert [job.state for job in seen] == [JobState.QUEUED, JobState.RUNNING, JobState.SUCCEEDED]
    (stage,) = seen[-1].stages
    assert (stage.stage, stage.tasks_done, stage.frames_done, stage.frames_per_second) == ("detect", 1, 7, 3.5)
    assert stage.time_left_s is None


def test_a_watch_goes_on_when_the_gateway_restarts(use: Use, gateway: Gateway) -> None:
    gateway.put(pb.Job(name="jobs/one", state=pb.Job.STATE_RUNNING))

    def restart() -> None:
        time.sleep(0.5)
        gateway.stop()
        time.sleep(0.5)
        gateway.put(pb.Job(name="jobs/one", state=pb.Job.STATE_FAILED))
        gateway.start()

    thread = threading.Thread(target=restart)
    thread.start()
    seen = use("watch", "one")
    thread.join()
    assert [job.state for job in seen] == [JobState.RUNNING, JobState.FAILED]


def test_a_watch_that_reaches_its_time_is_begun_anew_unseen(
    use: Use, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liftline.client.calls.STREAM_S", 0.3)
    gateway.put(pb.Job(name="jobs/one", state=pb.Job.STATE_RUNNING))
    ending = pb.Job(name="jobs/one", state=pb.Job.STATE_SUCCEEDED)
    timer = threading.Timer(1.0, gateway.put, [ending])
    timer.start()
    assert [job.state for job in use("watch", "one")] == [JobState.RUNNING, JobState.SUCCEEDED]
    timer.join()
    assert len(gateway.tokens) >= 3


def test_a_failed_job_raises_what_local_mode_would(use: Use, gateway: Gateway) -> None:
    failure = pb.Failure(reason=pb.Failure.REASON_INVALID_VIDEO, message="clip.mp4: no video stream.")
    gateway.put(pb.Job(name="jobs/one", state=pb.Job.STATE_FAILED, failure=failure))
    with pytest.raises(InvalidVideoError, match="no video stream"):
        use("wait", "one").raise_unless_succeeded()


def test_a_cancelled_job_is_told_apart(use: Use, gateway: Gateway) -> None:
    gateway.put(pb.Job(name="jobs/one", state=pb.Job.STATE_RUNNING))
    with pytest.raises(JobCancelledError):
        use("cancel", "one").raise_unless_succeeded()


def test_a_deletion_whose_answer_is_lost_is_no_error(use: Use, gateway: Gateway) -> None:
    gateway.put(pb.Job(name="jobs/one", state=pb.Job.STATE_RUNNING))
    gateway.lost_answers = 1
    use("delete", "one")
    assert not gateway.jobs
    with pytest.raises(NotFoundError):
        use("delete", "one")


@pytest.mark.parametrize("name", ["", "a.b", "jobs/x/y", "../x"])
def test_what_can_be_no_job_is_not_asked_for(use: Use, gateway: Gateway, name: str) -> None:
    with pytest.raises(UsageError, match="no job has such an id"):
        use("get", name)
    assert not gateway.tokens
