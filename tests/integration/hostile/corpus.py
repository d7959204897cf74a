"""Running the corpus of hostile videos: all kinds or a few dozen, and what must not come of any."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.integration.hostile.mp4_videos import MP4
from tests.integration.hostile.other_videos import OTHERS
from tests.integration.video.factory import VideoFactory

KINDS = MP4 | OTHERS
MOST_MIB, MOST_CPU_S = 700_000_000 >> 20, 60.0
ROOT = Path(__file__).parents[3]

SHORT = (
    *(kind for kind in MP4 if kind.startswith("mp4, index hidden in")),
    "mp4, fifty million pictures hidden in free", "mp4, 268 million steps of time", "mp4, 268 million offsets of time",
    "mp4, 268 million changes of chunks", "mp4, chunks of 4 billion pictures", "mp4, 268 million chunks",
    "mp4, key pictures by the billion", "mp4, 64-bit chunks by the billion", "mp4, descriptions by the billion",
    "mp4, 50 tracks of a million pictures", "mp4, 400 tracks of 50,000 pictures", "mp4, 268 million edits",
    "mp4, tracks in tracks", "mp4, boxes of no length", "mp4, time in units of nothing", "mp4, 100 tracks of 4K",
    "mp4, a compressed index that claims", "bomb: frames in fragments",
    "h264, 16 references of 4K, 4:4:4, 10 bits", "h264, grows to 8K in mid-stream", "h264, 2^20 references",
)  # fmt: skip


def attempts(kinds: Iterable[str], folder: Path) -> Iterator[dict[str, Any]]:
    """What became of each, as `video_attempts` tells it, with its kind."""
    command = [sys.executable, "-m", "tests.integration.hostile.video_attempts"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        for number, kind in enumerate(kinds):
            path = folder / f"{number:03d}"
            path.write_bytes(KINDS[kind](VideoFactory(folder)))
            worker.stdin.write(f"{path}\n")
            worker.stdin.flush()
            yield {"kind": kind, **json.loads(worker.stdout.readline())}
        worker.stdin.close()


def is_finding(found: dict[str, Any]) -> bool:
    """Whether it ended in another way than read or refused in words, or took too much."""
    return bool(
        found["outcome"] == "finding" or found["peak_mib"] > MOST_MIB or found["cpu_s"] > MOST_CPU_S
    )  # fmt: skip


def described(found: dict[str, Any]) -> str:
    """A line of a table."""
    return f"{found['kind']:60} {found['peak_mib']:5} MiB {found['cpu_s']:6.1f} s  {found['outcome']}: {found['what']}"
