"""Running cases under limits: plan and decode in a child process, or the whole pipeline as a command."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import av

from tests.fuzz.cases import Case, Result

ROOT = Path(__file__).resolve().parents[2]
MEMORY_LIMIT_MB = 2048
WORKER = [sys.executable, "-m", "tests.fuzz.worker"]


class Decoding:
    """A child process for many cases; started again after a crash, a hang, or a peak of memory over the limit."""

    def __init__(self, *, limit_s: float) -> None:
        self._limit_s, self._process = limit_s, self._start()

    def __enter__(self) -> Decoding:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def run(self, case: Case) -> Result:
        began = time.monotonic()
        hung = threading.Event()
        timer = threading.Timer(self._limit_s, lambda: (hung.set(), self._process.kill()))
        timer.start()
        answer = self._ask(case.path)
        timer.cancel()
        seconds = time.monotonic() - began
        if answer is None:
            what = f"no answer in {self._limit_s:g} s" if hung.is_set() else self._death()
            self._restart()
            return Result(case, "finding", what, seconds)
        if answer["peak_mb"] > MEMORY_LIMIT_MB:
            self._restart()
            what = f"{answer['peak_mb']:.0f} MB, the limit is {MEMORY_LIMIT_MB} ({answer['what']})"
            return Result(case, "finding", what, seconds, answer["peak_mb"])
        return Result(case, answer["outcome"], answer["what"], seconds, answer["peak_mb"])

    def _ask(self, path: Path) -> dict[str, Any] | None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(f"{path}\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            return None
        return json.loads(line) if line else None

    def _start(self) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen(WORKER, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)

    def _death(self) -> str:
        code = self._process.wait()
        return f"died of {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"

    def _end(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _restart(self) -> None:
        self._end()
        self._process = self._start()


def run_pipeline(case: Case, *, limit_s: float) -> Result:
    """`liftline process` into an empty folder, and what it left there."""
    began = time.monotonic()
    output = Path(tempfile.mkdtemp(prefix="pipeline-", dir=case.path.parent))
    command = [str(Path(sys.executable).with_name("liftline")), "process", str(case.path), "--output-dir", str(output)]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=limit_s, check=False)
        outcome, what = _judge(case, done, output)
    except subprocess.TimeoutExpired:
        outcome, what = "finding", f"not done in {limit_s:g} s"
    if outcome != "finding":
        shutil.rmtree(output)
    return Result(case, outcome, what, time.monotonic() - began)


def _judge(case: Case, done: subprocess.CompletedProcess[str], output: Path) -> tuple[str, str]:
    files = sorted(str(p.relative_to(output)) for p in output.rglob("*") if p.is_file())
    unfinished = [name for name in files if "partial" in name or name.endswith(".tmp")]
    said = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else ""
    if done.returncode not in (0, 3):
        return "finding", f"exit code {done.returncode}\n{done.stderr[-3000:]}"
    if "Traceback" in done.stderr:
        return "finding", done.stderr[-3000:]
    if unfinished:
        return "finding", f"half-written files: {unfinished}"
    if done.returncode == 3:
        return ("finding", f"exit code 3, yet files: {files}") if files else ("refused", said)
    return _judge_files(case, files, output)


def _judge_files(case: Case, files: list[str], output: Path) -> tuple[str, str]:
    stem = case.path.stem
    missing = {"manifest.json", f"poses_3d/{stem}.npz", f"output_videos/{stem}.mp4"} - set(files)
    if missing:
        return "finding", f"exit code 0, but missing: {sorted(missing)}"
    with av.open(str(output / "output_videos" / f"{stem}.mp4")) as container:
        count = sum(1 for _ in container.decode(video=0))
    return ("success", f"{count} frames") if count else ("finding", "the result has no frames")
