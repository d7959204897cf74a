"""Trackers of roboflow's `trackers` (github.com/roboflow/trackers), which looks at boxes, on a detector's people.

Not a dependency: `pip install trackers` beside Liftline to compare.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable

import numpy as np

from benchmarks.ground_truth.identity_scoring import Track
from liftline.detections import Detections
from liftline.plan import Plan

Tracker = Callable[[Detections, Plan], list[Track]]

_CLASSES = {
    "SORT": "SORTTracker",
    "ByteTrack": "ByteTrackTracker",
    "OC-SORT": "OCSORTTracker",
    "C-BIoU": "CBIoUTracker",
    "BoT-SORT": "BoTSORTTracker",
}
_WITHOUT_PICTURES = {"BoT-SORT": {"enable_cmc": False}}


def other_trackers() -> dict[str, Tracker]:
    """By name, those that need no pictures; none where `trackers` is not installed."""
    if importlib.util.find_spec("trackers") is None:
        return {}
    return {name: _tracker(name) for name in _CLASSES}


def _tracker(name: str) -> Tracker:
    def track(detections: Detections, plan: Plan) -> list[Track]:
        supervision, trackers = (importlib.import_module(module) for module in ("supervision", "trackers"))
        options = _WITHOUT_PICTURES.get(name, {})
        tracker = getattr(trackers, _CLASSES[name])(frame_rate=float(plan.info.average_rate), **options)
        rows_of: dict[int, list[int]] = {}
        for frame in range(detections.frame_stop):
            rows = np.flatnonzero(detections.frame_index == frame)
            found = supervision.Detections(
                xyxy=detections.boxes_px[rows].astype(np.float32),
                confidence=detections.scores[rows],
                class_id=np.zeros(len(rows), np.int64),
                data={"row": rows},
            )
            tracked = tracker.update(found)
            for identity, row in zip(tracked.tracker_id, tracked.data.get("row", []), strict=False):
                if identity >= 0:
                    rows_of.setdefault(int(identity), []).append(int(row))
        return [Track.of(detections.frame_index[rows], detections.keypoints_px[rows]) for rows in rows_of.values()]

    return track
