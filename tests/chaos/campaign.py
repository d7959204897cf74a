"""Jobs run while things go wrong; then every job is asked what became of it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from liftline.client import Client
from liftline.client.connection import Connection
from liftline.client.errors import NotFoundError
from liftline.client.views import Job, JobState
from liftline.errors import LiftlineError
from liftline.jobs.naming import Priority
from tests.chaos.faults import KINDS, Fault
from tests.chaos.leftovers import dead_jobs, leftovers
from tests.chaos.orders import CANCELLED, CRASHING, DELETED, Order
from tests.cluster import GATEWAY, Cluster

_PATIENCE_S = 120.0


@dataclass
class Report:
    """What a campaign found. Nothing may be in the last five."""

    jobs: int = 0
    faults: int = 0
    ends: dict[str, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    unclean: list[str] = field(default_factory=list)

    @property
    def findings(self) -> list[str]:
        """All of them, in words."""
        named = {"lost": self.lost, "stuck": self.stuck, "wrong": self.wrong, "left": self.left, "exit": self.unclean}
        return [f"{name}: {one}" for name, found in named.items() for one in found]


@dataclass(frozen=True)
class Ended:
    """An order and what became of it; job is None where it is gone."""

    order: Order
    job_id: str
    job: Job | None
    outputs: dict[str, Path]


def run(
    cluster: Cluster,
    orders: Sequence[Order],
    faults: Sequence[Fault],
    folder: Path,
    *,
    say: Callable[[str], None],
    settle_s: float = 120.0,
) -> Report:
    """Submit and disturb, then wait until everything has ended, at most `settle_s` after the last disturbance."""
    report = Report(jobs=len(orders), faults=len(faults))
    began_s = time.monotonic()
    with ThreadPoolExecutor(len(orders)) as pool:
        running = {order.number: pool.submit(_live, cluster, order, folder, began_s) for order in orders}
        _disturb(cluster, faults, say)
        cluster.wait_until_serving()
        deadline_s = time.monotonic() + settle_s
        for order in orders:
            _judge(order, running[order.number], deadline_s, report)
            say(f"{time.monotonic() - began_s:.0f} s: {report.ends}")
    died = dead_jobs(cluster)
    crashing = {future.result().job_id for future in running.values() if _is(future, CRASHING)}
    report.wrong += [f"{job} died, but isn't among the dead letters" for job in crashing - died]
    report.wrong += [f"{job} is among the dead letters, but nothing in it kills" for job in died - crashing]
    report.left += leftovers(cluster, within_s=30.0)
    return report


def _is(future: Future[Ended], kind: str) -> bool:
    return future.done() and future.exception() is None and future.result().order.kind == kind


def _disturb(cluster: Cluster, faults: Sequence[Fault], say: Callable[[str], None]) -> None:
    """Make every fault after its gap; each ends when its time is over, one of the same kind before the next of it."""
    lasting: list[tuple[float, Fault, ExitStack]] = []

    def end(*, kind: str | None = None, all_of_them: bool = False) -> None:
        for one in list(lasting):
            if all_of_them or one[1].kind == kind or one[0] <= time.monotonic():
                lasting.remove(one)
                one[2].close()

    for fault in faults:
        until_s = time.monotonic() + fault.gap_s
        while time.monotonic() < until_s:
            end()
            time.sleep(0.02)
        end(kind=fault.kind)
        say(str(fault))
        stack = ExitStack()
        KINDS[fault.kind].make(cluster, fault, stack)
        lasting.append((time.monotonic() + fault.lasts_s, fault, stack))
    while lasting:
        end()
        time.sleep(0.02)


def _live(cluster: Cluster, order: Order, folder: Path, began_s: float) -> Ended:
    """One job as its client sees it."""
    path = order.write(folder / "videos")
    gateway = cluster.of(GATEWAY)[order.number % len(cluster.of(GATEWAY))]
    connection = Connection(server=f"127.0.0.1:{gateway.port}")
    with Client(connection, retry_s=_PATIENCE_S) as client:
        time.sleep(max(0.0, began_s + order.after_s - time.monotonic()))
        job = client.submit(path, priority=Priority(order.priority), request_id=f"chaos-{order.number}")
        if order.kind in (CANCELLED, DELETED):
            time.sleep(order.touch_after_s)
        if order.kind == CANCELLED:
            client.cancel(job)
        if order.kind == DELETED:
            client.delete(job)
            return Ended(order, job.id, _gone(client, job), {})
        ended = client.wait(job)
        outputs: dict[str, Path] = {}
        if ended.state is JobState.SUCCEEDED:
            outputs = client.download(job, folder / "outputs" / f"{order.number:04d}")
        return Ended(order, job.id, ended, outputs)


def _gone(client: Client, job: Job) -> Job | None:
    try:
        return client.get(job)
    except NotFoundError:
        return None


def _judge(order: Order, future: Future[Ended], deadline_s: float, report: Report) -> None:
    name = f"{order.number} ({order.kind}, {order.file_name})"
    try:
        ended = future.result(max(0.1, deadline_s - time.monotonic()))
    except TimeoutError:
        report.stuck.append(name)
        return
    except NotFoundError as error:
        report.lost.append(f"{name}: {error}")
        return
    except LiftlineError as error:
        report.wrong.append(f"{name}: {error}")
        return
    state = ended.job.state if ended.job else None
    report.ends[str(state)] = report.ends.get(str(state), 0) + 1
    if state not in order.ends():
        report.wrong.append(f"{name}, {ended.job_id}: ended {state}, {ended.job.failure if ended.job else None}")
    elif ended.job is not None and ended.job.failure is not None and ended.job.failure.reason != order.reason:
        report.wrong.append(f"{name}, {ended.job_id}: failed by {ended.job.failure}")
    elif state is JobState.SUCCEEDED:
        report.wrong += [f"{name}, {ended.job_id}: {what}" for what in _differences(ended)]


def _differences(ended: Ended) -> list[str]:
    expected = ended.order.outputs
    found = {path: file.read_bytes() for path, file in ended.outputs.items()}
    wrong = [f"{path} isn't what it must be" for path, data in expected.items() if found.get(path) != data]
    manifest = json.loads(found.get("manifest.json", b"{}"))
    hashes = {path: hashlib.sha256(data).hexdigest() for path, data in expected.items()}
    return wrong if manifest.get("files") == hashes else [*wrong, f"manifest.json lists {manifest.get('files')}"]
