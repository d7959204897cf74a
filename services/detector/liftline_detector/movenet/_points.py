"""Two models' points of one person as one set: Thunder's COCO keypoints first, then BlazePose's feet and hands.

Nothing is averaged. Where BlazePose takes left for right and Thunder doesn't, its feet or hands change sides; they go
where Thunder sees the ankle or wrist, and the further that is, the less they are believed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from liftline.skeletons import BLAZEPOSE33, BLAZEPOSE33_TO_HALPE26_HANDS, COCO17, HALPE26_HANDS, LIMB_ENDS, remap_joints
from liftline_detector.blazepose.from_landmarks import OUTSIDE_WEIGHT, inside
from liftline_detector.blazepose.landmarks import Landmarks
from liftline_detector.movenet._scores import calibrated
from liftline_detector.movenet.thunder import Reading

WITHIN = 0.02
"""Of the square's side: where the two models put the limb's end further apart than this, its points count less."""
_SIDES = ("left", "right")


def points_of(
    reading: Reading, pose: Landmarks | None, *, width: int, height: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """HALPE26_HANDS points (32,2) in pixels, NaN where missing, and their scores (32,)."""
    points = np.full((len(HALPE26_HANDS), 2), np.nan, np.float32)
    scores = np.zeros(len(HALPE26_HANDS), np.float32)
    if pose is not None:
        points, scores = _feet_and_hands(reading, pose)
    body = len(COCO17)
    outside = ~inside(np.nan_to_num(points), width=width, height=height)
    scores[outside] *= OUTSIDE_WEIGHT
    points[:body], scores[:body] = reading.keypoints_px, calibrated(reading.scores)
    return points, scores


def _feet_and_hands(reading: Reading, pose: Landmarks) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    sources = BLAZEPOSE33_TO_HALPE26_HANDS
    points = np.asarray(remap_joints(pose.points_px[np.newaxis], sources, missing=np.nan)[0], np.float32)
    seen = (pose.visibility * pose.presence)[np.newaxis]
    scores = np.asarray(remap_joints(seen, sources, missing=0)[0], np.float32)
    for joints, ends in LIMB_ENDS.items():
        ours = np.stack([reading.keypoints_px[COCO17.indices(*(f"{s}_{j}" for j in joints))] for s in _SIDES])
        theirs = np.stack([pose.points_px[BLAZEPOSE33.indices(*(f"{s}_{j}" for j in joints))] for s in _SIDES])
        places = np.stack([HALPE26_HANDS.indices(*(f"{s}_{e}" for e in ends)) for s in _SIDES])
        if _apart(ours, theirs[::-1]) < _apart(ours, theirs):
            theirs = theirs[::-1]
            points[places], scores[places] = points[places[::-1]], scores[places[::-1]]
        way = ours[:, -1] - theirs[:, -1]
        points[places] += way[:, np.newaxis]
        off = np.linalg.norm(way, axis=-1) / reading.square.size_px
        scores[places] *= np.minimum(1, WITHIN / np.maximum(off, 1e-6))[:, np.newaxis]
    return points, scores


def _apart(ours: NDArray[np.floating], theirs: NDArray[np.floating]) -> float:
    return float(np.linalg.norm(ours - theirs, axis=-1).sum())
