"""The clip's camera in its room: world space (metres, z up) to camera space and pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liftline.camera import Camera

FOCAL_PER_HEIGHT = 777 / 480


@dataclass(frozen=True)
class View:
    """A camera at `position_m` (3,) whose rows of `rotation` (3,3) are its x, y and z axes in the world."""

    camera: Camera
    position_m: NDArray[np.float64]
    rotation: NDArray[np.float64]

    @classmethod
    def of_the_walk(cls, width_px: int, height_px: int) -> View:
        """A tripod 4.1 m from the circle's centre, at chest height, that keeps the whole figure in the picture."""
        focal_px = FOCAL_PER_HEIGHT * min(height_px, width_px * 3 / 4)
        position, target = np.array([0.0, -4.1, 1.25]), np.array([0.0, 0.0, 0.88])
        forward = (target - position) / np.linalg.norm(target - position)
        right = np.cross(forward, [0.0, 0.0, 1.0])
        right /= np.linalg.norm(right)
        down = np.cross(forward, right)
        return cls(Camera(width_px, height_px, focal_px), position, np.stack([right, down, forward]))

    def to_camera(self, points_m: NDArray[np.floating]) -> NDArray[np.float64]:
        """(...,3) world -> (...,3) camera space."""
        return np.asarray((points_m - self.position_m) @ self.rotation.T, np.float64)

    def rays(self, pixels: NDArray[np.floating]) -> NDArray[np.float64]:
        """(...,2) pixels -> (...,3) unit directions in the world."""
        slopes = self.camera.rays(pixels)
        directions = np.concatenate([slopes, np.ones_like(slopes[..., :1])], -1) @ self.rotation
        return np.asarray(directions / np.linalg.norm(directions, axis=-1, keepdims=True), np.float64)
