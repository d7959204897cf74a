"""Requests of a tenant that reach for others', or ask for what makes no sense."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from functools import partial

import grpc
from google.protobuf.message import Message

from liftline.v1 import job_service_pb2 as api
from tests.attack.ground import ANSWER_S, HOOKS, Ground
from tests.attack.trials import FellError, Trial, hold
from tests.forms import form_of, send

Code = grpc.StatusCode
_INF, _NAN = float("inf"), float("nan")


def trials(ground: Ground, *, few: bool) -> Iterator[Trial]:
    """Names, uploads, pages, request ids, file names, webhooks, settings."""
    found = [
        *_names(ground), *_uploads(ground), *_pages(ground), *_request_ids(ground), *_file_names(ground),
        *_creations(ground),
    ]  # fmt: skip
    yield from found[:: len(found) // 20] if few else found


def _refused(ground: Ground, method: str, request: Message, codes: tuple[Code, ...]) -> None:
    """B's request ends with one of these, and A's job is as it was."""
    with ground.calling() as stub:
        try:
            answer = getattr(stub, method)(request, metadata=ground.b.metadata, timeout=ANSWER_S)
            answer = next(answer) if method == "WatchJob" else answer
        except grpc.RpcError as error:
            hold(error.code() in codes, f"{error.code()}: {error.details()}")
        else:
            raise FellError(f"an answer: {str(answer)[:200]}")
    ground.check_hers()
    hold(ground.a.client.get(ground.hers) == ground.hers, "A's job has changed")


def _names(ground: Ground) -> Iterator[Trial]:
    a, b, job = ground.a.name, ground.b.name, ground.hers.id
    methods: dict[str, Callable[..., Message]] = {
        "GetJob": api.GetJobRequest, "WatchJob": api.WatchJobRequest, "CancelJob": api.CancelJobRequest,
        "DeleteJob": api.DeleteJobRequest, "ListArtifacts": api.ListArtifactsRequest,
    }  # fmt: skip
    for name in (
        f"jobs/{job}", f"tenants/{a}/jobs/{job}", f"tenants/{b}/jobs/{job}", f"jobs/{a}.{job}",
        f"jobs/../{a}/jobs/{job}",
        f"tenants/{b}/../{a}/jobs/{job}", f"tenants/{b}/jobs/../../{a}/jobs/{job}", "jobs/*", "jobs/>", "jobs/", "",
        "/",
        f"jobs/{job}/", f"/jobs/{job}", f"JOBS/{job}", f"jobs/{job}\n", f"jobs/{job}\0", f"jobs/{job}%00",
        f"jobs/{job}.",
        f"jobs/{job}#", f"uploads/{job}", "jobs/" + "x" * 5000, f"tenants/{a}.{b}/jobs/{job}", "jobs/ä",
    ):  # fmt: skip
        for method, request in methods.items():
            codes = (Code.NOT_FOUND, Code.INVALID_ARGUMENT)
            yield f"{method} {name[:60]!r}", partial(_refused, ground, method, request(name=name), codes)


def _uploads(ground: Ground) -> Iterator[Trial]:
    """A's upload, whose bytes are there, by B."""
    name = _uploaded(ground, ground.a.metadata)
    number = name.removeprefix("uploads/")
    for one in (name, f"tenants/{ground.a.name}/{name}", f"tenants/{ground.b.name}/{name}", f"uploads/../{number}",
                f"jobs/{number}", "uploads/", "uploads/*", f"uploads/{ground.a.name}.{number}"):  # fmt: skip
        codes = (Code.NOT_FOUND, Code.INVALID_ARGUMENT, Code.FAILED_PRECONDITION)
        yield f"upload {one!r}", partial(_refused_upload, ground, one, codes)


def _refused_upload(ground: Ground, name: str, codes: tuple[Code, ...]) -> None:
    _refused(ground, "CreateJob", api.CreateJobRequest(upload=name), codes)


def _uploaded(ground: Ground, metadata: tuple[tuple[str, str], ...]) -> str:
    with ground.calling() as stub:
        asked = api.CreateUploadRequest(file_name="standin.mp4", size_bytes=5)
        made = stub.CreateUpload(asked, metadata=metadata, timeout=ANSWER_S)
    hold(send(ground.http, form_of(made, size_bytes=5), b"video") < 300, "an honest upload was refused")
    return str(made.name)


def _pages(ground: Ground) -> Iterator[Trial]:
    with ground.calling() as stub:
        for _ in range(2):
            upload = _uploaded(ground, ground.a.metadata)
            stub.CreateJob(api.CreateJobRequest(upload=upload), metadata=ground.a.metadata, timeout=ANSWER_S)
        page = stub.ListJobs(api.ListJobsRequest(page_size=1), metadata=ground.a.metadata, timeout=ANSWER_S)

    def token(text: bytes) -> str:
        return base64.urlsafe_b64encode(text).decode()

    tenant, job = ground.a.name, ground.hers.id
    tokens = [page.next_page_token, "x", "%", "=" * 1000, token(b"after:" + b"\xff" * 9), "ä"]
    tokens += [
        token(f"after:{one}".encode()) for one in (tenant, f"{tenant}.{job}", f"../{tenant}/{job}", "*", ">", "\0")
    ]
    tokens += [token(b""), token(b"before:x"), token(b"x" * 3000)]
    for number, one in enumerate(tokens):
        yield f"page token {number}", partial(_nothing_of_hers, ground, one)


def _nothing_of_hers(ground: Ground, token: str) -> None:
    with ground.calling() as stub:
        request = api.ListJobsRequest(page_token=token, page_size=2**31 - 1)
        try:
            answer = stub.ListJobs(request, metadata=ground.b.metadata, timeout=ANSWER_S)
        except grpc.RpcError as error:
            hold(error.code() is Code.INVALID_ARGUMENT, f"{error.code()}: {error.details()}")
            return
    hers = {f"jobs/{job.id}" for job in ground.a.client.list()}
    hold(not hers & {job.name for job in answer.jobs}, "A's jobs in B's list")


def _request_ids(ground: Ground) -> Iterator[Trial]:
    yield "A's request id", partial(_same_request_id, ground)
    for one in ("*", ">", "a.b", "a/b", "../x", " ", "ä", "\0", "x" * 65, "a\nb"):
        yield f"request id {one[:10]!r}", partial(_bad_request_id, ground, one)


def _bad_request_id(ground: Ground, request_id: str) -> None:
    request = api.CreateJobRequest(upload="uploads/x", request_id=request_id)
    _refused(ground, "CreateJob", request, (Code.INVALID_ARGUMENT,))


def _same_request_id(ground: Ground) -> None:
    made = []
    for tenant in (ground.a, ground.b):
        upload = _uploaded(ground, tenant.metadata)
        with ground.calling() as stub:
            request = api.CreateJobRequest(upload=upload, request_id="attack-same")
            made.append(stub.CreateJob(request, metadata=tenant.metadata, timeout=ANSWER_S).name)
    hold(made[0] != made[1], "the same job for both")


def _file_names(ground: Ground) -> Iterator[Trial]:
    for name in (
        "", ".", "..", "../clip.mp4", "a/b.mp4", "a\\b.mp4", "/etc/passwd", "\0", "a\nb", "a\rb", "\x1b[2J", "x" * 300,
        "${filename}", "%2e%2e%2f", "a\u2028b", "\u202egpm.4pm", "con", "clip.mp4?x=y", "a\"b'c", "-rf", " ", "é" * 100,
        "<b>", "uploads", "manifest.json",
    ):  # fmt: skip
        yield f"file name {name[:20]!r}", partial(_file_name, ground, name)


def _file_name(ground: Ground, name: str) -> None:
    """Refused, or a place of B's own."""
    with ground.calling() as stub:
        request = api.CreateUploadRequest(file_name=name, size_bytes=5)
        try:
            made = stub.CreateUpload(request, metadata=ground.b.metadata, timeout=ANSWER_S)
        except grpc.RpcError as error:
            hold(error.code() is Code.INVALID_ARGUMENT, f"{error.code()}: {error.details()}")
            return
    form, before = form_of(made, size_bytes=5), set(ground.store.keys(""))
    send(ground.http, form, b"video")
    new = set(ground.store.keys("")) - before
    prefix = f"tenants/{ground.b.name}/uploads/{made.name.removeprefix('uploads/')}/"
    hold(all(key.startswith(prefix) and "/../" not in key for key in new), f"objects elsewhere: {new}")
    ground.store.remove_all(prefix)
    ground.check_hers()


def _creations(ground: Ground) -> Iterator[Trial]:
    """Webhooks and settings that a job can't have."""
    for number, address in enumerate(_webhooks()):
        request = api.CreateJobRequest(upload="uploads/x", webhook_uri=address)
        yield f"webhook {number}: {address[:40]!r}", partial(
            _refused, ground, "CreateJob", request, (Code.INVALID_ARGUMENT,)
        )  # fmt: skip
    for settings in _settings():
        request = api.CreateJobRequest(upload="uploads/x", settings=settings)
        words = str(settings).replace("\n", " ")[:50]
        yield f"settings {words}", partial(_refused, ground, "CreateJob", request, (Code.INVALID_ARGUMENT,))
    for priority in (-1, 4, 2**31 - 1):
        request = api.CreateJobRequest(upload="uploads/x", priority=priority)  # type: ignore[arg-type]
        yield f"priority {priority}", partial(_refused, ground, "CreateJob", request, (Code.INVALID_ARGUMENT,))


def _webhooks() -> Iterator[str]:
    yield from (
        f"http://{HOOKS}/", "https://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://0/", "https://0x7f.1/",
        "https://2130706433/", "https://169.254.169.254/latest/meta-data/", "https://metadata.google.internal/",
        f"https://{HOOKS}@127.0.0.1/", f"https://127.0.0.1#@{HOOKS}/", f"https://127.0.0.1\\@{HOOKS}/",
        f"https://{HOOKS}.evil.example/", f"https://evil-{HOOKS}/", f"https://a:b@{HOOKS}/",
        f"https://{HOOKS}%00.evil.example/",
        f"https://{HOOKS}\n.evil.example/", f" https://{HOOKS}/", f"https://{HOOKS} /", f"file://{HOOKS}/etc/passwd",
        f"ftp://{HOOKS}/", f"gopher://{HOOKS}/_x", f"//{HOOKS}/", HOOKS, "https://", "https:///x",
        f"https://{HOOKS}/" + "x" * 3000,
        f"https://{HOOKS}/ä", "javascript:alert(1)", f"https://{HOOKS}:99999/", "https://ⓗooks.example/",
    )  # fmt: skip


def _settings() -> Iterator[api.JobSettings]:
    for value in (-1.0, 0.5, 1e7, 1e308, _INF, -_INF, _NAN, 5e-324):
        yield api.JobSettings(focal_px=value)
    for value in (-1.0, 180.0, 1e308, _INF, _NAN):
        yield api.JobSettings(fov_deg=value)
    for value in (-1.0, 0.01, 100.0, 1e308, _INF, _NAN):
        yield api.JobSettings(person_height_m=value)
        yield api.JobSettings(person_heights=[api.PersonHeight(track_id=1, height_m=value)])
    for count in (-1, -(2**31), 2**31 - 1):
        yield api.JobSettings(max_people=count)
    yield api.JobSettings(focal_px=1000.0, fov_deg=60.0)
    yield api.JobSettings(person_heights=[api.PersonHeight(track_id=n, height_m=1.8) for n in range(51)])
    yield api.JobSettings(person_heights=[api.PersonHeight(track_id=1, height_m=1.8)] * 2)
    for number in (-1, 99, 2**31 - 1):
        yield api.JobSettings(smoothing=number)  # type: ignore[arg-type]
        yield api.JobSettings(layout=number)  # type: ignore[arg-type]
        yield api.JobSettings(export_formats=[number])  # type: ignore[list-item]
    for detector in ("../x", "a\nb", "x" * 5000):
        yield api.JobSettings(detector=detector)
