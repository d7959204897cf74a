"""`lift` and `render` on files: the step before's, or anyone else's in the same format."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from liftline import poses as poses_file
from liftline import scene as scene_file
from liftline import tracks as tracks_file
from liftline.adapters.folder_store import FolderStore
from liftline.errors import InvalidInputError, UsageError
from liftline.files.output_tree import WORK_FOLDER
from liftline.jobs.naming import Stage
from liftline.pipeline.local.job_files import JobFiles, link_or_copy
from liftline.pipeline.local.ports import Observer
from liftline.pipeline.local.run import JOB, LocalJob
from liftline.pipeline.local.single_steps import SingleSteps
from liftline.pipeline.local.stage_run import StageRun
from liftline.pipeline.local.task_work import Scratch
from liftline.plan import Plan
from liftline.ports import VideoOpener
from liftline.poses import Poses
from liftline.progress import StopFlag
from liftline.settings.job import of_job
from liftline.v1.records_pb2 import JobRecord
from liftline.video.opening import local_opener
from liftline_cli.console.session import focal_length
from liftline_cli.local.process_settings import ProcessSettings
from liftline_cli.local.services import LocalServices, StepsWithoutDetector
from liftline_lifter.scene.estimation import estimate_scene
from liftline_lifter.tracking.settings import TrackSettings
from liftline_lifter.videopose3d.lift_input import load_keypoints
from liftline_renderer.encoding.gif import write_gif

Outcome = tuple[dict[str, Any], dict[str, Path]]
"""A summary for the closing table, and the files written."""


def lift_file(
    keypoints: Path, output: Path, *, settings: ProcessSettings, fps: float | None, video: Path | None,
    reporter: Observer, stop: StopFlag, subject: str | None = None,
) -> Outcome:  # fmt: skip
    """Lift a file of tracks, a custom dataset or Detectron's file to `output`, its scene beside it.

    `subject` names the video or person of a custom dataset. Raises LiftlineError.
    """
    if output.suffix != ".npz":
        raise UsageError(f"--output {output}: poses are written as .npz; use --export for other formats.")
    if fps is not None and video is not None:
        raise UsageError("--fps and --video both give the frame times; use one of them.")
    services = StepsWithoutDetector(settings)
    services(Stage.LIFT)
    plan = _plan(video, output, services, settings, reporter, stop) if video is not None else None
    track = of_job(TrackSettings, settings.job, max_tracks=settings.machine.max_tracks)
    loaded = load_keypoints(keypoints, fps=fps, plan=plan, subject=subject, track=track, stop=stop)
    for warning in loaded.warnings:
        reporter.warn(warning)
    job = replace(settings.job, native_rate=settings.job.native_rate or loaded.native_rate)
    record = JobRecord(
        tenant=JOB.tenant, job=JOB.job, video_name=output.name, settings=job.to_proto(),
        frame_count=len(loaded.tracks.frame_times_s),
    )  # fmt: skip
    with _steps(record, None, output, services, reporter, stop) as steps:
        tracks = steps.stage_run.scratch.new_folder("tracks") / "tracks.npz"
        tracks_file.save(tracks, loaded.tracks)
        steps.give(Stage.TRACK, "tracks", tracks)
        (result,) = steps.run(Stage.LIFT)
        poses_path, scene_path, *exported = steps.deliver(result.artifacts, output.parent)
    files = {"poses": poses_path, "scene": scene_path, **{path.suffix[1:]: path for path in exported}}
    poses, scene = poses_file.load(poses_path), scene_file.load(scene_path)
    summary = {"frames": len(poses.frame_times_s), "people": len(poses)}
    return {**summary, "focal_length": focal_length(scene)}, files


def render_file(
    video: Path, poses_path: Path, output: Path, *, settings: ProcessSettings, reporter: Observer, stop: StopFlag
) -> Outcome:  # fmt: skip
    """Draw poses over their video into an mp4 or gif. Raises LiftlineError."""
    if output.suffix.lower() not in {".mp4", ".gif"}:
        raise UsageError(f"--output {output}: can write .mp4 and .gif.")
    if output.exists() and output.samefile(video):
        raise UsageError(f"{video}: would be overwritten by its own result; choose another --output.")
    poses, services = poses_file.load(poses_path), StepsWithoutDetector(settings)
    opener = local_opener(video)
    with _steps(_record_of(video, output, settings), opener, output, services, reporter, stop) as steps:
        plan = steps.plan()
        _check_same_video(poses, plan, poses_path)
        steps.give(Stage.LIFT, "poses", poses_path)
        steps.give(Stage.LIFT, "scene", _scene(poses, poses_path, steps))
        drawn = steps.run(Stage.RENDER, tasks=len(plan.segments))
        (joined,) = steps.run(Stage.MUX, segments=drawn)
        rendered = steps.stage_run.files.path(joined.artifacts[0])
        if output.suffix.lower() == ".mp4":
            link_or_copy(rendered, output)
        else:
            with reporter.step("gif", None):
                write_gif(rendered, output, stop=stop)
    return {"frames": plan.frame_count, "people": len(poses)}, {"video": output}


def scene_path_of(poses_path: Path) -> Path:
    """`clip.npz` → `clip.scene.json` beside it."""
    return poses_path.with_suffix(".scene.json")


@contextmanager
def _steps(
    record: JobRecord, video: VideoOpener | None, output: Path, services: LocalServices, reporter: Observer,
    stop: StopFlag,
) -> Iterator[SingleSteps]:  # fmt: skip
    """Stages that work in a hidden folder beside the output, which is gone afterwards."""
    work = output.parent / f"{WORK_FOLDER}-{secrets.token_hex(4)}"
    try:
        with Scratch(work) as scratch:
            files = JobFiles(FolderStore(work), work)
            yield SingleSteps(record, StageRun(video, files, scratch, services, reporter, stop))
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _record_of(video: Path, output: Path, settings: ProcessSettings) -> JobRecord:
    return LocalJob(video, output.parent, settings.job.to_proto(), settings.machine.segment_s).record()


def _plan(
    video: Path, output: Path, services: LocalServices, settings: ProcessSettings, reporter: Observer, stop: StopFlag
) -> Plan:  # fmt: skip
    opener = local_opener(video)
    with _steps(_record_of(video, output, settings), opener, output, services, reporter, stop) as steps:
        return steps.plan()


def _scene(poses: Poses, poses_path: Path, steps: SingleSteps) -> Path:
    """The file beside the poses; an estimate where there is none."""
    path = scene_path_of(poses_path)
    if path.exists():
        return path
    estimated = steps.stage_run.scratch.new_folder("scene") / path.name
    scene_file.save(estimated, estimate_scene(poses))
    return estimated


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
