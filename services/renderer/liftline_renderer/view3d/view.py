"""The 3D view: everyone in place in an upright room, seen by a camera that slowly swings around them."""

from __future__ import annotations

import numpy as np

from liftline.poses import Poses
from liftline.scene import Scene
from liftline_renderer.drawing.body import figure_of
from liftline_renderer.drawing.frame_poses import FramePoses
from liftline_renderer.drawing.labels import label_above, lettering_px
from liftline_renderer.drawing.lettering import write
from liftline_renderer.drawing.strokes import Image
from liftline_renderer.view3d._floor import backdrop, draw_grid, draw_shadows
from liftline_renderer.view3d._focus import FocusPath
from liftline_renderer.view3d.figures import draw_figures
from liftline_renderer.view3d.room import OrbitCamera, Room

CLOCK_COLOUR = (138.0, 148.0, 164.0)
HEAD_TOP_M = 0.10
WIDE_VIEW_M = 1.7
"""Beyond this radius the grid has cells of one metre instead of half a metre."""


class View3D:
    """Draws the 3D view of one video; a picture depends on the people and the time alone."""

    def __init__(self, poses: Poses, scene: Scene, *, width_px: int, height_px: int) -> None:
        """Draw what never changes, and find out where to look over the whole video."""
        self._room, self._figure = Room.of(scene), figure_of(poses.skeleton)
        self._path = FocusPath(poses, scene, self._room)
        self._period_s = scene.turntable_period_s
        self._backdrop = backdrop(width_px, height_px)
        self._step_m = 0.5 if self._path.widest_m < WIDE_VIEW_M else 1.0

    def draw(self, image: Image, people: FramePoses, time_s: float) -> None:
        """Draw the view at `time_s` seconds into `image` (H,W,3) RGB, which it fills."""
        height, width = image.shape[:2]
        focus = self._path.at(time_s)
        camera = OrbitCamera.at(time_s, focus, period_s=self._period_s, width_px=width, height_px=height)
        image[:] = self._backdrop
        thickness = max(1, round(min(width, height) / 900))
        draw_grid(image, camera, radius_m=focus.radius_m, step_m=self._step_m, thickness=thickness)
        if len(people):
            draw_shadows(image, people, self._figure, self._room, camera)
            draw_figures(image, people, self._figure, self._room, camera)
        if height_px := lettering_px(image):
            self._labels(image, people, camera)
            margin = round(1.6 * height_px)
            top = height - margin - height_px
            write(image, clock(time_s), left=margin, top=top, height_px=height_px, colour=CLOCK_COLOUR)

    def _labels(self, image: Image, people: FramePoses, camera: OrbitCamera) -> None:
        """Track ids over all figures, the nearest person's last."""
        seen = camera.see(self._room.from_camera(people.joints_cam_m))
        for person in np.argsort(-seen[:, 0, 2], kind="stable"):
            clearance_px = HEAD_TOP_M * camera.focal_px / seen[person, 0, 2]
            label_above(image, int(people.track_ids[person]), seen[person, :, :2], clearance_px=clearance_px)


def clock(time_s: float) -> str:
    """Minutes, seconds and hundredths, as in 1:05.20."""
    hundredths = max(0, int(time_s * 100 + 0.5))
    return f"{hundredths // 6000}:{hundredths // 100 % 60:02d}.{hundredths % 100:02d}"
