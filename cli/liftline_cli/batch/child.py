"""The process of one video: `python -m liftline_cli.batch.child MAILBOX`, started by `runner`.

It stops when its standard input ends, which also happens when the batch dies.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
import traceback
from pathlib import Path

import numpy as np

from liftline.errors import Cancelled, ExitCode, LiftlineError
from liftline.progress import StopFlag
from liftline_cli.batch.messages import Mailbox, Measures, Report, Task, VideoOutcome
from liftline_cli.console.logging import configure_logging, quiet_libraries
from liftline_cli.console.reporting import ConsoleReporter
from liftline_cli.console.session import OUT_OF_MEMORY
from liftline_cli.console.terminal import Terminal
from liftline_cli.local.process import ProcessResult, process_video


def main() -> int:
    """Process the video of the mailbox and leave a report."""
    quiet_libraries()
    mailbox = Mailbox(Path(sys.argv[1]))
    with mailbox.crash_log.open("w") as log:
        faulthandler.enable(log)
        try:
            report = attempt(mailbox.task(), _stopped_by_end_of_input())
        except KeyboardInterrupt:
            return int(ExitCode.INTERRUPTED)
        finally:
            faulthandler.disable()
    mailbox.send_report(report)
    return report.exit_code


def _stopped_by_end_of_input() -> StopFlag:
    stop = StopFlag()

    def wait() -> None:
        os.read(sys.stdin.fileno(), 1)
        stop.stop()

    threading.Thread(target=wait, daemon=True).start()
    return stop


def attempt(task: Task, stop: StopFlag) -> Report:
    """Process one video; whatever happens becomes a report."""
    configure_logging(verbose=task.verbose)
    reporter = ConsoleReporter(Terminal(stderr=True), quiet=task.quiet)
    try:
        result = process_video(task.video, task.output_dir, settings=task.settings, reporter=reporter, stop=stop)
        outcome = VideoOutcome.DONE if result.changed else VideoOutcome.UNCHANGED
        return Report(outcome, measures=measure(result), warnings=tuple(reporter.warnings))
    except LiftlineError as error:
        outcome = VideoOutcome.STOPPED if isinstance(error, Cancelled) else VideoOutcome.FAILED
        return _failed(outcome, error, reporter)
    except MemoryError:
        return _failed(VideoOutcome.FAILED, LiftlineError(OUT_OF_MEMORY), reporter)
    except Exception as error:  # noqa: BLE001 - a bug met in one video must not end the others; its traceback is kept
        report = _failed(VideoOutcome.INTERNAL_ERROR, error, reporter)
        return Report(**{**vars(report), "details": traceback.format_exc()})


def _failed(outcome: VideoOutcome, error: Exception, reporter: ConsoleReporter) -> Report:
    exit_code = error.exit_code if isinstance(error, LiftlineError) else ExitCode.FAILED
    return Report(outcome, str(error), type(error).__name__, int(exit_code), warnings=tuple(reporter.warnings))


def measure(result: ProcessResult) -> Measures:
    """What the summary tells of a finished video."""
    poses, frames = result.poses, result.frame_count
    people = np.bincount(poses.frame_index[poses.observed], minlength=frames)
    return Measures(
        frames=frames,
        people=int(people.max(initial=0)),
        ids=len(poses),
        coverage=float((people > 0).mean()) if frames else 0.0,
        seconds=sum(result.step_seconds.values()),
    )


if __name__ == "__main__":
    sys.exit(main())
