"""A request that can't become a job is refused field by field, before anything is stored."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liftline.jobs.naming import JobKey, is_token
from liftline.service.api_errors import ApiError, ErrorKind
from liftline.v1 import job_service_pb2 as api
from liftline_gateway.api import validation

HOSTS = ("hooks.example.com", "127.0.0.1")


def fields(refused: ApiError) -> set[str]:
    assert refused.kind is ErrorKind.INVALID_ARGUMENT
    return {one.field for one in refused.violations}


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a/b.mp4", "/etc/passwd", "a\\b.mp4", "a\nb.mp4", "a\x00.mp4", "a\x7f.mp4", "a\u2028.mp4",
     "x" * 201, "\u00e4" * 101],
)  # fmt: skip
def test_results_are_not_named_after_it(name: str) -> None:
    with pytest.raises(ApiError) as caught:
        validation.check_upload(api.CreateUploadRequest(file_name=name, size_bytes=1), max_bytes=10)
    assert fields(caught.value) == {"file_name"}


@pytest.mark.parametrize(
    "name",
    [
        "clip.mp4",
        "Sprünge am Bock.mov",
        "клип.mp4",
        "a..b.mp4",
        "👍🏽.mp4",
        "noend",
        "Aufnahme 1.00.00\u202fPM.mov",
        "👩\u200d👩\u200d👧.mp4",
        "x" * 200,
    ],
)
def test_results_are_named_after_it(name: str) -> None:
    validation.check_upload(api.CreateUploadRequest(file_name=name, size_bytes=10), max_bytes=10)


@pytest.mark.parametrize("size", [-1, 0, 11, 1 << 62])
def test_a_video_has_a_length_within_the_limit(size: int) -> None:
    with pytest.raises(ApiError) as caught:
        validation.check_upload(api.CreateUploadRequest(file_name="clip.mp4", size_bytes=size), max_bytes=10)
    assert fields(caught.value) == {"size_bytes"}


def test_everything_wrong_is_told_at_once() -> None:
    request = api.CreateJobRequest(
        settings=api.JobSettings(detector="Yolo 9", max_people=-1, focal_px=float("nan"), export_formats=[1, 1]),
        request_id="not/a/token",
        webhook_uri="https://elsewhere.example.com/",
    )
    request.priority = 77  # type: ignore[assignment]
    request.settings.smoothing = 9  # type: ignore[assignment]
    request.settings.layout = -3  # type: ignore[assignment]
    request.settings.export_formats.append(0)  # type: ignore[arg-type]
    with pytest.raises(ApiError) as caught:
        validation.check_creation(request, webhook_hosts=HOSTS)
    assert fields(caught.value) == {
        "upload", "request_id", "webhook_uri", "priority", "settings.detector", "settings.max_people",
        "settings.focal_px", "settings.smoothing", "settings.layout", "settings.export_formats",
        "settings.export_formats[2]",
    }  # fmt: skip


@pytest.mark.parametrize("focal_px", [float("inf"), float("-inf"), float("nan"), -5.0, 0.5, 5e-324, 1.1e6, 1e308])
def test_a_focal_length_that_no_camera_has(focal_px: float) -> None:
    request = api.CreateJobRequest(upload="uploads/a", settings=api.JobSettings(focal_px=focal_px))
    with pytest.raises(ApiError) as caught:
        validation.check_creation(request, webhook_hosts=HOSTS)
    assert fields(caught.value) == {"settings.focal_px"}


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        (api.JobSettings(fov_deg=180), "fov_deg"),
        (api.JobSettings(fov_deg=float("nan")), "fov_deg"),
        (api.JobSettings(fov_deg=60, focal_px=900), "fov_deg"),
        (api.JobSettings(person_height_m=175), "person_height_m"),
        (api.JobSettings(person_height_m=float("nan")), "person_height_m"),
        (api.JobSettings(person_heights=[api.PersonHeight(track_id=1)]), "person_heights[0].height_m"),
        (api.JobSettings(person_heights=[api.PersonHeight(track_id=1, height_m=1.7)] * 2), "person_heights"),
        (
            api.JobSettings(person_heights=[api.PersonHeight(track_id=n, height_m=1.7) for n in range(51)]),
            "person_heights",
        ),
    ],
)
def test_cameras_and_people_that_there_are_not(settings: api.JobSettings, field: str) -> None:
    with pytest.raises(ApiError) as caught:
        validation.check_creation(api.CreateJobRequest(upload="uploads/a", settings=settings), webhook_hosts=HOSTS)
    assert fields(caught.value) == {f"settings.{field}"}


def test_what_can_be_said_of_cameras_and_people() -> None:
    settings = api.JobSettings(
        fov_deg=70, person_height_m=1.75, person_heights=[api.PersonHeight(track_id=2, height_m=0.9)], lock_feet=False
    )
    validation.check_creation(api.CreateJobRequest(upload="uploads/a", settings=settings), webhook_hosts=())


def test_the_least_request_is_enough() -> None:
    validation.check_creation(api.CreateJobRequest(upload="uploads/a"), webhook_hosts=())


@pytest.mark.parametrize(
    "address",
    [
        "http://hooks.example.com/", "ftp://hooks.example.com/", "hooks.example.com", "//hooks.example.com/",
        "https://elsewhere.com/", "https://hooks.example.com.elsewhere.com/", "https://hooks.example.com@elsewhere.com/",
        "https://user:word@hooks.example.com/", "https://elsewhere.com#@hooks.example.com/",
        "https://elsewhere.com\\@hooks.example.com/", "https://hooks.example.com:99999/", "https://[::1]/",
        "https://hooks.example.com/\r\nx: y", "https://h\u00f6oks.example.com/", "https://" + "a" * 3000, "https://",
        "javascript:alert(1)", "file:///etc/passwd", "http://127.0.0.1.nip.io/", "http://2130706433/",
    ],
)  # fmt: skip
def test_webhooks_go_nowhere_else(address: str) -> None:
    with pytest.raises(ApiError) as caught:
        validation.check_creation(api.CreateJobRequest(upload="uploads/a", webhook_uri=address), webhook_hosts=HOSTS)
    assert fields(caught.value) == {"webhook_uri"}


@pytest.mark.parametrize(
    "address", ["https://hooks.example.com/a?b=c", "https://HOOKS.example.com:8443/", "http://127.0.0.1:8080/a"]
)
def test_webhooks_go_where_the_deployment_allows(address: str) -> None:
    validation.check_creation(api.CreateJobRequest(upload="uploads/a", webhook_uri=address), webhook_hosts=HOSTS)


def test_a_deployment_without_webhooks_takes_none() -> None:
    request = api.CreateJobRequest(upload="uploads/a", webhook_uri="https://hooks.example.com/")
    with pytest.raises(ApiError, match="sends no webhooks"):
        validation.check_creation(request, webhook_hosts=())


def test_names_are_inside_the_tenant() -> None:
    assert validation.job_of("jobs/b", tenant="a") == JobKey("a", "b")
    assert validation.job_of("tenants/a/jobs/b", tenant="a") == JobKey("a", "b")
    with pytest.raises(ApiError) as caught:
        validation.job_of("tenants/other/jobs/b", tenant="a")
    assert caught.value.kind is ErrorKind.NOT_FOUND


@given(st.text(max_size=80) | st.from_regex(r"(tenants/.{0,5}/)?jobs/.{0,70}", fullmatch=True))
def test_only_tokens_reach_keys_and_subjects(name: str) -> None:
    with contextlib.suppress(ApiError):
        key = validation.job_of(name, tenant="a")
        assert key.tenant == "a"
        assert is_token(key.job)


def test_a_page_begins_after_the_one_before() -> None:
    request = api.ListJobsRequest(page_size=7, page_token=validation.page_token("0193-b"))
    assert validation.page_of(request) == (7, "0193-b")
    assert validation.page_of(api.ListJobsRequest()) == (50, None)
    assert validation.page_of(api.ListJobsRequest(page_size=2_000_000_000)) == (200, None)


@given(st.text(min_size=1, max_size=60))
def test_a_page_token_of_ones_own_is_refused(token: str) -> None:
    with pytest.raises(ApiError) as caught:
        validation.page_of(api.ListJobsRequest(page_token=token))
    assert fields(caught.value) == {"page_token"}
