"""What an exception means for the task: it goes back, or it can't be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from liftline.errors import (
    LiftlineError,
    UnavailableError,
    causes,
)
from liftline.files.atomic import disk_is_full
from liftline.jobs.naming import SEGMENTED, TaskKey
from liftline.jobs.wire import FAILURES
from liftline.v1.job_service_pb2 import Failure

_LONGEST_MESSAGE = 2000
_AWAY_S, _DISK_FULL_S, _NO_MEMORY_S = 5.0, 5.0, 2.0


@dataclass(frozen=True)
class GoesBack:
    """It may be done later. `counts`: as if the worker had died of it, which the third time fails the job."""

    delay_s: float
    counts: bool = False


def meaning(error: Exception, key: TaskKey) -> GoesBack | Failure:
    """What an error of a handler, or of fetching and storing, means."""
    chain = list(causes(error))
    if any(isinstance(one, UnavailableError) for one in chain):
        return GoesBack(_AWAY_S)
    if disk_is_full(error):
        return GoesBack(_DISK_FULL_S)
    if any(_is_out_of_memory(one) for one in chain):
        return GoesBack(_NO_MEMORY_S, counts=True)
    if isinstance(error, LiftlineError):
        reason = next((reason for reason, kind in FAILURES.items() if isinstance(error, kind)), Failure.REASON_INTERNAL)
        return _failure(key, reason, str(error))
    return _failure(key, Failure.REASON_INTERNAL, f"A fault of Liftline's: {type(error).__name__}: {error}")


def died(key: TaskKey, workers: Sequence[str]) -> Failure:
    """The failure of a task that so many workers died of."""
    what = f"segment {key.number} of {key.stage}" if key.stage in SEGMENTED else str(key.stage)
    return _failure(
        key,
        Failure.REASON_TASK_DIED,
        f"{what}: {len(workers)} workers in turn crashed, hung or were killed while working on it, so it is given up. "
        "If other videos get done, this one is damaged in a way that breaks a decoder: convert it and submit it again.",
    )


def _failure(key: TaskKey, reason: Failure.Reason.ValueType, message: str) -> Failure:
    text = message[:_LONGEST_MESSAGE].encode(errors="replace").decode()
    return Failure(reason=reason, message=text, stage=key.stage.wire, segment=key.number)


def _is_out_of_memory(error: BaseException) -> bool:
    """PyTorch's error for a GPU is told by its name: most services have no PyTorch."""
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
