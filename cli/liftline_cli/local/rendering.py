"""Drawing all segments of a video into a folder, whoever asked for it."""

from __future__ import annotations

from pathlib import Path

from liftline.plan import Plan, Segment
from liftline.ports import Progress, VideoOpener
from liftline.poses import Poses
from liftline.progress import StopFlag
from liftline.scene import Scene
from liftline_cli.console.reporting import Reporter
from liftline_renderer.encoding import frame_index
from liftline_renderer.encoding.mux import MuxSegment
from liftline_renderer.stage import RenderSettings, render_segment


def render_segments(
    opener: VideoOpener, plan: Plan, poses: Poses, scene: Scene, folder: Path, *,
    settings: RenderSettings, reporter: Reporter, stop: StopFlag,
) -> list[MuxSegment]:  # fmt: skip
    """Draw all segments into `folder`, skipping those already there; says how many frames couldn't be decoded."""

    def one(segment: Segment, progress: Progress) -> MuxSegment:
        path, index_path = folder / f"{segment.number:05d}.mp4", folder / f"{segment.number:05d}.npy"
        if index_path.exists():
            progress.advance(len(segment))
            return MuxSegment(path, frame_index.load(index_path))
        drawn = render_segment(
            opener, plan, segment, poses, scene, path, settings=settings, stop=stop, progress=progress
        )  # fmt: skip
        frame_index.save(index_path, drawn)
        return MuxSegment(path, drawn)

    with reporter.step("render", plan.frame_count) as progress:
        segments = [one(segment, progress) for segment in plan.segments]
    for warning in frame_index.warnings(plan, [segment.frame_index for segment in segments]):
        reporter.warn(warning)
    return segments
