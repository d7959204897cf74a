"""Pages of jobs as they travel: no longer than gRPC clients take."""

from __future__ import annotations

from liftline.v1.job_service_pb2 import ListJobsResponse
from liftline_gateway.api.validation import page_token
from liftline_gateway.api.views import job_view
from liftline_gateway.records.job_repository import Page

_MOST_BYTES = 3 << 20
"""Clients take 4 MiB at once unless they say otherwise."""


def listed(page: Page, *, most_bytes: int = _MOST_BYTES) -> ListJobsResponse:
    """As many of the page's jobs as fit, at least one; the next page begins after them."""
    answer, size, after = ListJobsResponse(), 0, page.next_after
    for number, record in enumerate(page.jobs):
        job = job_view(record)
        size += job.ByteSize()
        if number and size > most_bytes:
            after = page.jobs[number - 1].job
            break
        answer.jobs.append(job)
    if after is not None:
        answer.next_page_token = page_token(after)
    return answer
