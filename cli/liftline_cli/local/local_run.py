"""One video on its way into one output folder, step by step, in this process.

Stages are the services' own; here is only what comes before and after them: which inputs, which files, what is
already done. Work files are named by what they were made from.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from liftline import detections as detections_file
from liftline import plan as plan_file
from liftline import poses as poses_file
from liftline import scene as scene_file
from liftline import tracks as tracks_file
from liftline.detections import Detections
from liftline.exports import export
from liftline.exports.keypoint_files import write_keypoint_files
from liftline.files.atomic import sha256_file
from liftline.plan import Plan, Segment
from liftline.ports import Detector, VideoOpener
from liftline.poses import Poses
from liftline.progress import StopFlag
from liftline.scene import Scene
from liftline.tracks import Tracks
from liftline.video.opening import local_opener
from liftline.video.planning import plan_video
from liftline_cli.console.reporting import Reporter
from liftline_cli.local.outputs import OutputPaths
from liftline_cli.local.parallel import in_threads
from liftline_cli.local.process_settings import ProcessSettings
from liftline_cli.local.rendering import render_segments
from liftline_cli.local.steps import StepLog, digest
from liftline_detector.registry import build_detector
from liftline_detector.stage import detect_segment
from liftline_lifter.lifting.checkpoint import LifterCheckpoint, bundled_checkpoint_path, load_checkpoint
from liftline_lifter.stage import lift_tracks, track_people
from liftline_lifter.videopose3d import write_custom_dataset, write_detectron_file
from liftline_renderer.encoding.mux import mux

_PARTS = {"plan": ("plan",), "track": ("detect", "track"), "lift": ("lift",), "render": ("render", "mux")}
"""What a person sees of each step that is remembered when it's finished."""


class LocalRun:
    """One video on its way into one output folder, a method per step."""

    def __init__(
        self, video: Path, output_dir: Path, *, settings: ProcessSettings, reporter: Reporter, stop: StopFlag
    ) -> None:
        """Refuse what can't work before anything is computed."""
        self._video, self._settings = video, settings
        self._reporter, self._stop = reporter, stop
        self._opener: VideoOpener = local_opener(video)
        self.paths = OutputPaths(video, output_dir)
        self.paths.check()
        self._log = StepLog(self.paths.work / "steps.json", output_dir, overwrite=settings.overwrite)
        self._recorded_warnings = 0
        self.changed = False

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

    @cached_property
    def _detect_digest(self) -> str:
        options = self._settings.detector_options
        files = [sha256_file(path) for path in options.files()]
        return digest(self._plan_digest, self.detector.model, options, files, detections_file.SCHEMA_VERSION)

    def load_lifter(self) -> LifterCheckpoint:
        """The lifter's weights; bad ones are refused before any frame is decoded."""
        return load_checkpoint(self._settings.checkpoint or bundled_checkpoint_path(), causal=self._settings.causal)

    def plan(self) -> Plan:
        """Index the frames, cut segments."""
        path = self.paths.work / f"plan-{self._plan_digest[:16]}.npz"
        if self._is_done("plan", self._plan_digest):
            return plan_file.load(path)
        with self._reporter.step("plan", None):
            plan = plan_video(
                self._opener, name=self._video.name, segment_s=self._settings.segment_s, limits=self._settings.limits,
                stop=self._stop,
            )  # fmt: skip
            plan_file.save(path, plan)
        for warning in plan.warnings:
            self._reporter.warn(warning)
        self._record("plan", self._plan_digest, [path])
        return plan

    def track(self, plan: Plan) -> Tracks:
        """Detect people in every frame, then decide who is who."""
        settings = self._settings.track
        detect = self._detect_digest
        inputs = digest(detect, settings)
        if self._is_done("track", inputs):
            return tracks_file.load(self.paths.tracks)
        found = self._detect(plan, self.paths.work / f"detect-{detect[:16]}")
        with self._reporter.step("track", plan.frame_count) as progress:
            result = track_people(
                found, plan, video=self._video.name, settings=settings, stop=self._stop, progress=progress
            )  # fmt: skip
            files = self._write_tracks(result.tracks, found)
        for warning in result.warnings:
            self._reporter.warn(warning)
        self._record("track", inputs, files)
        return result.tracks

    def _write_tracks(self, tracks: Tracks, found: Detections) -> list[Path]:
        paths = self.paths
        self._begin_change()
        tracks_file.save(paths.tracks, tracks)
        write_custom_dataset(paths.custom_dataset, tracks)
        write_detectron_file(paths.detectron_file, found, width_px=tracks.width_px, height_px=tracks.height_px)
        frames = write_keypoint_files(paths.keypoints, tracks, stop=self._stop)
        return [paths.tracks, paths.custom_dataset, paths.detectron_file, *frames]

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
        settings, paths = self._settings, self.paths
        network = (checkpoint.sha256, checkpoint.causal)
        inputs = digest(self._sha256("track", paths.tracks), network, settings.lift, settings.export)
        if self._is_done("lift", inputs):
            return poses_file.load(paths.poses), scene_file.load(paths.scene)
        with self._reporter.step("lift", len(tracks.frame_index)) as progress:
            result = lift_tracks(tracks, checkpoint, settings=settings.lift, stop=self._stop, progress=progress)
            self._begin_change()
            poses_file.save(paths.poses, result.poses)
            scene_file.save(paths.scene, result.scene)
            exported = export(result.poses, result.scene, paths.poses, settings.export)
        self._record("lift", inputs, [paths.poses, paths.scene, *exported])
        return result.poses, result.scene

    def render(self, plan: Plan, poses: Poses, scene: Scene) -> None:
        """Draw every segment, then join them with the source's audio."""
        inputs = digest(self._plan_digest, self._sha256("lift", self.paths.poses), scene, self._settings.render)
        if self._is_done("render", inputs):
            return
        segments = render_segments(
            self._opener, plan, poses, scene, self.paths.work / f"render-{inputs[:16]}",
            settings=self._settings.render, reporter=self._reporter, stop=self._stop,
        )  # fmt: skip
        self._begin_change()
        with self._reporter.step("mux", None):
            mux(segments, plan=plan, source=self._opener, output=self.paths.rendered, stop=self._stop)
        self._record("render", inputs, [self.paths.rendered])
        shutil.rmtree(segments[0].path.parent)

    def _is_done(self, step: str, inputs: str) -> bool:
        if not self._log.is_done(step, inputs):
            return False
        for part in _PARTS[step]:
            self._reporter.skipped(part)
        for warning in self._log.warnings(step):
            self._reporter.warn(warning)
        self._recorded_warnings = len(self._reporter.warnings)
        return True

    def _record(self, step: str, inputs: str, files: Sequence[Path]) -> None:
        seconds = {part: self._reporter.seconds[part] for part in _PARTS[step]}
        warnings = self._reporter.warnings[self._recorded_warnings :]
        self._log.record(step, inputs, files, seconds=seconds, warnings=warnings)
        self._recorded_warnings += len(warnings)

    def _sha256(self, step: str, path: Path) -> str:
        """The hash of a finished step's file, taken when it was written or checked."""
        return self._log.files(step)[str(path.relative_to(self.paths.root))]

    def _begin_change(self) -> None:
        """From here on the folder holds results of two runs: its manifest goes, until all is complete again."""
        if not self.changed:
            self.paths.manifest.unlink(missing_ok=True)
            self.changed = True

    def hashes(self) -> dict[str, str]:
        """Relative path → sha256 of every result file."""
        return {name: sha for step in ("track", "lift", "render") for name, sha in self._log.files(step).items()}

    def seconds(self) -> dict[str, float]:
        """How long every step took when it ran, in this run or an earlier one."""
        return {part: value for step in _PARTS for part, value in self._log.seconds(step).items()}
