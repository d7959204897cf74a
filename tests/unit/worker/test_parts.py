"""Slots, queues, threads, the cache of inputs, the folder for work files."""

from __future__ import annotations

import asyncio
import contextvars
import random
import threading
from collections import Counter
from pathlib import Path

import pytest

from liftline.adapters.folder_store import FolderStore
from liftline.errors import OutputError
from liftline.jobs.naming import JobKey, Stage
from liftline.v1.artifacts_pb2 import ArtifactRef
from liftline.worker.admission.intake import pull_order
from liftline.worker.admission.slots import Slots, SlotsClosed, SlotTimeout
from liftline.worker.task_files.input_cache import InputCache, fetch_checked
from liftline.worker.task_files.scratch import scratch_folder
from liftline.worker.threads import HandlerThreads


def test_all_queues_are_asked_a_later_stage_before_an_earlier_one() -> None:
    order = pull_order([Stage.DETECT, Stage.PLAN], random.Random(1))
    assert sorted(order) == sorted(f"{s}-{p}" for s in ("detect", "plan") for p in ("high", "normal", "low"))
    assert all(order.index(f"detect-{p}") < order.index(f"plan-{p}") for p in ("high", "normal", "low"))


def test_low_priority_is_asked_first_now_and_then() -> None:
    dice = random.Random(1)
    first = Counter(pull_order([Stage.DETECT], dice)[0] for _ in range(2100))
    assert 1400 < first["detect-high"] < 1800
    assert 50 < first["detect-low"] < 160


async def test_nobody_passes_who_waits_to_be_alone() -> None:
    slots, order = Slots(2), list[str]()

    async def take(name: str, *, alone: bool = False) -> None:
        async with slots.slot(alone=alone):
            order.append(f"{name} begins")
            await asyncio.sleep(0.02)
            order.append(f"{name} ends")

    await asyncio.gather(take("first"), take("alone", alone=True), take("second"), take("third"))
    assert order[:4] == ["first begins", "first ends", "alone begins", "alone ends"]
    assert order[4:6] == ["second begins", "third begins"]


async def test_a_turn_that_is_late_leaves_the_queue_in_order() -> None:
    slots = Slots(1)
    async with slots.slot():
        with pytest.raises(SlotTimeout):
            async with slots.slot(within_s=0.01):
                raise AssertionError
    async with slots.slot(within_s=0.01):
        pass


async def test_who_was_late_to_be_alone_lets_others_pass() -> None:
    slots = Slots(2)
    async with slots.slot():
        with pytest.raises(SlotTimeout):
            async with slots.slot(alone=True, within_s=0.01):
                raise AssertionError
        async with slots.slot(within_s=0.01):
            pass


async def test_a_cancelled_wait_takes_no_turn() -> None:
    slots = Slots(1)

    async def wait() -> None:
        async with slots.slot():
            pass

    async with slots.slot():
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
    waiting.cancel()  # its turn has come, and it doesn't know yet
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with slots.slot(within_s=0.01):
        pass


async def test_after_the_end_there_are_no_more_turns() -> None:
    slots = Slots(1)

    async def wait() -> None:
        async with slots.slot():
            raise AssertionError

    async with slots.slot():
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        slots.close()
        with pytest.raises(SlotsClosed):
            await waiting
    with pytest.raises(SlotsClosed):
        await wait()


async def test_handlers_meet_the_same_threads_again() -> None:
    threads = HandlerThreads()
    names = [await threads.run(threading.get_ident) for _ in range(20)]
    assert len(set(names)) == 1


async def test_a_handler_has_the_context_of_its_task() -> None:
    variable = contextvars.ContextVar("variable", default="nothing")

    variable.set("something")
    assert await HandlerThreads().run(variable.get) == "something"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


def test_an_upload_without_a_hash_is_checked_by_its_size(store: FolderStore, tmp_path: Path) -> None:
    store.put_bytes("a/b", b"12345")
    fetch_checked(store, ArtifactRef(key="a/b", size_bytes=5), tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"12345"


def plan_of(job: JobKey) -> ArtifactRef:
    return ArtifactRef(key=f"{job.prefix}plan", size_bytes=10)


def test_files_of_jobs_nobody_works_on_make_room(tmp_path: Path) -> None:
    cache = InputCache(tmp_path / "inputs", keep_bytes=25)
    jobs = [JobKey("acme", f"job{number}") for number in range(4)]
    fetched: list[str] = []

    def fetch(ref: ArtifactRef, path: Path) -> None:
        fetched.append(ref.key)
        path.write_bytes(bytes(10))

    def use(job: JobKey) -> None:
        with cache.in_use(job):
            assert cache.file(plan_of(job), job, fetch).stat().st_size == 10

    with cache.in_use(jobs[0]):
        kept = cache.file(plan_of(jobs[0]), jobs[0], fetch)
        for job in [*jobs[1:], jobs[2], jobs[3], jobs[1]]:
            use(job)
        assert kept.exists()
    assert [key.split("/")[3] for key in fetched] == ["job0", "job1", "job2", "job3", "job1"]


def test_many_who_need_the_same_input_fetch_it_once(tmp_path: Path) -> None:
    cache, job, fetched = InputCache(tmp_path), JobKey("acme", "job"), list[str]()
    begin = threading.Barrier(8)

    def fetch(ref: ArtifactRef, path: Path) -> None:
        fetched.append(ref.key)
        path.write_bytes(b"")

    def use() -> None:
        begin.wait()
        with cache.in_use(job):
            cache.file(plan_of(job), job, fetch)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(fetched) == 1


def test_what_a_killed_worker_left_is_removed_and_what_a_live_one_has_stays(tmp_path: Path) -> None:
    (tmp_path / "liftline-work-dead" / "detect-0").mkdir(parents=True)
    (tmp_path / "another's").mkdir()
    with scratch_folder(tmp_path, worker="first") as first:
        assert first.stat().st_mode & 0o777 == 0o700, "videos are nobody else's"
        with scratch_folder(tmp_path, worker="second") as second:
            assert {path.name for path in tmp_path.iterdir()} == {first.name, second.name, "another's"}
        assert first.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["another's"]


def test_a_place_where_nothing_can_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="LIFTLINE_WORKER_SCRATCH_DIR"), scratch_folder(tmp_path / "file", worker="w"):
        pass
