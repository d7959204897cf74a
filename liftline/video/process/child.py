"""A reading process: takes one task after the other from its parent, until the parent is gone or something was odd."""

from __future__ import annotations

import importlib
import json
import math
import resource
import socket
import sys
import traceback
from collections.abc import MutableMapping, Sequence
from typing import Any, NoReturn

import av
import structlog

from liftline.errors import LiftlineError, LimitExceededError
from liftline.video.process import memory
from liftline.video.process._messages import Say, receive, send
from liftline.video.process.session import Session

_LEFT_OVER_BYTES = 64 << 20
"""More than that, kept by libraries after a task, is the next one's to pay for: rather a new process."""


def main() -> None:
    """Until there are no more tasks. The argument is the number of a socket to the parent."""
    parent = socket.socket(fileno=int(sys.argv[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    av.logging.set_level(None)
    _send_logs(parent)
    importlib.import_module("liftline.video.reading")
    own_bytes, keep = memory.used_bytes(), True
    while keep:
        try:
            kind, line = receive(parent)
        except EOFError:
            return
        if kind is Say.TASK:  # what a task before didn't wait for is of no use any more
            keep = _work(parent, json.loads(line), own_bytes)


def _work(parent: socket.socket, task: dict[str, Any], own_bytes: int) -> bool:
    """One task; returns whether the process is as good as new."""
    count = bool(task["pictures"]) + task["is_file"]
    descriptors = list(socket.recv_fds(parent, 1, count)[1]) if count else []
    _, payload = receive(parent)
    memory.limit(own_bytes + (task["memory_mb"] << 20) - _shared_bytes(task["pictures"]))
    session = Session(parent, task, descriptors)
    kind, body, sound = _outcome(session, task, payload)
    session.close()
    memory.unlimit()
    keep = sound and memory.used_bytes() - own_bytes <= _LEFT_OVER_BYTES
    send(parent, kind, (b"k" if keep else b"-") + body)
    return keep


def _shared_bytes(pictures: tuple[int, Sequence[int]] | None) -> int:
    """Of the pictures that are handed over, which the kernel doesn't count."""
    return pictures[0] * math.prod(pictures[1]) if pictures else 0


def _outcome(session: Session, task: dict[str, Any], payload: bytes) -> tuple[Say, bytes, bool]:
    """What to tell of it, and whether the process may go on."""
    try:
        module, _, name = task["function"].partition(":")
        session.alive.raise_if_stopped()
        work = getattr(importlib.import_module(module), name)
        return Say.DONE, work(session, task["request"], payload) or b"", True
    except MemoryError:
        words = (
            f"{task['name']}: opening and decoding it takes more than {task['memory_mb']} MB of memory, which is the "
            "limit (tracks, index, size, depth and reference frames of pictures count); export it again with one video "
            "track, or scale it down."
        )
        return Say.REFUSED, _told(LimitExceededError(words)), False
    except (LiftlineError, OSError) as error:
        return Say.REFUSED, _told(error), True
    except Exception:  # noqa: BLE001 - a fault of ours, which the parent raises
        return Say.FAILED, traceback.format_exc().encode(), False


def _told(error: LiftlineError | OSError) -> bytes:
    if isinstance(error, OSError):
        return json.dumps(["OSError", error.errno, error.strerror, error.filename and str(error.filename)]).encode()
    return json.dumps([type(error).__name__, str(error)]).encode()


def _send_logs(parent: socket.socket) -> None:
    """What is logged here, the parent logs."""

    def to_parent(_: Any, level: str, event: MutableMapping[str, Any]) -> NoReturn:
        if level == "warning":
            send(parent, Say.LOG, json.dumps(event, default=str).encode())
        raise structlog.DropEvent

    structlog.configure(processors=[to_parent])


if __name__ == "__main__":
    main()
