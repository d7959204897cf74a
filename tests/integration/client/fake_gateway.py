# ruff: noqa: N802
"""A gateway of a few lines: it does no work, and misbehaves as told. Its artifact store is a real HTTP server."""

from __future__ import annotations

import hashlib
import json
import re
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Never

import grpc
from google.protobuf.empty_pb2 import Empty

from liftline.client import Connection
from liftline.v1 import job_service_pb2 as pb
from liftline.v1.job_service_pb2_grpc import JobServiceServicer, add_JobServiceServicer_to_server
from tests.certificates import Authority, Certificate
from tests.forms import read_form

Fault = Callable[["StoreHandler"], None]


class Store(ThreadingHTTPServer):
    """Objects by path; before it answers, every request uses up one of `faults`."""

    daemon_threads = True

    def __init__(self, certificate: Certificate | None = None) -> None:
        super().__init__(("127.0.0.1", 0), StoreHandler)
        self.scheme = "https" if certificate else "http"
        if certificate:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate.certificate, certificate.key)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.objects: dict[str, bytes] = {}
        self.faults: deque[Fault] = deque()
        self.ranges: list[str | None] = []

    def address(self, key: str) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}/{key}"

    def handle_error(self, *_: Any) -> None:
        """Clients that go away are part of the tests."""


class StoreHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Store

    def do_POST(self) -> None:
        if self.server.faults:
            return self.server.faults.popleft()(self)
        length = int(self.headers["Content-Length"])
        if len(body := self.rfile.read(length)) == length:
            fields, file = read_form(self.headers["Content-Type"], body)
            self.server.objects[fields["key"]] = file
            self.answer(204)
        return None

    def do_PUT(self) -> None:
        if self.server.faults:
            return self.server.faults.popleft()(self)
        length = int(self.headers["Content-Length"])
        if len(body := self.rfile.read(length)) == length:
            self.server.objects[self.path[1:]] = body
            self.answer(200)
        return None

    def do_GET(self) -> None:
        self.server.ranges.append(self.headers["Range"])
        if self.server.faults:
            return self.server.faults.popleft()(self)
        self.send_object()
        return None

    def send_object(self, *, break_after: int | None = None) -> None:
        content = self.server.objects[self.path[1:]]
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers["Range"] or "")
        start = int(wanted[1]) if wanted else 0
        headers = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if wanted else {}
        self.answer(206 if wanted else 200, content[start:], headers, break_after=break_after)

    def answer(
        self,
        status: int,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        break_after: int | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:break_after])
        self.close_connection = break_after is not None or status >= 400

    def log_message(self, *_: Any) -> None:
        pass


def broken_after(count: int) -> Fault:
    """The connection breaks after so many bytes."""
    return lambda handler: handler.send_object(break_after=count)


def status(code: int) -> Fault:
    """An answer without bytes."""
    return lambda handler: handler.answer(code)


class Gateway(JobServiceServicer):
    """Jobs that stand where the test puts them. Before it answers, every call uses up one of `faults`.

    With `gives_puts` it is of a version that knows no upload forms.
    """

    def __init__(self, store: Store, credentials: grpc.ServerCredentials | None = None) -> None:
        self.store, self._credentials = store, credentials
        self.jobs: dict[str, pb.Job] = {}
        self.requests: dict[str, tuple[pb.CreateJobRequest, str]] = {}
        self.trees: dict[str, dict[str, bytes]] = {}
        self.faults: deque[grpc.StatusCode] = deque()
        self.tokens: list[str | None] = []
        self.changed = threading.Condition()
        self.lost_answers = 0
        self.gives_puts = False
        self._server: grpc.Server | None = None
        self.port = 0

    @property
    def connection(self) -> Connection:
        return Connection(server=f"127.0.0.1:{self.port}")

    def start(self) -> None:
        self._server = grpc.server(ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)])
        add_JobServiceServicer_to_server(self, self._server)
        address = f"127.0.0.1:{self.port}"
        self.port = (
            self._server.add_secure_port(address, self._credentials)
            if self._credentials
            else self._server.add_insecure_port(address)
        )
        self._server.start()

    def stop(self) -> None:
        """End at once, streams included."""
        assert self._server is not None
        self._server.stop(0).wait()
        with self.changed:
            self.changed.notify_all()

    def put(self, job: pb.Job) -> None:
        """A job is so from now on."""
        with self.changed:
            self.jobs[job.name] = job
            self.changed.notify_all()

    def succeed(self, name: str, tree: dict[str, bytes]) -> None:
        """The job has made these files."""
        files = {path: hashlib.sha256(data).hexdigest() for path, data in tree.items()}
        self.trees[name] = {**tree, "manifest.json": json.dumps({"schema_version": 1, "files": files}).encode()}
        job = pb.Job()
        job.CopyFrom(self.jobs[name])
        job.state = pb.Job.STATE_SUCCEEDED
        self.put(job)

    def CreateUpload(self, request: pb.CreateUploadRequest, context: Any) -> pb.Upload:
        self._begin(context)
        name = f"uploads/{len(self.store.objects)}"
        key = f"{name}/{request.file_name}"
        if self.gives_puts:
            return pb.Upload(name=name, upload_uri=self.store.address(key))
        return pb.Upload(
            name=name, upload_uri=self.store.address(""), upload_method="POST", upload_fields={"key": key}
        )  # fmt: skip

    def CreateJob(self, request: pb.CreateJobRequest, context: Any) -> pb.Job:
        self._begin(context)
        known = self.requests.get(request.request_id)
        if known and known[0] != request:
            context.abort(grpc.StatusCode.ALREADY_EXISTS, f"{request.request_id}: another request came under it.")
        if not known:
            (path,) = [key for key in self.store.objects if key.startswith(f"{request.upload}/")]
            name = f"jobs/j{len(self.jobs)}"
            self.requests[request.request_id] = (request, name)
            self.put(
                pb.Job(
                    name=name, state=pb.Job.STATE_QUEUED, video_name=path.rpartition("/")[2],
                    settings=request.settings, priority=request.priority, webhook_uri=request.webhook_uri,
                )
            )  # fmt: skip
        self._lose(context)
        return self.jobs[self.requests[request.request_id][1]]

    def GetJob(self, request: pb.GetJobRequest, context: Any) -> pb.Job:
        self._begin(context)
        return self._find(request.name, context)

    def ListJobs(self, request: pb.ListJobsRequest, context: Any) -> pb.ListJobsResponse:
        self._begin(context)
        first = int(request.page_token or 0)
        jobs = list(self.jobs.values())[::-1]
        page = jobs[first : first + 2]
        return pb.ListJobsResponse(jobs=page, next_page_token=str(first + 2) if first + 2 < len(jobs) else "")

    def WatchJob(self, request: pb.WatchJobRequest, context: Any) -> Iterator[pb.WatchJobResponse]:
        self._begin(context)
        last = None
        while context.is_active() and (last is None or last.state < pb.Job.STATE_SUCCEEDED):
            with self.changed:
                if self.jobs.get(request.name) is last:
                    self.changed.wait(0.2)
                now = self._find(request.name, context)
            if now is not last:
                last = now
                yield pb.WatchJobResponse(job=now)

    def CancelJob(self, request: pb.CancelJobRequest, context: Any) -> pb.Job:
        self._begin(context)
        job = pb.Job()
        job.CopyFrom(self._find(request.name, context))
        job.state = pb.Job.STATE_CANCELLED
        self.put(job)
        return job

    def DeleteJob(self, request: pb.DeleteJobRequest, context: Any) -> Empty:
        self._begin(context)
        del self.jobs[self._find(request.name, context).name]
        self._lose(context)
        return Empty()

    def ListArtifacts(self, request: pb.ListArtifactsRequest, context: Any) -> pb.ListArtifactsResponse:
        self._begin(context)
        if self._find(request.name, context).state != pb.Job.STATE_SUCCEEDED:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"{request.name}: not finished.")
        answer = pb.ListArtifactsResponse()
        for path, data in self.trees[request.name].items():
            key = f"{request.name}/{path}"
            self.store.objects.setdefault(key, data)
            sha256 = "" if path == "manifest.json" else hashlib.sha256(data).hexdigest()
            answer.files.add(path=path, size_bytes=len(data), sha256=sha256, download_uri=self.store.address(key))
        return answer

    def _begin(self, context: Any) -> None:
        self.tokens.append(dict(context.invocation_metadata()).get("authorization"))
        if self.faults:
            context.abort(self.faults.popleft(), "as the test told")

    def _lose(self, context: Any) -> None:
        if self.lost_answers:
            self.lost_answers -= 1
            context.abort(grpc.StatusCode.UNAVAILABLE, "the answer is lost")

    def _find(self, name: str, context: Any) -> pb.Job:
        return self.jobs.get(name) or _missing(name, context)


def _missing(name: str, context: Any) -> Never:
    context.abort(grpc.StatusCode.NOT_FOUND, f"{name}: not found.")
    raise AssertionError


@contextmanager
def running(certificate: Certificate | None = None, *, clients_of: Authority | None = None) -> Iterator[Gateway]:
    """Serve while the block runs; with a certificate by TLS alone, with an authority only to clients that it knows."""
    with Store(certificate) as store:
        thread = threading.Thread(target=store.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        gateway = Gateway(store, _credentials(certificate, clients_of) if certificate else None)
        gateway.start()
        try:
            yield gateway
        finally:
            gateway.stop()
            store.shutdown()
            thread.join()


def _credentials(certificate: Certificate, clients_of: Authority | None) -> grpc.ServerCredentials:
    return grpc.ssl_server_credentials(
        [(certificate.key.read_bytes(), certificate.certificate.read_bytes())],
        root_certificates=clients_of.file.read_bytes() if clients_of else None,
        require_client_auth=clients_of is not None,
    )
