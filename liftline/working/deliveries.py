"""Tasks as they arrive: from which queue first, and whether they are what they should be."""

from __future__ import annotations

import random
from collections.abc import Sequence

from liftline.errors import InvalidArtifactError
from liftline.messages import read_task
from liftline.naming import Priority, Stage, TaskKey, consumer
from liftline.ports import Delivery
from liftline.v1.events_pb2 import Task

_WEIGHTS = {Priority.HIGH: 16, Priority.NORMAL: 4, Priority.LOW: 1}


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
