"""From a surface to a picture: materials, a painted face, sun and sky, the room behind and the shadow on its floor.

What detectors need was found by trying: distinct skin and clothes, and a face or hair. The rest is for people's eyes.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from liftline_demo.mannequin.figure import Body, Material
from liftline_demo.mannequin.gait import SIDES, Pose
from liftline_demo.mannequin.raymarch import Surface
from liftline_demo.mannequin.view import View

Picture = NDArray[np.float64]
"""(H,W,3) RGB in 0..1."""

SUN = np.array([-0.45, -0.60, 0.75]) / np.linalg.norm([-0.45, -0.60, 0.75])
COLOURS = np.array([[0.15, 0.25, 0.55], [0.16, 0.18, 0.22], [0.86, 0.66, 0.55], [0.18, 0.12, 0.08], [0.14, 0.12, 0.12]])
WALL_Y_M = 2.2
SHADOW_PX_PER_M, SHADOW_EXTENT_M = 200, 2.0
GRAIN = 0.008


@dataclass(frozen=True)
class EmptyRoom:
    """The empty room: its picture, where the floor is (H,W) and the place every pixel shows (H,W,3), metres."""

    picture: Picture
    is_floor: NDArray[np.bool_]
    places_m: NDArray[np.float64]


def room(view: View, *, seed: int) -> EmptyRoom:
    """A tiled floor and a plastered wall, their texture drawn from `seed`."""
    height, width = view.camera.height_px, view.camera.width_px
    rows, columns = np.mgrid[0:height, 0:width]
    rays = view.rays(np.stack([columns, rows], -1) + 0.5)
    to_floor = np.where(rays[..., 2] < -1e-6, view.position_m[2] / np.maximum(-rays[..., 2], 1e-6), np.inf)
    to_wall = (WALL_Y_M - view.position_m[1]) / rays[..., 1]
    is_floor = to_floor < to_wall
    places = view.position_m + rays * np.minimum(to_floor, to_wall)[..., None]
    x, y, z = np.moveaxis(places, -1, 0)
    floor = np.array([0.62, 0.56, 0.50]) * (1.05 - 0.06 * np.hypot(x, y))[..., None]
    wall = np.array([0.76, 0.80, 0.80]) * (1 - 0.10 * np.abs(x) + 0.05 * (z - 1.5))[..., None]
    picture = np.where(is_floor[..., None], floor, wall)
    texture = _noise(places, 4.0, seed) + 0.5 * _noise(places, 15.0, seed + 1)
    picture *= 1 + 0.06 * texture[..., None]
    picture[is_floor & (np.abs((x / 0.25) % 1 - 0.5) > 0.48)] *= 0.85
    picture[~is_floor & (z < 0.10)] *= 1.15
    return EmptyRoom(np.clip(picture, 0, 1), is_floor, places)


def paint(surface: Surface, body: Body, pose: Pose, view: View, empty: EmptyRoom, *, seed: int) -> NDArray[np.uint8]:
    """(H,W,3) uint8: the figure in its room; `seed` draws the film grain."""
    picture = empty.picture * (1 - 0.5 * _shadow(body, pose, empty))[..., None]
    colour = np.clip(_skin_and_cloth(surface, pose) * _light(surface)[:, None], 0, 1)
    cover = surface.coverage[:, None]
    where = surface.rows, surface.columns
    picture[where] = picture[where] * (1 - cover) + colour * cover
    softness = 0.5 * min(view.camera.height_px / 480, 1.0)
    grain = np.random.default_rng(seed).standard_normal(picture.shape) * GRAIN
    return np.asarray(np.clip(cv2.GaussianBlur(picture, (0, 0), softness) + grain, 0, 1) * 255, np.uint8)


def _light(surface: Surface) -> NDArray[np.float64]:
    """(N,) brightness: sun with soft shadows, and a sky that is brighter above, dimmed in folds."""
    sun = np.clip(surface.normals @ SUN, 0, 1) * surface.sunlight
    return np.asarray(0.78 * sun + (0.41 + 0.11 * surface.normals[:, 2]) * surface.openness, np.float64)


def _skin_and_cloth(surface: Surface, pose: Pose) -> NDArray[np.float64]:
    """(N,3) RGB before lighting."""
    colour = COLOURS[surface.materials]
    on_body = (surface.points_m - pose.points["pelvis"]) @ pose.frames["torso"]
    cloth = np.flatnonzero(surface.materials <= Material.TROUSERS)
    weave = 0.20 * _noise(on_body[cloth], 22.0, 5) + 0.10 * _noise(on_body[cloth], 60.0, 6)
    colour[cloth] *= 1 + weave[:, None]
    on_head = (surface.points_m - pose.points["head"]) @ pose.frames["head"]
    ahead, left, up = on_head.T
    face = np.flatnonzero(
        (surface.materials == Material.SKIN) & (ahead > 0.03) & (np.abs(left) < 0.075) & (up > -0.13) & (up < 0.15)
    )
    colour[face] = _painted_face(colour[face], np.abs(left[face]), up[face])
    return colour


def _painted_face(colour: NDArray[np.float64], aside: NDArray[np.float64], up: NDArray[np.float64]) -> Picture:
    """Eye sockets, whites, pupils, brows, lips, their line, nostrils; `aside`, `up` (N,) metres in the head's frame."""
    eye = aside - 0.032

    def oval(across: NDArray[np.float64], width: float, centre: float, height: float) -> NDArray[np.float64]:
        return np.asarray((across / width) ** 2 + ((up - centre) / height) ** 2, np.float64)

    def sharp(radius: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.clip(2 - 2 * radius, 0, 1)

    layers = (
        (0.35 * np.exp(-oval(eye, 0.022, 0.010, 0.016)), (0.40, 0.25, 0.20)),
        (sharp(oval(eye, 0.015, 0.006, 0.008)), (0.92, 0.90, 0.88)),
        (sharp(oval(eye, 0.0075, 0.006, 0.0075)), (0.18, 0.12, 0.08)),
        (sharp(oval(eye, 0.022, 0.030, 0.0055)), (0.22, 0.15, 0.10)),
        (sharp(oval(aside, 0.027, -0.072, 0.009)), (0.70, 0.35, 0.35)),
        (0.6 * np.exp(-oval(aside, 0.024, -0.072, 0.0018)), (0.30, 0.12, 0.15)),
        (0.4 * np.exp(-oval(aside - 0.009, 0.005, -0.047, 0.004)), (0.30, 0.15, 0.10)),
    )
    for weight, paint_colour in layers:
        colour = colour * (1 - weight[:, None]) + np.array(paint_colour) * weight[:, None]
    return colour


def _shadow(body: Body, pose: Pose, empty: EmptyRoom) -> NDArray[np.float64]:
    """(H,W) 0..1: the body drawn on the floor along the sun's rays and blurred, darker under the feet."""
    scale, extent = SHADOW_PX_PER_M, SHADOW_EXTENT_M
    plan = np.zeros((int(2 * extent * scale),) * 2, np.uint8)
    starts = np.concatenate([body.starts_m, body.centres_m]) + body.origin_m
    ends = np.concatenate([body.ends_m, body.centres_m]) + body.origin_m
    radii = np.concatenate([body.radii_m.mean(axis=1), np.sort(body.semi_axes_m)[:, 1]])
    for start, end, radius in zip(_on_floor(starts), _on_floor(ends), radii, strict=True):
        cv2.line(plan, start.tolist(), end.tolist(), 255, max(1, round(2 * float(radius) * scale)), cv2.LINE_AA)
    blurred = cv2.GaussianBlur(plan, (0, 0), 6)
    x, y = (((empty.places_m[..., axis] + extent) * scale).astype(np.float32) for axis in (0, 1))
    shadow = cv2.remap(blurred, x, y, cv2.INTER_LINEAR).astype(np.float64) / 255
    for side in SIDES:
        foot = 0.6 * pose.points[f"{side.name}_ball"] + 0.4 * pose.points[f"{side.name}_heel"]
        away = np.hypot(empty.places_m[..., 0] - foot[0], empty.places_m[..., 1] - foot[1])
        contact = 0.9 * max(0.0, 1 - max(0.0, foot[2] - 0.04) / 0.15)
        shadow = np.maximum(shadow, contact * np.exp(-((away / 0.12) ** 2)))
    return np.where(empty.is_floor, shadow, 0.0)


def _on_floor(points_m: NDArray[np.float64]) -> NDArray[np.int32]:
    """(P,3) -> (P,2) pixels of the shadow's plan."""
    fallen = points_m[:, :2] - SUN[:2] * (points_m[:, 2:] / SUN[2])
    return np.asarray((fallen + SHADOW_EXTENT_M) * SHADOW_PX_PER_M, np.int32)


def _noise(points_m: NDArray[np.floating], per_m: float, seed: int) -> NDArray[np.float64]:
    """(...,3) -> (...) smooth noise in -1..1: six plane waves."""
    rng = np.random.default_rng(seed)
    waves, shifts = rng.standard_normal((6, 3)) * per_m, rng.uniform(0, 2 * np.pi, 6)
    return np.asarray(np.sin(points_m @ waves.T + shifts).mean(axis=-1), np.float64)
