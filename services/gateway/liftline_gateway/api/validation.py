"""What can be known of a request without opening the video. Every function raises ApiError with INVALID_ARGUMENT.

All that is wrong is told at once, field by field.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection

from liftline.files.store_keys import check_key
from liftline.jobs.naming import JobKey, is_token
from liftline.service.api_errors import Violation, invalid_request, not_found
from liftline.settings.checked import InvalidSettingsError
from liftline.settings.job import JobSettings
from liftline.v1 import job_service_pb2
from liftline.v1.job_service_pb2 import CreateJobRequest, CreateUploadRequest, ListJobsRequest
from liftline_gateway.webhooks.address import address_problem

NAME_BYTES = 200
PAGE_SIZE, LARGEST_PAGE = 50, 200


class _Findings:
    """Collects what is wrong with a request, to be told at once."""

    def __init__(self) -> None:
        self._violations: list[Violation] = []

    def need(self, holds: bool, field: str, description: str) -> None:
        if not holds:
            self._violations.append(Violation(field, description))

    def close(self) -> None:
        if self._violations:
            raise invalid_request(self._violations)


def check_upload(request: CreateUploadRequest, *, max_bytes: int) -> None:
    """The name and length of a video that is to come."""
    findings = _Findings()
    problem = file_name_problem(request.file_name)
    findings.need(problem is None, "file_name", problem or "")
    findings.need(request.size_bytes > 0, "size_bytes", "The length of the video in bytes is needed.")
    findings.need(
        request.size_bytes <= max_bytes, "size_bytes", f"Videos of at most {max_bytes} bytes are taken."
    )  # fmt: skip
    findings.close()


def check_creation(request: CreateJobRequest, *, webhook_hosts: Collection[str]) -> None:
    """Everything of a job but its upload's name and whether that is there."""
    findings = _Findings()
    _check_settings(request.settings, findings)
    is_known = request.priority in job_service_pb2.Priority.values()
    findings.need(is_known, "priority", f"{request.priority} is no value known here.")
    findings.need(
        not request.request_id or is_token(request.request_id),
        "request_id",
        "At most 64 letters, digits, '-' and '_'.",
    )
    problem = address_problem(request.webhook_uri, hosts=webhook_hosts) if request.webhook_uri else None
    findings.need(problem is None, "webhook_uri", problem or "")
    findings.need(bool(request.upload), "upload", "The name of an upload is needed, as CreateUpload gave it.")
    findings.close()


def _check_settings(settings: job_service_pb2.JobSettings, findings: _Findings) -> None:
    try:
        JobSettings.from_proto(settings)
    except InvalidSettingsError as error:
        for problem in error.problems:
            findings.need(False, f"settings.{problem.place}", problem.words)


def file_name_problem(name: str) -> str | None:
    """Why results can't be named after a file of that name; None where they can."""
    if name in ("", ".", ".."):
        return "The file name of the video is needed; results are named after it."
    if "/" in name or "\\" in name:
        return "A file name without folders."
    if len(name.encode(errors="surrogatepass")) > NAME_BYTES:
        return f"At most {NAME_BYTES} bytes of UTF-8, since results are named after it; rename the video."
    try:
        check_key(name)
    except ValueError:
        return "No control characters and line breaks in a file name; rename the video."
    return None


def job_of(name: str, *, tenant: str) -> JobKey:
    """The job that `jobs/{job}` or `tenants/{tenant}/jobs/{job}` names; NOT_FOUND where it is of another tenant."""
    return JobKey(tenant, _resource(name, "jobs", tenant=tenant, field="name"))


def upload_of(name: str, *, tenant: str) -> str:
    """The id in `uploads/{upload}` or `tenants/{tenant}/uploads/{upload}`, like `job_of`."""
    return _resource(name, "uploads", tenant=tenant, field="upload")


def _resource(name: str, collection: str, *, tenant: str, field: str) -> str:
    parts = name.split("/")
    if len(parts) == 4 and parts[0] == "tenants" and all(map(is_token, parts)):
        if parts[1] != tenant:
            raise not_found(name)
        parts = parts[2:]
    if len(parts) != 2 or parts[0] != collection or not is_token(parts[1]):
        raise invalid_request([Violation(field, f"A name like {collection}/0193a2b4c5d6 is needed.")])
    return parts[1]


def page_of(request: ListJobsRequest) -> tuple[int, str | None]:
    """How many jobs are wanted, and the job after which they begin."""
    findings = _Findings()
    findings.need(request.page_size >= 0, "page_size", f"Up to {LARGEST_PAGE}, or 0 for {PAGE_SIZE}.")
    after = _read_token(request.page_token)
    findings.need(
        after is not None or not request.page_token, "page_token", "Give the next_page_token of the page before."
    )
    findings.close()
    return min(request.page_size or PAGE_SIZE, LARGEST_PAGE), after


def page_token(job: str) -> str:
    """The token of the page that begins after that job."""
    return base64.urlsafe_b64encode(f"after:{job}".encode()).decode()


def _read_token(token: str) -> str | None:
    try:
        kind, _, job = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return job if kind == "after" and is_token(job) else None
