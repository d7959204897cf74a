"""Draws the 3D poses over the video: tapered bones, thicker and brighter where nearer, with track ids.

Interpolated poses (nothing was detected in that frame) are drawn dashed and see-through.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from liftline.camera import Camera
from liftline_renderer.alignment import set_on_keypoints
from liftline_renderer.body import BONES, side_of
from liftline_renderer.lettering import plate
from liftline_renderer.palette import PersonColours, person_colours, shade
from liftline_renderer.people import People
from liftline_renderer.strokes import Image, box_around, fill, fixed_point, tapered, visible

HALO = (14.0, 16.0, 20.0)
NEAR_M = 0.45
"""A joint this much nearer than the hip has full brightness and thickness; as much farther, the least."""
BRIGHTEST, DARKEST, THICKEST, THINNEST = 1.08, 0.56, 1.35, 0.65
JOINT_RADIUS_M = 0.026
OBSERVED_OPACITY, INTERPOLATED_OPACITY = 0.92, 0.5
DASHES = 5
LABEL_HEIGHT, MIN_LABEL_PX = 0.021, 7
"""Height of a track id by the picture's height; below this many px it is left out."""


@dataclass(frozen=True)
class _Sizes:
    """Line sizes for a picture: thinnest and thickest half bone width, halo, in px."""

    thin: float
    thick: float
    halo: float

    @classmethod
    def of(cls, image: Image) -> _Sizes:
        unit = min(image.shape[:2]) / 720
        return cls(max(0.7, 1.5 * unit), max(1.0, 8.0 * unit), max(0.5, 1.4 * unit))


class Overlay:
    """Draws people on video frames of one camera, scaled by `scale` from the video's pixels to the picture's."""

    def __init__(self, camera: Camera, scale: float) -> None:
        """Remember the camera that the roots were fitted with."""
        self._camera, self._scale = camera, scale

    def draw(self, image: Image, people: People) -> None:
        """Draw everyone onto the picture, the farthest first; who isn't wholly in front of the camera is left out."""
        joints_px = self._camera.project(people.joints_cam_m)
        placed, fit = set_on_keypoints(joints_px, people.keypoints_px, people.scores)
        placed *= self._scale
        depth_m = people.joints_cam_m[..., 2]
        for person in np.argsort(-depth_m[:, 0], kind="stable"):
            if not np.all(np.isfinite(placed[person])):
                continue
            size = self._camera.focal_px / max(depth_m[person, 0], 0.05) * fit[person] * self._scale
            near = np.clip((depth_m[person, 0] - depth_m[person]) / NEAR_M, -1, 1)
            figure = _Figure(placed[person], near, float(size), person_colours(int(people.track_ids[person])))
            figure.draw(image, observed=bool(people.observed[person]))
            figure.label(image, str(people.track_ids[person]))


@dataclass(frozen=True)
class _Figure:
    """A person in the picture: joints_px (17,2), near (17,) -1 far .. 1 near, size in px per metre."""

    joints_px: NDArray[np.float64]
    near: NDArray[np.float64]
    size: float
    colours: PersonColours

    def draw(self, image: Image, *, observed: bool) -> None:
        """Draw bones and joints, the farthest first, over the picture with the opacity that fits."""
        sizes = _Sizes.of(image)
        box = box_around(self.joints_px, 2 * sizes.thick + 4 * sizes.halo, image)
        if box is None:
            return
        part = image[box]
        drawn = part.copy()
        corner = np.array([box[1].start, box[0].start], np.float64)
        self._strokes(drawn, corner, sizes, dashed=not observed)
        opacity = OBSERVED_OPACITY if observed else INTERPOLATED_OPACITY
        cv2.addWeighted(drawn, opacity, part, 1 - opacity, 0, dst=drawn)
        part[:] = drawn

    def _strokes(self, image: Image, corner: NDArray[np.float64], sizes: _Sizes, *, dashed: bool) -> None:
        joints = self.joints_px - corner
        start, end, near = joints[BONES.start], joints[BONES.end], self.near
        level = THINNEST + (THICKEST - THINNEST) * (near + 1) / 2
        half = np.clip(BONES.radii_m * self.size, sizes.thin, sizes.thick)
        radii = half * np.stack([level[BONES.start], level[BONES.end]], axis=1)
        bone_near = (near[BONES.start] + near[BONES.end]) / 2
        colours = shade(self.colours.sides[BONES.side], DARKEST + (BRIGHTEST - DARKEST) * (bone_near + 1) / 2)
        halo = fixed_point(tapered(start, end, radii[:, 0] + sizes.halo, radii[:, 1] + sizes.halo))
        outlines = tapered(start, end, radii[:, 0], radii[:, 1])
        shown = visible(outlines, image.shape[1], image.shape[0])
        for bone in np.argsort(bone_near, kind="stable"):
            if not shown[bone]:
                continue
            colour = colours[bone].tolist()
            if dashed:
                _dashes(image, start[bone], end[bone], radii[bone], colour)
            else:
                fill(image, halo[bone], HALO)
                fill(image, fixed_point(outlines[bone]), colour)
        if not dashed:
            self._joints(image, joints, level, sizes)

    def _joints(self, image: Image, joints: NDArray[np.float64], level: NDArray[np.float64], sizes: _Sizes) -> None:
        """Small light dots where bones meet, in the colour of their side."""
        radius = np.clip(JOINT_RADIUS_M * self.size, sizes.thin, sizes.thick) * level * 0.62
        sides = [side_of(joint) for joint in range(len(joints))]
        colours = shade(self.colours.sides[sides], 1.55 - 0.25 * (1 - self.near) / 2)
        outlines = fixed_point(tapered(joints, joints, radius, radius))
        for joint in np.argsort(self.near, kind="stable"):
            fill(image, outlines[joint], colours[joint].tolist())

    def label(self, image: Image, text: str) -> None:
        """Write the track id above the head, unless the picture or the person is too small for it."""
        height_px = round(LABEL_HEIGHT * min(image.shape[:2]) + 2)
        top = self.joints_px[np.argmin(self.joints_px[:, 1])]
        low = self.joints_px[:, 1].max()
        inside = 0 <= self.joints_px[0, 0] < image.shape[1] and low > 0 and top[1] < image.shape[0]
        if height_px < MIN_LABEL_PX or low - top[1] < 4 * height_px or not inside:
            return
        centre = (float(top[0]), float(top[1] - 0.10 * self.size - 1.2 * height_px))
        plate(image, text, centre_px=centre, height_px=height_px, colour=self.colours.label)


def _dashes(
    image: Image,
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    radii: NDArray[np.float64],
    colour: list[float],
) -> None:
    """A bone as short strokes with gaps as long between them."""
    edges = np.linspace(0, 1, 2 * DASHES)
    first, last = edges[0::2, None], edges[1::2, None]
    points = (start + (end - start) * first, start + (end - start) * last)
    thickness = tuple((radii[0] + (radii[1] - radii[0]) * at[:, 0]) * 0.8 for at in (first, last))
    for outline in fixed_point(tapered(*points, *thickness)):
        fill(image, outline, colour)
