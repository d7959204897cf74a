"""MoveNet MultiPose: up to six people in a view of the picture, roughly; who is really there, Thunder decides.

Its output rows hold y, x, score of 17 COCO keypoints, the box and a score, all in parts of the view ("MoveNet
MultiPose Lightning", TensorFlow Hub, 2021).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from liftline.skeletons import COCO17
from liftline_detector.blazepose.geometry import View, crop_view
from liftline_detector.blazepose.litert import Network

INPUT_PX = 256
"""Side of the model's square input."""
MIN_SCORE = 0.15
_KEYPOINTS = 3 * len(COCO17)
_OUTPUTS = ((1, 6, _KEYPOINTS + 5),)


@dataclass(frozen=True, eq=False)
class Candidate:
    """Somebody who may be there: score in 0..1, keypoints_px (17,2) in the image."""

    score: float
    keypoints_px: NDArray[np.float32]


class PeopleFinder(Protocol):
    """Finds candidates in a view: `MultiPoseModel`, or a fake in tests."""

    def find(self, rgb: NDArray[np.uint8], view: View) -> list[Candidate]:
        """Candidates in a view of an (H, W, 3) image."""
        ...


class MultiPoseModel(PeopleFinder):
    """MoveNet MultiPose on LiteRT."""

    def __init__(self, content: bytes, *, threads: int) -> None:
        """Load the model file's bytes. Raises ModelError."""
        self._network = Network(content, name="MoveNet MultiPose", side_px=INPUT_PX, outputs=_OUTPUTS, threads=threads)

    def find(self, rgb: NDArray[np.uint8], view: View) -> list[Candidate]:
        """Candidates in a view of an (H, W, 3) image."""
        crop, scale, offset = crop_view(rgb, view, side_px=INPUT_PX)
        (rows,) = self._network(crop, (0,))
        return [candidate(row, scale, offset) for row in rows if row[-1] >= MIN_SCORE]


def candidate(row: NDArray[np.float32], scale: NDArray[np.float64], offset: NDArray[np.float64]) -> Candidate:
    """A row (56,) of the model's output, in the image: a point p of the view is at `p * scale + offset` there."""
    points = row[:_KEYPOINTS].reshape(-1, 3)[:, 1::-1]
    return Candidate(float(row[-1]), np.asarray(points * scale + offset, np.float32))
