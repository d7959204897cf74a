"""One video in a process of its own.

A damaged file can crash a native library, and hours of videos add up what libraries keep of each: neither may touch
the videos after it. The price is to load libraries and models again for each, a few seconds.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from liftline.errors import ExitCode
from liftline.progress import StopFlag
from liftline_cli.batch.messages import Mailbox, Report, Task, VideoOutcome

_LOOK_S = 0.2
_LAST_WORDS_S = 5.0
_STDERR = 2


def run_video(task: Task, stop: StopFlag) -> Report:
    """Process one video, showing its progress on stderr. A crash is a report too."""
    with tempfile.TemporaryDirectory(prefix="liftline-") as folder:
        mailbox = Mailbox(Path(folder))
        mailbox.send_task(task)
        code = _run(mailbox, stop)
        return mailbox.report() or _crashed(code, mailbox)


def _run(mailbox: Mailbox, stop: StopFlag) -> int:
    """The exit code of the process; Ctrl-C reaches it through `stop` alone."""
    command = [sys.executable, "-P", "-m", "liftline_cli.batch.child", str(mailbox.folder)]
    with subprocess.Popen(  # noqa: S603 - a fixed command of this interpreter
        command, stdin=subprocess.PIPE, stdout=_STDERR, process_group=0
    ) as process:
        try:
            while True:
                try:
                    return process.wait(_LOOK_S)
                except subprocess.TimeoutExpired:
                    if stop.stopped and process.stdin:
                        process.stdin.close()
        except BaseException:
            _end(process)
            raise


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let it remove its temporary files, then end it."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_LAST_WORDS_S)
    except subprocess.TimeoutExpired:
        process.kill()


def _crashed(code: int, mailbox: Mailbox) -> Report:
    details = mailbox.crash_log.read_text("utf-8", "replace") if mailbox.crash_log.exists() else ""
    if code == -signal.SIGKILL:
        words = "its process was killed from outside (SIGKILL), most often because memory ran out"
    elif code < 0:
        words = f"its process crashed ({signal.Signals(-code).name})"
    else:
        words = f"its process ended with exit code {code} and no report"
    return Report(VideoOutcome.CRASHED, words, "Crash", int(ExitCode.FAILED), details=details or None)
