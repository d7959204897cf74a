"""The focal length that a video is lifted with, and where it is from."""

from __future__ import annotations

from math import inf

from liftline.camera import NARROWEST_VIEW_DEG, WIDEST_VIEW_DEG, Camera, FocalLength, focal_of_view_px
from liftline.errors import UsageError
from liftline.tracks import Tracks
from liftline_lifter.lifting.checkpoint import LifterCheckpoint

TRAJECTORY_FOCAL_PER_WIDTH = 1.145
"""Focal length over image width of Human3.6M's cameras, which VideoPose3D's trajectory networks learned to see with."""


def focal_length(
    tracks: Tracks, checkpoint: LifterCheckpoint, *, focal_px: float | None = None, fov_deg: float | None = None
) -> FocalLength:
    """The one given, in pixels or as a field of view; else a trajectory network's own; else a usual one."""
    if focal_px is not None:
        return FocalLength(focal_px, "given")
    if fov_deg is not None:
        return FocalLength(focal_of_view_px(fov_deg, tracks.width_px), "given")
    if checkpoint.trajectory_model is not None:
        return FocalLength(TRAJECTORY_FOCAL_PER_WIDTH * tracks.width_px, "network")
    return FocalLength(Camera.assumed(tracks.width_px, tracks.height_px).focal_px, "assumed")


def check_camera(focal_px: float | None, fov_deg: float | None) -> None:
    """Raise UsageError for a focal length or field of view that no camera has, or both at once."""
    if focal_px is not None and not 0 < focal_px < inf:
        raise UsageError(f"A focal length must be positive, in pixels, not {focal_px}.")
    if fov_deg is not None and not NARROWEST_VIEW_DEG <= fov_deg <= WIDEST_VIEW_DEG:
        raise UsageError(f"A field of view is {NARROWEST_VIEW_DEG:g} to {WIDEST_VIEW_DEG:g} degrees, not {fov_deg:g}.")
    if focal_px is not None and fov_deg is not None:
        raise UsageError("A focal length and a field of view both say how wide the camera sees; give one of them.")
