"""Running a function on a video in a reading process: starting and lending processes, serving them, what ended one.

A process works for one video at a time and is used again where nothing was odd; importing libav takes it 0.2 s.
"""

from __future__ import annotations

import atexit
import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NoReturn

import structlog

from liftline import errors
from liftline.errors import InvalidVideoError, LiftlineError, LimitExceededError
from liftline.ports import StopToken, VideoOpener
from liftline.video.process._messages import FRAME, READ, Say, receive, send
from liftline.video.process.pictures import SharedPictures
from liftline.video.process.session import SILENT_S

_MODULE = "liftline.video.process.child"
_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")
_KEPT_PREFIXES = ("LC_", "LD_", "DYLD_", "PYTHON", "COV_")
"""Of the environment: credentials aren't among them."""

_FEW_THREADS = {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
"""NumPy's would do nothing there. A heap for each of libav's would keep its share of what the next video may take."""

_MOST_IDLE = 4
_LOOK_UP_S = 1.0
log = structlog.get_logger("liftline.video")


@dataclass(frozen=True)
class VideoTask:
    """What is to be done with a video in a reading process.

    function: "module:name" of what is called there with a Session, `request` (JSON) and `payload`, and gives bytes.
    name: the video's, for messages. opener: of its bytes, None where the function needs none of them. memory_mb: what
    opening and decoding may take. answers: to what `Session.ask` asks.
    """

    function: str
    name: str
    request: Mapping[str, Any]
    opener: VideoOpener | None
    stop: StopToken
    memory_mb: int
    payload: bytes = b""
    answers: Mapping[str, Callable[..., str]] = field(default_factory=dict)


def result_of(task: VideoTask) -> bytes:
    """What the function gives.

    Raises what it raised of `liftline.errors` or OSError, what reading the video raised here, Cancelled,
    LimitExceededError where it takes too much memory or time, InvalidVideoError where it ends the process.
    """
    steps = run(task, None)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return bytes(done.value)


def run(task: VideoTask, pictures: SharedPictures | None) -> Generator[tuple[int, int], None, bytes]:
    """The same, with the pictures that the function puts into `pictures`: room and index. Closed early, it ends it."""
    with task.opener() if task.opener else nullcontext() as file, _lent() as process:
        process.begin(task, file, pictures)
        kind, body = yield from _serve(process, task, file, pictures)
        process.is_new = body[:1] == b"k"
    if kind is Say.DONE:
        return body[1:]
    if kind is Say.REFUSED:
        _raise(*json.loads(body[1:]))
    raise RuntimeError(f"{task.name}: a fault of the process that reads videos:\n{body[1:].decode()}")


def _serve(
    process: _Process, task: VideoTask, file: BinaryIO | None, pictures: SharedPictures | None
) -> Generator[tuple[int, int], None, tuple[Say, bytes]]:
    """What the process asks for, until its last message, which is returned."""
    task.stop.raise_if_stopped()
    while True:
        if pictures and (rooms := pictures.given_back()):
            process.send(Say.FREED, rooms)
        kind, body = process.receive(task)
        task.stop.raise_if_stopped()
        if kind is Say.FRAME:
            yield FRAME.unpack(body)
        elif kind is Say.READ and file is not None:
            offset, size = READ.unpack(body)
            file.seek(offset)
            process.send(Say.BYTES, file.read(size))
        elif kind is Say.ASK:
            what, *about = json.loads(body)
            process.send(Say.ANSWER, json.dumps(task.answers[what](*about)).encode())
        elif kind is Say.LOG:
            event = json.loads(body)
            log.warning(event.pop("event"), **event)
        elif kind is not Say.ALIVE:
            return kind, body


def _raise(kind: str, *parts: Any) -> NoReturn:
    error = OSError if kind == "OSError" else getattr(errors, kind)
    raise error(*parts)


class _Process:
    """A reading process."""

    def __init__(self) -> None:
        """Started. Raises LiftlineError where it can't be."""
        self._socket, theirs = socket.socketpair()
        environment = {
            name: value
            for name, value in os.environ.items()
            if name in _KEPT_VARIABLES or name.startswith(_KEPT_PREFIXES)
        }
        command = [sys.executable, "-P", "-m", _MODULE, str(theirs.fileno())]
        with theirs:
            try:
                self._process = subprocess.Popen(  # noqa: S603 - a fixed command of this interpreter
                    command, pass_fds=[theirs.fileno()], process_group=0, env=environment | _FEW_THREADS,
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                )  # fmt: skip
            except OSError as error:
                self._socket.close()
                raise LiftlineError(f"Can't start {sys.executable} to read a video in ({error.strerror}).") from error
        self._readable = select.poll()
        self._readable.register(self._socket, select.POLLIN)
        self.owner, self.is_new = os.getpid(), False

    def begin(self, task: VideoTask, file: BinaryIO | None, pictures: SharedPictures | None) -> None:
        """Hand it its task."""
        descriptors = [pictures.descriptor] if pictures else []
        is_file = isinstance(file, io.BufferedReader) and isinstance(file.raw, io.FileIO)
        told = {
            "function": task.function, "name": task.name, "request": task.request, "memory_mb": task.memory_mb,
            "pictures": [pictures.count, pictures.shape] if pictures else None,
            "is_file": is_file, "length": file.seek(0, os.SEEK_END) if file is not None else 0,
        }  # fmt: skip
        if file is not None and is_file:
            descriptors.append(file.fileno())
        self.is_new = False
        self.send(Say.TASK, json.dumps(told).encode())
        if descriptors:
            socket.send_fds(self._socket, [b"\0"], descriptors)
        self.send(Say.PAYLOAD, task.payload)

    def send(self, kind: Say, body: bytes) -> None:
        """Tell it. Where it has ended, receiving says so."""
        try:
            send(self._socket, kind, body)
        except (BrokenPipeError, ConnectionResetError):
            return

    def receive(self, task: VideoTask) -> tuple[Say, bytes]:
        """What it says next. Raises Cancelled, and what the video did where it has ended."""
        while not self._readable.poll(_LOOK_UP_S * 1000):
            task.stop.raise_if_stopped()
        try:
            return receive(self._socket)
        except EOFError:
            raise _ended(task.name, self._process.wait()) from None

    @property
    def runs(self) -> bool:
        """Whether nobody has ended it."""
        return self._process.poll() is None

    def end(self) -> None:
        """End it, whatever it does."""
        self._socket.close()
        self._process.kill()
        self._process.wait()


def _ended(name: str, code: int) -> LiftlineError:
    """Why a process has ended, in words."""
    if code == -signal.SIGALRM:
        return LimitExceededError(
            f"{name}: for {SILENT_S:g} s nothing could be read from it, which is the limit; it is damaged, or made to "
            "take long. Export it again."
        )
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return InvalidVideoError(
        f"{name}: it ended the process that read it ({how}); it is damaged, or made to do that. Export it again."
    )


_idle: list[_Process] = []
_lock = threading.Lock()


@contextmanager
def _lent() -> Iterator[_Process]:
    """A process for one task. Where the task doesn't end well, neither does the process."""
    process = _idle_one() or _Process()
    try:
        yield process
    finally:
        with _lock:
            keep = process.is_new and len(_idle) < _MOST_IDLE
            if keep:
                _idle.append(process)
        if not keep:
            process.end()


def _idle_one() -> _Process | None:
    with _lock:
        atexit.unregister(_end_idle)
        atexit.register(_end_idle)
        while _idle:
            process = _idle.pop()
            if process.owner != os.getpid():  # of the process that this one was forked from
                continue
            if process.runs:
                return process
            process.end()
    return None


def _end_idle() -> None:
    with _lock:
        for process in _idle:
            if process.owner == os.getpid():
                process.end()
        _idle.clear()
