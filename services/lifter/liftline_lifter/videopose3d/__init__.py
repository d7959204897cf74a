"""VideoPose3D's and Detectron's file formats: ours written for them, theirs read for us."""

from __future__ import annotations

from liftline_lifter.videopose3d.dataset import CustomSubject, read_custom_dataset, write_custom_dataset
from liftline_lifter.videopose3d.detectron import DetectronFile, read_detectron_file, write_detectron_file
from liftline_lifter.videopose3d.lift_input import (
    LiftInput,
    load_keypoints,
    tracks_from_custom,
    tracks_from_detectron,
)

__all__ = [
    "CustomSubject",
    "DetectronFile",
    "LiftInput",
    "load_keypoints",
    "read_custom_dataset",
    "read_detectron_file",
    "tracks_from_custom",
    "tracks_from_detectron",
    "write_custom_dataset",
    "write_detectron_file",
]
