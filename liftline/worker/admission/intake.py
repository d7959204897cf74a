"""Intake of tasks: which queue is pulled first, checks of what arrives, redeliveries of running tasks."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import structlog

from liftline.errors import InvalidArtifactError, UnavailableError
from liftline.jobs.messages import read_task
from liftline.jobs.naming import Priority, Stage, TaskKey, consumer
from liftline.ports import Bus, Delivery
from liftline.v1.events_pb2 import Task
from liftline.worker.board import WorkerBoard
from liftline.worker.running_task import RunningTask

_WEIGHTS = {Priority.HIGH: 16, Priority.NORMAL: 4, Priority.LOW: 1}
_PULL_WAIT_S, _AWAY_S, _SOMEBODY_ELSE_S = 5.0, 1.0, 1.0
log = structlog.get_logger("liftline.worker")


class Intake:
    """Pulls tasks from the queues, checks them, and recognises redeliveries of running ones."""

    def __init__(
        self,
        bus: Bus,
        board: WorkerBoard,
        stages: Sequence[Stage],
        running: dict[TaskKey, RunningTask],
        *,
        every_s: float,
    ) -> None:
        """New tasks are entered in `running`. One without progress for `every_s` is stalled."""
        self._bus, self._board, self._stages = bus, board, stages
        self._running, self._every_s = running, every_s
        self._dice = random.Random()  # noqa: S311 - which queue is asked first is no secret

    async def next(self) -> RunningTask | None:
        """A new task; None if none arrives within 5 s, or what arrives is invalid or a redelivery."""
        try:
            delivery = await self._bus.pull(pull_order(self._stages, self._dice), wait_s=_PULL_WAIT_S)
            return None if delivery is None else await self._taken(delivery)
        except UnavailableError as error:
            log.warning("server_away", error=str(error))
            self._board.metrics.bus_errors.inc()
            await asyncio.sleep(_AWAY_S)
            return None

    async def _taken(self, delivery: Delivery) -> RunningTask | None:
        try:
            task = task_in(delivery)
        except InvalidArtifactError as error:
            log.error("no_task", error=str(error))
            self._board.went_wrong(str(error))
            await delivery.term()
            return None
        key = TaskKey.of(task.id)
        if key in self._running:
            await self._adopt(self._running[key], delivery)
            return None
        running = self._running[key] = RunningTask(key, task, delivery, self._board)
        return running

    async def _adopt(self, running: RunningTask, delivery: Delivery) -> None:
        """A running task was redelivered: keep it while it makes progress, else leave it to another worker."""
        moves = running.stalled_s < self._every_s
        log.info("task_came_again", job=running.key.job.job, task=running.key.name, moves=moves)
        if moves:
            running.delivery = delivery
        else:
            await delivery.nak(delay_s=_SOMEBODY_ELSE_S)


def pull_order(stages: Sequence[Stage], dice: random.Random) -> list[str]:
    """Names of consumers: one priority's first, drawn by weight so that none starves, then the others in order.

    Within a priority as `stages` are ordered.
    """
    first = dice.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
    priorities = [first, *(priority for priority in _WEIGHTS if priority is not first)]
    return [consumer(stage, priority) for priority in priorities for stage in stages]


def task_in(delivery: Delivery) -> Task:
    """The task in a delivery. Raises InvalidArtifactError where it is none, or not the one its subject names."""
    task = read_task(delivery)
    subject = TaskKey.of(task.id).subject(Priority.of(task.priority))
    if delivery.subject != subject:
        raise InvalidArtifactError(f"{delivery.subject}: holds the task {subject}; refused.")
    return task
