"""Draws what was seen over the video: the detector's keypoints, nothing of the 3D result.

Points that are missing or hardly scored aren't drawn, nor bones that end in one; somebody who wasn't detected in a
frame isn't drawn in it. Feet, hands and face have thin bones.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from liftline.skeletons import Skeleton
from liftline_renderer.drawing.body import Bones
from liftline_renderer.drawing.frame_poses import FrameKeypoints
from liftline_renderer.drawing.labels import label_above
from liftline_renderer.drawing.overlay import HALO, OBSERVED_OPACITY, Widths
from liftline_renderer.drawing.palette import person_colours, shade
from liftline_renderer.drawing.strokes import Image, box_around, circles, fill, fixed_point, tapered

MIN_SCORE = 0.2
"""A point below it is a guess."""
BONE_RADIUS, HEAD_TOP = 0.013, 0.08
"""Half width of a bone, and room between eyes and label, in a person's height or width, whichever is more."""
FEWEST_POINTS = 2


class KeypointOverlay:
    """Draws people on video frames.

    skeleton: of their keypoints; scale: from the video's pixels to the picture's.
    """

    def __init__(self, skeleton: Skeleton, scale: float) -> None:
        self._bones, self._scale = Bones.of(skeleton), scale

    def draw(self, image: Image, people: FrameKeypoints) -> None:
        """Draw everyone onto the picture, the smallest first."""
        points_px = people.keypoints_px * self._scale
        shown = np.isfinite(points_px).all(axis=-1) & (people.scores >= MIN_SCORE)
        low, high = (np.where(shown[..., None], points_px, far) for far in (np.inf, -np.inf))
        extents_px = (high.max(axis=1) - low.min(axis=1)).max(axis=1)
        for person in np.lexsort([people.track_ids, extents_px]).tolist():
            if shown[person].sum() >= FEWEST_POINTS:
                self._draw(image, points_px[person], shown[person], extents_px[person], int(people.track_ids[person]))

    def _draw(
        self, image: Image, points_px: NDArray[np.float64], shown: NDArray[np.bool_], extent_px: float, track: int
    ) -> None:
        widths = Widths.of(image)
        radius = float(widths.clip(np.array(BONE_RADIUS * extent_px)))
        seen = points_px[shown]
        box = box_around(seen, 2 * widths.thick + 4 * widths.halo, image)
        if box is not None:
            part, corner = image[box], np.array([box[1].start, box[0].start], np.float64)
            drawn = part.copy()
            self._strokes(drawn, points_px - corner, shown, radius, widths.halo, person_colours(track).sides)
            cv2.addWeighted(drawn, OBSERVED_OPACITY, part, 1 - OBSERVED_OPACITY, 0, dst=part)
        label_above(image, track, seen, clearance_px=HEAD_TOP * extent_px)

    def _strokes(
        self, image: Image, points_px: NDArray[np.float64], shown: NDArray[np.bool_], radius: float, halo: float,
        sides: NDArray[np.float64],
    ) -> None:  # fmt: skip
        """Bones with a dark halo, then dots on the joints."""
        skeleton = self._bones
        whole = np.flatnonzero(shown[skeleton.start] & shown[skeleton.end])
        start, end = points_px[skeleton.start[whole]], points_px[skeleton.end[whole]]
        radii = radius * skeleton.width[whole]
        for outline in fixed_point(tapered(start, end, radii + halo, radii + halo)):
            fill(image, outline, HALO)
        bones = fixed_point(tapered(start, end, radii, radii))
        for outline, colour in zip(bones, sides[skeleton.side[whole]].tolist(), strict=True):
            fill(image, outline, colour)
        dots = fixed_point(circles(points_px[shown], 0.75 * radius * skeleton.joint_width[shown]))
        for outline, colour in zip(dots, shade(sides[skeleton.joint_side[shown]], 1.42).tolist(), strict=True):
            fill(image, outline, colour)
