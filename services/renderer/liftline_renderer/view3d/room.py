"""The 3D view's room and camera: an upright frame on the floor, and a camera that slowly swings around the people."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, hypot, pi, radians, sin

import numpy as np
from numpy.typing import NDArray

from liftline.scene import Scene, world_axes

SWING_DEG, ELEVATION_DEG = 42.0, 13.0
FOCAL_PER_SHORT_SIDE = 1.75
"""About 32 degrees across the pane's short side: a portrait lens, so that people near and far keep their size."""
TARGET_HEIGHT_M, TALLEST_M, MARGIN_M = 0.90, 2.0, 0.85
"""The height looked at; what must fit above the floor, a raised hand or a label; and around everyone's hips."""
FILLED = 0.97
"""How much of the pane people may fill."""
NEAREST_M = 0.3
"""Points closer to the 3D view's camera aren't drawn."""


@dataclass(frozen=True)
class Room:
    """A rigid change of axes from camera space to the world's (`liftline.scene.world_axes`), z = 0 being the floor.

    axes (3,3): rows are the room's axes in camera space. origin_m (3,): the room's origin in camera space.
    """

    axes: NDArray[np.float64]
    origin_m: NDArray[np.float64]

    @classmethod
    def of(cls, scene: Scene) -> Room:
        """The room of a scene; its origin is the scene's centre, moved onto the floor."""
        up, centre = np.array(scene.up), np.array(scene.centre_m)
        return cls(world_axes(scene), centre + (scene.floor_m - centre @ up) * up)

    def from_camera(self, points_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """(...,3) camera space -> (...,3) room."""
        return np.asarray((points_m - self.origin_m) @ self.axes.T, np.float64)


@dataclass(frozen=True)
class Focus:
    """What the 3D view looks at: a place on the floor (room x and y), and the radius that holds everyone around it."""

    x_m: float
    y_m: float
    radius_m: float


@dataclass(frozen=True)
class OrbitCamera:
    """A camera that looks at the focus. rows (3,3): its right, down and forward axes in the room."""

    rows: NDArray[np.float64]
    position_m: NDArray[np.float64]
    focal_px: float
    centre_px: NDArray[np.float64]
    distance_m: float

    @classmethod
    def at(cls, time_s: float, focus: Focus, *, period_s: float, width_px: int, height_px: int) -> OrbitCamera:
        """The camera at a time: it starts on the video camera's side and swings to and fro once per period."""
        yaw = radians(SWING_DEG) * sin(2 * pi * time_s / max(period_s, 1e-3))
        tilt = radians(ELEVATION_DEG)
        forward = np.array([-sin(yaw) * cos(tilt), cos(yaw) * cos(tilt), -sin(tilt)])
        right = np.array([cos(yaw), sin(yaw), 0.0])
        focal_px = FOCAL_PER_SHORT_SIDE * min(width_px, height_px)
        distance = view_distance_m(focus, focal_px=focal_px, width_px=width_px, height_px=height_px)
        target = np.array([focus.x_m, focus.y_m, TARGET_HEIGHT_M])
        rows = np.array([right, np.cross(forward, right), forward])
        centre_px = np.array([width_px / 2, height_px / 2])
        return cls(rows, target - distance * forward, focal_px, centre_px, distance)

    def see(self, points_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """(...,3) room -> (...,3): x, y in px and depth in m; px are NaN for points closer than `NEAREST_M`."""
        seen = (points_m - self.position_m) @ self.rows.T
        depth = np.where(seen[..., 2:] > NEAREST_M, seen[..., 2:], np.nan)
        return np.concatenate([seen[..., :2] / depth * self.focal_px + self.centre_px, seen[..., 2:]], axis=-1)


def view_distance_m(focus: Focus, *, focal_px: float, width_px: int, height_px: int) -> float:
    """How far back the camera stands so that everyone within the focus' radius fits, wherever they stand in it.

    Each bound is |offset across the view axis| * focal / depth <= half the pane, solved for the distance.
    """
    sine, cosine, radius = sin(radians(ELEVATION_DEG)), cos(radians(ELEVATION_DEG)), focus.radius_m
    wide, high = (2 * focal_px / (FILLED * length) for length in (width_px, height_px))
    bounds = [radius * hypot(wide, cosine) + wide * MARGIN_M]
    bounds += [
        high * abs(above * cosine - edge * sine) + edge * cosine + above * sine
        for edge in (-radius, radius)  # the far and the near edge of the circle
        for above in (-TARGET_HEIGHT_M, TALLEST_M - TARGET_HEIGHT_M)
    ]
    return max(bounds)
