"""What a stage may lean on, as protocols: detectors, progress, being told to stop, and where a video's bytes are.

A stage is a function from artifacts to artifacts. It gets these from whoever runs it (the command line, a worker), and
never knows which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from liftline.detections import People
from liftline.video.frames import Frame


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
        """Everyone in each of the next frames, one entry per frame."""
        ...


class Detector(Protocol):
    """A loaded 2D keypoint detector."""

    @property
    def model(self) -> ModelInfo:
        """The model behind it."""
        ...

    @property
    def batch_size(self) -> int:
        """How many frames it likes at once."""
        ...

    @property
    def max_sessions(self) -> int | None:
        """How many sessions may run at once in one process; None: as many as there are processors."""
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
        """Tell that so many more frames are done."""
        ...


class VideoOpener(Protocol):
    """Gives a fresh seekable binary stream of the video at each call; the caller closes it."""

    def __call__(self) -> BinaryIO:
        """Open the video's bytes from the start."""
        ...
