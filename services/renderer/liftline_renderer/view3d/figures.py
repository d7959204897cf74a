"""The people of the 3D view as solid, shaded figures.

Every stroke is a stack of ever smaller, ever brighter shapes that move towards the light: round shading at the price
of a few polygons. Strokes are painted from far to near (painter's algorithm).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from liftline.skeletons import H36M17
from liftline_renderer.drawing.body import HEAD_STROKE, NECK_STROKE, TORSO, Strokes, with_head
from liftline_renderer.drawing.frame_poses import FramePoses
from liftline_renderer.drawing.palette import MIDDLE, person_colours, shade
from liftline_renderer.drawing.strokes import Image, circles, fill, fixed_point, hull, tapered, visible
from liftline_renderer.view3d.room import OrbitCamera, Room

LIGHT_PX = np.array([-0.52, -0.85])
"""Where the light comes from on the picture; x right, y down."""
LAYERS, LAYERS_FROM_PX = (2, 4, 6, 9, 12, 18), np.array([0.0, 2.5, 5.0, 9.0, 14.0, 26.0])
"""Layers of shading by the radius of a limb or trunk."""
LIMB_RADIUS_M, TRUNK_RADIUS_M, MIN_RADIUS_PX = 0.06, 0.12, 0.6
DARKEST, BRIGHTEST = 0.46, 1.12
INTERPOLATED_FADE, FAR_FADE = 0.55, 0.45
MIST = np.array([40.0, 45.0, 54.0])
"""Colour that far and interpolated people fade towards: the floor's."""
TORSO_JOINTS = H36M17.indices(*(name for name, _ in TORSO))
TORSO_RADII_M = np.array([radius for _, radius in TORSO])
TORSO_BACK_M = 0.04
"""The trunk is sorted this much farther than its middle, so that arms at its side are drawn over it; the
neck is behind trunk and head, which its ends go into."""


@dataclass(frozen=True)
class Shape:
    """Something to paint: its depth, and its outlines with a colour each, in painting order."""

    depth_m: float
    outlines: Sequence[NDArray[np.int32]] | NDArray[np.int32]
    colours: NDArray[np.float64]

    def paint(self, image: Image) -> None:
        """Fill its outlines into `image` (H,W,3) RGB, in place."""
        for outline, colour in zip(self.outlines, self.colours.tolist(), strict=True):
            fill(image, outline, colour)


def draw_figures(image: Image, people: FramePoses, figure: Strokes, room: Room, camera: OrbitCamera) -> None:
    """Paint everyone as this figure, sorted by depth over all people. Who comes too close to the camera is left out."""
    joints = camera.see(room.from_camera(with_head(people.joints_cam_m)))
    usable = np.all(np.isfinite(joints), axis=(1, 2))
    joints, people = joints[usable], people.only(usable)
    if not len(people):
        return
    colours = _colours(people, joints[:, 0, 2] / camera.distance_m)
    scale = camera.focal_px / joints[..., 2]
    shapes: list[Shape] = []
    for chosen, layers in _by_detail(scale[:, 0] * LIMB_RADIUS_M):
        shapes += _limbs(joints[chosen], scale[chosen], colours[chosen], figure, layers, image)
    for chosen, layers in _by_detail(scale[:, 0] * TRUNK_RADIUS_M):
        shapes += _trunks(joints[chosen], scale[chosen], colours[chosen, MIDDLE], layers, image)
    for shape in sorted(shapes, key=lambda shape: -shape.depth_m):
        shape.paint(image)


def _colours(people: FramePoses, distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """(P,3,3) colours by person and side, faded where interpolated or far: distance (P,), 1 in the view's middle."""
    colours = np.array([person_colours(int(track)).sides for track in people.track_ids])
    fade = np.clip((distance - 1) * 1.2, 0, 1) * FAR_FADE
    fade = np.where(people.observed, fade, np.maximum(fade, INTERPOLATED_FADE))
    return np.asarray(colours + (MIST - colours) * fade[:, None, None], np.float64)


@dataclass(frozen=True)
class _Layers:
    """Layers of shading, edge first: radius factor, shift towards the light (in radii) and brightness, (L,) each."""

    inset: NDArray[np.float64]
    lift: NDArray[np.float64]
    level: NDArray[np.float64]

    @classmethod
    @lru_cache
    def of(cls, count: int) -> _Layers:
        inward = np.linspace(0, 1, count)
        darkest = DARKEST + 0.3 * max(0, 1 - (count - 2) / 4)  # with few layers the edge is most of what is seen
        return cls(1 - 0.86 * inward, 0.42 * inward, darkest + (BRIGHTEST - darkest) * inward**0.62)

    def shift(self, radii: NDArray[np.float64]) -> NDArray[np.float64]:
        """(...) radii in px -> (...,L,2) how far each layer's centre moves."""
        return np.asarray((radii[..., None] * self.lift)[..., None] * LIGHT_PX, np.float64)


def _by_detail(radii_px: NDArray[np.float64]) -> Iterator[tuple[NDArray[np.bool_], _Layers]]:
    """Masks (P,) of people that are shaded with equally many layers, since all their outlines are made at once."""
    detail = np.searchsorted(LAYERS_FROM_PX, radii_px, side="right") - 1
    for level in np.unique(detail):
        yield detail == level, _Layers.of(LAYERS[level])


def _limbs(
    joints: NDArray[np.float64],
    scale: NDArray[np.float64],
    colours: NDArray[np.float64],
    figure: Strokes,
    layers: _Layers,
    image: Image,
) -> Iterator[Shape]:
    """Head, neck, arms and legs; joints (P,J,3) px, px, m; scale (P,J) px per metre; colours (P,3,3) by side."""
    start, end = joints[:, figure.start], joints[:, figure.end]
    first = np.maximum(figure.radii_m[:, 0] * scale[:, figure.start], MIN_RADIUS_PX)
    last = np.maximum(figure.radii_m[:, 1] * scale[:, figure.end], MIN_RADIUS_PX)
    outlines = tapered(
        start[..., None, :2] + layers.shift(first),
        end[..., None, :2] + layers.shift(last),
        first[..., None] * layers.inset,
        last[..., None] * layers.inset,
    )
    depth = (start[..., 2] + end[..., 2]) / 2
    around_neck = np.stack([depth[:, HEAD_STROKE], joints[:, TORSO_JOINTS, 2].mean(axis=1)]).max(axis=0)
    depth[:, NECK_STROKE] = np.maximum(depth[:, NECK_STROKE], around_neck + 2 * TORSO_BACK_M)
    near = 1 - np.clip((depth - joints[:, :1, 2]) / 1.2, -0.15, 0.35)
    lit = shade(colours[:, figure.side, None], near[..., None] * layers.level)
    shown, fixed = visible(outlines[..., 0, :, :], image), fixed_point(outlines)
    for person, stroke in np.argwhere(shown):
        yield Shape(float(depth[person, stroke]), fixed[person, stroke], lit[person, stroke])


def _trunks(
    joints: NDArray[np.float64],
    scale: NDArray[np.float64],
    colours: NDArray[np.float64],
    layers: _Layers,
    image: Image,
) -> Iterator[Shape]:
    """Trunks as hulls around shoulders, spine and hips; colours (P,3)."""
    centres = joints[:, TORSO_JOINTS, :2]
    radii = np.maximum(TORSO_RADII_M * scale[:, TORSO_JOINTS], MIN_RADIUS_PX)
    middle = centres.mean(axis=1, keepdims=True)
    towards_middle = (0.35 + 0.65 * layers.inset)[:, None]
    moved = (centres - middle)[:, :, None] * towards_middle + middle[:, :, None] + layers.shift(radii)
    rims = circles(moved, radii[..., None] * layers.inset)
    depth = joints[:, TORSO_JOINTS, 2].mean(axis=1) + TORSO_BACK_M
    lit, fixed = shade(colours[:, None], layers.level), fixed_point(rims)
    shown = visible(rims[:, :, 0].reshape(len(joints), -1, 2), image)
    for person in np.flatnonzero(shown):
        hulls = [hull(fixed[person, :, layer]) for layer in range(len(layers.inset))]
        yield Shape(float(depth[person]), hulls, lit[person])
