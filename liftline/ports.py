"""What Liftline leans on, as protocols.

For stages: detectors, progress, being told to stop, and where a video's bytes are. A stage is a function from artifacts
to artifacts. It gets these from whoever runs it (the command line, a worker), and never knows which.

For services: the bus that carries tasks and events, the records that several services change, the store that holds
artifacts. Each has an adapter that speaks to a server (`liftline.adapters.nats`, `liftline.adapters.s3`) and one that
needs none (`tests.memory`, `liftline.adapters.folder_store`); `tests/contract` runs one suite over both.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from liftline.upload_form import UploadForm

if TYPE_CHECKING:  # they need NumPy, which the Python client does without
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
        >>> from liftline.detections import People
        >>> from liftline.frames import Frame
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
    """Tells a stage to stop; a stage checks it at least once per frame."""

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


class BlockCheck(Protocol):
    """Looks at blocks of an object before anybody else does (`liftline.files.block_hashes`)."""

    def __call__(self, offset: int, block: bytes) -> None:
        """Raise WrongAnswerError where it isn't what was stored there; then it is read again."""
        ...


class Delivery(Protocol):
    """A delivered message: this process owns it until it acks, naks or terms it, or misses the ack deadline."""

    @property
    def subject(self) -> str:
        """Where it was published."""
        ...

    @property
    def data(self) -> bytes:
        """The payload."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers."""
        ...

    @property
    def deliveries(self) -> int:
        """Number of deliveries, this one included; after a crash of the server perhaps fewer."""
        ...

    async def ack(self) -> None:
        """Acknowledge: the message is done and removed when this returns."""
        ...

    async def nak(self, *, delay_s: float = 0.0) -> None:
        """Not done: redeliver it after `delay_s` seconds."""
        ...

    async def term(self) -> None:
        """Give up: the message is not delivered again."""
        ...

    async def in_progress(self) -> None:
        """Extend the ack deadline: work goes on."""
        ...


class Bus(Protocol):
    """Durable tasks and events, and unstored messages (publish/subscribe, request/reply).

    Every method raises UnavailableError where the server can't be reached or doesn't answer.
    """

    async def publish(
        self, subject: str, data: bytes, *, message_id: str, headers: Mapping[str, str] | None = None
    ) -> None:
        """Store a message. It is stored once this returns; it may have been stored when this raises.

        A message whose `message_id` was stored within the last two minutes is dropped.
        """
        ...

    async def pull(self, consumers: Sequence[str], *, wait_s: float) -> Delivery | None:
        """One task of the first of `consumers` (names: `naming.consumer`) that has one; None after `wait_s` seconds."""
        ...

    async def pull_events(self, *, at_most: int, wait_s: float) -> list[Delivery]:
        """Up to `at_most` undelivered events, as soon as there is one; all callers share one consumer."""
        ...

    async def task_subjects(self, subject_filter: str) -> set[str]:
        """Subjects of unfinished tasks, waiting or in progress."""
        ...

    async def purge_tasks(self, subject_filter: str) -> None:
        """Remove tasks from the queue, those in progress too."""
        ...

    async def tell(self, subject: str, data: bytes) -> None:
        """Publish an unstored message to current subscribers."""
        ...

    def listen(self, subject: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Subscribe while the context lasts; the oldest messages are dropped when nobody reads."""
        ...

    async def ask(self, subject: str, data: bytes, *, wait_s: float) -> bytes | None:
        """Request/reply: the answer, or None when nobody answers within `wait_s` seconds."""
        ...

    def answering(
        self, subject: str, answer: Callable[[bytes], Awaitable[bytes | None]]
    ) -> AbstractAsyncContextManager[None]:
        """Answer requests on `subject` while the context lasts; None sends no reply."""
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
        """Return the entry, or None if the key doesn't exist."""
        ...

    async def get_all(self, keys: Sequence[str]) -> Mapping[str, Entry]:
        """Return the entries of those keys that exist, of one kind of record (`jobs.`), not as of one moment."""
        ...

    async def create(self, key: str, value: bytes) -> int | None:
        """Create the entry if the key is absent; return its revision, or None if the key exists."""
        ...

    async def update(self, key: str, value: bytes, *, revision: int) -> int | None:
        """Compare-and-set: replace the entry of this revision; return the new one, or None if another is there."""
        ...

    async def delete(self, key: str) -> None:
        """Delete the key, whatever its revision. Idempotent."""
        ...

    async def keys(self, prefix: str) -> list[str]:
        """All keys that begin with `prefix` (which ends in a dot), sorted."""
        ...

    async def delete_all(self, prefix: str) -> None:
        """Delete all keys that begin with `prefix` (which ends in a dot)."""
        ...


class ArtifactStore(Protocol):
    """Objects under keys like `tenants/<tenant>/...`. An object is whole or absent. Safe to use from several threads.

    Every method raises UnavailableError where the server can't be reached or doesn't answer after a few tries, and
    InvalidArtifactError where a key that is read isn't there.
    """

    def put_file(self, key: str, path: Path) -> None:
        """Store the bytes of the file at `path` under `key`, replacing what is there."""
        ...

    def put_bytes(self, key: str, data: bytes) -> None:
        """Store `data` under `key`, replacing what is there."""
        ...

    def get_file(self, key: str, path: Path) -> None:
        """Download an object to `path`; the file is complete or absent."""
        ...

    def get_bytes(self, key: str, *, at_most: int) -> bytes:
        """An object's bytes. Raises InvalidArtifactError where there are more than `at_most`."""
        ...

    def open(self, key: str, *, check: BlockCheck | None = None) -> BinaryIO:
        """A seekable stream over an object, which fetches byte ranges as they are read, in blocks that are checked.

        Reading raises AlteredArtifactError where a block is wrong in the same way however often it is read.
        """
        ...

    def size(self, key: str) -> int | None:
        """Length of an object in bytes, or None if it doesn't exist."""
        ...

    def copy(self, source: str, target: str) -> None:
        """Server-side copy of one object to another key."""
        ...

    def remove(self, key: str) -> None:
        """Delete an object. Idempotent."""
        ...

    def remove_all(self, prefix: str) -> None:
        """Delete all objects whose key begins with `prefix` (which ends in a slash)."""
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """All keys that begin with `prefix`."""
        ...

    def upload_form(self, key: str, *, size_bytes: int, expires: timedelta) -> UploadForm:
        """A form by which anyone may put exactly so many bytes under this key, for a while, and do nothing else.

        Whatever headers and fields come with it, what is stored is the bytes that were sent, and private. Raises
        ValueError for keys that `store_keys.form_key` would change.
        """
        ...

    def download_address(self, key: str, *, expires: timedelta, file_name: str) -> str:
        """A URL where anyone may GET the object's bytes, which browsers save as `file_name`."""
        ...
