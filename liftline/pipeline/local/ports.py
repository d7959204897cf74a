"""What a local run leans on: who is told how far it is, where its files are kept, and the handlers it runs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from liftline.jobs.naming import Stage
from liftline.pipeline.handler import StageHandler
from liftline.ports import ArtifactStore, Progress


class Observer(Protocol):
    """Told what runs and what the user should know."""

    def step(self, name: str, frames: int | None) -> AbstractContextManager[Progress]:
        """A context around a stage that runs, with what counts its frames; None: they aren't counted."""

    def skipped(self, name: str) -> None:
        """A stage was finished earlier, from the same inputs and settings."""

    def warn(self, sentence: str) -> None:
        """Something the user should know; the work goes on."""


class FileStore(ArtifactStore, Protocol):
    """An artifact store whose objects are files of this machine."""

    def move_file(self, key: str, path: Path) -> None:
        """As `put_file`, but the file is gone from where it was; on one file system nothing is copied."""

    def file(self, key: str) -> Path | None:
        """The object's own file, which is to be read alone; None where nothing is."""


@dataclass(frozen=True)
class LocalStage:
    """A stage that is ready to run, and how many of its tasks run at once here."""

    handler: StageHandler
    at_once: int = 1


LocalStages = Callable[[Stage], LocalStage]
"""Gives a stage, the same at each call. Loads models when it is first asked; raises LiftlineError where that fails."""
