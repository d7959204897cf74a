"""All stages on one video, in this process: the local mode of the architecture.

Stages are the services' own; here is only what comes before and after them: which inputs, which files, what is
already done. Work files live in `<output>/.liftline/<video>/` and are named by what they were made from.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from liftline import detections as detections_file
from liftline import plan as plan_file
from liftline import poses as poses_file
from liftline import scene as scene_file
from liftline import tracks as tracks_file
from liftline.artifacts import sha256_file
from liftline.detections import Detections
from liftline.errors import UsageError
from liftline.exports import export
from liftline.plan import Plan, Segment
from liftline.ports import Detector, ModelInfo, VideoOpener
from liftline.poses import Poses
from liftline.running import StopFlag
from liftline.scene import Scene
from liftline.settings import Settings
from liftline.tracks import Tracks
from liftline.video.opening import VideoLimits, local_opener
from liftline.video.planning import plan_video
from liftline_cli.manifest import write_manifest
from liftline_cli.parallel import in_threads
from liftline_cli.rendering import render_segments
from liftline_cli.reporting import Reporter
from liftline_cli.steps import StepLog, digest
from liftline_detector.backends import DetectorOptions, build_detector
from liftline_detector.stage import detect_segment
from liftline_lifter.checkpoint import LifterCheckpoint, bundled_checkpoint_path, load_checkpoint
from liftline_lifter.keypoint_files import write_keypoint_files
from liftline_lifter.stage import LiftSettings, TrackSettings, lift_tracks, track_people
from liftline_lifter.videopose3d import write_custom_dataset
from liftline_renderer.mux import mux
from liftline_renderer.stage import RenderSettings

__all__ = [
    "LiftSettings",
    "LocalRun",
    "ProcessResult",
    "ProcessSettings",
    "RenderSettings",
    "detect_video",
    "process_video",
]


@dataclass(frozen=True)
class ProcessSettings:
    """What a user may choose; everything else follows from the video."""

    detector: str = "auto"
    detector_options: DetectorOptions = field(default_factory=DetectorOptions)
    checkpoint: Path | None = None
    track: TrackSettings = field(default_factory=TrackSettings)
    lift: LiftSettings = field(default_factory=LiftSettings)
    render: RenderSettings = field(default_factory=RenderSettings)
    export: tuple[str, ...] = ()
    limits: VideoLimits = field(default_factory=VideoLimits)
    segment_s: float = 10.0
    overwrite: bool = False

    @classmethod
    def for_machine(cls, machine: Settings, **choices: Any) -> ProcessSettings:
        """The machine's limits with one run's choices."""
        limits = VideoLimits(machine.max_pixels, machine.max_frames, machine.max_duration_s)
        track = TrackSettings(max_people=machine.max_people)
        return cls(track=track, limits=limits, segment_s=machine.segment_s, **choices)


@dataclass(frozen=True)
class ProcessResult:
    """Where everything is, and what a summary needs."""

    manifest: Path
    files: dict[str, Path]
    plan: Plan
    poses: Poses
    models: tuple[ModelInfo, ...]
    seconds: float


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
    models = (run.detector.model, lifter_model(checkpoint, settings.checkpoint))
    seconds = time.perf_counter() - started
    files = run.output_files()
    write_manifest(
        run.manifest_path, video=video, video_sha256=run.video_sha256, plan=plan, models=models, settings=settings,
        files=run.hashes(), seconds=reporter.seconds, warnings=reporter.warnings,
    )  # fmt: skip
    return ProcessResult(run.manifest_path, files, plan, poses, models, seconds)


def detect_video(
    video: Path, output_dir: Path, *, settings: ProcessSettings, reporter: Reporter, stop: StopFlag
) -> tuple[Plan, Tracks, dict[str, Path]]:
    """Plan, detect and track only: fills `detectron_output/` and `custom_data/`."""
    run = LocalRun(video, output_dir, settings=settings, reporter=reporter, stop=stop)
    plan = run.plan()
    return plan, run.track(plan), run.output_files()


def lifter_model(checkpoint: LifterCheckpoint, path: Path | None) -> ModelInfo:
    """What to tell about the lifter in log and manifest."""
    return ModelInfo(
        checkpoint.name, checkpoint.sha256, checkpoint.licence, "bundled with Liftline" if path is None else str(path)
    )


class LocalRun:
    """One video on its way into one output folder, a method per step."""

    def __init__(
        self, video: Path, output_dir: Path, *, settings: ProcessSettings, reporter: Reporter, stop: StopFlag
    ) -> None:
        """Refuse what can't work before anything is computed."""
        self._video, self._root, self._settings = video, output_dir, settings
        self._reporter, self._stop = reporter, stop
        self._opener: VideoOpener = local_opener(video)
        self._tracks_path = output_dir / "custom_data" / f"tracks_{video.stem}.npz"
        self._custom_path = output_dir / "custom_data" / f"data_2d_custom_{video.stem}.npz"
        self._poses_path = output_dir / "poses_3d" / f"{video.stem}.npz"
        self._scene_path = output_dir / "poses_3d" / f"{video.stem}.scene.json"
        self._video_path = output_dir / "output_videos" / f"{video.stem}.mp4"
        self._keypoints_dir = output_dir / "detectron_output"
        self.manifest_path = output_dir / "manifest.json"
        self._work = output_dir / ".liftline" / video.name
        if self._video_path.exists() and self._video_path.samefile(video):
            raise UsageError(f"{video}: would be overwritten by its own result; choose another --output-dir.")
        self._log = StepLog(self._work / "steps.json", output_dir, overwrite=settings.overwrite)
        self._changed = False

    @cached_property
    def video_sha256(self) -> str:
        """Identity of the input."""
        return sha256_file(self._video)

    @cached_property
    def _plan_digest(self) -> str:
        return digest(self.video_sha256, self._settings.segment_s, self._settings.limits)

    @cached_property
    def detector(self) -> Detector:
        """The detector, loaded when first needed."""
        return build_detector(self._settings.detector, self._settings.detector_options)

    def load_lifter(self) -> LifterCheckpoint:
        """The lifter's weights; bad ones are refused before any frame is decoded."""
        return load_checkpoint(self._settings.checkpoint or bundled_checkpoint_path())

    def plan(self) -> Plan:
        """Index the frames, cut segments."""
        settings = self._settings
        path = self._work / f"plan-{self._plan_digest[:16]}.npz"
        if path.exists() and not settings.overwrite:
            plan = plan_file.load(path)
            self._reporter.skipped("plan")
        else:
            with self._reporter.step("plan", None):
                plan = plan_video(
                    self._opener, name=self._video.name, segment_s=settings.segment_s, limits=settings.limits,
                    stop=self._stop,
                )  # fmt: skip
                plan_file.save(path, plan)
        for warning in plan.warnings:
            self._reporter.warn(warning)
        return plan

    def track(self, plan: Plan) -> Tracks:
        """Detect people in every frame, then decide who is who."""
        settings = self._settings.track
        detect = digest(self._plan_digest, self.detector.model, self._settings.detector_options)
        inputs = digest(detect, settings)
        if self._log.is_done("track", inputs):
            self._reporter.skipped("detect")
            self._reporter.skipped("track")
            tracks = tracks_file.load(self._tracks_path)
        else:
            found = self._detect(plan, self._work / f"detect-{detect[:16]}")
            with self._reporter.step("track", plan.frame_count):
                tracks = track_people(found, plan, video=self._video.name, settings=settings)
                self._write_tracks(tracks, inputs)
        if not len(tracks):
            self._reporter.warn(f"{self._video.name}: nobody was found in any frame; the output shows the video alone.")
        return tracks

    def _write_tracks(self, tracks: Tracks, inputs: str) -> None:
        self._begin_change()
        tracks_file.save(self._tracks_path, tracks)
        write_custom_dataset(self._custom_path, tracks)
        frames = write_keypoint_files(self._keypoints_dir, tracks, stop=self._stop)
        self._log.record("track", inputs, [self._tracks_path, self._custom_path, *frames])

    def _detect(self, plan: Plan, folder: Path) -> Detections:
        if self._settings.overwrite:
            shutil.rmtree(folder, ignore_errors=True)
        with self._reporter.step("detect", plan.frame_count) as progress:

            def one(segment: Segment) -> Detections:
                path = folder / f"{segment.number:05d}.npz"
                if path.exists():
                    progress.advance(len(segment))
                    return detections_file.load(path)
                found = detect_segment(
                    self._opener, plan, segment, self.detector, stop=self._stop, progress=progress
                )  # fmt: skip
                detections_file.save(path, found)
                return found

            return Detections.concatenate(
                in_threads(one, plan.segments, self._stop, at_once=self.detector.max_sessions)
            )

    def lift(self, tracks: Tracks, checkpoint: LifterCheckpoint) -> tuple[Poses, Scene]:
        """2D tracks to 3D poses, plus the formats asked for."""
        settings = self._settings
        inputs = digest(sha256_file(self._tracks_path), checkpoint.sha256, settings.lift, settings.export)
        if self._log.is_done("lift", inputs):
            self._reporter.skipped("lift")
            return poses_file.load(self._poses_path), scene_file.load(self._scene_path)
        with self._reporter.step("lift", len(tracks.frame_index)) as progress:
            result = lift_tracks(tracks, checkpoint, settings=settings.lift, stop=self._stop, progress=progress)
            self._begin_change()
            poses_file.save(self._poses_path, result.poses)
            scene_file.save(self._scene_path, result.scene)
            exported = export(result.poses, result.scene, self._poses_path, settings.export)
            self._log.record("lift", inputs, [self._poses_path, self._scene_path, *exported])
        return result.poses, result.scene

    def render(self, plan: Plan, poses: Poses, scene: Scene) -> None:
        """Draw every segment, then join them with the source's audio."""
        inputs = digest(self._plan_digest, sha256_file(self._poses_path), scene, self._settings.render)
        if self._log.is_done("render", inputs):
            self._reporter.skipped("render")
            return
        segments = render_segments(
            self._opener, plan, poses, scene, self._work / f"render-{inputs[:16]}",
            settings=self._settings.render, reporter=self._reporter, stop=self._stop,
        )  # fmt: skip
        self._begin_change()
        with self._reporter.step("mux", None):
            mux(segments, plan=plan, source=self._opener, output=self._video_path, stop=self._stop)
            self._log.record("render", inputs, [self._video_path])
        shutil.rmtree(segments[0].path.parent)

    def _begin_change(self) -> None:
        """From here on the folder holds results of two runs: its manifest goes, until all is complete again."""
        if not self._changed:
            self.manifest_path.unlink(missing_ok=True)
            self._changed = True

    def hashes(self) -> dict[str, str]:
        """Relative path → sha256 of every result file."""
        return {name: sha for step in ("track", "lift", "render") for name, sha in self._log.files(step).items()}

    def output_files(self) -> dict[str, Path]:
        """The result files a person wants to know of, by what they are."""
        candidates = {
            "video": self._video_path,
            "poses": self._poses_path,
            "tracks": self._tracks_path,
            "custom dataset": self._custom_path,
            "keypoints": self._keypoints_dir,
        }
        return {name: path for name, path in candidates.items() if path.exists()}
