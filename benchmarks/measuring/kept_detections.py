"""What a detector finds in the shared videos, kept under `benchmarks/results/detections` for later runs."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import RESULTS, SHARED_DATA, need
from liftline import detections as detections_file
from liftline.detections import Detections
from liftline.files.atomic import write_json
from liftline.plan import Plan
from liftline.ports import Detector
from liftline.progress import FrameCounter, StopFlag
from liftline.video.opening import local_opener
from liftline.video.planning import plan_video
from liftline_detector.registry import find_detector
from liftline_detector.stage import detect_segment


@dataclass(frozen=True)
class Found:
    """Everyone whom a detector found in a video, and the processor time of the detect stage per frame, ms."""

    plan: Plan
    detections: Detections
    cpu_ms_per_frame: float


def load_detector(name: str) -> Detector:
    """The detector of that name with its default options."""
    entry = find_detector(name)
    return entry.build(entry.chosen({}))


def found_in(video: str, detector: Detector, *, keep: bool) -> Found:
    """What the detector finds in a shared video; with `keep`, what it found in an earlier run if there was one."""
    path = need(SHARED_DATA / "videos" / video)
    plan = plan_video(local_opener(path), name=video, stop=StopFlag())
    kept = RESULTS / "detections" / detector.model.name / f"{path.stem}.npz"
    cost = kept.with_suffix(".json")
    if not (keep and kept.exists() and cost.exists()):
        started = time.process_time()
        detections = Detections.concatenate(_segments(path, plan, detector))
        per_frame = 1000 * (time.process_time() - started) / plan.frame_count
        detections_file.save(kept, detections)
        write_json(cost, {"cpu_ms_per_frame": per_frame})
    return Found(plan, detections_file.load(kept), json.loads(cost.read_text("utf-8"))["cpu_ms_per_frame"])


def _segments(path: Path, plan: Plan, detector: Detector) -> list[Detections]:
    return [
        detect_segment(local_opener(path), plan, segment, detector, stop=StopFlag(), progress=FrameCounter())
        for segment in plan.segments
    ]
