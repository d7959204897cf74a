"""The 3D view's surroundings: a dark room lit from above, a floor grid that fades out, and soft shadows."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from liftline_renderer.drawing.body import Strokes, with_head
from liftline_renderer.drawing.frame_poses import FramePoses
from liftline_renderer.drawing.strokes import (
    ARC_POINTS,
    SUBPIXEL_BITS,
    Image,
    box_around,
    circles,
    fixed_point,
    hull,
    tapered,
)
from liftline_renderer.view3d.figures import TORSO_JOINTS, TORSO_RADII_M
from liftline_renderer.view3d.room import MARGIN_M, OrbitCamera, Room

WALL, FLOOR, DARK = np.array([30.0, 34.0, 42.0]), np.array([50.0, 56.0, 67.0]), np.array([13.0, 15.0, 19.0])
GRID = np.array([128.0, 142.0, 165.0])
GRID_STRENGTH = 0.55
SHADOW_SCALE = 4
"""Shadows are drawn at a fraction of the size, for softness and speed."""
SHADOW_DIRECTION = np.array([0.30, 0.22])
"""How far a point's shadow falls right and away, for every metre of height."""
SHADOW_STRENGTH, TRUNK_LEVEL, SLIM = 0.62, 185.0, 0.8
"""How dark the darkest shadow is; the trunk's level of 255; shadows' width by the body's, as blur widens them."""
LEVELS = 9


def backdrop(width_px: int, height_px: int) -> Image:
    """(H,W,3) the empty room: the same in every frame, since the camera always looks at the focus from one height.

    A fixed dither hides the banding that 8 bit gradients have.
    """
    y, x = np.mgrid[0:height_px, 0:width_px].astype(np.float32) + np.float32(0.5)
    short = min(width_px, height_px)
    x, y = (x - width_px / 2) / short, (y - height_px / 2) / short
    pool = np.exp(-((x / 0.62) ** 2 + ((y - 0.36) / 0.30) ** 2))
    glow = np.exp(-((x / 0.75) ** 2 + ((y + 0.10) / 0.55) ** 2))
    vignette = np.clip(1 - 0.30 * (x**2 + y**2), 0, 1)[..., None]
    colour = DARK + (WALL - DARK) * glow[..., None]
    colour = (colour + (FLOOR - colour) * pool[..., None]) * vignette
    dither = np.random.default_rng(7).uniform(0, 1, (height_px, width_px, 1))
    return np.asarray(np.clip(colour + dither, 0, 255), np.uint8)


def draw_grid(image: Image, camera: OrbitCamera, *, radius_m: float, step_m: float, thickness: int) -> None:
    """Draw the floor's grid lines, fading with distance from the middle of the view."""
    centre = camera.position_m[:2] + camera.rows[2, :2] * camera.distance_m
    reach = 1.9 * (radius_m + MARGIN_M)
    starts, ends = grid_pieces(centre, reach, step_m)
    seen = camera.see(np.stack([starts, ends], axis=1))
    middle = (starts + ends)[:, :2] / 2
    fade = np.clip(1 - (np.hypot(*(middle - centre).T) / reach) ** 2, 0, 1) ** 1.5
    points = seen[..., :2]
    inside = np.all(np.isfinite(points), axis=(1, 2)) & (fade > 0.02)
    on_picture = (points.max(axis=1) > 0).all(axis=1) & (points.min(axis=1) < image.shape[1::-1]).all(axis=1)
    keep = inside & on_picture
    strength = GRID_STRENGTH * min(1.0, 0.3 + min(image.shape[:2]) / 500)  # a line is a pixel wide at least
    lines, level = fixed_point(points[keep]), np.minimum((fade[keep] * LEVELS).astype(int), LEVELS - 1)
    at = np.clip(points[keep].mean(axis=1), 0, np.array(image.shape[1::-1]) - 1).astype(int)
    under = image[at[:, 1], at[:, 0]].astype(np.float64)
    for step in np.unique(level):
        chosen = level == step
        base = under[chosen].mean(axis=0)
        colour = base + (GRID - base) * strength * (step + 0.5) / LEVELS
        cv2.polylines(image, list(lines[chosen]), False, colour.tolist(), thickness, cv2.LINE_AA, SUBPIXEL_BITS)


def grid_pieces(
    centre: NDArray[np.float64], reach_m: float, step_m: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Starts and ends (N,3) of the grid's pieces, fixed to the room: each is one side of a cell within reach."""
    along = [np.arange(np.ceil((c - reach_m) / step_m), np.floor((c + reach_m) / step_m) + 1) * step_m for c in centre]
    x, y = (part.ravel() for part in np.meshgrid(*along))
    corner = np.stack([x, y, np.zeros_like(x)], axis=1)
    near = np.hypot(*(corner[:, :2] - centre).T) < reach_m
    corner = corner[near]
    starts = np.concatenate([corner, corner])
    steps = np.repeat(np.array([[step_m, 0, 0], [0, step_m, 0]]), len(corner), axis=0)
    return starts, starts + steps


def draw_shadows(image: Image, people: FramePoses, figure: Strokes, room: Room, camera: OrbitCamera) -> None:
    """Darken the floor under everyone: softly where the body is high above it, more where it touches it."""
    joints = room.from_camera(with_head(people.joints_cam_m))
    height_m = np.maximum(joints[..., 2], 0)
    shadow = joints.copy()
    shadow[..., :2] += height_m[..., None] * SHADOW_DIRECTION
    shadow[..., 2] = 0
    seen = camera.see(shadow)
    usable = np.flatnonzero(np.all(np.isfinite(seen), axis=(1, 2)))
    if not len(usable):
        return
    size = (-(-image.shape[0] // SHADOW_SCALE), -(-image.shape[1] // SHADOW_SCALE))
    sigma = 0.018 * camera.focal_px / camera.distance_m * 2.2 / SHADOW_SCALE + 0.5
    mask = np.zeros(size, np.uint8)
    box = box_around(seen[usable][..., :2] / SHADOW_SCALE, 4 * sigma + 6, mask)
    if box is None:
        return
    _fill_shadows(mask, seen[usable], height_m[usable], figure, camera)
    _darken(image, np.asarray(cv2.GaussianBlur(mask[box], (0, 0), sigma), np.uint8), box)


def _fill_shadows(
    mask: NDArray[np.uint8], seen: NDArray[np.float64], height_m: NDArray[np.float64], figure: Strokes,
    camera: OrbitCamera,
) -> None:  # fmt: skip
    """Draw flat shadows, the weakest first so that the strongest counts; seen (P,J,3) and height_m (P,J)."""
    points, scale = seen[..., :2] / SHADOW_SCALE, SLIM * camera.focal_px / seen[..., 2] / SHADOW_SCALE
    start, end = figure.start, figure.end
    radii = figure.radii_m[:, 0] * scale[:, start], figure.radii_m[:, 1] * scale[:, end]
    limbs = fixed_point(tapered(points[:, start], points[:, end], *radii)).reshape(-1, 2 * ARC_POINTS, 2)
    trunks = fixed_point(circles(points[:, TORSO_JOINTS], TORSO_RADII_M * scale[:, TORSO_JOINTS]))
    level = 235 - 80 * np.clip((height_m[:, start] + height_m[:, end]) / 2 / 1.6, 0, 1).ravel()
    shapes = [*zip(level.tolist(), limbs, strict=True), *((TRUNK_LEVEL, hull(trunk)) for trunk in trunks)]
    for strength, outline in sorted(shapes, key=lambda shape: shape[0]):
        cv2.fillConvexPoly(mask, outline, strength, cv2.LINE_8, SUBPIXEL_BITS)


def _darken(image: Image, soft: NDArray[np.uint8], box: tuple[slice, slice]) -> None:
    """Multiply the part of the picture under the small mask by what light is left."""
    rows, columns = (slice(s.start * SHADOW_SCALE, s.stop * SHADOW_SCALE) for s in box)
    part = image[rows, columns]
    left = (255 - soft * np.float32(SHADOW_STRENGTH)).astype(np.uint8)
    large = cv2.resize(left, (soft.shape[1] * SHADOW_SCALE, soft.shape[0] * SHADOW_SCALE))
    large = cv2.cvtColor(large[: part.shape[0], : part.shape[1]], cv2.COLOR_GRAY2RGB)
    part[:] = cv2.multiply(part, large, scale=1 / 255)
