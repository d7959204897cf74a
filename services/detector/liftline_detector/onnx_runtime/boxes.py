"""Boxes around people: inside the frame, and each person once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liftline_detector.box_overlap import overlap

MOST_PEOPLE = 100
"""In one frame; of more, those with the best scores are taken."""
SMALLEST_PX = 1.0


@dataclass(frozen=True, eq=False)
class Boxes:
    """People found in a frame: boxes_px (N,4) as x1, y1, x2, y2, scores (N,) in 0..1."""

    boxes_px: NDArray[np.float32]
    scores: NDArray[np.float32]

    def __len__(self) -> int:
        """Number of them."""
        return len(self.scores)

    def take(self, which: NDArray[np.intp] | NDArray[np.bool_]) -> Boxes:
        """Those at these positions."""
        return Boxes(self.boxes_px[which], self.scores[which])


def without_repeats(
    boxes: NDArray[np.floating], scores: NDArray[np.floating], *, most_overlap: float
) -> NDArray[np.intp]:
    """Positions of boxes (N,4) that overlap none with a better score by more (non-maximum suppression), best first."""
    waiting, kept = list(np.argsort(-scores, kind="stable")), list[int]()
    while waiting and len(kept) < MOST_PEOPLE:
        best, rest = waiting[0], np.array(waiting[1:], np.intp)
        kept.append(int(best))
        waiting = list(rest[overlap(boxes[best], boxes[rest]) <= most_overlap]) if len(rest) else []
    return np.array(kept, np.intp)


def inside(boxes: NDArray[np.floating], *, width: int, height: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Boxes (N,4) cut off at the frame's edges; which of them are anything then, (N,)."""
    cut = np.asarray(np.clip(boxes, 0, (width, height, width, height)), np.float32)
    sides = cut[:, 2:] - cut[:, :2]
    there = np.isfinite(boxes).all(axis=1) & (sides >= min(SMALLEST_PX, width, height)).all(axis=1)
    return cut, np.asarray(there, np.bool_)
