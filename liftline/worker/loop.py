"""The worker loop of detector, lifter and renderer: the same steps for every task, whatever its stage.

A task is pulled and its inputs are fetched; once a slot is free its handler runs in a thread; the files it made are
stored, the result is created if there is none yet, an event is published, the task is acknowledged. Each step is
idempotent: it may be repeated, here or by another worker, after a crash at any moment.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from liftline.files.atomic import disk_is_full
from liftline.jobs.naming import Stage, TaskKey
from liftline.pipeline.handler import GATHERS, LoadedService, StageOutcome
from liftline.pipeline.task_results import task_result
from liftline.ports import ArtifactStore, Bus, Records
from liftline.settings.services import WorkerSettings
from liftline.telemetry.logs import task_fields
from liftline.telemetry.traces import task_span
from liftline.v1.artifacts_pb2 import Artifact
from liftline.v1.events_pb2 import TaskResult
from liftline.worker._completion import Completion
from liftline.worker._heartbeats import Heartbeats
from liftline.worker.admission.admission import Admission, AlreadyDone
from liftline.worker.admission.intake import Intake
from liftline.worker.admission.slots import Slots
from liftline.worker.attempts import answer_liveness
from liftline.worker.board import TaskEnd, WorkerBoard
from liftline.worker.running_task import JobEnded, RunningTask, StopReason, check_job
from liftline.worker.task_files.input_cache import InputCache
from liftline.worker.task_files.results import discard, first_result, gather_results, store_products
from liftline.worker.task_files.scratch import scratch_folder, task_folders
from liftline.worker.task_files.task_inputs import TaskInputs
from liftline.worker.threads import HandlerThreads

EXIT_HANGING = 70
"""Exit code of a worker that ends itself because a task hangs."""
_STOP_WITHIN_S = 5.0
log = structlog.get_logger("liftline.worker")


class Worker:
    """Runs tasks of some stages until `drain` is called."""

    def __init__(
        self,
        stages: Sequence[Stage],
        *,
        bus: Bus,
        records: Records,
        store: ArtifactStore,
        board: WorkerBoard,
        settings: WorkerSettings,
        ack_wait_s: float,
        exit_process: Callable[[int], object] = os._exit,
    ) -> None:
        """`stages` in the order in which their tasks are taken; `board.worker` is unique among all processes."""
        self._bus, self._records, self._store, self._board = bus, records, store, board
        self._settings, self._ack_wait_s, self._exit_process = settings, ack_wait_s, exit_process
        self._completion = Completion(bus, records, board)
        self._running: dict[TaskKey, RunningTask] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._intake = Intake(bus, board, stages, self._running, every_s=ack_wait_s / 3)
        self._draining = asyncio.Event()

    def drain(self) -> None:
        """Take no more tasks. `run` returns when those that run have ended, soon after `grace_s` at the latest."""
        self._draining.set()

    async def run(self, loaded: LoadedService) -> None:
        """Take tasks until `drain`. Raises OutputError where there is no place for work files."""
        at_once = self._settings.tasks_at_once or loaded.at_once
        slots = Slots(at_once)
        with scratch_folder(self._settings.scratch_dir, worker=self._board.worker) as folder:
            runner = self._task_runner(loaded, slots, folder)
            answering = asyncio.create_task(
                answer_liveness(self._bus, self._board.worker, self._running.__contains__)
            )  # fmt: skip
            taking = asyncio.create_task(self._take_tasks(runner, slots=at_once + self._settings.prefetch))
            draining = asyncio.create_task(self._draining.wait())
            try:
                await asyncio.wait({taking, draining}, return_when=asyncio.FIRST_COMPLETED)
                taking.cancel()
                slots.close()
                await self._finish()
                with suppress(asyncio.CancelledError):
                    await taking
            finally:
                for task in (answering, taking, draining, *self._tasks):
                    task.cancel()

    async def _take_tasks(self, runner: _TaskRunner, *, slots: int) -> None:
        free = asyncio.Semaphore(slots)
        while True:
            await free.acquire()
            running = await self._intake.next()
            if running is None:
                free.release()
                continue
            task = asyncio.create_task(self._run_task(runner, running))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            task.add_done_callback(lambda _: free.release())

    async def _run_task(self, runner: _TaskRunner, running: RunningTask) -> None:
        ending = TaskEnd.GIVEN_BACK
        with task_span(running.key, running.delivery.headers) as traced, task_fields(running.key):
            self._board.began(running.key)
            try:
                async with runner.heartbeats.beating(running):
                    ending = await runner.run(running)
            finally:
                del self._running[running.key]
                self._board.ended(running.key, ending)
                traced.set_attribute("liftline.ending", ending)

    async def _finish(self) -> None:
        """Wait for tasks, then stop them, then cancel them."""
        await _wait(self._tasks, self._settings.grace_s)
        for running in self._running.values():
            running.request_stop(StopReason.WORKER_STOPPING)
        await _wait(self._tasks, _STOP_WITHIN_S)
        for task in self._tasks:
            task.cancel()
        await _wait(self._tasks, _STOP_WITHIN_S)

    async def _end_hanging(self, hanging: RunningTask, why: str) -> None:
        """End the process, since its thread can't be ended otherwise. Other tasks in it didn't die of anything."""
        log.error("task_hangs", why=why)
        others = [running for running in self._running.values() if running is not hanging]
        with suppress(TimeoutError):
            async with asyncio.timeout(_STOP_WITHIN_S):
                await asyncio.gather(*(self._completion.given_back(running, delay_s=0.0) for running in others))
        self._exit_process(EXIT_HANGING)

    def _task_runner(self, loaded: LoadedService, slots: Slots, folder: Path) -> _TaskRunner:
        settings, worker = self._settings, self._board.worker
        return _TaskRunner(
            loaded=loaded,
            records=self._records,
            store=self._store,
            board=self._board,
            folder=folder,
            inputs=InputCache(folder / "inputs"),
            admission=Admission(
                self._records, self._bus, slots,
                worker=worker, max_attempts=settings.max_attempts, ack_wait_s=self._ack_wait_s,
            ),
            completion=self._completion,
            heartbeats=Heartbeats(
                self._bus, self._records, self._board, every_s=self._ack_wait_s / 3,
                stall_s=settings.stall_s, deadline_s=settings.deadline_s, hangs=self._end_hanging,
            ),
            threads=HandlerThreads(),
        )  # fmt: skip


@dataclass(frozen=True)
class _TaskRunner:
    """The steps every task of this process goes through."""

    loaded: LoadedService
    records: Records
    store: ArtifactStore
    board: WorkerBoard
    folder: Path
    inputs: InputCache
    admission: Admission
    completion: Completion
    heartbeats: Heartbeats
    threads: HandlerThreads

    async def run(self, running: RunningTask) -> TaskEnd:
        """Run a task from its delivery to its end. Never raises but when cancelled."""
        try:
            result = await self._result(running)
        except AlreadyDone as earlier:
            result = earlier.result
        except asyncio.CancelledError:
            await self.completion.given_back(running, delay_s=0.0)
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the job must hear of it
            if disk_is_full(error):
                await asyncio.to_thread(self.inputs.free_disk)  # else it would come back to as full a disk
            return await self.completion.without_result(running, error)
        return await self.completion.done(running, result)

    async def _result(self, running: RunningTask) -> TaskResult:
        """The task's result: the one made here, unless another worker's was on record first."""
        await self._check_job(running)
        with self.inputs.in_use(running.key.job), task_folders(self.folder, running.key.name) as folders:
            work = TaskInputs(running, folders, self.inputs, self.store)
            await self._fetch(running, work)
            async with AsyncExitStack() as slot:
                alone = await slot.enter_async_context(self.admission.admitted(running))
                began_s = time.monotonic()
                outcome = await self._handle(running, work)
                if not alone:  # others may work while this is stored; what one of them does could kill it once more
                    await slot.aclose()
                return await self._entered(running, outcome, began_s=began_s)

    async def _entered(self, running: RunningTask, outcome: StageOutcome, *, began_s: float) -> TaskResult:
        """Store what was made and enter the result."""
        await self._check_job(running)
        artifacts = await store_products(self.store, running, outcome)
        await self._check_stored(running, artifacts)
        result = task_result(outcome, artifacts, seconds=time.monotonic() - began_s, worker=self.board.worker)
        return await running.retry(lambda: first_result(self.records, running, result))

    async def _fetch(self, running: RunningTask, work: TaskInputs) -> None:
        """Get what the handler needs, before a slot is taken."""
        await asyncio.to_thread(work.fetch_inputs)
        if (stage := GATHERS.get(running.key.stage)) is not None:
            work.segment_results = await gather_results(self.records, running, stage)

    async def _handle(self, running: RunningTask, work: TaskInputs) -> StageOutcome:
        await self._check_job(running)
        handler = self.loaded.handlers[running.key.stage]
        with running.handled():
            return await self.threads.run(lambda: handler(work))

    async def _check_stored(self, running: RunningTask, artifacts: Sequence[Artifact]) -> None:
        """Remove the products if the job has ended: its clean-up may have come before they were stored."""
        try:
            await self._check_job(running)
        except JobEnded:
            await discard(self.store, running, artifacts)
            raise

    async def _check_job(self, running: RunningTask) -> None:
        await running.retry(lambda: check_job(self.records, running))


async def _wait(tasks: set[asyncio.Task[None]], timeout_s: float) -> None:
    if tasks:
        await asyncio.wait(tasks, timeout=timeout_s)
