"""The focal length that a video is lifted with, and where it is from."""

from __future__ import annotations

from liftline.camera import Camera, FocalLength, focal_of_view_px
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
