"""Plan, read and mux hostile videos with the real code, each in a process of its own; a JSON line for each.

Standard input has lines of a path. Attempts are forks, which start a reading process each; the peak is the larger of
the two. Sound is muxed with pictures of our own.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from pathlib import Path

import av
import numpy as np
import structlog

from liftline.errors import LiftlineError
from liftline.plan import Plan
from liftline.progress import StopFlag
from liftline.video.opening import local_opener
from liftline.video.planning import plan_video
from liftline.video.process import running
from liftline.video.reading import read_frames
from liftline_renderer.encoding.encode import SegmentWriter
from liftline_renderer.encoding.mux import MuxSegment, mux

FRAMES = 40
"""Of each video, at most."""


def attempt(path: Path) -> dict[str, object]:
    """What became of one video."""
    started, (read_end, write_end) = time.perf_counter(), os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write_end, json.dumps(_outcome(path)).encode())
        running._end_idle()
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        said = pipe.read().decode()
    _, status, usage = os.wait4(child, 0)
    died = ["finding", f"died: {os.waitstatus_to_exitcode(status)}"]
    outcome, what = json.loads(said) if said and status == 0 else died
    return {
        "file": path.name, "outcome": outcome, "what": what, "peak_mib": usage.ru_maxrss >> 10,
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 2), "seconds": round(time.perf_counter() - started, 2),
    }  # fmt: skip


def _outcome(path: Path) -> tuple[str, str]:
    try:
        plan = plan_video(local_opener(path), name=path.name, stop=StopFlag())
        stop = min(FRAMES, plan.frame_count)
        frames = read_frames(local_opener(path), plan, start=0, stop=stop, stop_token=StopFlag())
        count = sum(1 for _ in frames)
        return "success", f"{count} of {plan.frame_count} frames{_muxed(path, plan)}"
    except LiftlineError as error:
        clear = path.name in str(error) and "\n" not in str(error) and str(error).endswith(".")
        return "refused" if clear else "finding", f"{type(error).__name__}: {error}"
    except BaseException:  # noqa: BLE001 - whatever it is, it is what this looks for
        return "finding", traceback.format_exc()


def _muxed(path: Path, plan: Plan) -> str:
    """With its sound, where it has some: how long that is in the end."""
    if plan.info.audio_codec is None or plan.frame_count > FRAMES:
        return ""
    drawn, output = path.with_suffix(".drawn.mp4"), path.with_suffix(".muxed.mp4")
    black = np.zeros((64, 64, 3), np.uint8)
    with SegmentWriter(
        drawn, width_px=64, height_px=64, time_base=plan.info.time_base, rate=plan.info.average_rate
    ) as writer:
        for pts in plan.pts:
            writer.write(black, pts=int(pts))
    segment = MuxSegment(drawn, np.arange(plan.frame_count))
    mux([segment], plan=plan, source=local_opener(path), output=output, stop=StopFlag())
    with av.open(str(output)) as container:
        return f", {(container.duration or 0) / 1e6:.1f} s with sound"


def main() -> None:
    """Every line of standard input."""
    av.logging.set_level(None)
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    for line in sys.stdin:
        sys.stdout.write(json.dumps(attempt(Path(line.rstrip("\n")))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
