"""The detector's stages as tasks of a job: artifacts in, stage, artifacts out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from liftline import detections as detections_file
from liftline import plan as plan_file
from liftline.errors import InvalidInputError
from liftline.files.atomic import sha256_file
from liftline.files.block_hashes import BlockRecorder
from liftline.files.range_reader import BLOCK_BYTES
from liftline.jobs.manifest import facts_of, plain
from liftline.jobs.naming import Stage, artifact
from liftline.pipeline.handler import Fingerprint, LoadedService, Product, StageHandler, StageOutcome, Work
from liftline.plan import Plan
from liftline.ports import BlockCheck, Detector, ModelInfo, StopToken
from liftline.progress import SignOfLife
from liftline.settings.machine import Settings
from liftline.v1.events_pb2 import Task
from liftline.video.opening import DEFAULT_LIMITS, VideoLimits
from liftline.video.planning import plan_video
from liftline_detector.declaration import DetectorEntry, DetectorOptions
from liftline_detector.settings import check_model, limits_of
from liftline_detector.sharing import detection_slots, holding_slot, tasks_at_once
from liftline_detector.stage import detect_segment

STAGES = (Stage.DETECT, Stage.PLAN)
"""Those first that bring a job nearer to its end."""


def detector_service(
    detector: Detector, entry: DetectorEntry, options: DetectorOptions, machine: Settings, *, asked: str
) -> LoadedService:
    """All stages with this detector, which was built with these options; `asked`: the name it was asked for by."""
    return LoadedService(
        handlers={
            Stage.PLAN: PlanHandler(detector.model, machine),
            Stage.DETECT: DetectHandler(
                detector,
                options,
                asked=asked,
                machine=machine,
                keypoints=entry.keypoints,
                warnings=entry.warnings(detector),
            ),
        },
        models=[detector.model],
        device=entry.runs_on(detector),
        at_once=tasks_at_once(detector),
    )


class PlanHandler(StageHandler):
    """Index the video's frames, cut segments; a job that needs another detector than this one ends here."""

    def __init__(self, model: ModelInfo | None, machine: Settings) -> None:
        """`model` is the one for every segment, None where nobody is to be detected; `machine` limits videos."""
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
        plan, sha256 = self._planned(work, limits, stop)
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
            video_sha256=sha256,
            video_info_json=json.dumps(facts_of(plan), ensure_ascii=False, allow_nan=False),
        )

    def _planned(self, work: Work, limits: VideoLimits, stop: StopToken) -> tuple[Plan, str]:
        """The plan and the video's hash. Every block that the plan was made from is read twice, and must be the same.

        Raises UnavailableError where one isn't: the plan has to be made anew.
        """
        task, blocks = work.task, BlockRecorder()
        try:
            plan = plan_video(
                work.video(blocks), name=task.video_name, segment_s=task.segment_s, limits=limits, stop=stop
            )  # fmt: skip
        except InvalidInputError:
            _read_again(work, blocks, stop)
            raise
        if known := _known_sha256(work):
            return plan, known
        sha256 = _sha256(work, blocks, stop)
        return replace(plan, blocks=blocks.hashes()), sha256


class DetectHandler(StageHandler):
    """Finds everyone in one segment: the detect stage as tasks."""

    def __init__(
        self, detector: Detector, options: DetectorOptions, *, asked: str, machine: Settings | None = None,
        keypoints: tuple[str, ...] = (), warnings: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """`detector` was built with `options` and is used by several threads; `asked` is the name it was chosen by.

        `keypoints` are the names of those that it can find, `warnings` what a user has to know of it.
        """
        self._warnings = tuple(warnings)
        self._detector, self._options, self._machine, self._keypoints = detector, options, machine, keypoints
        self._settings: Mapping[str, object] = {
            "detector": asked, "detector_options": plain(options), "keypoints": list(keypoints),
        }  # fmt: skip
        self._slots = detection_slots(detector)

    def fingerprint(self, task: Task) -> Fingerprint:  # noqa: ARG002 - no job chooses anything of it
        """The model, what it finds and how it is run. Options may name files, whose contents count."""
        files = [sha256_file(path) for path in self._options.files()]
        return detections_file.SCHEMA_VERSION, self._detector.model, self._keypoints, self._options, files

    def __call__(self, work: Work) -> StageOutcome:
        """The detections of the task's segment. Raises ModelError, InvalidVideoError, Cancelled."""
        check_model(work.task, self._detector.model)
        stop = SignOfLife(work.stop, work.progress)
        plan = plan_file.load(work.input_file("plan"))
        segment = plan.segments[work.task.id.number]
        limits = limits_of(work.task, self._machine) if self._machine else DEFAULT_LIMITS
        found = detect_segment(
            work.video(plan.blocks), plan, segment, self._detector, stop=stop, progress=work.progress, limits=limits,
            turn=lambda: holding_slot(self._slots, stop),
        )  # fmt: skip
        path = work.folder / "detections.npz"
        detections_file.save(path, found)
        return StageOutcome(
            products=[Product("detections", path)],
            frames_done=len(segment),
            models=[self._detector.model],
            warnings=self._warnings,
            settings=self._settings,
        )


def _known_sha256(work: Work) -> str:
    """The video's, where its reference tells; it is a file of this machine then."""
    video = artifact(work.task.inputs, "video")
    return "" if video is None else video.ref.sha256


def _sha256(work: Work, check: BlockCheck, stop: StopToken) -> str:
    """The video's, of all its bytes."""
    digest = hashlib.sha256()
    with work.video(check)() as stream:
        while block := stream.read(BLOCK_BYTES):
            stop.raise_if_stopped()
            digest.update(block)
    return digest.hexdigest()


def _read_again(work: Work, blocks: BlockRecorder, stop: StopToken) -> None:
    """The blocks for which a video was refused: perhaps they came wrong. Raises UnavailableError then."""
    with work.video(blocks)() as stream:
        for offset in blocks.offsets:
            stop.raise_if_stopped()
            stream.seek(offset)
            stream.read(1)
