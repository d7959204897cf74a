"""The detector's stages as tasks of a job: artifacts in, stage, artifacts out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from liftline import detections as detections_file
from liftline import plan as plan_file
from liftline.files.atomic import sha256_file
from liftline.jobs.manifest import facts_of, plain
from liftline.jobs.naming import Stage, artifact
from liftline.models.devices import resolve_device
from liftline.pipeline.handler import Fingerprint, LoadedService, Product, StageHandler, StageOutcome, Work
from liftline.ports import Detector, ModelInfo, StopToken
from liftline.progress import SignOfLife
from liftline.settings.machine import Settings
from liftline.v1.events_pb2 import Task
from liftline.video.opening import DEFAULT_LIMITS
from liftline.video.planning import plan_video
from liftline_detector.declaration import DetectorEntry, DetectorOptions
from liftline_detector.settings import check_model, limits_of
from liftline_detector.sharing import SharedDetector, detection_slots, tasks_at_once
from liftline_detector.stage import detect_segment

STAGES = (Stage.DETECT, Stage.PLAN)
"""Those first that bring a job nearer to its end."""
_BLOCK_BYTES = 1 << 20


def detector_service(
    detector: Detector, entry: DetectorEntry, options: DetectorOptions, machine: Settings, *, asked: str
) -> LoadedService:
    """All stages with this detector, which was built with these options; `asked`: the name it was asked for by."""
    return LoadedService(
        handlers={
            Stage.PLAN: PlanHandler(detector.model, machine),
            Stage.DETECT: DetectHandler(detector, options, asked=asked, machine=machine),
        },
        models=[detector.model],
        device=str(resolve_device(options.device)) if "cuda" in entry.devices else "cpu",
        at_once=tasks_at_once(detector),
    )


class PlanHandler(StageHandler):
    """Index the video's frames, cut segments; a job that needs another detector than this one ends here."""

    def __init__(self, model: ModelInfo | None, machine: Settings) -> None:
        """With the model for every segment, None where nobody is to be detected, and what this machine takes."""
        self._model, self._machine = model, machine

    def fingerprint(self, task: Task) -> Fingerprint:
        """Length of segments, what a video may cost, and the model."""
        return plan_file.SCHEMA_VERSION, task.segment_s, limits_of(task, self._machine), self._model

    def __call__(self, work: Work) -> StageOutcome:
        """The plan of the task's video. Raises ModelError, InvalidVideoError, LimitExceededError, Cancelled."""
        task = work.task
        if self._model is not None:
            check_model(task, self._model)
        stop, limits = SignOfLife(work.stop, work.progress), limits_of(task, self._machine)
        plan = plan_video(work.video(), name=task.video_name, segment_s=task.segment_s, limits=limits, stop=stop)
        path = work.folder / "plan.npz"
        plan_file.save(path, plan)
        work.progress.advance(plan.frame_count)
        return StageOutcome(
            products=[Product("plan", path)],
            frames_done=plan.frame_count,
            models=[] if self._model is None else [self._model],
            warnings=plan.warnings,
            settings={"limits": plain(limits), "segment_s": task.segment_s},
            segment_count=len(plan.segments),
            frame_count=plan.frame_count,
            video_sha256=_sha256(work, stop),
            video_info_json=json.dumps(facts_of(plan), ensure_ascii=False, allow_nan=False),
        )


class DetectHandler(StageHandler):
    """Detect everyone in one segment."""

    def __init__(
        self, detector: Detector, options: DetectorOptions, *, asked: str, machine: Settings | None = None
    ) -> None:
        """With a detector that several threads use, how it was built, and the name it was asked for by."""
        self._detector, self._options, self._machine = detector, options, machine
        self._settings: Mapping[str, object] = {"detector": asked, "detector_options": plain(options)}
        self._slots = detection_slots(detector)

    def fingerprint(self, task: Task) -> Fingerprint:  # noqa: ARG002 - no job chooses anything of it
        """The model and how it is run. Options may name files, whose contents count."""
        files = [sha256_file(path) for path in self._options.files()]
        return detections_file.SCHEMA_VERSION, self._detector.model, self._options, files

    def __call__(self, work: Work) -> StageOutcome:
        """The detections of the task's segment. Raises ModelError, InvalidVideoError, Cancelled."""
        check_model(work.task, self._detector.model)
        stop = SignOfLife(work.stop, work.progress)
        plan = plan_file.load(work.input_file("plan"))
        segment = plan.segments[work.task.id.number]
        detector = SharedDetector(self._detector, self._slots, stop)
        limits = limits_of(work.task, self._machine) if self._machine else DEFAULT_LIMITS
        found = detect_segment(work.video(), plan, segment, detector, stop=stop, progress=work.progress, limits=limits)
        path = work.folder / "detections.npz"
        detections_file.save(path, found)
        return StageOutcome(
            products=[Product("detections", path)],
            frames_done=len(segment),
            models=[self._detector.model],
            settings=self._settings,
        )


def _sha256(work: Work, stop: StopToken) -> str:
    """The video's: as its reference tells, else of its bytes."""
    video = artifact(work.task.inputs, "video")
    if video is not None and video.ref.sha256:
        return video.ref.sha256
    digest = hashlib.sha256()
    with work.video()() as stream:
        while block := stream.read(_BLOCK_BYTES):
            stop.raise_if_stopped()
            digest.update(block)
    return digest.hexdigest()
