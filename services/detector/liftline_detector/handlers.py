"""The detector's stages as the worker loop calls them: artifacts in, stage, artifacts out."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import BoundedSemaphore

from liftline import detections as detections_file
from liftline import plan as plan_file
from liftline.manifest import facts_of, plain
from liftline.ports import Detector, StopToken, VideoOpener
from liftline.running import SignOfLife
from liftline.settings import Settings
from liftline.video.planning import plan_video
from liftline.work import Outcome, Product, StageHandler, Work
from liftline_detector.settings import DetectorSettings, check_model, limits_of
from liftline_detector.stage import detect_segment

_BLOCK_BYTES = 1 << 20
_LOOK_S = 0.2


class PlanHandler(StageHandler):
    """Index the video's frames, cut segments; a job that needs another detector than this one ends here."""

    def __init__(self, detector: Detector, machine: Settings) -> None:
        """With the model that every segment is to be worked on with, and what this machine takes."""
        self._model, self._machine = detector.model, machine

    def __call__(self, work: Work) -> Outcome:
        """Plan."""
        task = work.task
        check_model(task, self._model)
        stop, limits = SignOfLife(work.stop, work.progress), limits_of(task, self._machine)
        plan = plan_video(work.video(), name=task.video_name, segment_s=task.segment_s, limits=limits, stop=stop)
        path = work.folder / "plan.npz"
        plan_file.save(path, plan)
        work.progress.advance(plan.frame_count)
        return Outcome(
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
    """Find everyone in one segment. As many at once as the detector allows; others wait."""

    def __init__(self, detector: Detector, settings: DetectorSettings) -> None:
        """With a detector that several threads use."""
        self._detector = detector
        self._settings: Mapping[str, object] = {
            "detector": settings.backend,
            "detector_options": plain(settings.options),
        }
        self._room = BoundedSemaphore(sessions_at_once(detector))

    def __call__(self, work: Work) -> Outcome:
        """Detect."""
        check_model(work.task, self._detector.model)
        stop = SignOfLife(work.stop, work.progress)
        plan = plan_file.load(work.input_file("plan"))
        segment = plan.segments[work.task.id.number]
        with self._session(stop):
            found = detect_segment(
                work.video(), plan, segment, self._detector, stop=stop, progress=work.progress
            )  # fmt: skip
        path = work.folder / "detections.npz"
        detections_file.save(path, found)
        return Outcome(
            products=[Product("detections", path)],
            frames_done=len(segment),
            models=[self._detector.model],
            settings=self._settings,
        )

    @contextmanager
    def _session(self, stop: StopToken) -> Iterator[None]:
        """Wait until the detector has room for one more."""
        while not self._room.acquire(timeout=_LOOK_S):
            stop.raise_if_stopped()
        try:
            yield
        finally:
            self._room.release()


def sessions_at_once(detector: Detector) -> int:
    """How many segments this process works on at a time, like local mode."""
    return detector.max_sessions or os.cpu_count() or 1


def _sha256(opener: VideoOpener, stop: StopToken) -> str:
    digest = hashlib.sha256()
    with opener() as stream:
        while block := stream.read(_BLOCK_BYTES):
            stop.raise_if_stopped()
            digest.update(block)
    return digest.hexdigest()
