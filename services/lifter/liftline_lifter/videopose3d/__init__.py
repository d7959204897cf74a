"""VideoPose3D's file format: our tracks written for it, its datasets read for us."""

from __future__ import annotations

from liftline_lifter.videopose3d.dataset import CustomSubject, read_custom_dataset, write_custom_dataset
from liftline_lifter.videopose3d.keypoints import LiftInput, is_custom_dataset, load_keypoints, tracks_from_custom

__all__ = [
    "CustomSubject",
    "LiftInput",
    "is_custom_dataset",
    "load_keypoints",
    "read_custom_dataset",
    "tracks_from_custom",
    "write_custom_dataset",
]
