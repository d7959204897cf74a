"""Somebody as the session knows them; from that to `People`, and to where BlazePose should look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liftline.detections import People
from liftline.skeletons import COCO17, HALPE26_HANDS
from liftline_detector.blazepose.from_landmarks import CROWN, MARGIN
from liftline_detector.blazepose.geometry import REGION_SCALE, Region
from liftline_detector.blazepose.landmarks import Landmarks
from liftline_detector.movenet._evidence import Evidence
from liftline_detector.movenet._points import points_of
from liftline_detector.movenet.thunder import Reading

_EARS = COCO17.indices("left_ear", "right_ear")
_SHOULDERS = COCO17.indices("left_shoulder", "right_shoulder")
_HIPS = COCO17.indices("left_hip", "right_hip")
_ENDS = COCO17.indices("nose", "left_ankle", "right_ankle")
_LEAST_SCORE = 0.1
_BEYOND_JOINTS = 1.15
"""The circle around the body is larger than the one around nose and ankles."""


@dataclass(frozen=True, eq=False)
class Person:
    """Somebody in the current frame.

    Attributes:
        reading: Thunder's.
        pose: BlazePose's, if it sees them.
        number: BlazePose's session's, None for whom Thunder follows alone.
        evidence: that this is a person.
    """

    reading: Reading
    pose: Landmarks | None
    number: int | None
    evidence: Evidence


def to_people(people: Sequence[Person], *, width: int, height: int) -> People:
    """Everyone in one frame; a person's score is the mean of what supports that they are there."""
    if not people:
        return People.empty(HALPE26_HANDS)
    found = [points_of(p.reading, p.pose, width=width, height=height) for p in people]
    return People(
        np.stack([box(points, scores, width=width, height=height) for points, scores in found]),
        np.array([p.evidence.score for p in people], np.float32),
        np.stack([points for points, _ in found]),
        np.stack([scores for _, scores in found]),
        HALPE26_HANDS,
    )


def box(points_px: NDArray[np.float32], scores: NDArray[np.float32], *, width: int, height: int) -> NDArray[np.float32]:
    """(4,) x1, y1, x2, y2 around the points (32,2) that are seen and the crown of the head, clipped to the image."""
    ears, shoulders = points_px[_EARS].mean(axis=0), points_px[_SHOULDERS].mean(axis=0)
    seen = points_px[scores >= _LEAST_SCORE]
    around = np.vstack([seen, ears + CROWN * (ears - shoulders)]) if len(seen) else points_px[: len(COCO17)]
    low, high = around.min(axis=0), around.max(axis=0)
    margin = MARGIN * (high - low).max()
    limit = np.array([width, height, width, height], np.float32)
    return np.asarray(np.clip(np.concatenate([low - margin, high + margin]), 0, limit), np.float32)


def region_of(keypoints_px: NDArray[np.floating]) -> Region:
    """The region for BlazePose's landmark model around somebody with these COCO keypoints (17,2)."""
    hips, shoulders = keypoints_px[_HIPS].mean(axis=0), keypoints_px[_SHOULDERS].mean(axis=0)
    radius = _BEYOND_JOINTS * float(np.linalg.norm(keypoints_px[_ENDS] - hips, axis=1).max())
    dx, dy = (float(v) for v in shoulders - hips)
    return Region(float(hips[0]), float(hips[1]), 2 * REGION_SCALE * max(radius, 1.0), float(np.arctan2(dx, -dy)))
