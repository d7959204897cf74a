"""Draws the 3D poses over the video: tapered bones, thicker and brighter where nearer, with track ids.

Interpolated poses (nothing was detected in that frame) are drawn dashed and see-through.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from liftline.camera import Camera
from liftline.skeletons import H36M17, Skeleton
from liftline_renderer.drawing._alignment import align_to_keypoints
from liftline_renderer.drawing.body import Bones
from liftline_renderer.drawing.frame_poses import FramePoses
from liftline_renderer.drawing.labels import label_above
from liftline_renderer.drawing.palette import person_colours, shade
from liftline_renderer.drawing.strokes import Image, box_around, circles, fill, fixed_point, tapered

HALO = (14.0, 16.0, 20.0)
NEAR_M = 0.45
"""A joint this much nearer than the hip has full brightness and thickness; as much farther, the least."""
BRIGHTEST, DARKEST, THICKEST, THINNEST = 1.08, 0.56, 1.35, 0.65
BONE_RADIUS_M, HEAD_TOP_M = 0.024, 0.17
NEAREST_M = 0.05
"""Whoever has a joint closer to the camera than this isn't drawn."""
OBSERVED_OPACITY, INTERPOLATED_OPACITY = 0.92, 0.5
DASH_PERIOD, MAX_DASHES = 5.5, 12
"""Length of a dash and its gap in half bone widths; the most dashes in a bone."""


@dataclass(frozen=True)
class Widths:
    """Line widths for a picture: thinnest and thickest half bone width, and the halo around bones, in px."""

    thin: float
    thick: float
    halo: float

    @classmethod
    def of(cls, image: Image) -> Widths:
        unit = min(image.shape[:2]) / 720
        return cls(max(0.7, 1.5 * unit), max(1.0, 8.0 * unit), max(0.5, 1.4 * unit))

    def clip(self, radii_px: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.clip(radii_px, self.thin, self.thick)


class Overlay:
    """Draws people on video frames of the camera that their roots were fitted with.

    scale: from the video's pixels to the picture's; skeleton: of their poses.
    """

    def __init__(self, camera: Camera, scale: float, skeleton: Skeleton = H36M17) -> None:
        self._camera, self._scale, self._skeleton = camera, scale, Bones.of(skeleton)

    def draw(self, image: Image, people: FramePoses) -> None:
        """Draw everyone onto the picture, the farthest first; who isn't wholly in front of the camera is left out."""
        people = people.only(people.joints_cam_m[..., 2].min(axis=1) > NEAREST_M)
        if not len(people):
            return
        projected = self._camera.project(people.joints_cam_m)
        placed, fit = align_to_keypoints(projected, people.keypoints_px, people.scores)
        depth_m = people.joints_cam_m[..., 2]
        size = self._camera.focal_px / depth_m[:, 0] * fit * self._scale
        figures = OverlayFigures.of(placed * self._scale, depth_m, size, people, Widths.of(image), self._skeleton)
        for person in np.argsort(-depth_m[:, 0], kind="stable"):
            figures.draw(image, person)
            figures.label(image, person)


@dataclass(frozen=True)
class OverlayFigures:
    """The shapes of everyone in a frame: P people, B bones, J joints, M points per outline.

    joints_px (P,J,2); size_px (P,) px per metre; near (P,B) and order by it; bones and halos (P,B,M,2) px with
    colours (P,B,3); radii (P,B,2); dots (P,J,M,2) px with dot_colours (P,J,3).
    """

    people: FramePoses
    joints_px: NDArray[np.float64]
    size_px: NDArray[np.float64]
    widths: Widths
    skeleton: Bones
    near: NDArray[np.float64]
    radii: NDArray[np.float64]
    bones: NDArray[np.float64]
    halos: NDArray[np.float64]
    colours: NDArray[np.float64]
    dots: NDArray[np.float64]
    dot_colours: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        joints_px: NDArray[np.float64],
        depth_m: NDArray[np.float64],
        size_px: NDArray[np.float64],
        people: FramePoses,
        widths: Widths,
        skeleton: Bones,
    ) -> OverlayFigures:
        """Work out shapes and colours for joints (P,J,2) px with depths (P,J) m."""
        near = np.clip((depth_m[:, :1] - depth_m) / NEAR_M, -1, 1)
        start, end = joints_px[:, skeleton.start], joints_px[:, skeleton.end]
        thickness = (THINNEST + (THICKEST - THINNEST) * (near + 1) / 2) * widths.clip(BONE_RADIUS_M * size_px)[:, None]
        first, last = (skeleton.width * thickness[:, joint] for joint in (skeleton.start, skeleton.end))
        sides = np.array([person_colours(int(track)).sides for track in people.track_ids])
        bone_near = (near[:, skeleton.start] + near[:, skeleton.end]) / 2
        return cls(
            people, joints_px, size_px, widths, skeleton, bone_near, np.stack([first, last], axis=-1),
            bones=tapered(start, end, first, last),
            halos=tapered(start, end, first + widths.halo, last + widths.halo),
            colours=shade(sides[:, skeleton.side], DARKEST + (BRIGHTEST - DARKEST) * (bone_near + 1) / 2),
            dots=circles(joints_px, 0.62 * thickness * skeleton.joint_width),
            dot_colours=shade(sides[:, skeleton.joint_side], 1.42 + 0.13 * near),
        )  # fmt: skip

    def draw(self, image: Image, person: int) -> None:
        """Draw a person's bones and joints over the picture, with the opacity that fits."""
        box = box_around(self.joints_px[person], 2 * self.widths.thick + 4 * self.widths.halo, image)
        if box is None:
            return
        part, corner = image[box], np.array([box[1].start, box[0].start], np.float64)
        drawn = part.copy()
        if self.people.observed[person]:
            self._solid(drawn, person, corner)
            opacity = OBSERVED_OPACITY
        else:
            self._dashed(drawn, person, corner)
            opacity = INTERPOLATED_OPACITY
        cv2.addWeighted(drawn, opacity, part, 1 - opacity, 0, dst=drawn)
        part[:] = drawn

    def _solid(self, image: Image, person: int, corner: NDArray[np.float64]) -> None:
        """Bones with a dark halo, the farthest first, then dots on the joints."""
        halos, bones = fixed_point(self.halos[person] - corner), fixed_point(self.bones[person] - corner)
        colours = self.colours[person].tolist()
        for bone in np.argsort(self.near[person], kind="stable"):
            fill(image, halos[bone], HALO)
            fill(image, bones[bone], colours[bone])
        for dot, colour in zip(fixed_point(self.dots[person] - corner), self.dot_colours[person].tolist(), strict=True):
            fill(image, dot, colour)

    def _dashed(self, image: Image, person: int, corner: NDArray[np.float64]) -> None:
        joints = self.joints_px[person] - corner
        for bone in np.argsort(self.near[person], kind="stable"):
            ends = joints[self.skeleton.start[bone]], joints[self.skeleton.end[bone]]
            for dash in dashes(*ends, self.radii[person, bone]):
                fill(image, fixed_point(dash), self.colours[person, bone].tolist())

    def label(self, image: Image, person: int) -> None:
        """Write the track id above the head, unless the picture or the person is too small for it."""
        label_above(
            image,
            int(self.people.track_ids[person]),
            self.joints_px[person],
            clearance_px=HEAD_TOP_M * float(self.size_px[person]),
        )


def dashes(start: NDArray[np.float64], end: NDArray[np.float64], radii: NDArray[np.float64]) -> NDArray[np.float64]:
    """A bone, (2,) to (2,) px with radii (2,), as (N,M,2) outlines of short strokes with gaps between them."""
    count = int(np.clip(np.hypot(*(end - start)) / (DASH_PERIOD * radii.mean() + 1e-9), 1, MAX_DASHES))
    edges = np.linspace(0, 1, 2 * count)
    first, last = edges[0::2], edges[1::2]
    along, growth = (end - start)[None], radii[1] - radii[0]
    return tapered(
        start + along * first[:, None],
        start + along * last[:, None],
        0.8 * (radii[0] + growth * first),
        0.8 * (radii[0] + growth * last),
    )
