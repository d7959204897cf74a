"""Pages of jobs fit into one answer, and none is left out between two."""

from __future__ import annotations

from liftline.v1 import job_service_pb2 as api
from liftline.v1.records_pb2 import JobRecord
from liftline_gateway.api.validation import page_of
from liftline_gateway.api.views import page_view
from liftline_gateway.records.job_repository import Page

JOBS = [JobRecord(job=f"j{number}", warnings=["x" * 1000] * 10) for number in (3, 2, 1)]


def after(answer: api.ListJobsResponse) -> str | None:
    return page_of(api.ListJobsRequest(page_token=answer.next_page_token))[1]


def test_a_page_that_fits_ends_where_it_ends() -> None:
    answer = page_view(Page(JOBS, "j1"))
    assert [job.name for job in answer.jobs] == ["jobs/j3", "jobs/j2", "jobs/j1"]
    assert after(answer) == "j1"
    assert page_view(Page(JOBS, None)).next_page_token == ""


def test_a_page_that_is_too_long_is_cut() -> None:
    answer = page_view(Page(JOBS, None), most_bytes=25_000)
    assert [job.name for job in answer.jobs] == ["jobs/j3", "jobs/j2"]
    assert after(answer) == "j2"


def test_one_job_is_always_page_view() -> None:
    answer = page_view(Page(JOBS, None), most_bytes=1)
    assert [job.name for job in answer.jobs] == ["jobs/j3"]
    assert after(answer) == "j3"
