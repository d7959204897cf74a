"""Poses in other people's formats, one module each.

Biomechanics: joint angles, OpenSim's files, C3D. Animation: BVH, glTF, VRM. Tables: Parquet, Rerun, OpenPose, cameras.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from liftline.exports import csv_rows, json_people, npy_videopose3d, trc_markers
from liftline.exports._extras import NEEDS, missing
from liftline.exports.animation import bvh, glb, vrma
from liftline.exports.biomechanics import angle_files, angle_plots, c3d_points
from liftline.exports.options import DEFAULTS, ExportOptions
from liftline.exports.tables import calibration, openpose, parquet, rerun_recording
from liftline.poses import Poses
from liftline.scene import Scene

Exporter = Callable[[Poses, Scene, Path, ExportOptions], list[Path]]
"""Writes poses beside the given path (suffix replaced), gives the files it wrote."""


def _plain(write: Callable[[Poses, Scene, Path], list[Path]]) -> Exporter:
    """An exporter of which nothing may be chosen."""
    return lambda poses, scene, base, _: write(poses, scene, base)


EXPORTERS: Mapping[str, Exporter] = MappingProxyType(
    {
        "json": _plain(json_people.write),
        "csv": _plain(csv_rows.write),
        "npy": _plain(npy_videopose3d.write),
        "trc": trc_markers.write,
        "angles": _plain(angle_files.write),
        "angle-plots": _plain(angle_plots.write),
        "bvh": bvh.write,
        "glb": _plain(glb.write),
        "vrma": _plain(vrma.write),
        "c3d": _plain(c3d_points.write),
        "parquet": _plain(parquet.write),
        "rrd": _plain(rerun_recording.write),
        "openpose": _plain(openpose.write),
        "calibration": _plain(calibration.write),
    }
)


def check_installed(formats: Sequence[str]) -> None:
    """Before hours of work: raise UsageError where a format needs a package that isn't installed."""
    for name in formats:
        if name in NEEDS and find_spec(NEEDS[name][0]) is None:
            raise missing(name)


def export(
    poses: Poses, scene: Scene, base: Path, formats: Sequence[str], options: ExportOptions = DEFAULTS
) -> list[Path]:
    """Write every format beside `base` (`<stem>.npz`); gives all files written.

    Raises UsageError where a format needs a package that isn't installed.
    """
    return [path for name in formats for path in EXPORTERS[name](poses, scene, base, options)]
