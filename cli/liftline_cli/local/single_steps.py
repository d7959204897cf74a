"""`lift` and `render` on files: the step before's, or anyone else's in the same format."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from liftline import poses as poses_file
from liftline import scene as scene_file
from liftline.errors import InvalidInputError, UsageError
from liftline.exports import export
from liftline.plan import Plan
from liftline.poses import Poses
from liftline.progress import StopFlag
from liftline.scene import Scene
from liftline.video.opening import local_opener
from liftline.video.planning import plan_video
from liftline_cli.console.reporting import Reporter
from liftline_cli.console.session import focal_length
from liftline_cli.local.rendering import render_segments
from liftline_lifter.lifting.checkpoint import bundled_checkpoint_path, load_checkpoint
from liftline_lifter.scene.estimation import estimate_scene
from liftline_lifter.stage import LiftSettings, TrackSettings, lift_tracks
from liftline_lifter.videopose3d import load_keypoints
from liftline_renderer.encoding.gif import write_gif
from liftline_renderer.encoding.mux import mux
from liftline_renderer.stage import RenderSettings

__all__ = ["LiftSettings", "RenderSettings", "TrackSettings", "lift_file", "render_file"]

Outcome = tuple[dict[str, Any], dict[str, Path]]
"""A summary for the closing table, and the files written."""


def lift_file(
    keypoints: Path, output: Path, *, checkpoint: Path | None, settings: LiftSettings, fps: float | None,
    video: Path | None, formats: Sequence[str], reporter: Reporter, stop: StopFlag, subject: str | None = None,
    causal: bool = False, track: TrackSettings | None = None,
) -> Outcome:  # fmt: skip
    """Lift a file of tracks, a custom dataset or Detectron's file to `output`, its scene beside it.

    `subject` names the video or person of a custom dataset; `causal` tells of a VideoPose3D checkpoint what its
    weights don't; `track` is how the people of a Detectron file are followed. Raises LiftlineError.
    """
    if output.suffix != ".npz":
        raise UsageError(f"--output {output}: poses are written as .npz; use --export for other formats.")
    if fps is not None and video is not None:
        raise UsageError("--fps and --video both give the frame times; use one of them.")
    weights = load_checkpoint(checkpoint or bundled_checkpoint_path(), causal=causal)
    plan = _plan(video, stop) if video is not None else None
    loaded = load_keypoints(keypoints, fps=fps, plan=plan, subject=subject, track=track, stop=stop)
    for warning in loaded.warnings:
        reporter.warn(warning)
    settings = replace(settings, native_rate=settings.native_rate or loaded.native_rate)
    with reporter.step("lift", len(loaded.tracks.frame_index)) as progress:
        result = lift_tracks(loaded.tracks, weights, settings=settings, stop=stop, progress=progress)
        poses_file.save(output, result.poses)
        scene_path = scene_path_of(output)
        scene_file.save(scene_path, result.scene)
        exported = export(result.poses, result.scene, output, formats)
    files = {"poses": output, "scene": scene_path, **{path.suffix[1:]: path for path in exported}}
    summary = {"frames": len(result.poses.frame_times_s), "people": len(result.poses)}
    return {**summary, "focal_length": focal_length(result.scene)}, files


def render_file(
    video: Path, poses_path: Path, output: Path, *, settings: RenderSettings, reporter: Reporter, stop: StopFlag
) -> Outcome:  # fmt: skip
    """Draw poses over their video into an mp4 or gif. Raises LiftlineError."""
    if output.suffix.lower() not in {".mp4", ".gif"}:
        raise UsageError(f"--output {output}: can write .mp4 and .gif.")
    if output.exists() and output.samefile(video):
        raise UsageError(f"{video}: would be overwritten by its own result; choose another --output.")
    poses = poses_file.load(poses_path)
    with reporter.step("plan", None):
        plan = _plan(video, stop)
    _check_same_video(poses, plan, poses_path)
    for warning in plan.warnings:
        reporter.warn(warning)
    opener = local_opener(video)
    with tempfile.TemporaryDirectory(prefix="liftline-") as folder:
        segments = render_segments(
            opener, plan, poses, _scene(poses, poses_path), Path(folder), settings=settings, reporter=reporter,
            stop=stop,
        )  # fmt: skip
        final = output if output.suffix.lower() == ".mp4" else Path(folder) / "final.mp4"
        with reporter.step("mux", None):
            mux(segments, plan=plan, source=opener, output=final, stop=stop)
        if final != output:
            with reporter.step("gif", None):
                write_gif(final, output, stop=stop)
    return {"frames": plan.frame_count, "people": len(poses)}, {"video": output}


def scene_path_of(poses_path: Path) -> Path:
    """`clip.npz` → `clip.scene.json` beside it."""
    return poses_path.with_suffix(".scene.json")


def _plan(video: Path, stop: StopFlag) -> Plan:
    return plan_video(local_opener(video), name=video.name, stop=stop)


def _scene(poses: Poses, poses_path: Path) -> Scene:
    path = scene_path_of(poses_path)
    return scene_file.load(path) if path.exists() else estimate_scene(poses)


def _check_same_video(poses: Poses, plan: Plan, poses_path: Path) -> None:
    if (poses.width_px, poses.height_px) != (plan.info.width_px, plan.info.height_px):
        raise InvalidInputError(
            f"{poses_path}: made from a {poses.width_px}x{poses.height_px} video, but {plan.info.name} is "
            f"{plan.info.width_px}x{plan.info.height_px}; give the video the poses were made from."
        )
    if len(poses.frame_times_s) != plan.frame_count:
        raise InvalidInputError(
            f"{poses_path}: has {len(poses.frame_times_s)} frames, but {plan.info.name} has {plan.frame_count}; "
            "give the video the poses were made from."
        )
