"""Hostile videos through real services: each ends its own job at most, and A's jobs beside them are as ever."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import psutil

from liftline.client import Job, JobState
from tests.attack.ground import Ground, ended_in_time
from tests.attack.trials import Trial, hold
from tests.integration.hostile.corpus import KINDS, MOST_MIB
from tests.integration.video.factory import VideoFactory

FEW = ("mp4, fifty million pictures hidden in free", "mp4, 50 tracks of a million pictures", "h264, 2^20 references")
LONG = ("mp4, edits that show the same again and again",)
"""560,000 pictures, all of which would be worked on: hours, within the limits. `make fuzz` reads some of them."""
AT_ONCE = 3
ENDED_WITHIN_S = 900.0
"""One worker of each kind has all of it to do, on a machine that may be busy: 4K takes its time."""
REASONS = ("INVALID_VIDEO", "LIMIT_EXCEEDED")
READER = "liftline.video.process.child"
"""Processes that open videos. Workers themselves have their models in memory."""


def honest(folder: Path) -> Path:
    """A video of a second."""
    folder.mkdir(parents=True, exist_ok=True)
    return VideoFactory(folder)("honest.mp4", size=(320, 240), frames=12)


def trials(ground: Ground, *, few: bool) -> Iterator[Trial]:
    """A few at once; then what was seen of processes meanwhile."""
    kinds = [kind for kind in (FEW if few else KINDS) if kind not in LONG]
    batches = [kinds[at : at + AT_ONCE] for at in range(0, len(kinds), AT_ONCE)]
    for number, batch in enumerate(batches):
        ended: dict[str, tuple[Job | None, str]] = {}
        yield f"batch {number}: A's job beside", partial(_beside, ground, batch, ended)
        for kind in batch:
            yield kind, partial(_judge, ended, kind)


def _beside(ground: Ground, batch: list[str], ended: dict[str, tuple[Job | None, str]]) -> None:
    """B's hostile videos, and A's honest one among them."""
    deaths = sum(len(part.exit_codes) for part in ground.cluster.parts)
    with _watched(ground) as peaks, ThreadPoolExecutor(AT_ONCE + 1) as pool:
        futures = {kind: pool.submit(_hostile_job, ground, kind) for kind in batch}
        neighbour = ground.a.client.submit(honest(ground.folder / "honest"))
        mine = ended_in_time(ground.a, neighbour, within_s=ENDED_WITHIN_S)
        for kind, future in futures.items():
            ended[kind] = future.result()
    died = sum(len(part.exit_codes) for part in ground.cluster.parts) - deaths
    hold(not died, f"{died} services ended")
    hold(mine.state is JobState.SUCCEEDED, f"A's job ended {mine.state}: {mine.failure}")
    _check_same(ground, mine)
    worst = max(peaks.values(), default=0)
    hold(worst <= MOST_MIB, f"a process that reads videos took {worst} MiB")
    ground.check_hers()


def _check_same(ground: Ground, job: Job) -> None:
    """The poses and pictures are those of A's first job, which ran alone."""
    first = {file.path: file.sha256 for file in ground.a.client.artifacts(ground.hers)}
    now = {file.path: file.sha256 for file in ground.a.client.artifacts(job)}
    changed = [path for path in first if path != "manifest.json" and first[path] != now.get(path)]
    hold(not changed, f"A's results differ: {changed}")


def _hostile_job(ground: Ground, kind: str) -> tuple[Job | None, str]:
    """How it ended, or why it was no job; it is removed."""
    folder = ground.folder / "hostile" / str(list(KINDS).index(kind))
    folder.mkdir(parents=True)
    path = folder / "hostile.bin"
    path.write_bytes(KINDS[kind](VideoFactory(folder)))
    if not path.stat().st_size:
        return None, "empty files aren't taken"
    job = ground.b.client.submit(path)
    shutil.rmtree(folder)
    try:
        return ended_in_time(ground.b, job, within_s=ENDED_WITHIN_S), ""
    finally:
        ground.b.client.delete(job)


def _judge(ended: dict[str, tuple[Job | None, str]], kind: str) -> None:
    hold(kind in ended, "it wasn't tried to its end: see A's job beside")
    job, _ = ended[kind]
    if job is None or job.state is JobState.SUCCEEDED:
        return
    reason = job.failure.reason if job.failure else None
    hold(job.state is JobState.FAILED and reason in REASONS, f"it ended {job.state}: {job.failure}")


@contextmanager
def _watched(ground: Ground) -> Iterator[dict[int, int]]:
    """The most memory of each process that reads videos, in MiB."""
    peaks: dict[int, int] = {}
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            for part in ground.cluster.parts:
                if part.child is not None:
                    _note(part.child.process.pid, peaks)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peaks
    finally:
        over.set()
        thread.join()


def _note(pid: int, peaks: dict[int, int]) -> None:
    with suppress(psutil.Error, OSError, IndexError):
        for child in psutil.Process(pid).children():
            if READER in child.cmdline():
                status = Path(f"/proc/{child.pid}/status").read_text()
                peak = int(status.partition("VmHWM:")[2].split()[0]) >> 10
                peaks[child.pid] = max(peaks.get(child.pid, 0), peak)
