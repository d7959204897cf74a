"""The focal length that a video is lifted with, and where it is from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liftline.camera import Camera, FocalLength, focal_of_view_px
from liftline.tracks import Tracks
from liftline_lifter.lifting.checkpoint import LifterCheckpoint

if TYPE_CHECKING:
    from liftline_lifter.lifting.lift import LiftSettings

TRAJECTORY_FOCAL_PER_WIDTH = 1.145
"""Focal length over image width of Human3.6M's cameras, which VideoPose3D's trajectory networks learned to see with."""


def focal_length(tracks: Tracks, checkpoint: LifterCheckpoint, settings: LiftSettings) -> FocalLength:
    """The one given; else the one a trajectory network was trained with; else the usual one."""
    if settings.focal_px is not None:
        return FocalLength(settings.focal_px, "given")
    if settings.fov_deg is not None:
        return FocalLength(focal_of_view_px(settings.fov_deg, tracks.width_px), "given")
    if checkpoint.trajectory_model is not None:
        return FocalLength(TRAJECTORY_FOCAL_PER_WIDTH * tracks.width_px, "network")
    return FocalLength(Camera.assumed(tracks.width_px, tracks.height_px).focal_px, "assumed")
