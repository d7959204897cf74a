"""What Liftline leans on, as protocols.

For stages: detectors, progress, being told to stop, and where a video's bytes are. A stage is a function from artifacts
to artifacts. It gets these from whoever runs it (the command line, a worker), and never knows which.

For services: the bus that carries tasks and events, the records that several services change, the store that holds
artifacts. Each has a real adapter (`liftline.adapters.nats`, `liftline.adapters.s3`) and one of this process's own for
tests (`liftline.adapters.memory`, `liftline.adapters.folder_store`); `tests/contract` runs one suite over both.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, Protocol

from liftline.detections import People
from liftline.frames import Frame


@dataclass(frozen=True)
class ModelInfo:
    """Which model did the work: the choice is never silent, so this goes to log, manifest and status."""

    name: str
    sha256: str
    licence: str
    source: str


class DetectorSession(Protocol):
    """One run over consecutive frames. It may remember earlier frames; a new segment starts a new session."""

    def detect(self, frames: Sequence[Frame]) -> list[People]:
        """Everyone in each of the next frames: one entry per frame, in order, in pixels of the upright frame.

        Raises LiftlineError where the model can't be run.
        """
        ...


class Detector(Protocol):
    """A loaded 2D keypoint detector, which several threads share; each of them detects in sessions of its own.

    Example: somebody in the middle of every frame.
        >>> import numpy as np
        >>> class Middle:
        ...     model = ModelInfo("middle", sha256="0" * 64, licence="MIT", source="written by hand")
        ...     batch_size, max_sessions = 1, None
        ...
        ...     def start(self) -> DetectorSession:
        ...         return self  # it remembers no frames, so it is its own session
        ...
        ...     def detect(self, frames: Sequence[Frame]) -> list[People]:
        ...         return [self._somebody(*frame.rgb.shape[:2]) for frame in frames]
        ...
        ...     def _somebody(self, height: int, width: int) -> People:
        ...         box = np.array([[0, 0, width, height]], np.float32)
        ...         keypoints = np.full((1, 17, 2), (width / 2, height / 2), np.float32)
        ...         return People(box, np.ones(1, np.float32), keypoints, np.ones((1, 17), np.float32))
        >>> detector: Detector = Middle()
        >>> (people,) = detector.start().detect([Frame(0, 0.0, np.zeros((48, 64, 3), np.uint8))])
        >>> people.boxes_px.tolist(), people.skeleton.name
        ([[0.0, 0.0, 64.0, 48.0]], 'coco17')
    """

    @property
    def model(self) -> ModelInfo:
        """Name, hash, licence and source of the model."""
        ...

    @property
    def batch_size(self) -> int:
        """Number of frames that `detect` is best given at once."""
        ...

    @property
    def max_sessions(self) -> int | None:
        """How many sessions may be in `detect` at once in one process; None: as many as there are processors."""
        ...

    def start(self) -> DetectorSession:
        """A session with no memory of earlier frames."""
        ...


class StopToken(Protocol):
    """Asked at least once per frame."""

    def raise_if_stopped(self) -> None:
        """Raise `errors.Cancelled` when the work was told to stop."""
        ...


class Progress(Protocol):
    """Counts finished frames of the current stage."""

    def advance(self, frames: int = 1) -> None:
        """Tell that so many more frames are done; 0: that work goes on where none is done yet."""
        ...


class VideoOpener(Protocol):
    """Gives a fresh seekable binary stream of the video at each call; the caller closes it."""

    def __call__(self) -> BinaryIO:
        """Open the video's bytes from the start."""
        ...


class Delivery(Protocol):
    """A message that this process answers for until it says how it ended, or doesn't say `in_progress` in time."""

    @property
    def subject(self) -> str:
        """Where it was published."""
        ...

    @property
    def data(self) -> bytes:
        """What it says."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """What is said about it."""
        ...

    @property
    def deliveries(self) -> int:
        """How often it was delivered, this time included; after a crash of the server perhaps fewer."""
        ...

    async def ack(self) -> None:
        """It is done; it is gone when this returns."""
        ...

    async def nak(self, *, delay_s: float = 0.0) -> None:
        """It is not done; deliver it again after so long."""
        ...

    async def term(self) -> None:
        """It can't be done; don't deliver it again."""
        ...

    async def in_progress(self) -> None:
        """It is worked on; wait on."""
        ...


class Bus(Protocol):
    """Tasks and events that are kept until they are done, and words in passing that aren't.

    Every method raises UnavailableError where the server can't be reached or doesn't answer.
    """

    async def publish(
        self, subject: str, data: bytes, *, message_id: str, headers: Mapping[str, str] | None = None
    ) -> None:
        """Keep a message. It is kept once this returns; it may be kept when this raises.

        A `message_id` that was kept within the last two minutes is dropped.
        """
        ...

    async def pull(self, consumers: Sequence[str], *, wait_s: float) -> Delivery | None:
        """One task of the first of these consumers (names: `naming.consumer`) that has any, or that gets one first."""
        ...

    async def pull_events(self, *, at_most: int, wait_s: float) -> list[Delivery]:
        """Events that no one has had, as soon as there is one; all callers share them."""
        ...

    async def task_subjects(self, subject_filter: str) -> set[str]:
        """Subjects of tasks that aren't done: waiting or worked on."""
        ...

    async def purge_tasks(self, subject_filter: str) -> None:
        """Forget tasks, those that are worked on too."""
        ...

    async def tell(self, subject: str, data: bytes) -> None:
        """Say something to whoever listens just now."""
        ...

    def listen(self, subject: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Hear what is told from the moment the context is entered; the oldest is dropped when nobody reads."""
        ...

    async def ask(self, subject: str, data: bytes, *, wait_s: float) -> bytes | None:
        """Ask whoever answers there; None when nobody does."""
        ...

    def answering(
        self, subject: str, answer: Callable[[bytes], Awaitable[bytes | None]]
    ) -> AbstractAsyncContextManager[None]:
        """Answer while the context lasts; None is silence."""
        ...


@dataclass(frozen=True)
class Entry:
    """A record's value and its revision, which rises with every change."""

    value: bytes
    revision: int


class Records(Protocol):
    """Small values under keys like `jobs.tenant.id`, changed by compare-and-set.

    Every method raises UnavailableError where the server can't be reached or doesn't answer; a change may have
    happened then.
    """

    async def get(self, key: str) -> Entry | None:
        """What is there."""
        ...

    async def create(self, key: str, value: bytes) -> int | None:
        """Put it where nothing is; the revision, or None where something is."""
        ...

    async def update(self, key: str, value: bytes, *, revision: int) -> int | None:
        """Put it where that revision is; the new revision, or None where another is."""
        ...

    async def delete(self, key: str) -> None:
        """Remove it, whatever its revision; nothing there is fine."""
        ...

    async def keys(self, prefix: str) -> list[str]:
        """Keys that begin with `prefix`, which ends in a dot; sorted."""
        ...

    async def delete_all(self, prefix: str) -> None:
        """Remove everything whose key begins with `prefix`, which ends in a dot."""
        ...


class ArtifactStore(Protocol):
    """Objects under keys like `tenants/<tenant>/...`. An object is whole or absent. Safe to use from several threads.

    Every method raises UnavailableError where the server can't be reached or doesn't answer after a few tries, and
    InvalidArtifactError where a key that is read isn't there.
    """

    def put_file(self, key: str, path: Path) -> None:
        """Store a file's bytes."""
        ...

    def put_bytes(self, key: str, data: bytes) -> None:
        """Store bytes."""
        ...

    def get_file(self, key: str, path: Path) -> None:
        """Fetch an object into a file, which is whole or absent."""
        ...

    def get_bytes(self, key: str, *, at_most: int) -> bytes:
        """An object's bytes. Raises InvalidArtifactError where there are more than `at_most`."""
        ...

    def open(self, key: str) -> BinaryIO:
        """An object as a seekable stream that fetches ranges when they are read."""
        ...

    def size(self, key: str) -> int | None:
        """Length in bytes; None where nothing is."""
        ...

    def copy(self, source: str, target: str) -> None:
        """Copy inside the store."""
        ...

    def remove(self, key: str) -> None:
        """Remove an object; nothing there is fine."""
        ...

    def remove_all(self, prefix: str) -> None:
        """Remove everything whose key begins with `prefix`, which ends in a slash."""
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys that begin with `prefix`."""
        ...

    def upload_address(self, key: str, *, size_bytes: int, expires: timedelta) -> str:
        """A URL where anyone may PUT the object's bytes; so many, where the store can see to that."""
        ...

    def download_address(self, key: str, *, expires: timedelta, file_name: str) -> str:
        """A URL where anyone may GET the object's bytes, which browsers save as `file_name`."""
        ...
