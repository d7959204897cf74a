"""Poses in other people's formats: JSON, CSV, VideoPose3D's npy, OpenSim's trc."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from liftline.exports import csv_rows, json_people, npy_videopose3d, trc_markers
from liftline.poses import Poses
from liftline.scene import Scene

Exporter = Callable[[Poses, Scene, Path], list[Path]]
"""Writes poses beside the given path (suffix replaced), gives the files it wrote."""

EXPORTERS: Mapping[str, Exporter] = MappingProxyType(
    {
        "json": json_people.write,
        "csv": csv_rows.write,
        "npy": npy_videopose3d.write,
        "trc": trc_markers.write,
    }
)


def export(poses: Poses, scene: Scene, base: Path, formats: Sequence[str]) -> list[Path]:
    """Write every format beside `base` (`<stem>.npz`); gives all files written."""
    return [path for name in formats for path in EXPORTERS[name](poses, scene, base)]
