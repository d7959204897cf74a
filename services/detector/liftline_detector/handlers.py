"""The detector's stages as the worker loop calls them: artifacts in, stage, artifacts out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from liftline import detections as detections_file
from liftline import plan as plan_file
from liftline.jobs.manifest import facts_of, plain
from liftline.pipeline.handler import Product, StageHandler, StageOutcome, Work
from liftline.ports import Detector, StopToken, VideoOpener
from liftline.progress import SignOfLife
from liftline.settings.machine import Settings
from liftline.video.planning import plan_video
from liftline_detector.settings import DetectorSettings, check_model, limits_of
from liftline_detector.sharing import SharedDetector, detection_slots
from liftline_detector.stage import detect_segment

_BLOCK_BYTES = 1 << 20


class PlanHandler(StageHandler):
    """Index the video's frames, cut segments; a job that needs another detector than this one ends here."""

    def __init__(self, detector: Detector, machine: Settings) -> None:
        """With the model that every segment is to be worked on with, and what this machine takes."""
        self._model, self._machine = detector.model, machine

    def __call__(self, work: Work) -> StageOutcome:
        """The plan of the task's video. Raises ModelError, InvalidVideoError, LimitExceededError, Cancelled."""
        task = work.task
        check_model(task, self._model)
        stop, limits = SignOfLife(work.stop, work.progress), limits_of(task, self._machine)
        plan = plan_video(work.video(), name=task.video_name, segment_s=task.segment_s, limits=limits, stop=stop)
        path = work.folder / "plan.npz"
        plan_file.save(path, plan)
        work.progress.advance(plan.frame_count)
        return StageOutcome(
            products=[Product("plan", path)],
            frames_done=plan.frame_count,
            models=[self._model],
            warnings=plan.warnings,
            settings={"limits": plain(limits), "segment_s": task.segment_s},
            segment_count=len(plan.segments),
            frame_count=plan.frame_count,
            video_sha256=_sha256(work.video(), stop),
            video_info_json=json.dumps(facts_of(plan), ensure_ascii=False, allow_nan=False),
        )


class DetectHandler(StageHandler):
    """Detect everyone in one segment."""

    def __init__(self, detector: Detector, settings: DetectorSettings) -> None:
        """With a detector that several threads use."""
        self._detector = detector
        self._settings: Mapping[str, object] = {
            "detector": settings.backend,
            "detector_options": plain(settings.options),
        }
        self._slots = detection_slots(detector)

    def __call__(self, work: Work) -> StageOutcome:
        """The detections of the task's segment. Raises ModelError, InvalidVideoError, Cancelled."""
        check_model(work.task, self._detector.model)
        stop = SignOfLife(work.stop, work.progress)
        plan = plan_file.load(work.input_file("plan"))
        segment = plan.segments[work.task.id.number]
        detector = SharedDetector(self._detector, self._slots, stop)
        found = detect_segment(work.video(), plan, segment, detector, stop=stop, progress=work.progress)
        path = work.folder / "detections.npz"
        detections_file.save(path, found)
        return StageOutcome(
            products=[Product("detections", path)],
            frames_done=len(segment),
            models=[self._detector.model],
            settings=self._settings,
        )


def _sha256(opener: VideoOpener, stop: StopToken) -> str:
    digest = hashlib.sha256()
    with opener() as stream:
        while block := stream.read(_BLOCK_BYTES):
            stop.raise_if_stopped()
            digest.update(block)
    return digest.hexdigest()
