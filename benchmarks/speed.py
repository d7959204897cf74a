"""Frames per second of every step and of the whole, and rendering against matplotlib: `python -m benchmarks.speed`.

One person, 720p. The steps are those of one cold `liftline process` in a process of its own; "whole, as a command"
counts everything from starting Python on. Decoding is also measured alone. Exit code 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import print_table, save_results
from benchmarks.measuring.processes import run_python
from benchmarks.measuring.videos import looped, sample_clip
from benchmarks.measuring.yardstick import frames_per_second
from liftline import poses as poses_file
from liftline.plan import Plan
from liftline.ports import VideoOpener
from liftline.progress import StopFlag
from liftline.video.opening import local_opener
from liftline.video.planning import plan_video
from liftline.video.reading import read_frames

TARGET_WHOLE_FPS, TARGET_RENDER_RATIO = 15.0, 10.0
MATPLOTLIB_FRAMES = 60
STEPS = ("detect", "track", "lift", "render", "mux")


@dataclass(frozen=True)
class Speeds:
    """Frames per second by step, and of matplotlib for the same poses at the same size."""

    video: str
    frames: int
    size_px: tuple[int, int]
    by_step: dict[str, float]
    matplotlib: float

    @property
    def render_ratio(self) -> float:
        """How many times faster than matplotlib."""
        return self.by_step["render"] / self.matplotlib

    @property
    def passed(self) -> bool:
        """Whether both targets are met."""
        return self.by_step["whole"] >= TARGET_WHOLE_FPS and self.render_ratio >= TARGET_RENDER_RATIO


def main() -> int:
    """Measure, print, save; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__.splitlines()[0])
    parser.add_argument("--video", type=Path, help="one person at 720p (default: the shared recording)")
    parser.add_argument("--seconds", type=float, default=0.0, help="repeat the video until it lasts this long")
    parser.add_argument("--matplotlib-frames", type=int, default=MATPLOTLIB_FRAMES)
    options = parser.parse_args()
    return report(measure(options.video or sample_clip(), options.seconds, options.matplotlib_frames))


def measure(clip: Path, seconds: float, matplotlib_frames: int) -> Speeds:
    """Time one step after the other."""
    with tempfile.TemporaryDirectory(prefix="liftline-speed-") as name:
        folder = Path(name)
        video = looped(clip, seconds, folder / "video.mp4") if seconds else clip
        opener = local_opener(video)
        plan = plan_video(opener, name=video.name, stop=StopFlag())
        decode_s = _decode_s(opener, plan)
        command = run_python(["-m", "liftline_cli.main", "process", video, "--output-dir", folder / "out", "--json"])
        told = json.loads(command.stdout)
        poses = poses_file.load(folder / "out" / "poses_3d" / f"{video.stem}.npz")
        matplotlib = frames_per_second(opener, plan, poses, folder / "matplotlib.mp4", frames=matplotlib_frames)
    frames = plan.frame_count
    by_step = {"decode": frames / decode_s}
    by_step |= {step: frames / told["seconds"][step] for step in STEPS if told["seconds"].get(step)}
    by_step |= {"whole": told["frames_per_second"], "whole, as a command": frames / command.seconds}
    return Speeds(video.name, frames, (plan.info.width_px, plan.info.height_px), by_step, matplotlib)


def _decode_s(opener: VideoOpener, plan: Plan) -> float:
    started = time.perf_counter()
    for _ in read_frames(opener, plan, start=0, stop=plan.frame_count, stop_token=StopFlag()):
        pass
    return time.perf_counter() - started


def report(speeds: Speeds) -> int:
    """Print and save; 0 if the targets are met, else 1."""
    rows = [{"step": step, "frames/s": f"{value:,.1f}"} for step, value in speeds.by_step.items()]
    rows.append({"step": "matplotlib render", "frames/s": f"{speeds.matplotlib:,.1f}"})
    print_table(f"{speeds.video}: {speeds.frames} frames, {speeds.size_px[0]}x{speeds.size_px[1]}", rows)
    print(
        f"whole at least {TARGET_WHOLE_FPS:g} frames/s, render at least {TARGET_RENDER_RATIO:g} x matplotlib "
        f"(is {speeds.render_ratio:.1f} x): {'ok' if speeds.passed else 'MISSED'}"
    )
    save_results(
        "speed",
        {
            "video": speeds.video,
            "frames": speeds.frames,
            "size_px": speeds.size_px,
            "frames_per_second": speeds.by_step | {"matplotlib render": speeds.matplotlib},
            "render_ratio": speeds.render_ratio,
            "ok": speeds.passed,
        },
    )
    return 0 if speeds.passed else 1


if __name__ == "__main__":
    sys.exit(main())
