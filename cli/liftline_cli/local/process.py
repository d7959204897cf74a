"""All stages on one video, in this process: the local mode of the architecture."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from liftline.files.atomic import write_json
from liftline.jobs import manifest
from liftline.plan import Plan
from liftline.ports import ModelInfo
from liftline.poses import Poses
from liftline.progress import StopFlag
from liftline.scene import Scene
from liftline.tracks import Tracks
from liftline_cli.console.reporting import Reporter
from liftline_cli.local.local_run import LocalRun
from liftline_cli.local.process_settings import ProcessSettings
from liftline_lifter.lifting.checkpoint import checkpoint_model

__all__ = ["LocalRun", "ProcessResult", "ProcessSettings", "detect_video", "process_video"]


@dataclass(frozen=True)
class ProcessResult:
    """Where everything is, and what a summary needs.

    Attributes:
        manifest: its path.
        files: the others a person wants to know of, by what they are.
        plan: of the video.
        poses: of everyone.
        scene: the room they are in.
        models: that were used.
        seconds: wall-clock time of this call.
        step_seconds: of every step when it ran, in this call or an earlier one.
        changed: False when every step was finished earlier.
    """

    manifest: Path
    files: dict[str, Path]
    plan: Plan
    poses: Poses
    scene: Scene
    models: tuple[ModelInfo, ...]
    seconds: float
    step_seconds: Mapping[str, float]
    changed: bool


def process_video(
    video: Path, output_dir: Path, *, settings: ProcessSettings, reporter: Reporter, stop: StopFlag
) -> ProcessResult:
    """Run every step on `video` and write the output tree into `output_dir`.

    Raises LiftlineError; finished steps stay valid, nothing is left half-written, and `manifest.json` is there only
    when all of it is complete.
    """
    started = time.perf_counter()
    run = LocalRun(video, output_dir, settings=settings, reporter=reporter, stop=stop)
    plan = run.plan()
    checkpoint = run.load_lifter()
    tracks = run.track(plan)
    poses, scene = run.lift(tracks, checkpoint)
    run.render(plan, poses, scene)
    models = (run.detector.model, checkpoint_model(checkpoint, settings.checkpoint))
    seconds = time.perf_counter() - started
    if run.changed or not _is_complete(run):
        write_json(
            run.paths.manifest,
            manifest.manifest(
                video=video.name, video_sha256=run.video_sha256, frame_count=plan.frame_count,
                segment_count=len(plan.segments), video_facts=manifest.facts_of(plan), models=models,
                settings=manifest.plain(settings), files=run.hashes(), seconds=run.seconds(),
                warnings=reporter.warnings, versions=manifest.package_versions(),
            ),
        )  # fmt: skip
    return ProcessResult(
        run.paths.manifest, run.paths.existing(), plan, poses, scene, models, seconds, step_seconds=run.seconds(),
        changed=run.changed,
    )  # fmt: skip


def _is_complete(run: LocalRun) -> bool:
    try:
        return manifest.is_of(run.paths.manifest.read_bytes(), run.video_sha256)
    except OSError:
        return False


def detect_video(
    video: Path, output_dir: Path, *, settings: ProcessSettings, reporter: Reporter, stop: StopFlag
) -> tuple[Plan, Tracks, dict[str, Path]]:
    """Plan, detect and track only: fills `detectron_output/` and `custom_data/`."""
    run = LocalRun(video, output_dir, settings=settings, reporter=reporter, stop=stop)
    plan = run.plan()
    return plan, run.track(plan), run.paths.existing()
