"""What is attacked: real services with TLS and tokens, and two tenants, of whom A has something and B wants it."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import grpc
import psutil
import urllib3
from pydantic import SecretStr

from liftline.adapters.s3 import S3Store
from liftline.client import Client, Connection, Job, JobState
from liftline.service.tokens import mint_token
from liftline.v1 import job_service_pb2 as api
from liftline.v1.job_service_pb2_grpc import JobServiceStub
from tests.attack import surroundings
from tests.attack.trials import FellError, hold
from tests.certificates import Authority
from tests.chaos.leftovers import store_of
from tests.cluster import DETECTOR, GATEWAY, Cluster, Part, cluster
from tests.standin_services import expected_outputs
from tests.unit.serving.keys import KeyFiles, key_files

HOOKS = "hooks.example"
"""The one host to which webhooks may go."""
ENDED_WITHIN_S = 120.0
ANSWER_S = 30.0


@dataclass(frozen=True)
class Tenant:
    """Who asks: with the client, or with whatever requests it likes."""

    name: str
    token: str
    connection: Connection
    client: Client

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What goes with its requests."""
        return (("authorization", f"Bearer {self.token}"),)


@dataclass(frozen=True)
class Ground:
    """A running system, and all that attackers and those who look after them need.

    Attributes:
        keys: of tokens.
        store: as the services have it; it sees everything.
        hers: a job of A's that succeeded. objects: what the store holds of A's.
        http: a client that knows nothing.
    """

    folder: Path
    cluster: Cluster
    authority: Authority
    keys: KeyFiles
    store: S3Store
    http: urllib3.PoolManager
    a: Tenant
    b: Tenant
    hers: Job
    objects: Mapping[str, bytes]
    dice: random.Random

    @contextmanager
    def calling(self, *, gateway: int = 0) -> Iterator[JobServiceStub]:
        """A connection of its own."""
        with self.channel(gateway=gateway) as channel:
            yield JobServiceStub(channel)

    def channel(self, *, gateway: int = 0) -> grpc.Channel:
        """The same, for requests that no stub sends."""
        credentials = grpc.ssl_channel_credentials(self.authority.file.read_bytes())
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0)]
        return grpc.secure_channel(f"localhost:{self.port(gateway)}", credentials, options=options)

    def port(self, gateway: int = 0) -> int:
        """Where a gateway listens."""
        return self.cluster.of(GATEWAY)[gateway].port

    def process(self, part: Part) -> psutil.Process:
        """A part's process as it runs now."""
        hold(part.child is not None and part.child.alive, f"{part.name} isn't running")
        assert part.child is not None
        return psutil.Process(part.child.process.pid)

    def address(self, key: str) -> str:
        """Where an object lies, without a signature."""
        return f"{self.cluster.s3.endpoint}/{self.cluster.bucket}/{quote(key)}"

    def check_hers(self) -> None:
        """Raise FellError where anything of A's was changed, or may be read by anybody."""
        now = {key: self.store.get_bytes(key, at_most=1 << 20) for key in self.store.keys(self.prefix)}
        hold(now == self.objects, f"A's objects have changed: {sorted(now)}")
        for key in self.objects:
            hold(self.http.request("GET", self.address(key)).status == 403, f"anybody can read {key}")

    def check_answers(self, *, within_s: float = 25.0) -> None:
        """Raise FellError where A isn't answered in time."""
        began_s = time.monotonic()
        with self.calling() as stub:
            stub.GetJob(api.GetJobRequest(name=f"jobs/{self.hers.id}"), metadata=self.a.metadata, timeout=ANSWER_S)
        took_s = time.monotonic() - began_s
        hold(took_s < within_s, f"A waited {took_s:.1f} s for an answer")

    @property
    def prefix(self) -> str:
        """Of all that A has in the store."""
        return f"tenants/{self.a.name}/jobs/{self.hers.id}/"

    def submitted(self, tenant: Tenant, name: str, content: bytes = b"a video") -> Job:
        """A job of a stand-in's video (`tests.standin_services`)."""
        return tenant.client.submit(_written(self.folder, name, content))

    def check_done(self, tenant: Tenant, job: Job, name: str, content: bytes = b"a video") -> None:
        """Raise FellError unless it succeeds in time and leaves what it must."""
        ended = ended_in_time(tenant, job)
        hold(ended.state is JobState.SUCCEEDED, f"{job.id} ended {ended.state}: {ended.failure}")
        into = self.folder / "outputs" / job.id
        found = {path: file.read_bytes() for path, file in tenant.client.download(job, into).items()}
        wrong = [path for path, data in expected_outputs(name, content).items() if found.get(path) != data]
        hold(not wrong, f"{job.id} left wrong {wrong}")


def ended_in_time(tenant: Tenant, job: Job, *, within_s: float = ENDED_WITHIN_S) -> Job:
    """The job once it has ended. Raises FellError where it is stuck."""
    end_s = time.monotonic() + within_s
    while not (now := tenant.client.get(job)).state.ended:
        if time.monotonic() > end_s:
            raise FellError(f"{job.id} is {now.state} after {within_s:.0f} s")
        time.sleep(0.1)
    return now


def _written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / "videos" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


@contextmanager
def standins(folder: Path, seed: int) -> Iterator[Ground]:
    """Two gateways, the second's clock can be set; workers whose stages sleep, the detector's disk is small."""
    with _ground(folder, seed, counts={"gateways": 2}, workers="tests.standin_services", hers=_standin_job) as made:
        yield made


@contextmanager
def real(folder: Path, seed: int, video: Path) -> Iterator[Ground]:
    """A gateway and one worker of each kind, as they are. A's job is of this video."""
    with _ground(folder, seed, counts={"gateways": 1}, workers=None, hers=lambda a: a.client.submit(video)) as made:
        yield made


def _standin_job(a: Tenant) -> Job:
    folder = Path(a.connection.ca_file or "").parent
    return a.client.submit(_written(folder, "standin-segments=2.mp4", b"a video of hers"))


@contextmanager
def _ground(
    folder: Path, seed: int, *, counts: Mapping[str, int], workers: str | None, hers: Callable[[Tenant], Job]
) -> Iterator[Ground]:
    folder.mkdir(parents=True, exist_ok=True)
    authority, keys = Authority(folder), key_files(folder, "rsa")
    served = authority.issue("gateway")
    options = {
        "LIFTLINE_GRPC_TLS_CERT_FILE": str(served.certificate),
        "LIFTLINE_GRPC_TLS_KEY_FILE": str(served.key),
        "LIFTLINE_GRPC_JWT_KEY_FILE": str(keys.checking),
        "LIFTLINE_GATEWAY_WEBHOOK_HOSTS": f'["{HOOKS}"]',
        "LIFTLINE_GATEWAY_WEBHOOK_SECRET": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "LIFTLINE_WORKER_MAX_ATTEMPTS": "6",
    }
    if workers is None:
        options |= {"LIFTLINE_WORKER_STALL_S": "60", "LIFTLINE_NATS_ACK_WAIT_S": "5"}
    with ExitStack() as stack:
        running = stack.enter_context(
            cluster(
                folder, **counts, options=options, workers_module=workers, proxied=True,
                adapt=_adapted(folder) if workers else lambda _: None,
            )
        )  # fmt: skip
        a, b = (_tenant(stack, name, running, keys, authority) for name in ("anna", "bert"))
        job = ended_in_time(a, hers(a))
        hold(job.state is JobState.SUCCEEDED, f"A's job ended {job.state} before anybody attacked: {job.failure}")
        store, prefix = store_of(running), f"tenants/{a.name}/jobs/{job.id}/"
        objects = {key: store.get_bytes(key, at_most=1 << 20) for key in _settled(store, prefix)}
        http = stack.enter_context(urllib3.PoolManager(retries=False, timeout=ANSWER_S))
        yield Ground(
            folder, running, authority, keys, store, http, a, b, job, objects, random.Random(seed)
        )  # fmt: skip


def _settled(store: S3Store, prefix: str) -> list[str]:
    """What is left once work files have gone."""
    end_s = time.monotonic() + 30
    while list(store.keys(f"{prefix}work/")):
        hold(time.monotonic() < end_s, "work files of a job that ended stay")
        time.sleep(0.1)
    return list(store.keys(prefix))


def _adapted(folder: Path) -> Callable[[Part], None]:
    def adapt(part: Part) -> None:
        if part.name == f"{GATEWAY}-1":
            surroundings.give_clock(part, folder)
        if part.kind == DETECTOR:
            surroundings.give_small_disk(part, folder)

    return adapt


def _tenant(stack: ExitStack, name: str, running: Cluster, keys: KeyFiles, authority: Authority) -> Tenant:
    token = mint_token(keys.signing, tenant=name, audience="liftline", lifetime=timedelta(hours=3))
    port = running.of(GATEWAY)[0].port
    connection = Connection(server=f"localhost:{port}", token=SecretStr(token), ca_file=authority.file)
    return Tenant(name, token, connection, stack.enter_context(Client(connection, retry_s=60.0)))


if sys.platform != "linux":
    raise SystemExit("The attacks need Linux: process limits, namespaces, /proc.")
