"""All stages on one video, in this process: the local mode of the architecture."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from liftline import poses as poses_file
from liftline import scene as scene_file
from liftline.adapters.folder_store import FolderStore
from liftline.exports import check_installed
from liftline.files.output_tree import MANIFEST, OutputTree
from liftline.jobs.naming import Stage
from liftline.jobs.wire import model_info
from liftline.pipeline.local.ports import Observer
from liftline.pipeline.local.run import LocalJob, LocalRun, work_folder
from liftline.ports import ModelInfo
from liftline.poses import Poses
from liftline.progress import StopFlag
from liftline.scene import Scene
from liftline_cli.local.process_settings import ProcessSettings
from liftline_cli.local.services import LocalServices

__all__ = ["ProcessResult", "ProcessSettings", "process_video", "run_stages", "shown_files"]


@dataclass(frozen=True)
class ProcessResult:
    """Where everything is, and what a summary needs.

    Attributes:
        manifest: its path.
        files: the others a person wants to know of, by what they are.
        frame_count: frames of the video.
        poses: of everyone.
        scene: the room they are in.
        models: that were used.
        seconds: wall-clock time of this call.
        step_seconds: of every step when it ran, in this call or an earlier one.
        changed: False when every step was finished earlier.
    """

    manifest: Path
    files: dict[str, Path]
    frame_count: int
    poses: Poses
    scene: Scene
    models: tuple[ModelInfo, ...]
    seconds: float
    step_seconds: Mapping[str, float]
    changed: bool


def process_video(
    video: Path, output_dir: Path, *, settings: ProcessSettings, reporter: Observer, stop: StopFlag
) -> ProcessResult:
    """Run every step on `video` and write the output tree into `output_dir`.

    Raises LiftlineError; finished steps stay valid, nothing is left half-written, and `manifest.json` is there only
    when all of it is complete.
    """
    started = time.perf_counter()
    run = run_stages(video, output_dir, settings=settings, reporter=reporter, stop=stop)
    seconds, tree = time.perf_counter() - started, OutputTree(video.name)
    return ProcessResult(
        output_dir / MANIFEST, shown_files(video, output_dir), run.record.frame_count,
        poses_file.load(output_dir / tree.poses), scene_file.load(output_dir / tree.scene),
        tuple(map(model_info, run.record.models)), seconds, step_seconds=run.seconds, changed=run.changed,
    )  # fmt: skip


def run_stages(
    video: Path, output_dir: Path, *, settings: ProcessSettings, reporter: Observer, stop: StopFlag,
    until: Stage = Stage.MUX,
) -> LocalRun:  # fmt: skip
    """Run the steps up to `until` alone; what they make is in the tree, without a manifest. Raises LiftlineError."""
    check_installed(settings.job.export)
    job = LocalJob(
        video, output_dir, settings.job.to_proto(), settings.machine.segment_s, overwrite=settings.overwrite
    )  # fmt: skip
    store = FolderStore(work_folder(job))
    run = LocalRun(job, LocalServices(settings), store, observer=reporter, stop=stop)
    run.run(until=until)
    return run


def shown_files(video: Path, output_dir: Path) -> dict[str, Path]:
    """The result files that are there and that a person wants to know of, by what they are."""
    tree = OutputTree(video.name)
    candidates = {
        "video": tree.rendered,
        "poses": tree.poses,
        "tracks": tree.tracks,
        "custom dataset": tree.custom_dataset,
        "keypoints": tree.keypoints,
        "detectron file": tree.detectron_file,
    }
    return {name: output_dir / place for name, place in candidates.items() if (output_dir / place).exists()}
