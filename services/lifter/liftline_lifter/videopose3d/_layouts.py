"""Sets of keypoints that other people's files hold, and where Liftline's keypoints are in them.

Names are those of MMPose's data sets; a Detectron file has none, and is told by the number of its keypoints.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liftline.skeletons import (
    COCO17,
    COCO_WHOLEBODY133_JOINTS,
    COCO_WHOLEBODY133_TO_HALPE26_HANDS,
    HALPE26,
    HALPE26_HANDS,
    HALPE26_TO_HALPE26_HANDS,
    Skeleton,
    remap_joints,
)


@dataclass(frozen=True)
class Layout:
    """`count` keypoints, of which those of `skeleton` are at `sources`, -1 where there is none."""

    name: str
    count: int
    skeleton: Skeleton
    sources: tuple[int, ...]

    def keypoints(self, points_px: NDArray[np.floating]) -> NDArray[np.floating]:
        """(N,count,2) -> (N,J,2) of `skeleton`, NaN where it has none."""
        return remap_joints(points_px, self.sources, missing=np.nan)

    def scores(self, scores: NDArray[np.floating]) -> NDArray[np.floating]:
        """(N,count) -> (N,J), 0 where it has none."""
        return remap_joints(scores, self.sources, missing=0)


COCO = Layout("coco", len(COCO17), COCO17, tuple(range(len(COCO17))))
LAYOUTS: tuple[Layout, ...] = (
    COCO,
    Layout("halpe26", len(HALPE26), HALPE26_HANDS, HALPE26_TO_HALPE26_HANDS),
    Layout("coco_wholebody", len(COCO_WHOLEBODY133_JOINTS), HALPE26_HANDS, COCO_WHOLEBODY133_TO_HALPE26_HANDS),
)
BY_NAME = {layout.name: layout for layout in LAYOUTS}
BY_COUNT = {layout.count: layout for layout in LAYOUTS}
