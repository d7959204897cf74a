"""A child process that plans and reads the files it is told, one a line, and answers each with a line of JSON."""

from __future__ import annotations

import json
import resource
import sys
import traceback
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import structlog

from benchmarks.measuring.processes import peak_bytes
from liftline.errors import LiftlineError
from liftline.plan import Plan
from liftline.progress import StopFlag
from liftline.video.opening import local_opener
from liftline.video.planning import plan_video
from liftline.video.reading import read_frames

SEGMENTS, SEGMENT_S = 3, 0.5
_ADDRESS_SPACE_BYTES = 6 << 30


def attempt(path: Path) -> dict[str, Any]:
    """Plan the file and read its first segments; what happened in words."""
    try:
        plan = plan_video(local_opener(path), name=path.name, segment_s=SEGMENT_S, stop=StopFlag())
        count = sum(_read(path, plan, number) for number in range(min(SEGMENTS, len(plan.segments))))
    except LiftlineError as error:
        return _refusal(path.name, str(error), type(error).__name__)
    except BaseException:  # noqa: BLE001 - whatever it is, it is what this looks for
        return {"outcome": "finding", "what": traceback.format_exc()}
    return {"outcome": "success", "what": f"{count} of {plan.frame_count} frames"}


def _read(path: Path, plan: Plan, number: int) -> int:
    """Frames of a segment that decode. Raises AssertionError where they aren't what the plan says."""
    segment, indices = plan.segments[number], []
    for frame in read_frames(
        local_opener(path), plan, start=segment.warmup_start, stop=segment.stop, stop_token=StopFlag(), threads=2
    ):
        assert frame.rgb.shape == (plan.info.height_px, plan.info.width_px, 3), frame.rgb.shape
        assert segment.warmup_start <= frame.index < segment.stop, frame.index
        assert frame.time_s == plan.frame_times_s[frame.index]
        indices.append(frame.index)
        if len(indices) >= 120:  # of a long segment
            break
    assert all(a < b for a, b in pairwise(indices)), indices
    return len(indices)


def _refusal(name: str, message: str, kind: str) -> dict[str, Any]:
    clear = name in message and "\n" not in message and message.endswith(".")
    return {"outcome": "refused" if clear else "finding", "what": f"{kind}: {message}"}


def main() -> None:
    """Until the input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE_BYTES, _ADDRESS_SPACE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    av.logging.set_level(None)
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    for line in sys.stdin:
        answer = attempt(Path(line.rstrip("\n")))
        sys.stdout.write(json.dumps(answer | {"peak_mb": peak_bytes() / (1 << 20)}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
