"""A pinhole camera: x right, y down, z forward, metres in camera space, pixels in the upright image."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, radians, tan
from typing import Literal

import numpy as np
from numpy.typing import NDArray

ASSUMED_FOCAL_PER_DIAGONAL = 0.85
"""Focal length over image diagonal where none is given: 61 degrees across the diagonal, like a phone's main camera."""


FocalSource = Literal["given", "network", "assumed"]
"""Said by the user; the one a network was trained with; a usual one."""


@dataclass(frozen=True)
class FocalLength:
    """A focal length in pixels and where it is from."""

    px: float
    source: FocalSource


def focal_of_view_px(fov_deg: float, width_px: int) -> float:
    """The focal length, in pixels, of a camera that sees so many degrees across an image of that width."""
    return width_px / 2 / tan(radians(fov_deg) / 2)


@dataclass(frozen=True)
class Camera:
    """Intrinsics without distortion; the principal point is the image's centre."""

    width_px: int
    height_px: int
    focal_px: float

    @classmethod
    def assumed(cls, width_px: int, height_px: int) -> Camera:
        """A camera with the usual field of view, for videos that don't tell theirs."""
        return cls(width_px, height_px, ASSUMED_FOCAL_PER_DIAGONAL * hypot(width_px, height_px))

    @property
    def centre_px(self) -> NDArray[np.float64]:
        """(2,) principal point."""
        return np.array([self.width_px / 2, self.height_px / 2])

    def project(self, points_m: NDArray[np.floating]) -> NDArray[np.float64]:
        """(...,3) camera space, metres -> (...,2) pixels; NaN for points not in front of the camera."""
        depth = points_m[..., 2:3]
        with np.errstate(divide="ignore", invalid="ignore"):
            xy = np.where(depth > 1e-6, points_m[..., :2] / depth, np.nan)
        return np.asarray(xy * self.focal_px + self.centre_px, np.float64)

    def rays(self, points_px: NDArray[np.floating]) -> NDArray[np.float64]:
        """(...,2) pixels -> (...,2) x/z, y/z of the ray through them."""
        return np.asarray((points_px - self.centre_px) / self.focal_px, np.float64)
