"""A simulated crowd of 200 short tracks in ten minutes, under 2 GB: `python -m benchmarks.crowd`.

Nobody is detected: keypoints of the walking figure, moved, scaled and shaken, stand in for a detector, so that this
measures what comes after it. Exit code 1 if more memory was taken.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.common import print_table, save_results
from benchmarks.measuring.processes import peak_bytes
from benchmarks.measuring.videos import looped
from liftline.detections import Detections, People
from liftline.errors import LiftlineError
from liftline.plan import Plan, Segment
from liftline.ports import Progress, VideoOpener
from liftline.progress import FrameCounter, StopFlag
from liftline.skeletons import COCO17
from liftline.video.opening import local_opener
from liftline.video.planning import plan_video
from liftline_cli.console.reporting import ConsoleReporter
from liftline_demo.mannequin.clip import WALK
from liftline_demo.mannequin.gait import pose_at
from liftline_demo.mannequin.shading import room
from liftline_demo.mannequin.truth import coco_keypoints
from liftline_demo.mannequin.view import View
from liftline_lifter.lifting.checkpoint import bundled_checkpoint_path, load_checkpoint
from liftline_lifter.stage import LiftResult, LiftSettings, TrackSettings, lift_tracks, track_people
from liftline_renderer.encoding.encode import SegmentWriter
from liftline_renderer.encoding.mux import MuxSegment, mux
from liftline_renderer.stage import RenderSettings, render_segment

LIMIT_BYTES = 2_000_000_000
RATE, SIZE_PX = Fraction(30), (1280, 720)
TRACK_S = 12.0
SHAKE_OF_HEIGHT = 0.006
GAIT_STEPS = 64


@dataclass(frozen=True)
class Walker:
    """Someone who crosses the picture: in which frames, where to (x, y at start and end, px), how tall, since when."""

    frames: range
    path_px: NDArray[np.float64]
    height_px: float
    phase: float


def main() -> int:
    """Measure, print, save; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crowd", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--tracks", type=int, default=200)
    parser.add_argument("--checkpoint", type=Path, default=bundled_checkpoint_path())
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="liftline-crowd-") as folder:
            return measure(Path(folder), options.minutes, options.tracks, options.checkpoint)
    except LiftlineError as error:
        print(f"Error: {error}", file=sys.stderr)
        return int(error.exit_code)


def measure(folder: Path, minutes: float, count: int, checkpoint: Path) -> int:
    """Track, lift and render the crowd in this process; 0 if its peak memory stayed below the limit, else 1."""
    reporter, stop = ConsoleReporter(Console(stderr=True)), StopFlag()
    opener = local_opener(looped(empty_room(folder / "room.mp4"), minutes * 60, folder / "crowd.mp4"))
    plan = plan_video(opener, name="crowd.mp4", stop=stop)
    detections = crowd(plan, count)
    started = time.perf_counter()
    with reporter.step("track", plan.frame_count):
        tracks = track_people(
            detections, plan, video="crowd.mp4", settings=TrackSettings(), stop=StopFlag(), progress=FrameCounter()
        ).tracks
    with reporter.step("lift", len(tracks.frame_index)) as progress:
        lifted = lift_tracks(tracks, load_checkpoint(checkpoint), settings=LiftSettings(), stop=stop, progress=progress)
    with reporter.step("render", plan.frame_count) as progress:
        segments = [drawn(opener, plan, segment, lifted, folder, progress) for segment in plan.segments]
    mux(segments, plan=plan, source=opener, output=folder / "drawn.mp4", stop=stop)
    seconds, peak = time.perf_counter() - started, peak_bytes()
    passed = peak <= LIMIT_BYTES
    print_table(
        "Simulated crowd: tracked, lifted, rendered",
        [
            {
                "video": f"{minutes:g} min 720p",
                "tracks in, out": f"{count}, {len(tracks)}",
                "peak memory": f"{peak / 1e6:.0f} MB ({'ok' if passed else 'TOO MUCH'})",
                "took": f"{seconds:.0f} s",
            }
        ],
    )
    save_results(
        "crowd",
        {
            "minutes": minutes, "tracks_in": count, "tracks_out": len(tracks), "peak_mb": peak / 1e6,
            "limit_mb": LIMIT_BYTES / 1e6, "seconds": seconds, "step_seconds": reporter.seconds, "ok": passed,
        },
    )  # fmt: skip
    return 0 if passed else 1


def drawn(
    opener: VideoOpener, plan: Plan, segment: Segment, lifted: LiftResult, folder: Path, progress: Progress
) -> MuxSegment:
    """One segment, rendered into `folder`."""
    path = folder / f"{segment.number}.mp4"
    frames = render_segment(
        opener, plan, segment, lifted.poses, lifted.scene, path, settings=RenderSettings(), stop=StopFlag(),
        progress=progress,
    )  # fmt: skip
    return MuxSegment(path, frames)


def empty_room(path: Path) -> Path:
    """Two seconds of a room with nobody in it."""
    picture = (room(View.of_the_walk(*SIZE_PX), seed=0).picture * 255).astype(np.uint8)
    with SegmentWriter(path, width_px=SIZE_PX[0], height_px=SIZE_PX[1], time_base=1 / RATE, rate=RATE) as writer:
        for pts in range(int(2 * RATE)):
            writer.write(picture, pts=pts)
    return path


def crowd(plan: Plan, count: int) -> Detections:
    """What a detector would say of `count` people who cross the picture from edge to edge, a few at a time.

    Nobody vanishes in the middle: whoever did and whoever appears there soon after look like one person, to any eye.
    """
    rng = np.random.default_rng(0)
    gait = _gait()
    walkers = [_walker(rng, plan.frame_count) for _ in range(count)]
    present: list[list[Walker]] = [[] for _ in range(plan.frame_count)]
    for walker in walkers:
        for frame in walker.frames:
            present[frame].append(walker)
    found = [(frame, _people(people, frame, gait, rng)) for frame, people in enumerate(present)]
    return Detections.from_frames(found, start=0, stop=plan.frame_count, detector="simulated")


def _gait() -> NDArray[np.float64]:
    """(GAIT_STEPS,17,2) keypoints of one gait cycle seen from the side, feet at y = 0, one unit tall."""
    view = View.of_the_walk(*SIZE_PX)
    cycle = np.stack([coco_keypoints(pose_at(WALK, 1 + step / GAIT_STEPS)) for step in range(GAIT_STEPS)])
    pixels = view.camera.project(view.to_camera(cycle))
    pixels[..., 0] -= pixels[..., 0].mean(axis=1, keepdims=True)
    pixels[..., 1] -= pixels[..., 1].max()
    return np.asarray(pixels / -pixels[..., 1].min(), np.float64)


def _walker(rng: np.random.Generator, frame_count: int) -> Walker:
    length = min(int(TRACK_S * RATE), frame_count)
    start = int(rng.integers(0, frame_count - length + 1))
    height = float(rng.uniform(120, 420))
    ground = min(720.0 - 10, 300 + height)
    edges = np.array([[0.0, ground], [SIZE_PX[0], ground]])
    path = edges if rng.random() < 0.5 else edges[::-1]
    return Walker(range(start, start + length), path, height, float(rng.uniform()))


def _people(walkers: list[Walker], frame: int, gait: NDArray[np.float64], rng: np.random.Generator) -> People:
    if not walkers:
        return People.empty()
    keypoints = np.stack([_keypoints(walker, frame, gait, rng) for walker in walkers]).astype(np.float32)
    margin = np.array([[0.05 * walker.height_px] for walker in walkers], np.float32)
    boxes = np.concatenate([keypoints.min(axis=1) - margin, keypoints.max(axis=1) + margin], axis=1)
    scores = np.full(len(walkers), 0.9, np.float32)
    return People(boxes, scores, keypoints, np.full(keypoints.shape[:2], 0.9, np.float32))


def _keypoints(walker: Walker, frame: int, gait: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """(17,2) px of one walker in a frame."""
    done = (frame - walker.frames.start) / len(walker.frames)
    place = walker.path_px[0] + (walker.path_px[1] - walker.path_px[0]) * done
    cycles = (frame - walker.frames.start) / float(RATE) + walker.phase
    shape = gait[int(cycles * GAIT_STEPS) % GAIT_STEPS] + rng.normal(0, SHAKE_OF_HEIGHT, (len(COCO17), 2))
    return np.asarray(place + walker.height_px * shape, np.float64)


if __name__ == "__main__":
    sys.exit(main())
