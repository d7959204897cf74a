"""The people of the 3D view as solid, shaded figures.

Every stroke is a stack of ever smaller, ever brighter shapes that move towards the light: round shading at the price
of a few polygons. Strokes are painted from far to near (painter's algorithm).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liftline.skeletons import H36M17
from liftline_renderer.body import FIGURE, TORSO, with_head
from liftline_renderer.palette import MIDDLE, blend, person_colours, shade
from liftline_renderer.people import People
from liftline_renderer.room import OrbitCamera, Room
from liftline_renderer.strokes import Image, fill, fixed_point, rounded_hull, tapered, visible

LIGHT_PX = np.array([-0.52, -0.85])
"""Where the light comes from on the picture; x right, y down."""
LAYER_PX, MAX_LAYERS = 2.0, 10
"""One layer of shading for so many px of radius."""
DARKEST, BRIGHTEST = 0.40, 1.13
INTERPOLATED_FADE, FAR_FADE = 0.55, 0.45
MIST = np.array([40.0, 45.0, 54.0])
"""Colour that far and interpolated people fade towards: the floor's."""
TORSO_JOINTS = H36M17.indices(*(name for name, _ in TORSO))
TORSO_RADII_M = np.array([radius for _, radius in TORSO])
TORSO_BACK_M = 0.04
"""The trunk is sorted this much farther than its middle, so that arms at its side are drawn over it."""


@dataclass(frozen=True)
class Shape:
    """Something to paint: its depth, and its outlines with a colour each, in painting order."""

    depth_m: float
    outlines: tuple[NDArray[np.int32], ...]
    colours: NDArray[np.float64]

    def paint(self, image: Image) -> None:
        """Paint it."""
        for outline, colour in zip(self.outlines, self.colours.tolist(), strict=True):
            fill(image, outline, colour)


def draw_figures(image: Image, people: People, room: Room, camera: OrbitCamera) -> None:
    """Paint everyone, sorted by depth over all people. Who comes too close to the camera is left out."""
    joints = camera.see(room.from_camera(with_head(people.joints_cam_m)))
    shapes: list[Shape] = []
    for person in np.flatnonzero(np.all(np.isfinite(joints), axis=(1, 2))):
        colours = person_colours(int(people.track_ids[person])).sides
        fade = np.clip((joints[person, 0, 2] / camera.distance_m - 1) * 1.2, 0, 1) * FAR_FADE
        fade = fade if people.observed[person] else max(fade, INTERPOLATED_FADE)
        shapes += _figure(joints[person], blend(colours, MIST, float(fade)), camera, image)
    for shape in sorted(shapes, key=lambda shape: -shape.depth_m):
        shape.paint(image)


def _figure(
    joints: NDArray[np.float64], colours: NDArray[np.float64], camera: OrbitCamera, image: Image
) -> Iterator[Shape]:
    """Shapes of one person; joints (18,3) px, px, m and colours (3,3) by side."""
    scale, height, width = camera.focal_px / joints[:, 2], image.shape[0], image.shape[1]
    layers = int(np.clip(np.ceil(scale[0] * 0.06 / LAYER_PX), 2, MAX_LAYERS))
    inset, lift, level = _layers(layers)
    start, end = joints[FIGURE.start], joints[FIGURE.end]
    radii = np.stack([FIGURE.radii_m[:, 0] * scale[FIGURE.start], FIGURE.radii_m[:, 1] * scale[FIGURE.end]])
    radii = np.maximum(radii, 0.6)
    moved = lift[:, None] * LIGHT_PX
    outlines = tapered(
        start[:, None, :2] + radii[0][:, None, None] * moved,
        end[:, None, :2] + radii[1][:, None, None] * moved,
        radii[0][:, None] * inset,
        radii[1][:, None] * inset,
    )
    depth = (start[:, 2] + end[:, 2]) / 2
    shown, fixed = visible(outlines[:, 0], width, height), fixed_point(outlines)
    near = 1 - np.clip((depth - joints[0, 2]) / 1.2, -0.15, 0.35)
    for stroke in np.flatnonzero(shown):
        lit = shade(colours[FIGURE.side[stroke]], level * near[stroke])
        yield Shape(float(depth[stroke]), tuple(fixed[stroke]), lit)
    yield from _torso(joints, scale, colours[MIDDLE], image)


def _torso(
    joints: NDArray[np.float64],
    scale: NDArray[np.float64],
    colour: NDArray[np.float64],
    image: Image,
) -> Iterator[Shape]:
    centres, radii = joints[TORSO_JOINTS, :2], np.maximum(TORSO_RADII_M * scale[TORSO_JOINTS], 0.6)
    layers = int(np.clip(np.ceil(scale[0] * 0.11 / LAYER_PX), 2, MAX_LAYERS))
    inset, lift, level = _layers(layers)
    middle = centres.mean(axis=0)
    outlines = [
        rounded_hull(middle + (centres - middle) * (0.35 + 0.65 * r) + radii[:, None] * up * LIGHT_PX, radii * r)
        for r, up in zip(inset, lift, strict=True)
    ]
    if visible(outlines[0][None], image.shape[1], image.shape[0])[0]:
        depth = float(joints[TORSO_JOINTS, 2].mean()) + TORSO_BACK_M
        yield Shape(depth, tuple(fixed_point(outline) for outline in outlines), shade(colour, level))


def _layers(count: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Radius factor, shift towards the light (in radii) and brightness of each layer, edge first."""
    inward = np.linspace(0, 1, count)
    return 1 - 0.86 * inward, 0.42 * inward, DARKEST + (BRIGHTEST - DARKEST) * inward**0.62
