"""What the batch and the process of one video tell each other: JSON files in a folder of their own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import TypeAdapter

from liftline.files.atomic import write_bytes
from liftline_cli.local.process_settings import ProcessSettings


class VideoOutcome(StrEnum):
    """How the processing of one video ended; `waiting` is one that has not begun."""

    WAITING = "waiting"
    DONE = "done"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    STOPPED = "stopped"
    CRASHED = "crashed"
    INTERNAL_ERROR = "internal error"


@dataclass(frozen=True)
class Task:
    """One video to process; `quiet` and `verbose` are the reporter's and the logs'."""

    video: Path
    output_dir: Path
    settings: ProcessSettings
    quiet: bool
    verbose: bool


@dataclass(frozen=True)
class Measures:
    """Figures of a finished video, for the summary.

    Attributes:
        frames: of the video.
        people: most people seen in one frame.
        ids: people told apart over the whole video.
        coverage: share of the frames in which somebody was seen.
        seconds: all steps, when they ran.
    """

    frames: int
    people: int
    ids: int
    coverage: float
    seconds: float


@dataclass(frozen=True)
class Report:
    """What became of a task.

    Attributes:
        outcome: in a word.
        error: what went wrong, for a person.
        kind: name of the error's class.
        exit_code: what `liftline process` would have ended with.
        measures: of a finished video.
        warnings: in order.
        details: a traceback, where the error wasn't foreseen.
    """

    outcome: VideoOutcome
    error: str | None = None
    kind: str | None = None
    exit_code: int = 0
    measures: Measures | None = None
    warnings: tuple[str, ...] = ()
    details: str | None = None


@dataclass(frozen=True)
class Mailbox:
    """Task, report and crash log of one process, as files in `folder`."""

    folder: Path

    @property
    def crash_log(self) -> Path:
        """Where the interpreter writes what it was doing when it was killed by a signal."""
        return self.folder / "crash.log"

    def send_task(self, task: Task) -> None:
        """Leave the task for the process that is about to start."""
        write_bytes(self.folder / "task.json", _TASK.dump_json(task))

    def task(self) -> Task:
        """Read the task that `send_task` left."""
        return _TASK.validate_json((self.folder / "task.json").read_bytes())

    def send_report(self, report: Report) -> None:
        """Leave the report for the process that started this one."""
        write_bytes(self.folder / "report.json", _REPORT.dump_json(report))

    def report(self) -> Report | None:
        """The report, None if the process ended without one."""
        path = self.folder / "report.json"
        return _REPORT.validate_json(path.read_bytes()) if path.exists() else None


_TASK, _REPORT = TypeAdapter(Task), TypeAdapter(Report)
