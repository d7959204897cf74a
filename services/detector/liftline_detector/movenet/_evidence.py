"""Who is believed to be a person: what the two models say of somebody, over the time they are followed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liftline.skeletons import BLAZEPOSE33_TO_COCO17, COCO17
from liftline_detector.blazepose.landmarks import Landmarks
from liftline_detector.box_overlap import overlap
from liftline_detector.movenet._scores import calibrated
from liftline_detector.movenet.thunder import Reading, box_around

_LIMBS = np.arange(COCO17.index["left_shoulder"], len(COCO17))
_MIRRORED = COCO17.mirrored[_LIMBS]
_COCO = np.array(BLAZEPOSE33_TO_COCO17)
_HEAD = list(range(COCO17.index["left_shoulder"]))
_LEGS = COCO17.indices("left_knee", "right_knee", "left_ankle", "right_ankle")

SEEN = 0.3
"""Mean score of the two best keypoints of what is seen of somebody."""


@dataclass(frozen=True)
class Evidence:
    """The running mean of the support that somebody had in `frames` frames; `last_s` is the time of the last one."""

    support: float
    frames: int
    last_s: float

    @property
    def score(self) -> float:
        """The support on the scale of other detectors' scores."""
        return float(calibrated(np.array(self.support)))

    def after(self, support: float, time_s: float, *, over_s: float) -> Evidence:
        """With one more frame: a plain mean at first, then one that forgets within about `over_s`."""
        share = max(1 / (self.frames + 1), min(1.0, (time_s - self.last_s) / over_s))
        return Evidence(self.support + share * (support - self.support), self.frames + 1, time_s)


NONE = Evidence(0.0, 0, 0.0)
"""Before anybody was seen."""


def support(reading: Reading, pose: Landmarks | None, *, agreeing: float, certain: float) -> float:
    """In 0..1: the reading's strength; less where little speaks for a person.

    A third of it where neither head nor legs are seen: a sleeve with a hand. Below `certain`, less where BlazePose sees
    another pose than Thunder does: a mug may be a body to one of them, hardly ever the same one to both.
    """
    seen = max(float(np.sort(reading.scores[part])[-2:].mean()) for part in (_HEAD, _LEGS))
    strength = reading.strength if seen >= SEEN else reading.strength / 3
    if pose is None or reading.strength >= certain:
        return strength
    apart = distance(reading.keypoints_px, pose.points_px[_COCO], size_px=reading.square.size_px)
    return strength * min(1.0, agreeing / max(apart, 1e-6))


def distance(points_px: NDArray[np.floating], other_px: NDArray[np.floating], *, size_px: float) -> float:
    """Mean distance of the limbs' keypoints (17,2) of two bodies, in sizes, with sides swapped if that's closer."""
    limbs = points_px[_LIMBS]
    apart = [np.linalg.norm(limbs - other_px[joints], axis=1).mean() for joints in (_LIMBS, _MIRRORED)]
    return float(min(apart)) / max(size_px, 1e-6)


def same_box(points_px: NDArray[np.floating], other_px: NDArray[np.floating]) -> float:
    """Intersection over union of the boxes around two bodies' keypoints (17,2)."""
    return float(overlap(box_around(points_px), box_around(other_px)[np.newaxis])[0])
