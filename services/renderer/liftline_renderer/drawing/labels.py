"""Track ids above people's heads: where they go, how large they are, and when there is no room for one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from liftline_renderer.drawing.lettering import plate
from liftline_renderer.drawing.palette import person_colours
from liftline_renderer.drawing.strokes import Image

LABEL_HEIGHT, MIN_LABEL_PX = 0.021, 6
"""Height of digits by the picture's shorter side; lower ones can't be read and are left out."""
MIN_PERSON = 4.0
"""A person lower than this many heights of a digit has no label: in a crowd far away they would hide everybody."""


def lettering_px(image: Image) -> int:
    """Height of digits in this picture, px; 0 where they would be too small to read."""
    height_px = round(LABEL_HEIGHT * min(image.shape[:2]) + 2)
    return height_px if height_px >= MIN_LABEL_PX else 0


def label_above(image: Image, track_id: int, joints_px: NDArray[np.float64], *, clearance_px: float) -> None:
    """Write a track id above the highest of a person's joints (J,2), with so much room between them."""
    height_px, top = lettering_px(image), joints_px[np.argmin(joints_px[:, 1])]
    if not height_px or not np.all(np.isfinite(joints_px)) or np.ptp(joints_px[:, 1]) < MIN_PERSON * height_px:
        return
    if not (0 <= top[0] < image.shape[1] and joints_px[:, 1].max() >= 0 and top[1] < image.shape[0]):
        return
    centre = (float(top[0]), float(top[1] - clearance_px - 1.2 * height_px))
    plate(image, str(track_id), centre_px=centre, height_px=height_px, colour=person_colours(track_id).label)
